"""Which existing bounds are drawn and compared with, and how they look."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from hnlstat.config.base import Section, UserPath, problem
from hnlstat.config.sections import Level, existing_file

LINES = Literal["solid", "dashed", "dotted", "dashdot"]


def _list_or_all(value: object) -> object:
    if value != "all" and not isinstance(value, list | tuple):
        raise ValueError("is neither all nor a list of curves")
    return value


class Style(Section):
    """
    Name and look of a curve.

    Attributes
    ----------
    label, color, line
        In the legend; what is None is as for others of its kind.
    """

    label: str | None = None
    color: str | None = None
    line: LINES | None = None


class BoundChoice(Section):
    """
    Bounds to draw and to compare with.

    Attributes
    ----------
    folder
        Of hnlstat/data, with the curves that come with hnlstat, those on the coupling of the model:
        as their authors have them, or as arXiv:2412.15051 drew them.
    curves, without
        Curves that come with hnlstat, by name or all of them, and those left out.
    files
        The user's own curves; their names are those of the files without suffix.
    projections
        Whether what experiments still to come would exclude is shown, too.
    level
        Level to rescale bounds to, where their files say how; None: each at its own.
    style
        Labels, colours and lines by the curves' names.
    """

    folder: Literal["bounds", "bounds_published"] = "bounds"
    curves: Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(_list_or_all)]
    without: tuple[str, ...]
    files: tuple[Annotated[UserPath, AfterValidator(existing_file)], ...]
    projections: bool = True
    level: Level | None
    style: dict[str, Style]

    @property
    def named(self) -> frozenset[str]:
        """Names of the curves that were asked for, not taken as all of them."""
        own = {path.stem for path in self.files}
        return frozenset(own if self.curves == "all" else own.union(self.curves))

    def shows(self, status: str) -> bool:
        """Whether curves of a status are chosen."""
        return self.projections or status != "projected"

    @model_validator(mode="after")
    def _file_names_differ(self) -> Self:
        names = [path.stem for path in self.files]
        for name in names:
            if names.count(name) > 1:
                raise problem("files", f"two files have the name {name}")
        return self

    @model_validator(mode="after")
    def _colours_exist(self) -> Self:
        for name, style in self.style.items():
            if style.color is not None and not _is_colour(style.color):
                raise problem(
                    f"style.{name}.color", f"{style.color} is no colour; write red or '#0072B2'"
                )
        return self


def _is_colour(value: str) -> bool:
    from matplotlib.colors import is_color_like  # slow to load, and seldom needed

    return bool(is_color_like(value))
