"""Regions of highest density of the joint posterior of two mixings, of N of one mass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.config.study import Study
from hnlstat.errors import InferenceError
from hnlstat.inference.limits.credible import background_outcomes
from hnlstat.inference.limits.curves import DISCOVERY, EXPECTED, OBSERVED, Curve, curves
from hnlstat.inference.limits.joint import Joint
from hnlstat.inference.limits.limits import Limit, MassLimits
from hnlstat.inference.limits.mixings import MixingSignal
from hnlstat.inference.limits.posterior import METHOD
from hnlstat.inference.results import BANDS
from hnlstat.likelihood.model import CountingModel
from hnlstat.run.contours import LimitField, regions
from hnlstat.run.marginal import Known, known_signals, short_at, short_remark
from hnlstat.run.planes import Plane, directions_of_plane, remark_on_others, shares
from hnlstat.run.work import Work
from hnlstat.studies.mixings import mixed_by, mixing_flavours

Array = NDArray[np.float64]

TEST = "HPD"
METHOD_HPD = f"{METHOD} {TEST}"
CELLS = 120  # of the plane, along each axis
ALONG = 120  # sums of the mixings in a direction
UNLIKELY = 1e-3  # of all outcomes, those that are left out of bands
MATTERS = 0.01  # change of a limit with the bounds of priors that is said


@dataclass(frozen=True, eq=False)
class JointJob:
    """How far points of the plane are outside of the regions; calculated in whichever process.

    Attributes
    ----------
    signal, experiment, bounds
        As of `Joint`.
    wanted
        Curves of the regions.
    places
        ln(|U_a|^2), ln(|U_b|^2), shape (X, 2).
    """

    signal: MixingSignal
    experiment: CountingModel
    bounds: tuple[float, float]
    wanted: tuple[Curve, ...]
    places: Array

    def run(self) -> Array | str:
        """Return strengths and errors of all curves (2, curves, X), or why there are none."""
        try:
            return self._strengths()
        except InferenceError as error:
            return str(error)

    def _strengths(self) -> Array:
        found = np.empty((2, len(self.wanted), len(self.places)))
        for data in (True, False):
            mine = [i for i, one in enumerate(self.wanted) if (one.kind == OBSERVED) is data]
            if not mine:
                continue
            if data:
                assert self.experiment.observed is not None  # else no such curve is wanted
                counts, weights, drawn = self.experiment.observed[:, None], np.ones(1), False
            else:
                counts, weights, drawn = _likely(self.experiment)
            joint = Joint.build(self.signal, self.experiment, counts, self.bounds)
            levels, kinds = zip(*((self.wanted[i].level, self.wanted[i].kind) for i in mine),
                                strict=True)  # fmt: skip
            # bands are named by the coupling that is excluded: -2 sigma has most strength
            shares = np.array([0.5 if data else ndtr(-BANDS[EXPECTED.index(kind)])
                               for kind in kinds])  # fmt: skip
            found[:, mine] = joint.quantiles(self.places, levels, weights, shares, drawn, not data)
        return found


def _likely(experiment: CountingModel) -> tuple[Array, Array, bool]:
    """Outcomes without signal (C, M), likely ones, their probabilities, and whether drawn."""
    counts, weights, drawn = background_outcomes(experiment)
    order = np.argsort(-weights, kind="stable")
    kept = order[np.cumsum(weights[order]) - weights[order] < 1.0 - UNLIKELY]
    return counts[:, kept], weights[kept], drawn


def find_joint(study: Study, work: Work) -> Plane:
    """Regions of a study with `scan.plane` and credible limits."""
    flavours, mass = study.scan.plane, study.model.mass
    assert flavours is not None
    assert mass is not None  # else the study is not valid
    remark_on_others(flavours, work)
    known = _known(study, work)
    couplings = study.scan.coupling.array()
    ends = float(couplings[0]), float(couplings[-1])
    ratios = directions_of_plane(*ends)
    axis, sums = np.geomspace(*ends, CELLS), np.geomspace(*ends, ALONG)
    plane = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    rays = np.array([np.outer(sums, shares(ratio)) for ratio in ratios.tolist()])
    short = np.array([[point.get(name, 0.0) for name in flavours] for point in known.short])
    first, second = (float(getattr(study.inference.prior_max, name)) for name in flavours)
    wanted = _wanted(study, known.experiment)
    job = JointJob(known.signal, known.experiment, (first, second), wanted,
                   _logs(plane, rays, short))  # fmt: skip
    tenth = replace(job, bounds=(first / 10, second / 10), wanted=wanted[:1],
                    places=_logs(rays[len(ratios) // 2]))  # fmt: skip
    found, smaller = work.map_stored("inference", JointJob.run, [job, tenth])
    if isinstance(found, str) or isinstance(smaller, str):
        work.remark(f"no limits: {found if isinstance(found, str) else smaller}")
        return Plane(flavours, mass, ends, ratios, (), ())
    at = [len(plane), len(plane) + len(ratios) * ALONG]
    on_plane, on_rays, on_short = np.split(found[0], at, axis=1)
    on_rays, errors = (one[:, slice(*at)].reshape(len(wanted), len(ratios), ALONG) for one in found)
    middle = sums, on_rays[0, len(ratios) // 2], smaller[0, 0]
    for text in _remarks(study, (first, second), middle, short[on_short[0] < 0]):
        work.remark(text)
    fields = [LimitField(one.level, one.kind, METHOD_HPD, axis, axis, values.reshape(CELLS, CELLS))
              for one, values in zip(wanted, on_plane, strict=True)]  # fmt: skip
    results = tuple(_of_direction(ratio, wanted, sums, on_rays[:, i], errors[:, i])
                    for i, ratio in enumerate(ratios.tolist()))  # fmt: skip
    over = tuple(region for one in fields for region in regions(one))
    return Plane(flavours, mass, ends, ratios, results, over)


def _known(study: Study, work: Work) -> Known:
    """Yields by the two mixings in the order of the axes."""
    flavours, mass = study.scan.plane, study.model.mass
    assert flavours is not None  # else the study is not valid
    of_two = mixed_by(study, dict.fromkeys(flavours, 1.0))
    (known,) = known_signals(of_two, np.array([mass]), work)
    places = [mixing_flavours(of_two).index(name) for name in flavours]
    order = np.ix_(places, places)
    signal = MixingSignal(known.signal.form[order], known.signal.shifts[order])
    return replace(known, signal=signal)


def _wanted(study: Study, experiment: CountingModel) -> tuple[Curve, ...]:
    """Curves of the regions, the one that remarks are of first."""
    inference, data = study.inference, experiment.observed is not None
    found = curves(inference.levels, inference.sigmas, data, TEST)
    main = OBSERVED if data else "expected"
    kept = [one for one in found if one.kind != DISCOVERY]
    kept.sort(key=lambda one: (one.level != inference.levels[0], one.kind != main))
    return tuple(kept)


def _logs(*mixings: Array) -> Array:
    return np.log(np.concatenate([one.reshape(-1, 2) for one in mixings]) + 1e-300)


def _of_direction(
    ratio: float, wanted: Sequence[Curve], sums: Array, strengths: Array, errors: Array
) -> MassLimits:
    """Limits on the sum in a direction, of strengths (curves, X) and their errors."""
    limits = [
        Limit(ratio, one.level, one.kind, branch, METHOD_HPD, at, is_open,
              None if is_open else _error(sums, values, error, at))
        for one, values, error in zip(wanted, strengths, errors, strict=True)
        for branch, at, is_open in crossings(sums, values)
    ]  # fmt: skip
    return MassLimits(ratio, tuple(limits), (), "ok")


def _error(sums: Array, strength: Array, error: Array, at: float) -> float:
    """Error of where a strength crosses 0, relative: its own, by its slope there."""
    i = int(np.clip(np.searchsorted(sums, at), 1, sums.size - 1))
    slope = (strength[i] - strength[i - 1]) / np.log(sums[i] / sums[i - 1])
    return float(np.interp(at, sums, error) / max(abs(slope), 1e-6))


def crossings(sums: Array, strength: Array) -> list[tuple[Literal["lower", "upper"], float, bool]]:
    """Ends of the intervals of positive strength: branch, place, and whether it is open there."""
    x, outside = np.log(sums), strength > 0
    found: list[tuple[Literal["lower", "upper"], float, bool]] = []
    if outside[0]:
        found.append(("lower", float(sums[0]), True))
    for i in np.flatnonzero(outside[1:] != outside[:-1]).tolist():
        share = strength[i] / (strength[i] - strength[i + 1])
        at = float(np.exp(x[i] + share * (x[i + 1] - x[i])))
        found.append(("lower" if outside[i + 1] else "upper", at, False))
    if outside[-1]:
        found.append(("upper", float(sums[-1]), True))
    return found


def _remarks(
    study: Study, bounds: tuple[float, float], middle: tuple[Array, Array, Array], short: Array
) -> list[str]:
    """What the regions are, and hang on."""
    flavours = study.scan.plane
    assert flavours is not None  # else the study is not valid
    names = [f"|U_{name}|^2" for name in flavours]
    priors = ", ".join(f"{a} < {b:g}" for a, b in zip(names, bounds, strict=True))
    found = [
        f"limits are the ends of regions of highest density ({TEST}) of the joint posterior of N "
        f"that live long, with priors flat in {priors} (inference.prior_max); expected ones "
        "are quantiles, point by point, of their far ends; there is no discovery"
    ]
    full, smaller = ([at for name, at, is_open in crossings(middle[0], values)
                      if name == "lower" and not is_open] for values in middle[1:])  # fmt: skip
    if full and smaller and abs(smaller[-1] / full[-1] - 1.0) > MATTERS:
        found.append(
            f"the range of these priors matters: with bounds ten times smaller the limit on both, "
            f"if equal, is {smaller[-1] / full[-1]:.3g} times as high"
        )
    if len(short):
        at = short_at(flavours, short.tolist())
        found.append(short_remark("regions reach", at, "there they are too small"))
    return found
