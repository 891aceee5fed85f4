"""The jobs of a sweep (multirun): what became of each, as files in the sweep's folder.

Files, because a launcher may run jobs in other processes and on other machines.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from hydra.conf import HydraConf
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from hnlstat.errors import DataError, SweepError
from hnlstat.run.files.folder import write_json
from hnlstat.system.reading import read_json

JOBS, PLAN = "jobs", "multirun.yaml"
"""Folder of the records, and Hydra's own file of what the sweep was asked for."""

UNFINISHED = "did not come to its end"


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Attributes
    ----------
    number : int
        Its place in the sweep, from 0.
    overrides : tuple of str
        What its command line would be.
    folder : str or None
        Folder of its results, relative to that of the sweep; None for a task that has none.
    reason : str or None
        Why it failed; None if it did not.
    """

    number: int
    overrides: tuple[str, ...]
    folder: str | None
    reason: str | None


class SweepFolder(Callback):
    """Tells where the sweep of this process lies; Hydra makes one of them (see runtime.yaml).

    A job cannot know by itself: an option that is swept may name another folder, and jobs may be
    run in folders of their own. Launchers hand the object to the processes of the jobs.
    """

    latest: ClassVar[Path | None] = None
    new: ClassVar[list[Path]] = []
    """Folders that there are not without the sweep, innermost first."""

    folder: Path | None = None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Keep the folder that is about to be used."""
        self.folder = Path(config.hydra.sweep.dir).absolute()
        SweepFolder.latest = self.folder
        SweepFolder.new = [p for p in (self.folder, *self.folder.parents) if not p.exists()]

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Tell the process of a job."""
        with suppress(OmegaConfBaseException):  # a setting that it needs is missing: told later
            SweepFolder.latest = self.folder or Path(config.hydra.sweep.dir).absolute()


def discard() -> None:
    """Take away what Hydra has written for a sweep that came to no job."""
    with suppress(OSError):  # where there is something else, it stays
        (_folder() / PLAN).unlink(missing_ok=True)
        for folder in SweepFolder.new:
            folder.rmdir()


def clear(hydra: HydraConf) -> None:
    """Take away the record that an earlier sweep in the same folder left of this job."""
    _record(_folder(), hydra.job.num).unlink(missing_ok=True)


def _folder() -> Path:
    assert SweepFolder.latest is not None  # jobs of a sweep only ask
    return SweepFolder.latest


def record(hydra: HydraConf, folder: Path | None, reason: str | None) -> None:
    """Write what became of the job that runs under this configuration of Hydra.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    sweep = _folder()
    relative = None if folder is None else Path(os.path.relpath(folder, sweep)).as_posix()
    path = _record(sweep, hydra.job.num)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(Job(hydra.job.num, tuple(hydra.overrides.task), relative, reason)))


def _record(sweep: Path, number: int) -> Path:
    return sweep / JOBS / f"{number:04d}.json"


def is_sweep(path: Path) -> bool:
    """Tell whether a folder is that of a sweep."""
    return (path / JOBS).is_dir()


def read_jobs(sweep: Path) -> list[Job]:
    """Read what became of the jobs of a sweep, in their order; one without a record has failed.

    Raises
    ------
    DataError
        If it is no folder of a sweep, or a record cannot be read.
    """
    jobs = {job.number: job for job in map(_read, sorted((sweep / JOBS).glob("*.json")))}
    if planned := _planned(sweep):  # others are of an earlier sweep in the same folder
        jobs = {i: jobs.get(i, Job(i, job, None, UNFINISHED)) for i, job in enumerate(planned)}
    if not jobs:
        raise DataError(f"{sweep}: is not the folder of a sweep: it has no {JOBS}")
    return [jobs[number] for number in sorted(jobs)]


def _read(path: Path) -> Job:
    try:
        content = read_json(path)
        return Job(**content | {"overrides": tuple(content["overrides"])})
    except DataError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise DataError(f"{path}: is not the record of a job: {reason}") from None
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path}: is not the record of a job: {error}") from None


def _planned(sweep: Path) -> list[tuple[str, ...]]:
    """List the overrides of all jobs that Hydra's own sweeper makes of the command line."""
    try:
        # as it was written: interpolations such as ${hydra:job.num} differ from job to job
        asked: Any = OmegaConf.to_container(OmegaConf.load(sweep / PLAN))
    except OSError:
        return []
    except (YAMLError, OmegaConfBaseException, ValueError, RecursionError) as error:
        raise DataError(f"{sweep / PLAN}: cannot be read: {' '.join(str(error).split())}") from None
    try:
        return _jobs(asked["hydra"])
    except (LookupError, TypeError, AttributeError, ValueError, HydraException) as error:
        raise DataError(f"{sweep / PLAN}: is not the plan of a sweep: {error}") from None


def _jobs(hydra: dict[str, Any]) -> list[tuple[str, ...]]:
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser

    if not hydra["sweeper"]["_target_"].endswith(BasicSweeper.__name__):
        return []  # others decide on jobs as they go
    params = hydra["sweeper"].get("params") or {}
    texts = [f"{key}={value}" for key, value in params.items()] + hydra["overrides"]["task"]
    parsed = OverridesParser.create().parse_overrides(texts)
    return [tuple(job) for batch in BasicSweeper.split_arguments(parsed, None) for job in batch]


def choices(jobs: Sequence[Job]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Find the keys in which jobs differ, and the values of each job, "" where it has none."""
    settings = [dict(_split(text) for text in job.overrides) for job in jobs]
    keys = list(dict.fromkeys(key for mine in settings for key in mine))
    differing = [key for key in keys if len({mine.get(key) for mine in settings}) > 1]
    return differing, [tuple(mine.get(key, "") for key in differing) for mine in settings]


def _split(override: str) -> tuple[str, str]:
    key, _, value = override.partition("=")
    return key.lstrip("+~"), value.strip("'\"").replace("\\ ", " ")


def failures(jobs: Sequence[Job]) -> list[str]:
    """Say of each job that failed which it was, by what differs from the others, and why."""
    keys, values = choices(jobs)
    return [
        f"#{job.number} {' '.join(map('='.join, zip(keys, value, strict=True)))}: {job.reason}"
        for job, value in zip(jobs, values, strict=True)
        if job.reason
    ]


def report(sweep: Path) -> None:
    """Say how a sweep went.

    Raises
    ------
    SweepError
        If a job failed.
    """
    jobs = read_jobs(sweep)
    failed = failures(jobs)
    shown = sweep.relative_to(Path.cwd()) if sweep.is_relative_to(Path.cwd()) else sweep
    print(f"sweep {shown}/: {len(jobs) - len(failed)} of {len(jobs)} jobs done")
    for line in failed:
        print(f"  failed: {line}")
    print(f"  collect them: python -m hnlstat task=collect task.folder={shown}")
    check(jobs)


def check(jobs: Sequence[Job]) -> None:
    """Raise a SweepError if a job failed."""
    if failed := failures(jobs):
        raise SweepError(f"{len(failed)} of {len(jobs)} jobs of the sweep failed, see above")
