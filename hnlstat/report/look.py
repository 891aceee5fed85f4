r"""The look of figures: their style, and what their axes show of masses and couplings.

A dipole coupling d stands in L = d nubar sigma_mn P_R N F^mn + h.c. (`hnlstat.models.dipole`), a
magnetic moment in L = (mu/2) nubar sigma_mn nu F^mn, as of any fermion (for neutrinos: C. Giunti
and A. Studenikin, Rev. Mod. Phys. 87 (2015) 531): mu_tr = 2 d. With the Bohr magneton
mu_B = e / (2 m_e) = sqrt(4 pi alpha) / (2 m_e) = 296.3 GeV^-1, d is 148.15 GeV^-1 for each mu_B.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.bounds import Bound
from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.report import DIPOLE, EXPERIMENTS, Report
from hnlstat.physics.constants import BOHR_MAGNETON_INV_GEV
from hnlstat.report.wording import Shown, mev_text, plain, power_symbol, unit_symbol
from hnlstat.run.contours import Region
from hnlstat.system.drawing import own_settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

COLUMN, PAGE, SLIDE = 3.375, 7.0, 5.0
"""Widths: a column and a page of Physical Review, and a slide to which a text is a column's."""

SLIDE_PIXELS = 1920
SIZE = 7.5  # of the text [points]
SETTINGS: dict[str, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": SIZE + 1,
    "axes.labelsize": SIZE + 2,
    "legend.fontsize": SIZE,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "axes.linewidth": 0.7,
}
# DejaVu is a third wider than STIX
SANS = {"font.family": "DejaVu Sans", "mathtext.fontset": "dejavusans", "font.size": SIZE,
        "axes.labelsize": SIZE + 0.5, "legend.fontsize": SIZE - 1}  # fmt: skip
_TAKEN = re.compile(r"[xy]tick\.(?!(label|color))|axes\.(linewidth|unicode_minus)|[xy]axis\.")
_LENGTH = re.compile(r"(size|width|pad)$")


@dataclass(frozen=True)
class Look:
    """A style, and the units of axes; see `hnlstat.config.report.Report`."""

    style: str = "column"
    mass_axis: str = "MeV"
    coupling_axis: str = "d"

    @classmethod
    def of(cls, report: Report) -> Look:
        """Take what a report asks for, else the usual."""
        return cls(**{k: v for k, v in report.model_dump().items() if v is not None})

    @property
    def mass_factor(self) -> float:
        """From GeV to the unit of axes of masses."""
        return 1e3 if self.mass_axis == "MeV" else 1.0

    @property
    def mass_label(self) -> str:
        """Label of axes of masses."""
        return rf"HNL mass $m_N$ [{self.mass_axis}]"

    def mass_text(self, mass: float) -> str:
        """Write a mass [GeV], to three digits or the whole number of MeV."""
        return f"{mev_text(mass)} MeV" if self.mass_axis == "MeV" else f"{mass:.3g} GeV"

    def coupling(self, axis: CouplingAxis) -> Shown:
        """Give the coupling as axes show it."""
        if self.coupling_axis == "d" or axis.noun != DIPOLE:
            return Shown(axis.noun, axis.symbol, axis.unit)
        symbol = re.sub(r"\bd(?:_\{(.*?)\})?", _moment, axis.symbol)
        noun = "transition magnetic moment"
        if self.coupling_axis == "mu_tr":
            return Shown(noun, symbol, axis.unit, 2.0)
        return Shown(noun, symbol, "mu_B", 2.0 / BOHR_MAGNETON_INV_GEV)

    def coupling_text(self, value: float, axis: CouplingAxis, named: bool = False) -> str:
        """Write a coupling of this axis in mathtext, if named behind its symbol."""
        shown = self.coupling(axis)
        symbol = f"{shown.symbol} = " if named else ""
        power = power_symbol(shown.factor * value)
        return f"${symbol}{power}$ {unit_symbol(shown)}".rstrip()

    def place(
        self, mass: ArrayLike, coupling: ArrayLike, axis: CouplingAxis
    ) -> tuple[FloatArray, FloatArray]:
        """Give masses [GeV] and couplings in the units of the axes."""
        factor = self.coupling(axis).factor
        return self.mass_factor * np.asarray(mass), factor * np.asarray(coupling)

    def regions(self, regions: Sequence[Region], axis: CouplingAxis) -> list[Region]:
        """Give regions with their curves in the units of the axes."""
        scale = np.array([self.mass_factor, self.coupling(axis).factor])
        return [
            replace(
                region, outline=region.outline * scale,
                holes=tuple(hole * scale for hole in region.holes),
                lines=tuple(line * scale for line in region.lines),
            )
            for region in regions
        ]  # fmt: skip

    def bounds(self, bounds: Sequence[Bound], axis: CouplingAxis) -> list[Bound]:
        """Give bounds with their curves in the units of the axes."""
        m, d = self.mass_factor, self.coupling(axis).factor
        return [replace(b, mass=m * b.mass, coupling=d * b.coupling) for b in bounds]

    def settings(self) -> AbstractContextManager[None]:
        """Draw as we do whatever a matplotlibrc says: equal runs give equal figures anywhere."""
        if self.style in EXPERIMENTS:
            return own_settings(SETTINGS | _experiment(self.style))
        return own_settings(SETTINGS | (SANS if self.style == "slides" else {}))

    def canvas(self, width: float, height: float, dpi: int = 300) -> Figure:
        """Make the figure that is of this size [inch] in a journal's column."""
        from matplotlib.figure import Figure

        size = self._size(width, height)
        if self.style == "slides":
            dpi = round(SLIDE_PIXELS / size[0])
        return Figure(figsize=size, dpi=dpi, layout="constrained")

    def _size(self, width: float, height: float) -> tuple[float, float]:
        if self.style == "double_column":
            return PAGE, height * (0.75 + 0.25 * PAGE / width)
        if self.style == "slides":
            wide = max(SLIDE, width, 0.9 * height * 16 / 9)
            return wide, wide * 9 / 16
        return width, height

    def wrap(self, text: str, characters: int, width: float = COLUMN) -> str:
        """Break a title over a figure of this width that has room for so many characters."""
        room = self._size(width, width)[0] / width
        return textwrap.fill(plain(text), int(characters * room))

    def columns(self, number: int, width: float = COLUMN) -> int:
        """Columns of a legend that has so many in a figure of this width."""
        return round(number * self._size(width, width)[0] / width)


def _moment(found: re.Match[str]) -> str:
    """Symbol of the magnetic moment of a dipole coupling."""
    flavour = f",{found[1]}" if found[1] else ""
    return rf"\mu_{{\mathrm{{tr}}{flavour}}}"


def _experiment(name: str) -> dict[str, Any]:
    """Ticks, frame and places of labels as mplhep has them, for a figure of our size.

    Text is in the fonts that come with matplotlib, which are everywhere.
    """
    import mplhep

    theirs: dict[str, Any] = dict(getattr(mplhep.style, "LHCb2" if name == "LHCb" else name))
    scale = COLUMN / theirs["figure.figsize"][0]
    taken = {key: value for key, value in theirs.items() if _TAKEN.match(key)}
    taken |= {k: v * scale for k, v in taken.items() if _LENGTH.search(k)}
    return taken | ({} if theirs["font.family"] == "serif" else SANS)


JOURNAL = Look()
