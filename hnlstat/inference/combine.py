"""One likelihood from the published ones of several runs.

Channels are put side by side. Modifiers of the same name are one nuisance parameter, as HistFactory
has it: flux, efficiency and rock density are correlated between runs, backgrounds and Monte Carlo
errors carry their channel's name and are not.
"""

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyhf

from hnlstat.errors import DataError
from hnlstat.inference.workspace import settle

Spec = dict[str, Any]
Point = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PublishedLikelihood:
    """A background-only workspace and the patch set of its grid, checked.

    Attributes
    ----------
    name
        Where it comes from, for messages.
    workspace, patches
        Contents of BkgOnly.json and patchset.json.
    """

    name: str
    workspace: Spec
    patches: Spec

    def __post_init__(self) -> None:
        for content, kind in ((self.workspace, "workspace"), (self.patches, "patchset")):
            try:
                pyhf.schema.validate(content, f"{kind}.json", version="1.0.0")
            except pyhf.exceptions.InvalidSpecification as error:
                raise DataError(f"{self.name}: is not a valid {kind}: {_line(error)}") from error
        try:
            pyhf.PatchSet(self.patches).verify(pyhf.Workspace(self.workspace))
        except pyhf.exceptions.InvalidPatchSet as error:
            raise DataError(f"{self.name}: is not a valid patchset: {_line(error)}") from error
        except pyhf.exceptions.PatchSetVerificationError as error:
            raise DataError(
                f"{self.name}: patchset.json does not belong to BkgOnly.json: the digests differ"
            ) from error

    @property
    def channels(self) -> list[str]:
        """Names of the channels, in order."""
        return [channel["name"] for channel in self.workspace["channels"]]

    @property
    def modifiers(self) -> set[str]:
        """Names of all modifiers of the background and of the signals."""
        samples = [sample for c in self.workspace["channels"] for sample in c["samples"]]
        operations = (op for patch in self.patches["patches"] for op in patch["patch"])
        samples += [op["value"] for op in operations if isinstance(op.get("value"), dict)]
        return {m["name"] for sample in samples for m in sample.get("modifiers", ())}

    def points(self) -> dict[Point, Spec]:
        """Return the patches by their values, to nine digits."""
        return {
            tuple(f"{value:.9g}" for value in patch["metadata"]["values"]): patch
            for patch in self.patches["patches"]
        }


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
    """

    workspace: Spec
    patches: Spec
    correlated: tuple[str, ...]
    left_out: int


def combine(parts: Sequence[PublishedLikelihood], description: str) -> Combination:
    """Combine likelihoods with different channels.

    Only grid points that all of them have are kept.

    Raises
    ------
    DataError
        For channels of the same name, measurements or labels that differ, or no common grid point.
    """
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
    try:
        workspace = reduce(
            lambda left, right: pyhf.Workspace.combine(left, right, join="outer"),
            [pyhf.Workspace(part.workspace) for part in parts],
        )
    except pyhf.exceptions.InvalidWorkspaceOperation as error:
        raise DataError(f"the workspaces do not go together: {_line(error)}") from error
    spec = deepcopy(dict(workspace))
    settle(spec)
    index = {channel["name"]: i for i, channel in enumerate(spec["channels"])}
    grids = [part.points() for part in parts]
    common = [point for point in grids[0] if all(point in grid for grid in grids)]
    if not common:
        raise DataError("the runs have no grid point (mass, coupling) in common")
    patches = [
        {
            "metadata": grids[0][point]["metadata"],
            "patch": [
                _moved(operation, part, index)
                for part, grid in zip(parts, grids, strict=True)
                for operation in grid[point]["patch"]
            ],
        }
        for point in common
    ]
    digests = {"sha256": pyhf.utils.digest(spec, algorithm="sha256")}
    metadata = {**parts[0].patches["metadata"], "description": description, "digests": digests}
    names = [name for part in parts for name in part.modifiers]
    poi = spec["measurements"][0]["config"]["poi"]
    return Combination(
        spec,
        {"metadata": metadata, "patches": patches, "version": parts[0].patches["version"]},
        tuple(sorted({name for name in names if names.count(name) > 1} - {poi})),
        len({point for grid in grids for point in grid}) - len(common),
    )


def _moved(operation: Spec, part: PublishedLikelihood, index: dict[str, int]) -> Spec:
    """Return a patch's operation with the channel's number in the combined workspace."""
    found = re.fullmatch(r"/channels/(\d+)(/.*)?", operation["path"])
    if found is None:
        raise DataError(f"{part.name}: a patch changes {operation['path']}, not a channel")
    channel = part.channels[int(found[1])]
    return {**operation, "path": f"/channels/{index[channel]}{found[2] or ''}"}


def _line(error: Exception) -> str:
    """Return the first line of a message."""
    return str(error).splitlines()[0]
