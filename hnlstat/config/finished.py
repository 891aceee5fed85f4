"""What tasks on finished runs have: the folder of the run, and which figures there are."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from hnlstat.config.base import Section, UserPath, suggest

FIGURES = (
    "contours", "plane", "fit", "pulls", "spectrum", "explained", "requirements", "compare",
    "coverage", "yields", "brazil", "production", "decay_length", "vertices",
)  # fmt: skip
"""What task=figures draws."""


def known_figures(value: object) -> object:
    """Refuse what names no figure."""
    if isinstance(value, str) and value in FIGURES:
        raise ValueError(f"is not a list; write [{value}]")
    if not isinstance(value, str | list | tuple) or value in ([], ()):
        raise ValueError(f"is neither all nor a list of {', '.join(FIGURES)}")
    for name in [value] if isinstance(value, str) else value:
        if name not in FIGURES and value != "all":
            raise ValueError(f"has {name}; {suggest(str(name), FIGURES)}")
    return value


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
