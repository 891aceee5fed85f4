"""From Hydra's configuration to a Study: look up names and validate values, without tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from hydra import compose
from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf, open_dict

from hnlstat.config.base import Section, suggest, validate
from hnlstat.config.detector import Detector
from hnlstat.config.explain import COMPOSITION_ERRORS, explain
from hnlstat.config.sections import FINISHED, Dataset, Exposure
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.system.conf_search import hydra_session, own_folders, shipped_session
from hnlstat.system.user_files import read_run

PartOfDataset = TypeVar("PartOfDataset", bound=Section)


def load(overrides: Sequence[str] = (), config_name: str = "config") -> Study:
    """
    Compose a Study as the command line does, not yet checked against tables.

    Parameters
    ----------
    overrides
        What would stand on the command line: `["detector=nd280_upgrade", "model.nature=majorana"]`;
        own files: `"hydra.searchpath=[file:///my/dir]"`.
    config_name
        The configuration to start from.

    Raises
    ------
    ConfigError
        If it does not compose.
    """
    with hydra_session():
        try:
            config = compose(config_name, list(overrides), return_hydra_config=True)
        except COMPOSITION_ERRORS as error:
            raise ConfigError(explain(error, overrides)) from None
        with open_dict(config):
            hydra = config.pop("hydra")
        return from_config(config, hydra)


def load_anew(overrides: Sequence[str]) -> Study:
    """
    Compose a Study as `load` does, always from the shipped configuration.

    Within a run `load` starts from what that run was started with, which may be a resolved
    configuration without groups. Options in the user's own folders are found.

    Raises
    ------
    ConfigError
        As `load`.
    """
    search = [f"file://{folder}" for folder in own_folders()]
    with shipped_session():
        return load([*overrides, *([f"hydra.searchpath={search}"] if search else [])])


def read(path: Path) -> Study:
    """
    Read the resolved configuration of a finished run.

    The files that it read may be gone or changed, and are not looked at.

    Raises
    ------
    ConfigError
        Names the file, if it cannot be read or is not a resolved configuration.
    """
    content = read_run(path)
    try:
        return from_settings(content, context=FINISHED)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def from_config(config: DictConfig, hydra: HydraConf | None = None) -> Study:
    """
    Make a Study of a composed configuration.

    Parameters
    ----------
    config
        The configuration without its `hydra` node.
    hydra
        That node: it tells which options were chosen and what was overridden.

    Raises
    ------
    ConfigError
        Names the key, the value and what would be right.
    """
    try:
        data: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except COMPOSITION_ERRORS as error:
        raise ConfigError(explain(error)) from None
    return from_settings(data, hydra)


def from_settings(
    data: dict[str, Any], hydra: HydraConf | None = None, context: str | None = None
) -> Study:
    """
    Make a Study of plain settings; otherwise as `from_config`.

    Parameters
    ----------
    data, hydra
        As there.
    context
        `FINISHED` for the configuration of a run that came to its end.

    Raises
    ------
    ConfigError
        As `from_config`.
    """
    data = dict(data)
    known = {*Study.model_fields, "detector", "exposure"}
    for key in data:
        if key not in known:
            raise ConfigError(f"{key}: unknown key; {suggest(str(key), sorted(known))}")
    choices = hydra.runtime.choices if hydra is not None else {}
    search = hydra.searchpath if hydra is not None else []
    own, taken = data.pop("detector", None), data.pop("exposure", None)
    for key, value in (("detector", own), ("exposure", taken)):
        if value is not None and not isinstance(value, dict):
            raise ConfigError(
                f"{key}: {value} is not a mapping; in a file, an option is chosen by its list of "
                f"defaults: [override /{key}: {value}]"
            )
    detectors = _Group("detector", Detector, own, choices.get("detector"), search)
    exposures = _Group("exposure", Exposure, taken, choices.get("exposure"), search)
    datasets = _datasets(data.pop("datasets", None), detectors, exposures)
    for group in (detectors, exposures):
        group.check_used(hydra.overrides.task if hydra is not None else [])
    name = data.pop("name", None)
    if name is None:
        name = "+".join(dataset.name for dataset in datasets)
    return validate(Study, {**data, "name": name, "datasets": datasets}, context=context)


@dataclass
class _Group(Generic[PartOfDataset]):
    """A group that datasets refer to: the chosen option, with its overrides, and all by name."""

    name: str
    kind: type[PartOfDataset]
    chosen: Any
    choice: str | None
    search: Sequence[str]
    used: bool = False

    def get(self, reference: object, where: str) -> PartOfDataset:
        """Resolve an entry of a dataset: None (the chosen option), a name, or a mapping."""
        if reference is None or (self.choice is not None and reference == self.choice):
            if self.chosen is None:
                raise ConfigError(f"{where}: is missing; name one here or add {self.name}=NAME")
            self.used = True
            return validate(self.kind, self.chosen, self.name)
        if isinstance(reference, str):
            return validate(
                self.kind, _named(self.name, reference, self.search), f"{self.name}/{reference}"
            )
        return validate(self.kind, reference, where)

    def check_used(self, overrides: Sequence[str]) -> None:
        """Raise a ConfigError if an override of the group has no effect."""
        for override in overrides:
            key = override.partition("=")[0].lstrip("+~")
            if key.split(".")[0] == self.name and not self.used:
                raise ConfigError(
                    f"{override}: changes nothing, because each entry of datasets names its own "
                    f"{self.name}"
                )


def _datasets(
    entries: Any, detectors: _Group[Detector], exposures: _Group[Exposure]
) -> tuple[Dataset, ...]:
    default = None
    if isinstance(detectors.chosen, dict):
        default = detectors.chosen.pop("datasets", None)
    elif entries is None:
        raise ConfigError("detector: none is chosen; add detector=NAME or datasets=[...]")
    if entries is None:
        entries = default if exposures.chosen is None else [{}]
    if not isinstance(entries, list) or not entries:
        raise ConfigError(
            f"datasets: {entries} is not a list of datasets; write datasets='[{{detector: nd280, "
            "exposure: t2k_2019}]' or choose an exposure"
        )
    return tuple(
        _dataset(entry, f"datasets.{i}", detectors, exposures) for i, entry in enumerate(entries)
    )


def _dataset(
    entry: Any, where: str, detectors: _Group[Detector], exposures: _Group[Exposure]
) -> Dataset:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: {entry} is not a mapping such as {{detector: nd280}}")
    for key in entry:
        if key not in Dataset.model_fields:
            raise ConfigError(
                f"{where}.{key}: unknown key; {suggest(str(key), Dataset.model_fields)}"
            )
    detector = detectors.get(entry.get("detector"), f"{where}.detector")
    exposure = exposures.get(entry.get("exposure"), f"{where}.exposure")
    name = entry.get("name") or detector.name
    return validate(Dataset, {"name": name, "detector": detector, "exposure": exposure}, where)


def _named(group: str, name: str, search: Sequence[str]) -> Any:
    """Compose one option of a group by its name, with all that its defaults list pulls in."""
    overrides = [f"+{group}={name}"]
    if search:
        overrides.append(f"hydra.searchpath={list(search)}")
    with hydra_session():
        try:
            config = compose(overrides=overrides)
            content: Any = OmegaConf.to_container(config[group], resolve=True)
        except COMPOSITION_ERRORS as error:
            raise ConfigError(f"datasets: {explain(error)}") from None
    content.pop("datasets", None)
    return content
