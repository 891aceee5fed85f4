"""task=combine: one likelihood from those of several runs."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

from hnlstat.config.dataset import Dataset
from hnlstat.config.search import Search
from hnlstat.config.study import in_one_exposure
from hnlstat.config.task import CombineTask
from hnlstat.errors import ConfigError, DataError
from hnlstat.likelihood.combine import PublishedLikelihood, combine
from hnlstat.report.keep import write_compact, write_strict
from hnlstat.run.current import Run
from hnlstat.search.table import YieldTable
from hnlstat.studies import read
from hnlstat.studies.inputs import LIKELIHOOD
from hnlstat.system.reading import read_json


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Combine the likelihoods that lie in folders of runs."""
    task = current.study.task
    assert isinstance(task, CombineTask)
    assert given is None  # a Study with yields_from and this task is not valid
    parts = [_published(folder) for folder in task.folders]
    check_counted_once(task.folders)
    found = combine(parts, current.study.name)
    for text in found.remarks:
        current.remark(text)
    if found.left_out:
        current.remark(f"{found.left_out} grid points are not in every run and are left out")
    for part in parts:
        observed = [n for entry in part.workspace["observations"] for n in entry["data"]]
        if any(n != round(n) for n in observed):
            current.remark(f"{part.name}: its observations are expectations, not data")
    current.keep("workspace/BkgOnly.json", found.workspace, write_strict)
    current.keep("workspace/patchset.json", found.patches, write_compact)
    channels = [channel["name"] for channel in found.workspace["channels"]]
    patches = len(found.patches["patches"])
    current.say(
        f"{len(channels)} channels, {patches} grid points; correlated: "
        f"{', '.join(found.correlated) or 'nothing'}"
    )
    return {
        "task": "combine",
        "remarks": current.remarks,
        "folders": [str(folder) for folder in task.folders],
        "channels": channels,
        "correlated": list(found.correlated),
        "patches": patches,
    }


def _published(folder: Path) -> PublishedLikelihood:
    """Read the likelihood in a run's folder."""
    try:
        contents = [read_json(folder / "workspace" / name) for name in LIKELIHOOD]
    except DataError as error:
        raise DataError(f"task.folders: {error}") from None
    return PublishedLikelihood(str(folder), *contents)


def check_counted_once(folders: Sequence[Path]) -> None:
    """Refuse runs whose searches count the same decays, as far as their studies tell.

    Raises
    ------
    DataError
        Names both runs, and the searches.
    """
    for one, two in combinations(folders, 2):
        for pair in product(_searches(one), _searches(two)) if one != two else ():
            if reason := in_one_exposure(*pair):
                raise DataError(f"task.folders: {one} and {two}: {reason}")


def _searches(folder: Path) -> Iterator[tuple[Dataset, Search]]:
    """Searches of a run, or of those that it combines; none of likelihoods without a study."""
    try:
        study = read(folder / "config.yaml")
    except (ConfigError, DataError):
        return
    if isinstance(study.task, CombineTask):
        for part in study.task.folders:
            yield from _searches(part)
    else:
        yield from study.searches
