"""The published likelihood of a run, ours or somebody else's, checked before it is used."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyhf
from pyhf.patchset import Patch

from hnlstat.errors import DataError

Spec = dict[str, Any]
SCHEMA = "1.0.0"


@dataclass(frozen=True, eq=False)
class PublishedLikelihood:
    """A background-only workspace and the patch set of its grid, checked.

    Attributes
    ----------
    name
        Where it comes from, for messages.
    workspace, patches
        Contents of BkgOnly.json and patchset.json.
    modifiers
        Names of all modifiers of the background, and of the signals that were asked for.
    """

    name: str
    workspace: Spec
    patches: Spec
    modifiers: set[str] = field(default_factory=set)
    _known: set[object] = field(default_factory=set)

    def __post_init__(self) -> None:
        for content, kind in ((self.workspace, "workspace"), (self.patches, "patchset")):
            with told(f"{self.name}: is not a valid {kind}"):
                pyhf.schema.validate(content, f"{kind}.json", version=SCHEMA)
        with told(f"{self.name}: is not a valid patchset"):
            patches, workspace = pyhf.PatchSet(self.patches), pyhf.Workspace(self.workspace)
        try:
            patches.verify(workspace)
        except pyhf.exceptions.PatchSetVerificationError as error:
            raise DataError(
                f"{self.name}: patchset.json does not belong to BkgOnly.json: the digests differ"
            ) from error
        check_numbers(self.name, self.workspace)
        self.modifiers.update(_modifiers(self.workspace))

    @property
    def channels(self) -> list[str]:
        """Names of the channels, in order."""
        return [channel["name"] for channel in self.workspace["channels"]]

    @property
    def config(self) -> Spec:
        """Parameter of interest and settings of the first measurement, which counts."""
        found: Spec = self.workspace["measurements"][0]["config"]
        return found

    def samples(self, patch: Spec) -> dict[str, list[Spec]]:
        """Apply a patch, and give the samples of each channel.

        Raises
        ------
        DataError
            If the patch cannot be applied, changes more than samples, or makes no likelihood.
        """
        where = f"{self.name}: patch {patch['metadata']['name']}"
        with told(f"{where} cannot be applied"):
            spec = Patch(patch).apply(self.workspace)
        kind = shape(spec)
        if kind not in self._known:  # the numbers of others alone differ
            with told(f"{where} does not make a workspace"):
                pyhf.schema.validate(spec, "workspace.json", version=SCHEMA)
        found = {channel["name"]: channel["samples"] for channel in spec["channels"]}
        if sorted(channel["name"] for channel in spec["channels"]) != sorted(self.channels):
            raise DataError(f"{where} adds, removes or renames channels, not only samples")
        for part in ("observations", "measurements", "version"):
            if spec[part] != self.workspace[part]:
                raise DataError(f"{where} changes the {part}, not only samples")
        check_numbers(where, spec)
        if kind not in self._known:
            if self.config["poi"] not in _modifiers(spec):
                raise DataError(
                    f"{where}: the parameter of interest {self.config['poi']} acts on no sample"
                )
            self.modifiers.update(_modifiers(spec))
            self._known.add(kind)
        return found


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn what libraries raise on the documents of others into an error of one line."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # of pyhf, jsonpatch, jsonschema and numpy, without a common base
        reason = (str(error).splitlines() or [""])[0][:200]
        raise DataError(f"{what}: {reason or type(error).__name__}") from error


def check_numbers(where: str, spec: Spec) -> None:
    """Check what the schema of a workspace does not: names, numbers of bins, and signs.

    Raises
    ------
    DataError
        Names the channel.
    """
    names = [channel["name"] for channel in spec["channels"]]
    observed = {entry["name"]: entry["data"] for entry in spec["observations"]}
    if twice := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{where}: has the channel {twice[0]} twice")
    if sorted(entry["name"] for entry in spec["observations"]) != sorted(names):
        raise DataError(f"{where}: has not just one observation for each channel")
    for channel in spec["channels"]:
        name, bins = channel["name"], len(observed[channel["name"]])
        if any(n < 0 for n in observed[name]):
            raise DataError(f"{where}: channel {name} has a negative observation")
        samples = [sample["name"] for sample in channel["samples"]]
        if len(set(samples)) < len(samples):  # pyhf would take the last of each name
            raise DataError(f"{where}: channel {name} has two samples of one name")
        for sample in channel["samples"]:
            if len(sample["data"]) != bins:
                raise DataError(
                    f"{where}: channel {name}, sample {sample['name']}: {len(sample['data'])} bins,"
                    f" but {bins} observations"
                )
        rates = map(sum, zip(*(sample["data"] for sample in channel["samples"]), strict=True))
        if any(rate < 0 for rate in rates):
            raise DataError(f"{where}: channel {name} has a negative rate")


def renamed(samples: list[Spec], names: dict[str, str]) -> list[Spec]:
    """Give samples with other names of some modifiers."""
    if not names:
        return samples
    changed = copy.deepcopy(samples)
    for modifier in (m for sample in changed for m in sample["modifiers"]):
        modifier["name"] = names.get(modifier["name"], modifier["name"])
    return changed


def _modifiers(spec: Spec) -> set[str]:
    samples = (sample for channel in spec["channels"] for sample in channel["samples"])
    return {modifier["name"] for sample in samples for modifier in sample["modifiers"]}


def shape(content: object) -> object:
    """Give what documents have in common that differ in numbers only."""
    if isinstance(content, dict):
        return dict, *((key, shape(value)) for key, value in content.items())
    if isinstance(content, list):
        return tuple(map(shape, content))
    return content if isinstance(content, str | bool) or content is None else float
