"""Curves in the (mass, coupling) plane: existing bounds, and regions that an excess prefers.

Between its points a curve is straight in the logarithms of mass and coupling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hnlstat.config.coupling import CouplingAxis

FloatArray = NDArray[np.float64]

Kind = Literal["limit", "folded", "region", "edge", "below"]
Status = Literal["excluded", "projected", "allowed"]
Nature = Literal["dirac", "majorana", "both"]
ANY = "any"
Statistic = Literal["background-free", "gaussian"]


@dataclass(frozen=True)
class Scaling:
    """How a limit on the coupling changes with its confidence level, where that can be argued.

    Attributes
    ----------
    statistic : str
        "background-free": no event seen and none expected, s(CL) = -ln(1 - CL); "gaussian": one
        normal measurement that found zero, one-sided, s(CL) = its quantile.
    power : float
        Signal goes as this power of the coupling: 4 where N is made and decays by d and lives
        long, 2 where it only is made or decays at once.
    reason : str
        Why this holds for the curve.
    """

    statistic: Statistic
    power: float
    reason: str

    def factor(self, level: float, old: float) -> float:
        """Coupling excluded at `level` over the one at `old`."""
        if self.statistic == "gaussian":
            ratio = ndtri(level) / ndtri(old)
        else:
            ratio = np.log1p(-level) / np.log1p(-old)
        return float(ratio ** (1 / self.power))

    @property
    def text(self) -> str:
        """Power, statistic and reason in a line."""
        return f"d^{self.power:g} {self.statistic}, {self.reason}"


@dataclass(frozen=True, eq=False)
class Bound:
    """A published curve in the (mass, coupling) plane.

    Attributes
    ----------
    name, label : str
        File name without suffix, and the name to print.
    level : float or None
        Confidence level; None for a bound that is indicative only.
    kind : str
        "limit" (holds above the curve), "folded" (likewise, but the curve turns back at its highest
        mass and so closes from above), "region" (closed outline), "edge" (one edge of a region of
        which the rest is not given) or "below" (holds below the curve, as for N that live long).
    status : str
        "excluded", "projected" or "allowed" (the region an excess prefers).
    flavour : str
        That of the coupling that the bound is for; "any": each of them alone.
    source : str
        Publication.
    mass, coupling : array, shape (V,)
        Vertices [GeV], [unit of the coupling], in the order of the curve.
    column : str
        Column of the couplings in its file, which says whose they are.
    scaling : Scaling or None
        How the curve goes over to other levels, if that is known.
    rescaled_from : float or None
        Level that was published, for a curve at another one.
    color, line : str or None
        How to draw it, in matplotlib's words; None: as others of its kind.
    note, note_by_cls : str or None
        What to know where the bound ends a range, the second beside limits by CLs alone.
    nature : str or None
        Whether it is for Dirac or Majorana N, or "both"; None if that is not known, or no matter.
    cite : tuple of str
        What the source is in the bibliography.
    """

    name: str
    label: str
    level: float | None
    kind: Kind
    status: Status
    flavour: str
    source: str
    mass: FloatArray
    coupling: FloatArray
    column: str
    scaling: Scaling | None = None
    rescaled_from: float | None = None
    color: str | None = None
    line: str | None = None
    note: str | None = None
    note_by_cls: str | None = None
    nature: Nature | None = None
    cite: tuple[str, ...] = ()

    def at_level(self, level: float) -> Bound:
        """Rescale to another level, marked in the label; unchanged where nothing says how."""
        if self.scaling is None or self.level is None or self.level == level:
            return self
        return replace(
            self,
            label=f"{self.label} → {100 * level:.4g}%",
            level=level,
            coupling=self.coupling * self.scaling.factor(level, self.level),
            rescaled_from=self.level,
        )

    def edges(self, mass: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest coupling of the curve's inside at each mass.

        Parameters
        ----------
        mass : array, shape (M,)
            Masses [GeV].

        Returns
        -------
        lower, upper : array, shape (M,)
            Couplings: `lower` infinite at masses the curve does not reach and zero where it is open
            below, `upper` infinite where it is open above and zero where it does not reach.
        """
        vertices = np.column_stack([self.mass, self.coupling])
        if self.kind == "region":
            vertices = np.vstack([vertices, vertices[:1]])
        lower, upper, crossed = span(vertices, mass)
        if self.kind == "below":
            return np.where(np.isfinite(lower), 0.0, np.inf), upper
        # a curve crossed an odd number of times does not close above
        open_above = (crossed % 2 == 1) & (self.kind in ("limit", "folded"))
        return lower, np.where(open_above, np.inf, upper)


def span(vertices: FloatArray, mass: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Lowest and highest coupling of a curve at each mass, and how often it passes there.

    Parameters
    ----------
    vertices : array, shape (V, 2)
        Masses and couplings of the curve, straight in their logarithms in between.
    mass : array, shape (M,)
        Masses [GeV].

    Returns
    -------
    lower, upper : array, shape (M,)
        Couplings, infinite and zero at masses that the curve does not reach.
    crossed : int array, shape (M,)
        Number of crossings.
    """
    x, y = np.log(vertices).T
    at = np.log(mass)[:, None]
    left, right = np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:])
    run = np.where(x[1:] == x[:-1], np.inf, x[1:] - x[:-1])
    height = y[:-1] + (at - x[:-1]) / run * (y[1:] - y[:-1])
    meets = (left <= at) & (at <= right)
    lower = np.exp(np.where(meets, height, np.inf).min(axis=1))
    upper = np.exp(np.where(meets, height, -np.inf).max(axis=1))
    return lower, upper, ((left <= at) & (at < right)).sum(axis=1)


def comparable(bounds: Sequence[Bound], axis: CouplingAxis) -> tuple[Bound, ...]:
    """Those bounds whose coupling is the model's, and the only one.

    Of a search with a curve for Dirac and one for Majorana N that for the model's is taken. The
    only one of a search is taken whatever N it is for, and its note says so: decays of Majorana N
    are twice as many, which makes a limit on |U|^2 about sqrt 2 lower, but no more is known.

    Parameters
    ----------
    bounds : sequence of Bound
        Any bounds.
    axis : CouplingAxis
        The coupling of the model. A bound for one flavour holds where N couples to this one alone;
        for any other pattern nothing can be compared with bounds on a single coupling.
    """
    if axis.flavour is None:
        return ()
    mine = [b for b in bounds if b.column == axis.column and b.flavour in (axis.flavour, ANY)]
    if axis.nature is None:
        return tuple(mine)
    suited = {bound.source for bound in mine if bound.nature == axis.nature}
    found = []
    for bound in mine:
        if bound.nature in (axis.nature, "both", None):
            found.append(bound)
        elif bound.source not in suited:
            note = "; ".join(filter(None, (f"it is for {bound.nature.capitalize()} N", bound.note)))
            found.append(replace(bound, note=note))
    return tuple(found)


def established(bounds: Sequence[Bound]) -> tuple[Bound, ...]:
    """Those bounds that exclude from a coupling on at a stated level.

    So neither what is projected or indicative, nor an edge, of which it is unknown how far above it
    the excluded band reaches: the cooling of SN1987A, whose band neutrino experiments look above,
    does not count. Nor what holds below its curve: no search goes beyond that from above.
    """
    return tuple(
        b for b in bounds if b.status == "excluded" and b.level and b.kind not in ("edge", "below")
    )
