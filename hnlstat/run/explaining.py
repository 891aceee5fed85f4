"""The stage of a run that says which part of what a fit prefers other data test.

Shares are found on a fine plane of cells, even in ln(mass) and ln(coupling), between the points of
the fit's likelihood and of the limits: there both are linear, as where their contours are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.bounds import Bound, established
from hnlstat.config.study import Study
from hnlstat.inference.limits.curves import DISCOVERY, OBSERVED
from hnlstat.run import stages
from hnlstat.run.between import between
from hnlstat.run.contours import LimitField, limit_fields
from hnlstat.run.fitting import Fitted
from hnlstat.run.work import Work

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ranges = tuple[tuple[float, float], ...]

CELLS = 800
"""Along each axis: areas are good to some 0.5 % of a band that is a tenth of the plane."""

PUBLISHED, TOGETHER = "published", "together"
"""Kind of what bounds say, and the name of all of them."""


@dataclass(frozen=True, eq=False)
class Plane:
    """The likelihood of a fit in cells, even in ln(mass) and ln(coupling).

    Attributes
    ----------
    mass, coupling
        Middles of the cells [GeV], [unit of the coupling], shapes (M,) and (D,).
    above
        -2 Delta ln L from the best fit, shape (M, D).
    best
        Indices of the cell of the best fit.
    """

    mass: Array
    coupling: Array
    above: Array
    best: tuple[int, int]

    @classmethod
    def of(cls, found: Fitted, cells: int = CELLS) -> Plane:
        """Divide the plane of a fit."""
        mass, coupling = (_middles(axis, cells) for axis in (found.masses, found.couplings))
        above = _linear(found.masses, found.couplings, found.above, mass, coupling)
        i, j = (
            int(np.argmin(np.abs(np.log(axis / found.best[name].value))))
            for axis, name in ((mass, "mass"), (coupling, "coupling"))
        )
        return cls(mass, coupling, above, (i, j))

    def inside(self, field: LimitField) -> Mask:
        """Tell where a limit holds, (M, D); beyond its grid it does not."""
        return _linear(field.mass, field.coupling, field.strength, self.mass, self.coupling) > 0.0

    def within(self, bound: Bound) -> Mask:
        """Tell where a bound excludes, (M, D)."""
        lower, upper = (edge[:, None] for edge in bound.edges(self.mass))
        return np.asarray((self.coupling >= lower) & (self.coupling <= upper))

    def share(self, held: Mask, end: float) -> Share:
        """Say how much is held, (M, D), of the region where `above` lies below its end."""
        region = self.above < end
        likely = np.where(region, np.exp(-0.5 * self.above), 0.0)
        mine, taken = region.sum(axis=1), (region & held).sum(axis=1)
        return Share(
            float(taken.sum() / max(mine.sum(), 1)),
            float(likely[held].sum() / max(likely.sum(), 1e-300)),
            bool(held[self.best]),
            self._ranges((taken == mine) & (mine > 0)),
            self._ranges((taken < mine) & (taken > 0)),
            *((None, None) if taken.any() else self._apart(region, held)),
        )

    def _apart(self, region: Mask, held: Mask) -> tuple[float, float] | tuple[None, None]:
        """Say how far above the region the lowest coupling that is held lies, and where."""
        highest = np.where(region, self.coupling, 0.0).max(axis=1)
        above = np.where(held & (self.coupling > highest[:, None]), self.coupling, np.inf)
        ratio = np.divide(above.min(axis=1), highest, out=highest + np.inf, where=highest > 0)
        i = int(np.argmin(ratio))
        return (float(ratio[i]), float(self.mass[i])) if np.isfinite(ratio[i]) else (None, None)

    def _ranges(self, chosen: NDArray[np.bool_]) -> Ranges:
        """Give the ranges of mass of the cells that are chosen, (M,), from edge to edge."""
        half = np.sqrt(self.mass[1] / self.mass[0])
        turns = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]])))
        return tuple(
            (float(self.mass[i] / half), float(self.mass[j - 1] * half))
            for i, j in zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True)
        )


def _middles(axis: Array, cells: int) -> Array:
    edges = np.geomspace(axis[0], axis[-1], cells + 1)
    return np.asarray(np.sqrt(edges[1:] * edges[:-1]))


def _linear(x: Array, y: Array, table: Array, at_x: Array, at_y: Array) -> Array:
    """Interpolate a table (X, Y), linear in the logarithms; NaN beyond its ends."""
    points = np.meshgrid(np.log(at_x), np.log(at_y), indexing="ij")
    axes = np.log(x), np.log(y)
    return np.asarray(scipy.interpolate.interpn(axes, table, points, bounds_error=False))


@dataclass(frozen=True)
class Share:
    """How much of a region is tested.

    Attributes
    ----------
    area
        By area in ln(mass) and ln(coupling).
    likelihood
        By the profile likelihood of the fit over this area.
    best_fit
        Whether the best fit is.
    whole, part
        Ranges of mass [GeV] at which all of the region is, and at which a part is.
    apart, apart_at
        Where nothing is: the factor by which couplings that are tested lie above the region, at the
        mass [GeV] where it is smallest; None where there are no such.
    """

    area: float
    likelihood: float
    best_fit: bool
    whole: Ranges
    part: Ranges
    apart: float | None
    apart_at: float | None


@dataclass(frozen=True)
class Tested:
    """What a test does to a region of the fit.

    Attributes
    ----------
    test, label
        Name of the test, or of the bound, and what it is called.
    kind
        "observed" or "expected" exclusion, "discovery" (expected), or "published".
    level
        Of the exclusion or discovery; None: a bound that is several at several levels.
    region
        Level of the region.
    share
        How much of it.
    """

    test: str
    label: str
    kind: str
    level: float | None
    region: float
    share: Share


@dataclass(frozen=True, eq=False)
class Probe:
    """What other data exclude, and could discover.

    Attributes
    ----------
    name, label, title
        What they are called, and their datasets.
    study
        What was run.
    fields
        Their exclusion (by the data, if there are any) and discovery, at each level.
    signal, background
        Expected events at the best fit of the excess, all channels together.
    """

    name: str
    label: str
    title: str
    study: Study
    fields: tuple[LimitField, ...]
    signal: float
    background: float

    @property
    def kind(self) -> str:
        """Whether data exclude, or are expected to."""
        return next((f.kind for f in self.fields if f.kind != DISCOVERY), "expected")


def probe(study: Study, label: str | None, found: Fitted, work: Work) -> Probe:
    """Simulate other data on the grid of their study, and find their limits."""
    own = replace(work, remarks=[])
    source = stages.simulate(study, *stages.place(study), own)
    experiment = stages.build(study, source.table, own)
    results = stages.limits(study, source.table, experiment, own)
    fields = limit_fields(results, between(study, source, experiment, results))
    searches = [f"{d.name} {search.name} ({d.exposure.name})" for d, search in study.searches]
    title = " + ".join(searches)
    work.remarks.extend(f"{label or title}: {text}" for text in own.remarks)
    kinds = {field.kind for field in fields}
    kept = {OBSERVED if OBSERVED in kinds else "expected", DISCOVERY}
    masses, couplings = source.table.masses, source.table.couplings
    events = np.log(np.maximum(experiment.signal.sum(axis=-1), 1e-300))
    point = (np.array([found.best[name].value]) for name in ("mass", "coupling"))
    return Probe(
        study.name,
        label or title,
        title,
        study,
        tuple(f for f in fields if f.kind in kept and not f.method.endswith("CLs+b")),
        float(np.exp(_linear(masses, couplings, events, *point)).sum()),
        float(experiment.base.background.sum()),
    )


def closed(found: Fitted) -> dict[float, float]:
    """Levels of the regions that do not hold the absence of any signal, with their ends."""
    return {level: end for level, end in found.levels.items() if found.best.improvement > end}


def compare(found: Fitted, probes: Sequence[Probe], bounds: Sequence[Bound]) -> Iterator[Tested]:
    """Say how much of each closed region other data and each established bound test.

    Parameters
    ----------
    found
        The fit.
    probes
        Other data.
    bounds
        Bounds on the same coupling; those that exclude nothing at a stated level are passed over.
    """
    plane = Plane.of(found)
    held: list[tuple[tuple[str, str, str, float | None], Mask]] = [
        ((one.name, one.label, field.kind, field.level), plane.inside(field))
        for one in probes
        for field in one.fields
    ]
    known = [(bound, plane.within(bound)) for bound in established(bounds)]
    held += [((b.name, b.label, PUBLISHED, b.level), mask) for b, mask in known]
    if known:
        whole = np.any([mask for _, mask in known], axis=0)
        held.append(((TOGETHER, "published bounds together", PUBLISHED, None), whole))
    for words, mask in held:
        for level, end in closed(found).items():
            yield Tested(*words, level, plane.share(mask, end))
