"""From Hydra's configuration to a Study: look up names and validate values, without tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf, open_dict

from hnlstat.config.base import GONE, suggest, validate
from hnlstat.config.explain import COMPOSITION_ERRORS, explain
from hnlstat.config.sections import FINISHED
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.studies.groups import GROUPS, Groups
from hnlstat.studies.idle import idle
from hnlstat.system.conf_search import groups as all_groups
from hnlstat.system.conf_search import hydra_session, options, own_folders, shipped_session
from hnlstat.system.user_files import read_run


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
    known = {*Study.model_fields, *GROUPS}
    for key in data:
        if key in GONE:
            raise ConfigError(f"{key}: {GONE[key]}")
        if key not in known:
            raise ConfigError(f"{key}: unknown key; {suggest(str(key), sorted(known))}")
    groups = Groups.of({key: data.pop(key, None) for key in GROUPS}, hydra)
    datasets = groups.datasets(data.pop("datasets", None))
    overrides = hydra.overrides.task if hydra is not None else []
    groups.check_used(overrides)
    _check_not_empty(overrides)
    name = data.pop("name", None)
    if name is None:
        name = "+".join(dataset.name for dataset in datasets)
    try:
        study = validate(Study, {**data, "name": name, "datasets": datasets}, context=context)
    except ConfigError as error:
        text = str(error)
        raise ConfigError(_set_by_experiment(text, hydra) or _not_chosen(text) or text) from None
    return study.remarking(*idle(study, overrides))


def _set_by_experiment(text: str, hydra: HydraConf | None) -> str | None:
    """Say so if a key is unknown because an experiment sets it for another option of its group."""
    key, unknown, _ = text.partition(": unknown key")
    if not unknown or hydra is None:
        return None
    choices = hydra.runtime.choices
    group, experiment = key.partition(".")[0], choices.get("experiment")
    typed = [override.lstrip("+").partition("=")[0] for override in hydra.overrides.task]
    if experiment is None or group not in typed or key in typed:
        return None
    chosen = f"{group}={choices.get(group)}"
    return (
        f"experiment={experiment}: does not go with {chosen}, which has no {key}; "
        f"leave {chosen} out"
    )


def _not_chosen(text: str) -> str | None:
    """Say so if a whole group is missing, and what it has to choose from."""
    group, missing, _ = text.partition(": is missing")
    with hydra_session():
        if not missing or group not in all_groups():
            return None
        return f"{group}: is missing; add {group}=NAME ({', '.join(options(group))})"


def _check_not_empty(overrides: Sequence[str]) -> None:
    """Refuse empty mappings, which Hydra merges with what is there: nothing would change."""
    for override in overrides:
        key, _, value = override.partition("=")
        if value.replace(" ", "") == "{}" and not key.startswith("+"):
            raise ConfigError(
                f"{override}: changes nothing, as mappings are merged; take a key out by ~{key}.KEY"
            )
