"""Credible limits on one mixing with the others integrated over, by mass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.errors import ConfigError, InferenceError
from hnlstat.inference.limits.curves import OBSERVED, curves
from hnlstat.inference.limits.limits import Limit, MassLimits, Profile
from hnlstat.inference.limits.mixings import Marginal, MixingSignal, marginals
from hnlstat.inference.limits.posterior import METHOD
from hnlstat.likelihood.model import CountingModel
from hnlstat.models.checks import from_kaons
from hnlstat.run import stages
from hnlstat.run.work import Work
from hnlstat.search.yields import Plan
from hnlstat.studies.mixings import mixed_by, mixing_flavours

Array = NDArray[np.float64]
Mixing = dict[str, float]

RATIOS = 0.01, 1.0, 100.0  # of two mixings that both make N
LARGE = 1e4  # ratio of a mixing that makes none to one that does
LIVING = 0.02  # relative loss of yields, at most, of N that live long
LOST = 0.01  # likewise, which is worth a word where regions reach it
FINE = 400  # couplings of a profile
BEYOND = 0.5 * np.log(10)  # of ln(|U|^2), at most, between values beyond the scan
UNCERTAIN = "limits may be too strong or too weak"
SET_BY_PRIOR = 0.5  # of its bound: above this it would tell of the prior alone, and is no limit
WITH_BOUNDS = 0.9  # decades that a limit moves with bounds a decade smaller, likewise


def directions(study: Study, mass: float) -> tuple[list[Mixing], list[tuple[str, str]]]:
    """Mixings that tell the yields of all others, and the pairs that make N and have them decay."""
    flavours = mixing_flavours(study)
    reached = [m.lepton for m in from_kaons(study.model).modes if mass < m.heaviest]
    makers = [name for name in flavours if name in reached]
    found: list[Mixing] = [{one: 1.0} for one in makers]
    pairs = [(one, one) for one in makers]
    for i, one in enumerate(flavours):
        for other in flavours[i + 1 :]:
            if one in makers and other in makers:
                found += [{one: 1.0, other: ratio} for ratio in RATIOS]
            elif one in makers or other in makers:
                maker, decays = (one, other) if one in makers else (other, one)
                found.append({maker: 1.0, decays: LARGE})
            else:
                continue
            pairs.append((one, other))
    return found, pairs


@dataclass(frozen=True, eq=False)
class MarginalJob:
    """The posteriors of all mixings at one mass; calculated in whichever process."""

    signal: MixingSignal
    experiment: CountingModel
    bounds: tuple[float, ...]

    def run(self) -> tuple[tuple[Marginal, ...], tuple[Marginal, ...]] | str:
        """Integrate, also with smaller bounds; the reason where that cannot be."""
        seen = self.experiment.observed
        counts = self.experiment.background if seen is None else seen
        try:
            return marginals(self.signal, self.experiment, counts, self.bounds)
        except InferenceError as error:
            return str(error)


def find_marginal(study: Study, work: Work) -> list[MassLimits]:
    """Limits of a study with `inference.marginal`, at all masses of its scan."""
    masses, flavours = study.scan.mass.array(), mixing_flavours(study)
    bounds = [getattr(study.inference.prior_max, name) for name in flavours]
    known = known_signals(study, masses, work)
    jobs = [MarginalJob(one.signal, one.experiment, tuple(bounds)) for one in known]
    found = work.map_stored("inference", MarginalJob.run, jobs)
    place = flavours.index(str(study.inference.marginal))
    results, changes, alone, reached = [], [], [], []
    for mass, own, one in zip(masses.tolist(), known, found, strict=True):
        if isinstance(one, str):
            work.remark(f"at {1e3 * mass:.4g} MeV no limits: {one}")
            results.append(MassLimits(mass, (), (), f"no limits: {one}"))
            continue
        mine, smaller = (part[place] for part in one)
        first = 1.0 - study.inference.levels[0]
        change = smaller.limit(first) / mine.limit(first)
        result = _limits(study, mass, mine, own.experiment.observed is not None)
        whole = mine.limit(first) > SET_BY_PRIOR * bounds[place]
        if whole or abs(np.log10(change)) > WITH_BOUNDS:
            alone.append(f"{1e3 * mass:.4g}")
            results.append(_without(result))
            continue
        results.append(result)
        changes.append(change)
        if at := _reached(flavours, one[0], own.short):
            reached.append(f"{short_at(flavours, at)} ({1e3 * mass:.4g} MeV)")
    if reached:
        reached = [short_remark("posteriors reach", "; ".join(reached), UNCERTAIN)]
    for text in (*_remarks(flavours, bounds, changes, alone), *reached):
        work.remark(text)
    return results


def _remarks(
    flavours: Sequence[str], bounds: Sequence[float], changes: Sequence[float], alone: Sequence[str]
) -> list[str]:
    """What limits hang on."""
    priors = ", ".join(f"|U_{a}|^2 < {b:g}" for a, b in zip(flavours, bounds, strict=True))
    found = [
        f"limits are of the joint posterior of N that live long, with priors flat in {priors} "
        "(inference.prior_max), all others integrated over"
    ]
    if changes:
        least, most = min(changes), max(changes)
        if least > 0.99 and most < 1.01:
            found.append("with bounds of these priors ten times smaller limits change by below 1 %")
        else:
            times = " to ".join(dict.fromkeys(f"{one:.3g}" for one in (least, most)))
            found.append(
                "the range of these priors matters: with bounds ten times smaller limits are "
                f"{times} times as high"
            )
    if alone:
        found.append(f"no limits at {', '.join(alone)} MeV: bounds of the priors alone set these")
    return found


def _reached(
    flavours: Sequence[str], found: Sequence[Marginal], short: Sequence[Mixing]
) -> list[list[float]]:
    """Mixings from which on N do not live long, that more of the posterior than `LOST` is above.

    Of one flavour each, as others add to it: what its marginal posterior leaves above.
    """
    reached: dict[str, float] = {}
    for point in short:
        name = max(point, key=lambda one: point[one])
        tail = found[flavours.index(name)].log_tail_at(np.log([point[name]]))[0]
        if len(point) == 1 and tail > np.log(LOST):
            reached[name] = min(point[name], reached.get(name, np.inf))
    return [[at if a == name else 0.0 for a in flavours] for name, at in reached.items()]


def short_at(flavours: Sequence[str], points: Sequence[Sequence[float]]) -> str:
    """Name mixings, those that are 0 left out."""
    return "; ".join(
        ", ".join(f"|U_{a}|^2 = {value:.2g}" for a, value in zip(flavours, one, strict=True)
                  if value) for one in points
    )  # fmt: skip


def short_remark(reaching: str, at: str, so: str) -> str:
    """Say that results hang on mixings at which N do not live long."""
    return (
        f"{reaching} mixings at which N no longer live long, and more than {LOST:.0%} of "
        f"the events are not as taken: from {at} on; {so}"
    )


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of yields at one mass.

    Attributes
    ----------
    signal, experiment
        Events of N that live long by their mixings, and the experiment.
    short
        Mixings from which on N do not live long, in some directions.
    """

    signal: MixingSignal
    experiment: CountingModel
    short: tuple[Mixing, ...]


