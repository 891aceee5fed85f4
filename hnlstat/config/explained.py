"""Other data that test what a fit prefers, for task=explained."""

import re
from typing import Annotated

from pydantic import AfterValidator

from hnlstat.config.base import Section
from hnlstat.config.quantities import NotEmpty

OF_DATA = ("detector", "exposure", "flux", "search", "datasets")
"""What other data may differ in; all else is that of the fit."""


def _of_data(value: str) -> str:
    key = re.split("[=.@]", value.lstrip("+~"), maxsplit=1)[0]
    if key not in OF_DATA:
        raise ValueError(
            f"is not one of {', '.join(OF_DATA)}, in which a test may differ from the fit; all "
            "else is that of the fit"
        )
    return value


class OtherData(Section):
    """
    Data that test what a fit prefers.

    They are searched for N of the fit's model, on its grid, at its `inference.levels` and `sigmas`.

    Attributes
    ----------
    label
        What they are called in the figure and in words; None: by their datasets and searches.
    overrides
        What makes their datasets of the default study, as on the command line.
    """

    label: str | None = None
    overrides: Annotated[tuple[Annotated[str, AfterValidator(_of_data)], ...], NotEmpty]
