"""The groups that datasets refer to: what a name, a mapping or nothing stands for in an entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hydra import compose
from hydra.conf import HydraConf
from omegaconf import OmegaConf

from hnlstat.config.base import Section, suggest, validate
from hnlstat.config.dataset import Dataset, Exposure
from hnlstat.config.detector import Detector
from hnlstat.config.explain import COMPOSITION_ERRORS, explain
from hnlstat.config.flux import read_flux
from hnlstat.config.searches import SEARCHES
from hnlstat.errors import ConfigError
from hnlstat.studies.search_files import with_files
from hnlstat.system.conf_search import hydra_session, options

Part = TypeVar("Part", bound=Section)
Tree = dict[str, Any]

GROUPS = ("detector", "exposure", "flux", "search")
"""What a dataset is made of."""


@dataclass
class Groups:
    """
    The chosen options, with their overrides, and all others by name.

    Attributes
    ----------
    chosen
        Group -> its settings in the whole configuration, None if no option is chosen.
    choices
        Group -> name of the option.
    search
        Search path for the files of options.
    used
        Groups that some dataset takes the chosen option of, of searches `search.<name>`.
    """

    chosen: dict[str, Any]
    choices: Mapping[str, Any]
    search: Sequence[str]
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, chosen: dict[str, Any], hydra: HydraConf | None) -> Groups:
        """Take the options that Hydra has chosen, if it did."""
        for key, value in chosen.items():
            if value is not None and not isinstance(value, dict):
                raise ConfigError(
                    f"{key}: {value} is not a mapping; in a file, an option is chosen by its list "
                    f"of defaults: [override /{key}: {value}]"
                )
        if chosen["search"] is not None:
            chosen = chosen | {"search": _by_name(chosen["search"], "search")}
        choices = hydra.runtime.choices if hydra is not None else {}
        return cls(chosen, choices, hydra.searchpath if hydra is not None else [])

    def datasets(self, entries: Any) -> tuple[Dataset, ...]:
        """Make the datasets of a study: those of its entries, or what the detector names."""
        default = None
        if isinstance(self.chosen["detector"], dict):
            default = self.chosen["detector"].pop("datasets", None)
        elif entries is None:
            raise ConfigError("detector: none is chosen; add detector=NAME or datasets=[...]")
        if entries is None:
            entries = default if self.chosen["exposure"] is None else [{}]
        if not isinstance(entries, list) or not entries:
            raise ConfigError(
                f"datasets: {'none' if entries is None else entries} is not a list of datasets; "
                "write datasets='[{detector: nd280, exposure: t2k_2019}]' or choose an exposure"
            )
        parts = {f"datasets.{i}": self._parts(e, f"datasets.{i}") for i, e in enumerate(entries)}
        unnamed = [i for i, entry in enumerate(entries) if entry.get("search") is None]
        _leave_out([part for i, part in enumerate(parts.values()) if i in unnamed])
        found = tuple(
            validate(Dataset, part, where) for where, part in parts.items() if part["search"]
        )
        self._check_exposures(found)
        return found

    def _parts(self, entry: Any, where: str) -> Tree:
        """Settings of the dataset of an entry."""
        if not isinstance(entry, dict):
            raise ConfigError(f"{where}: {entry} is not a mapping such as {{detector: nd280}}")
        for key in entry:
            if key not in Dataset.model_fields:
                raise ConfigError(
                    f"{where}.{key}: unknown key; {suggest(str(key), Dataset.model_fields)}"
                )
        own = self._named_detector(entry.get("detector"))
        detector = self._part("detector", partial(validate, Detector), entry, own, where)
        return {
            "name": entry.get("name") or detector.name,
            "detector": detector,
            "exposure": self._part("exposure", partial(validate, Exposure), entry, own, where),
            "flux": self._part("flux", read_flux, entry, own, where),
            "search": self._searches(entry.get("search"), own, f"{where}.search"),
        }

    def _is_chosen(self, group: str, reference: object) -> bool:
        return reference is None or reference == self.choices.get(group)

    def _named_detector(self, reference: object) -> Tree:
        """A detector that an entry names, with the flux and searches that its file asks for."""
        if not isinstance(reference, str) or self._is_chosen("detector", reference):
            return {}
        own = self._with_its_own(reference)
        for group in sorted({"flux", "search"} - own.keys()):
            own |= {group: None} if self._is_of_the_chosen_detector(group) else {}
        return own

    def _with_its_own(self, detector: str) -> Tree:
        # what a file overrides must be there, and come before it
        groups = ("search", "flux", "task", "scan")
        return self._compose(*(f"+{group}=[]" for group in groups), f"+detector={detector}")

    def _is_of_the_chosen_detector(self, group: str) -> bool:
        """Whether what is chosen of a group is what the chosen detector's file asks for."""
        chosen, detector = self.chosen[group], self.choices.get("detector")
        usual = {"flux": "t2k_nd280", "search": "tpc_ee"}[group]
        if not chosen or detector is None or usual in (*chosen, chosen.get("name")):
            return False
        own = self._with_its_own(str(detector)).get(group)
        if group == "search":
            return own is not None and own.keys() == chosen.keys()
        return own is not None and own.get("name") == chosen.get("name")

    def _part(
        self,
        group: str,
        read: Callable[[object, str], Part],
        entry: Tree,
        own: Tree,
        where: str,
    ) -> Part:
        """Resolve a part of an entry: a name, a mapping, the detector's own or the chosen one."""
        reference, chosen = entry.get(group), self.chosen[group]
        if group in own and (group == "detector" or reference is None):
            self._check_own(group, own, where)
            if group == "detector" or chosen is None or chosen["name"] != own[group].get("name"):
                name = reference or f"of {own['detector'].get('name')}"
                return read(own[group], f"{group}/{name}")
        if self._is_chosen(group, reference):
            if chosen is None:
                raise ConfigError(f"{where}.{group}: is missing; name one here or add {group}=NAME")
            self.used.add(group)
            return read(chosen, group)
        if isinstance(reference, str):
            return read(self._named(group, reference), f"{group}/{reference}")
        return read(reference, f"{where}.{group}")

    def _check_own(self, group: str, own: Tree, where: str) -> None:
        if own[group] is None:
            raise ConfigError(
                f"{where}.{group}: is missing; what is chosen is that of the detector "
                f"{self.choices['detector']}"
            )

    def _searches(self, reference: object, own: Tree, where: str) -> Tree:
        """Settings of the searches of an entry, by name."""
        chosen, mine = self.chosen["search"] or {}, {}
        if reference is None and "search" in own:
            self._check_own("search", own, where.removesuffix(".search"))
            mine = _by_name(own["search"], "search")
            reference = [*mine]
        if reference is None:
            reference = [*chosen]
        found: Tree = {}
        for one in reference if isinstance(reference, list) else [reference]:
            if isinstance(one, str) and one in mine and one not in chosen:
                named = {one: mine[one]}
            else:
                named = self._one_search(one, where)
            for name, search in named.items():
                if name in found:
                    raise ConfigError(f"{where}: names {name} twice")
                found[name] = search
        if not found:
            raise ConfigError(f"{where}: is missing; name one here or add search=NAME")
        return found

    def _one_search(self, reference: object, where: str) -> Tree:
        if isinstance(reference, dict):
            return _by_name(reference, where)
        if not isinstance(reference, str) or not reference:
            raise ConfigError(f"{where}: {reference} is not the name of a search, nor a mapping")
        name, chosen = reference, self.chosen["search"] or {}
        if name in chosen:
            self.used.add(f"search.{name}")
            return {name: chosen[name]}
        return _by_name(self._named("search", name), "search")

    def _named(self, group: str, name: str) -> Any:
        return self._compose(f"+{group}={name}")[group]

    def _compose(self, *overrides: str) -> Tree:
        """Compose options by their names, with all that their defaults lists pull in."""
        path = [f"hydra.searchpath={list(self.search)}"] if self.search else []
        with hydra_session():
            try:
                config = compose(overrides=[*overrides, *path])
                content: Any = OmegaConf.to_container(config, resolve=True)
            except COMPOSITION_ERRORS as error:
                raise ConfigError(f"datasets: {explain(error)}") from None
        if "detector" in content:
            content["detector"].pop("datasets", None)
        return dict(content)

    def _check_exposures(self, datasets: Sequence[Dataset]) -> None:
        """Make sure that the searches that were chosen have data of exposures that exist."""
        known = {dataset.exposure.name for dataset in datasets}
        for name, search in (self.chosen["search"] or {}).items():
            observed = search.get("observed") if isinstance(search, dict) else None
            for exposure in observed if isinstance(observed, dict) else ():
                if exposure in known:
                    continue
                known |= self._exposures()
                if exposure not in known:
                    raise ConfigError(
                        f"search.{name}.observed.{exposure}: there is no exposure {exposure}; "
                        + suggest(str(exposure), sorted(known))
                    )

    def _exposures(self) -> set[str]:
        """Names of the files of exposures."""
        folders = [Path(path.removeprefix("file://"), "exposure") for path in self.search]
        own = {file.stem for folder in folders for file in folder.glob("*.y*ml")}
        with hydra_session():
            return own | {*options("exposure")}

    def check_used(self, overrides: Sequence[str]) -> None:
        """Raise a ConfigError if an override of a group has no effect."""
        for override in overrides:
            group, *rest = override.partition("=")[0].lstrip("+~").split(".")
            if group not in GROUPS:
                continue
            names = [group]
            if group == "search":
                names = [f"search.{name}" for name in rest[:1] or self.chosen["search"] or ()]
            idle = [name.removeprefix("search.") for name in names if name not in self.used]
            if idle or not names:
                part = "" if len(idle) == len(names) else f" with {', '.join(idle)}"
                raise ConfigError(
                    f"{override}: changes nothing{part}, because each entry of datasets names its "
                    f"own {group}"
                )