def known_signals(study: Study, masses: Array, work: Work) -> list[Known]:
    """Yields of N that live long by their mixings, at each mass, and the experiment."""
    couplings = _over_priors(study)
    known = [directions(study, mass) for mass in masses.tolist()]
    plans = [
        [Plan.of(mixed_by(study, one), np.array([mass]), couplings) for one in mine]
        for mass, (mine, _) in zip(masses.tolist(), known, strict=True)
    ]
    tables = iter(stages.simulate_each([plan for mine in plans for plan in mine], work))
    stages.remark_inputs(study, work)
    found = []
    for mass, (mixings, pairs) in zip(masses.tolist(), known, strict=True):
        rows, short = [], []
        for mixing in mixings:
            table = next(tables)
            experiment = stages.build(study, table, work)
            total = experiment.signal[0].sum(axis=-1) / np.square(couplings)
            total = total if total[0] > 0 else np.ones_like(total)  # no events, no lifetimes
            if abs(total[1] / total[0] - 1.0) > LIVING:
                raise ConfigError(
                    f"scan.coupling: N of {1e3 * mass:.4g} MeV do not live long at its first "
                    f"values, from {couplings[0]:.3g}; begin lower"
                )
            short += _short(mixing, couplings, total / total[0])
            events = experiment.signal[0, 0]
            shifts = [events * one[0, 0] for one in experiment.modifiers.values()]
            shifts += list(np.diag(events * experiment.mc_error[0, 0]))
            rows.append(np.stack([events, *shifts]) / couplings[0] ** 2)
        for one in mixings:  # alone it may leave no events, with a little of another it does
            name, near = next(iter(one)), [p for p in short if len(p) > 1]
            lives = [p[name] for p in near if p.get(name, 0.0) == max(p.values())]
            if len(one) == 1 and lives and not any([*p] == [name] for p in short):
                short.append({name: max(lives)})
        form = _form(study, mixings, pairs, np.array(rows))
        found.append(Known(form, experiment.base, tuple(short)))
    return found


