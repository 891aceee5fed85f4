"""How figures look, and in which units their axes are."""

from importlib.util import find_spec
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator

from hnlstat.config.base import Section, suggest
from hnlstat.config.coupling import CouplingAxis
from hnlstat.errors import ConfigError

OwnStyle = Literal["column", "double_column", "slides"]
ExperimentStyle = Literal["ALICE", "ATLAS", "CMS", "DUNE", "LHCb", "ROOT"]
EXPERIMENTS: tuple[ExperimentStyle, ...] = get_args(ExperimentStyle)
"""Styles that mplhep has."""

DIPOLE = "dipole coupling"
"""Noun of the couplings that are a magnetic moment, too."""

STYLES = *get_args(OwnStyle), *EXPERIMENTS
MASS_AXES = "MeV", "GeV"
COUPLING_AXES = "d", "mu_tr", "mu_B"


def _one_of(options: tuple[str, ...]) -> BeforeValidator:
    def read(value: object) -> object:
        if value is not None and value not in options:
            raise ValueError(f"is none; {suggest(str(value), options)}")
        return value

    return BeforeValidator(read)


class Report(Section):
    """
    How figures look. None: as the run had it that is drawn again, else the first option.

    Attributes
    ----------
    style
        For a journal's column or two of them, for slides, or as figures of an experiment.
    mass_axis
        Unit of axes of masses.
    coupling_axis
        What axes of a dipole coupling show: d, the transition magnetic moment mu_tr = 2 d, or this
        in Bohr magnetons.
    """

    style: Annotated[OwnStyle | ExperimentStyle | None, _one_of(STYLES)] = None
    mass_axis: Annotated[Literal["MeV", "GeV"] | None, _one_of(MASS_AXES)] = None
    coupling_axis: Annotated[Literal["d", "mu_tr", "mu_B"] | None, _one_of(COUPLING_AXES)] = None

    def over(self, other: Self) -> Self:
        """Take from another what this leaves open."""
        return other.replace(**{k: v for k, v in self.model_dump().items() if v is not None})

    def check(self, axis: CouplingAxis) -> Self:
        """Pass what can be drawn of a coupling.

        Raises
        ------
        ConfigError
            If it needs mplhep, which is not installed, or the coupling is no dipole's.
        """
        if self.style in EXPERIMENTS and find_spec("mplhep") is None:
            raise ConfigError(
                f"report.style: {self.style} needs mplhep, which is not installed; install "
                "hnlstat[styles] or take column, double_column or slides"
            )
        if self.coupling_axis not in (None, "d") and axis.noun != DIPOLE:
            raise ConfigError(
                f"report.coupling_axis: {self.coupling_axis} is of a dipole coupling, not of "
                f"{axis.name}; leave it out"
            )
        return self
