"""What stands for a Study: its resolved configuration, and a hash of all that changes results."""

import hashlib
import json
import re
from typing import Any

import yaml  # type: ignore[import-untyped]

from hnlstat.beam.kaons import arrays
from hnlstat.config.registry import foreign_code, is_foreign
from hnlstat.config.study import Study
from hnlstat.studies.inputs import anchor, digest, input_files
from hnlstat.version import __version__


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Quotes words such as 1e3, which OmegaConf reads as numbers, other than PyYAML."""


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$"), "-+0123456789"
)


def content_hash(study: Study) -> str:
    """
    Give 12 hex digits that stand for everything that changes the numbers of a run.

    That is the configuration without names, descriptions, sources, kind of task, executor, store,
    `runs`, the look of figures and the bounds that limits are only compared with. It has the
    content of the flux table and of other files, not their names, and the version of hnlstat.
    """
    unimportant: Any = {
        "name": True,
        "task": {"kind", "folders"},
        "executor": True,
        "store": True,
        "resume": True,
        "runs": True,
        "yields_from": True,
        "data_from": True,
        "inputs": True,
        "events": {"format"},
        "bounds": True,
        "report": True,
        "systematics": {"assumed", "cite"},
        "datasets": {
            "__all__": {
                "detector": {"description", "assumed", "cite"},
                "exposure": {"description", "assumed", "cite"},
                "flux": {"table", "spectra", "assumed", "unit", "cite"},
                "search": {"__all__": {"description", "assumed", "cite"}},
            }
        },
    }
    if study.task.kind != "compare":
        unimportant["compare"] = True
    content = json.dumps(study.model_dump(mode="json", exclude=unimportant))
    total = hashlib.sha256(f"{__version__} {content}".encode())
    if is_foreign(type(study.model)):
        total.update(foreign_code(type(study.model).__module__).encode())
    for dataset in study.datasets:
        for values in arrays(dataset.flux):
            total.update(values.tobytes())
    for key, path in input_files(study):
        if not key.startswith(("bounds", "flux")):
            total.update(f"{key} {digest(key, path)}".encode())
    return total.hexdigest()[:12]


def to_yaml(study: Study) -> str:
    """
    Write the resolved configuration, quantities as numbers in their base units.

    Paths of what is read are absolute, with the SHA-256 of each file under `inputs`.

    Saved as config.yaml in a folder DIR, `python -m hnlstat --config-dir DIR` runs it again.
    """
    content: dict[str, Any] = {
        "defaults": ["runtime", "_self_"],
        **study.model_dump(mode="json", by_alias=True),
    }
    anchor(study, content)
    units = ", ".join(filter(None, ("GeV", "m", "g/cm3", "POT", study.model.axis.unit)))
    head = f"# Resolved configuration of an hnlstat run: {units}.\n"
    return head + yaml_text(content)


def yaml_text(content: dict[str, Any]) -> str:
    """Write a configuration as YAML."""
    return str(
        yaml.dump(
            content,
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=None,
            width=100,
            allow_unicode=True,
        )
    )
