"""One likelihood from the published ones of several runs.

Channels are put side by side. Modifiers of the same name are one nuisance parameter, as HistFactory
has it: flux, efficiency and rock density are correlated between runs, backgrounds and Monte Carlo
errors carry their channel's name and are not; components of a covariance are where they have the
same name, so that those of other matrices need others. All have one signal strength, under the name
that the first has for it. Patches are applied and compared with the background, whatever their
operations, so that the new ones only ever replace samples.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pyhf
from pyhf.patchset import Patch

from hnlstat.config.quantities import NEAR
from hnlstat.errors import DataError
from hnlstat.likelihood.foreign import PublishedLikelihood, Spec, renamed, shape, told
from hnlstat.likelihood.workspace import settle

__all__ = ["Combination", "PublishedLikelihood", "combine"]

Point = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Combination:
    """The combined likelihood.

    Attributes
    ----------
    workspace, patches
        Contents of BkgOnly.json and patchset.json.
    correlated
        Modifiers that act in several of the parts.
    left_out
        Grid points that are not in every part's patch set.
    remarks
        What was changed to make them go together.
    """

    workspace: Spec
    patches: Spec
    correlated: tuple[str, ...]
    left_out: int
    remarks: tuple[str, ...]


def combine(parts: Sequence[PublishedLikelihood], description: str) -> Combination:
    """Combine likelihoods with different channels.

    Only grid points that all of them have are kept.

    Raises
    ------
    DataError
        For channels of the same name, labels or settings that differ, patches that change more than
        samples, no common grid point, or a result that pyhf does not accept.
    """
    _check_distinct(parts)
    grids = _points(parts)
    common = [point for point in grids[0] if all(point in grid for grid in grids)]
    if not common:
        raise DataError("the runs have no grid point (mass, coupling) in common")
    names = [_new_names(parts[0], part) for part in parts]
    spec = _background(parts, names)
    settle(spec)
    place = {channel["name"]: i for i, channel in enumerate(spec["channels"])}
    tested: set[object] = set()
    patches = []
    for point in common:
        operations: list[Spec] = []
        for part, grid, new in zip(parts, grids, names, strict=True):
            changed = part.samples(grid[point])
            _check_names(parts[0], part, new)
            for channel, samples in changed.items():
                before = spec["channels"][place[channel]]["samples"]
                where = f"/channels/{place[channel]}/samples"
                operations += _changes(where, before, renamed(samples, new))
        metadata = grids[0][point]["metadata"]
        patches.append({"metadata": metadata, "patch": operations})
        _check_model(spec, patches[-1], tested)
    digests = {"sha256": pyhf.utils.digest(spec, algorithm="sha256")}
    head = {**parts[0].patches["metadata"], "description": description, "digests": digests}
    document = {"metadata": head, "patches": patches, "version": parts[0].patches["version"]}
    PublishedLikelihood("the combination", spec, {**document, "patches": patches[:1]})
    acting = [new.get(name, name) for part, new in zip(parts, names, strict=True)
              for name in part.modifiers]  # fmt: skip
    poi = parts[0].config["poi"]
    return Combination(
        spec,
        document,
        tuple(sorted({name for name in acting if acting.count(name) > 1} - {poi})),
        len({point for grid in grids for point in grid}) - len(common),
        tuple(_remarks(parts, names)),
    )


def _check_distinct(parts: Sequence[PublishedLikelihood]) -> None:
    """Refuse channels of the same name, and grids in other quantities."""
    owner: dict[str, str] = {}
    for part in parts:
        for channel in part.channels:
            if channel in owner:
                raise DataError(
                    f"{part.name}: has the channel {channel}, which {owner[channel]} has as well"
                )
            owner[channel] = part.name
        if part.patches["metadata"]["labels"] != parts[0].patches["metadata"]["labels"]:
            raise DataError(f"{part.name}: its patches have other labels than {parts[0].name}")


def _points(parts: Sequence[PublishedLikelihood]) -> list[dict[Point, Spec]]:
    """Give the patches of each part by their values; nearly equal ones are the same point."""
    columns = zip(*(p["metadata"]["values"] for part in parts for p in part.patches["patches"]),
                  strict=True)  # fmt: skip
    same = [_representatives(set(column)) for column in columns]
    grids = []
    for part in parts:
        grid: dict[Point, Spec] = {}
        for patch in part.patches["patches"]:
            values = patch["metadata"]["values"]
            point = tuple(known[value] for known, value in zip(same, values, strict=True))
            other = grid.setdefault(point, patch)
            if other is not patch:
                raise DataError(
                    f"{part.name}: the patches {other['metadata']['name']} and "
                    f"{patch['metadata']['name']} have (nearly) the same values, {values}"
                )
        grids.append(grid)
    return grids


def _representatives(values: set[Any]) -> dict[Any, object]:
    """Map each value to one that stands for all that are nearly equal; text for itself."""
    found: dict[Any, object] = {value: value for value in values if isinstance(value, str)}
    last = None
    for value in sorted(values - found.keys()):
        if last is None or value - last > NEAR * abs(value):
            last = value
        found[value] = last
    return found


def _new_names(first: PublishedLikelihood, part: PublishedLikelihood) -> dict[str, str]:
    """Give the signal strength of a part the name that the first has for it."""
    poi, own = first.config["poi"], part.config["poi"]
    return {} if own == poi else {own: poi}


def _check_names(
    first: PublishedLikelihood, part: PublishedLikelihood, new: dict[str, str]
) -> None:
    """Refuse a part in which the new name of its signal strength means something else."""
    for own, poi in new.items():
        if poi in part.modifiers:
            raise DataError(
                f"{part.name}: its modifier {poi} has the name of the parameter of interest of "
                f"{first.name}, but its own is {own}"
            )


def _background(parts: Sequence[PublishedLikelihood], names: Sequence[dict[str, str]]) -> Spec:
    """Put the workspaces side by side, each with its first measurement under one name."""
    first = parts[0].workspace["measurements"][0]
    settled = {entry["name"] for entry in first["config"]["parameters"]}
    specs = []
    for part, new in zip(parts, names, strict=True):
        channels = [
            {**c, "samples": renamed(c["samples"], new)} for c in part.workspace["channels"]
        ]
        parameters = [
            {**entry, "name": new.get(entry["name"], entry["name"])}
            for entry in part.config["parameters"]
            if new.get(entry["name"]) not in settled  # the first has settings of the strength
        ]
        config = {**part.config, "poi": first["config"]["poi"], "parameters": parameters}
        measurement = {"name": first["name"], "config": config}
        specs.append({**part.workspace, "channels": channels, "measurements": [measurement]})
    with told("the workspaces do not go together"):
        return dict(
            reduce(
                lambda left, right: pyhf.Workspace.combine(left, right, join="outer"),
                map(pyhf.Workspace, copy.deepcopy(specs)),
            )
        )


def _changes(where: str, before: list[Spec], after: list[Spec]) -> Iterator[Spec]:
    """Give the operations that make of some samples others."""
    if len(before) != len(after):
        yield {"op": "replace", "path": where, "value": after}
        return
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            yield {"op": "replace", "path": f"{where}/{i}", "value": new}


def _check_model(spec: Spec, patch: Spec, tested: set[object]) -> None:
    """Have pyhf make and evaluate a likelihood, once of those that differ in numbers only."""
    kind = shape(patch["patch"])
    if kind in tested:
        return
    with told("pyhf does not accept the combination"), np.errstate(all="ignore"):
        workspace = pyhf.Workspace(Patch(patch).apply(spec))
        model = workspace.model()
        if not all(
            len(ends) == 2 and ends[0] < ends[1] for ends in model.config.suggested_bounds()
        ):
            raise ValueError("the bounds of a parameter are not two rising numbers")
        start = np.array(model.config.suggested_init())
        if np.isnan(model.logpdf(start, workspace.data(model))).any():
            raise ValueError(f"its likelihood at {patch['metadata']['name']} is not a number")
    tested.add(kind)


def _remarks(
    parts: Sequence[PublishedLikelihood], names: Sequence[dict[str, str]]
) -> Iterator[str]:
    for part, new in zip(parts, names, strict=True):
        for own, poi in new.items():
            yield f"{part.name}: its signal strength {own} is called {poi}, as in {parts[0].name}"
        if len(part.workspace["measurements"]) > 1:
            used = part.workspace["measurements"][0]["name"]
            yield f"{part.name}: of its measurements only the first counts, {used}"