def _over_priors(study: Study) -> Array:
    """Couplings of the scan, and beyond them up to where the priors end."""
    couplings, priors = study.scan.coupling.array(), study.inference.prior_max
    last, end = float(couplings[-1]), max(getattr(priors, a) for a in mixing_flavours(study))
    if end <= last:
        return couplings
    steps = int(np.ceil(np.log(end / last) / BEYOND))
    return np.append(couplings, np.geomspace(last, end, steps + 1)[1:])


def _short(mixing: Mixing, couplings: Array, share: Array) -> list[Mixing]:
    """Where lifetimes change yields, of which shares are as long-lived N have; [] if nowhere."""
    change = np.maximum.accumulate(np.abs(share - 1.0))
    if change[-1] <= LOST:
        return []
    at = float(np.exp(np.interp(LOST, change, np.log(couplings))))
    largest, total = max(mixing.values()), sum(mixing.values())
    # a mixing that is there only to make N does not matter
    return [{a: at * b / total for a, b in mixing.items() if b * LARGE > largest}]


def _form(
    study: Study, mixings: Sequence[Mixing], pairs: Sequence[tuple[str, str]], rows: Array
) -> MixingSignal:
    """The quadratic form of events and shifts (R, 1 + S, C) per |U|^4 in some directions."""
    flavours = mixing_flavours(study)
    share = np.array([[one.get(a, 0.0) / sum(one.values()) for a in flavours] for one in mixings])
    place = [(flavours.index(a), flavours.index(b)) for a, b in pairs]
    monomials = np.stack([share[:, a] * share[:, b] for a, b in place], axis=-1)
    weight = 1.0 / np.maximum(rows[:, 0].sum(axis=-1), 1e-300)
    scale = (monomials * weight[:, None]).max(axis=0)
    flat = (rows * weight[:, None, None]).reshape(len(rows), -1)
    solved = np.linalg.lstsq(monomials * weight[:, None] / scale, flat, rcond=None)[0]
    solved = (solved / scale[:, None]).reshape(len(pairs), *rows.shape[1:])
    form = np.zeros((len(flavours), len(flavours), *rows.shape[1:]))
    for (a, b), part in zip(place, solved, strict=True):
        half = part if a == b else 0.5 * part
        half = np.where(part[0] > 0, half, 0.0)  # less than nothing is the noise of a difference
        form[a, b] = form[b, a] = half
    return MixingSignal(form[:, :, 0], np.moveaxis(form[:, :, 1:], 2, 3))


def _limits(study: Study, mass: float, marginal: Marginal, data: bool) -> MassLimits:
    """Limits and profiles of all levels."""
    inference, flavour = study.inference, study.inference.marginal
    couplings = study.scan.coupling.array()
    test = f"marginal(|U_{flavour}|^2)"
    method = f"{METHOD} {test}"
    kind = OBSERVED if data else "expected"
    wanted = [
        one for one in curves(inference.levels, inference.sigmas, data, test)
        if one.kind == kind
    ]  # fmt: skip
    limits: list[Limit] = []
    profiles: list[Profile] = []
    top = float(couplings[-1])
    for one in wanted:
        limit = marginal.limit(one.alpha)
        grid = np.geomspace(couplings[0], top, FINE)
        if limit < top:
            below = bool(limit <= couplings[0])
            limit = max(limit, float(couplings[0]))
            grid = np.union1d(grid, [limit])
            error = None if below else marginal.error(one.alpha)
            limits.append(Limit(mass, one.level, kind, "lower", method, limit, below, error))
            limits.append(Limit(mass, one.level, kind, "upper", method, top, True))
        depth = -marginal.log_tail_at(np.log(grid)) / -np.log(one.alpha)
        strength = np.log(np.maximum(depth, 1e-9)).clip(-6.0, 6.0)
        if couplings[0] < limit < top:
            strength[grid == limit] = 0.0
        profiles.append(Profile(mass, one.level, kind, method, grid, strength))
    return MassLimits(mass, tuple(limits), tuple(profiles), "ok")


def _without(found: MassLimits) -> MassLimits:
    """Exclude nothing, as the priors alone would."""
    profiles = tuple(replace(p, strength=np.full(p.strength.shape, -6.0)) for p in found.profiles)
    return replace(found, limits=(), profiles=profiles, validity="no limits: set by priors alone")