def _leave_out(datasets: Sequence[Tree]) -> None:
    """Take searches out of datasets that have none of the volumes they name, if others have some.

    A search for the upgrade's targets is so one of the upgrade, not of what stood there before.
    """
    homes = {
        name
        for part in datasets
        for name, search in part["search"].items()
        if _has_volumes(part["detector"], search)
    }
    for part in datasets:
        part["search"] = {
            name: search
            for name, search in part["search"].items()
            if name not in homes or _has_volumes(part["detector"], search)
        }


def _has_volumes(detector: Detector, search: Tree) -> bool:
    names = search.get("fiducial")
    return not isinstance(names, list | tuple) or any(name in detector.fiducial for name in names)


def _by_name(settings: Tree, where: str) -> Tree:
    """Settings of searches by name, of one search or of several by name, with files read."""
    if "kind" in settings:
        name = settings.get("name")
        if not isinstance(name, str):
            raise ConfigError(f"{where}.name: is missing; a search has a name")
        settings = {name: settings}
    found = {}
    for name, search in settings.items():
        if not isinstance(search, dict):
            raise ConfigError(f"{where}.{name}: {search} is not a mapping of keys to values")
        if "kind" not in search:
            raise ConfigError(
                f"{where}.{name}.kind: is missing ({', '.join(SEARCHES)}); or choose the search "
                f"{name} if these are settings of it"
            )
        found[name] = with_files({"name": name, **search}, f"{where}.{name}")
    return found
