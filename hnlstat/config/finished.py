"""What tasks on finished runs have: the folder of the run."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from hnlstat.config.base import Section, UserPath


def _named(value: Path | None) -> Path | None:
    if value is None:
        raise ValueError("is no folder; give that of a finished run: task.folder=runs/...")
    return value


class OfFinished(Section):
    """
    A task on the files of a finished run.

    Attributes
    ----------
    folder
        Of the run; results go there, too.
    """

    folder: Annotated[UserPath | None, AfterValidator(_named)]
