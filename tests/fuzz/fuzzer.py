"""Nonsense: each case must end well, or be refused in one line that leaves nothing behind.

`python tests/fuzz/fuzzer.py 5000` tries 5000 cases, `... 5000 7` another 5000 (the seed is 7). It
tells what is wrong and ends with a count. What gets through the checks is run where that is cheap.
"""

from __future__ import annotations

import copy
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from nonsense import BAD_FILES, OTHERS, SEEDS, SIZES, STRUCTURES, STUDIES, TYPED, VALUES

import hnlstat.tasks.running
from hnlstat.app import main
from hnlstat.config import Study
from hnlstat.config.explain import paths
from hnlstat.errors import HnlstatError
from hnlstat.likelihood.channels import channels
from hnlstat.studies import load, read
from hnlstat.studies.compose import compose
from hnlstat.studies.loading import from_settings
from hnlstat.studies.saved import content_hash, to_yaml
from hnlstat.system.conf_search import groups, hydra_session, options
from hnlstat.system.shipped import conf_dir
from hnlstat.tasks.running import Outcome

LIMIT = 30
"""Seconds of processor time that a case may take; it may wait for ten times that."""

MEMORY = 4 * 2**30
"""Bytes that the process may have."""

LONGEST = 1000
"""Characters of a line."""

CHEAP = [
    "experiment=quick", "executor=serial", "scan.mass.values=[0.1,0.2]", "scan.coupling.points=5",
    "simulation.max_points=4096", "simulation.precision=0.5", "bounds=none", "model.mass=0.1",
    "model.coupling=4e-7",
]  # fmt: skip
"""Settings with which a task takes a second."""

TASKS = [
    ["task=yields"], ["task=workspace"], ["task=point"],
    ["task=events", "events.number=100", "events.format=npz"],
    ["task=coverage", "task.toys=100", "task.signals=[1]"], ["task=inject"],
    ["task=yields", "search=tpc_ee_tracks"], ["task=contour"], ["task=efficiency"],
    ["task=requirements", "task.points=[{mass: 0.1, coupling: 4e-7}]", "task.efficiency.points=3",
     "task.background.points=3", "task.uncertainties=[0]"],
    ["task=point", "model=mixed_mu", "search=t2k_2019", "model.mass=0.2"],
    ["task=yields", "model=mixed_mu", "search=t2k_2019", "scan.mass.values=[0.2]"],
]  # fmt: skip

FOLDER = "mine"
"""Where the files of a case lie."""


@dataclass(frozen=True)
class Case:
    """Arguments, files by name, and whether to run what passes the checks; or typed settings."""

    arguments: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    really: bool = False
    settings: dict[str, Any] | None = None

    def __str__(self) -> str:
        files = "".join(f" with {name}: {text[:300]!r}" for name, text in self.files.items())
        return " ".join(map(repr, self.arguments)) + files


class Maker:
    """Makes cases, the same ones for a seed.

    Parameters
    ----------
    seed
        Of the random numbers.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.resolved = to_yaml(load())
        with hydra_session():
            self.options = {group: list(options(group)) for group in groups()}
            trees: list[Any] = [compose("config", ["search=tpc_ee_tracks"]), compose("config")]
            trees += [compose("config", [*chosen]) for chosen in OTHERS]
        self.studies: list[Any] = [yaml.safe_load(to_yaml(load(o))) for o in STUDIES]
        for path in sorted((conf_dir() / "task").iterdir()):
            task = yaml.safe_load(path.read_text(encoding="utf-8"))
            changed = {"task": task, "store": "shared:x"}
            self.studies.append(copy.deepcopy(self.studies[0]) | changed)
            trees.append({"task": task})
        for settings in self.studies:
            del settings["defaults"]
            settings["model"] |= {"mass": 0.1, "coupling": 1e-6}
        self.keys = sorted({path for tree in trees for path in paths(tree)})

    def cases(self, number: int) -> Iterator[Case]:
        """Give the known faults, then cases of each kind."""
        for arguments in SEEDS[:number]:
            yield Case(list(arguments), {f"{FOLDER}/empty": b""})
        kinds = [self.typed] * 30 + [self.overrides] * 4 + [self.task] * 2
        kinds += [self.preset, self.run, self.group]
        for _ in range(number - len(SEEDS)):
            yield self.rng.choice(kinds)()

    def typed(self) -> Case:
        """The settings of a study, one to three of them nonsense; names are seldom taken away."""
        settings = copy.deepcopy(self.rng.choice(self.studies))
        told = []
        for _ in range(self.rng.randint(1, 3)):
            node, steps = settings, []
            while isinstance(node, dict | list) and node and (not steps or self.rng.random() < 0.9):
                above, keys = node, list(node) if isinstance(node, dict) else [*range(len(node))]
                steps.append(self.rng.choice(keys))
                node = above[steps[-1]]
            above[steps[-1]] = self.rng.choice(TYPED)
            if isinstance(above, dict) and self.rng.random() < 0.1:
                above[self.rng.choice(["x", "../x", "", "a b", "fhc"])] = above.pop(steps[-1])
            told.append(f"{'.'.join(map(str, steps))}: {str(above)[:200]}")
        return Case(told, settings=settings)

    def overrides(self) -> Case:
        """Some settings of nonsense, of any task."""
        base = [f"task={self.rng.choice(self.options['task'])}"] if self.rng.random() < 0.5 else []
        base += ["model.mass=0.1", "model.coupling=1e-6"] if self.rng.random() < 0.7 else []
        base += ["search=tpc_ee_tracks"] if self.rng.random() < 0.2 else []
        base += self.rng.choice(OTHERS) if self.rng.random() < 0.4 else []
        return Case(base + [self.override(self.keys) for _ in range(self.rng.randint(1, 3))])

    def task(self) -> Case:
        """A setting of nonsense in a cheap task, which is run."""
        keys = [key for key in self.keys if not re.search(SIZES, key)]
        return Case(CHEAP + self.rng.choice(TASKS) + [self.override(keys)], really=True)

    def group(self) -> Case:
        """Options of groups, chosen in odd ways."""
        found = []
        for _ in range(self.rng.randint(1, 2)):
            group = self.rng.choice(list(self.options))
            names = self.rng.choices(self.options[group], k=2)
            shape = self.rng.choice(["{0}={1}", "{0}=[{1},{2}]", "~{0}={1}", "+{0}={1}", "{0}={1}x",
                                     "{0}@x={1}", "~{0}", "{0}.{1}=1", "{0}={1},{2}", "{0}=[[{1}]]",
                                     "{0}/x={1}", "{0}='{1}'", "++{0}={1}", "{0}=[]"])  # fmt: skip
            found.append(shape.format(group, *names))
        return Case(found + self.rng.choice([[], [], ["-m"], ["--cfg", "job"]]))

    def preset(self) -> Case:
        """An option of the user's own, broken in one place."""
        keys = [key.split(".") for key in self.rng.sample(self.keys, 2)]
        lines = [f"{first}: {self._tree(rest)}" for first, *rest in keys]
        text = "\n".join(["# @package _global_", *lines, ""])
        content = self._damaged(text.encode())
        if self.rng.random() < 0.4:
            content = self.rng.choice(BAD_FILES)
        name = self.rng.choice(["experiment/mine.yaml", "model/mine.yml", "detector/mine.yaml"])
        choice = f"{name.partition('/')[0]}=mine"
        return Case([f"--config-dir={FOLDER}", choice], {f"{FOLDER}/{name}": content})

    def run(self) -> Case:
        """The folder of a run whose config.yaml was changed."""
        lines = self.resolved.splitlines()
        place = self.rng.randrange(len(lines))
        key = lines[place].partition(":")[0]
        lines[place] = f"{key}: {self.rng.choice(VALUES)}"
        content = self._damaged("\n".join(lines).encode())
        where = self.rng.choice([f"--config-dir={FOLDER}", f"resume={FOLDER}"])
        return Case([where], {f"{FOLDER}/config.yaml": content})

    def override(self, keys: list[str]) -> str:
        """Set a key, perhaps misspelt, to nonsense."""
        key = self.rng.choice(keys)
        if self.rng.random() < 0.1:
            place = self.rng.randrange(len(key))
            key = key[:place] + self.rng.choice([*"x./@- ", ""]) + key[place + 1 :]
        sign = self.rng.choice(["", "", "", "", "+", "++", "~"])
        value = self.rng.choice(VALUES if self.rng.random() < 0.8 else STRUCTURES)
        if self.rng.random() < 0.2:
            value = f"[{value},{self.rng.choice(VALUES)}]"
        return f"{sign}{key}={value}"

    def _tree(self, steps: list[str]) -> str:
        value = str(self.rng.choice(VALUES))
        return "".join(f"{{{step}: " for step in steps) + value + "}" * len(steps)

    def _damaged(self, content: bytes) -> bytes:
        """Cut, doubled, or with some bytes changed; mostly whole."""
        kind = self.rng.random()
        place = self.rng.randrange(len(content))
        if kind < 0.1:
            return content[:place]
        if kind < 0.2:
            return content[:place] + bytes(self.rng.choices(range(256), k=2)) + content[place:]
        return content


class _EndlessError(BaseException):
    """Not an Exception, which somebody might catch."""


def attempt(case: Case) -> str | None:
    """Run a case in the current folder, which is emptied after it; say what is wrong, if it is."""
    for name, content in case.files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content)
    before = _listing()
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err), _deadline(), _task_of(case.really):
            if case.settings is not None:
                return _typed_fault(case.settings)
            status = main(case.arguments)
        return _fault(status, err.getvalue(), _listing() - before, case.arguments)
    except _EndlessError:
        return "did not end"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return "".join(traceback.format_exception(error)[-4:])
    finally:
        for entry in Path().iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _typed_fault(settings: dict[str, Any]) -> str | None:
    try:
        _begin(from_settings(settings))
    except (HnlstatError, OSError) as error:
        return None if str(error).count("\n") == 0 else f"not one line: {error}"
    return None


def _fault(status: int, err: str, new: set[str], arguments: list[str]) -> str | None:
    if any("Traceback (most" in line for line in err.splitlines()):
        return err
    sweep = {"-m", "--multirun"} & {*arguments} or any(
        "hydra.mode" in argument for argument in arguments
    )
    if status == 0 and err and not sweep:
        return f"well, but says {err}"
    if status == 2 and not sweep:
        named = err.startswith(("hnlstat: ", "package "))
        if not named or err.count("\n") != 1 or len(err) > LONGEST:
            return f"not one line: {err}"
        if new:
            return f"refused, but leaves {sorted(new)[:5]}: {err}"
    if status not in ((0, 1, 2) if sweep else (0, 2)):
        return f"status {status}: {err}"
    return next(filter(None, map(_not_json, Path().rglob("*.json"))), None)


def _not_json(path: Path) -> str | None:
    def refuse(value: str) -> None:
        raise ValueError(f"{path} holds {value}")

    try:
        json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except ValueError as error:
        return str(error)
    return None


def _listing() -> set[str]:
    return {str(path) for path in Path().rglob("*")}


@contextmanager
def _deadline() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _EndlessError

    for which, kind in ((signal.ITIMER_PROF, signal.SIGPROF), (signal.ITIMER_REAL, signal.SIGALRM)):
        signal.signal(kind, stop)
        signal.setitimer(which, LIMIT if kind == signal.SIGPROF else 10 * LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _task_of(really: bool) -> Iterator[None]:
    """Where a task is not to be run, go on to what every run begins with."""
    whole = hnlstat.tasks.running.run
    hnlstat.tasks.running.run = whole if really else _begin
    try:
        yield
    finally:
        hnlstat.tasks.running.run = whole


def _begin(study: Study, **_: object) -> Outcome:
    content_hash(study)
    channels(study)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.yaml")
        text = to_yaml(study)  # its paths are absolute
        path.write_text(text, encoding="utf-8")
        again = to_yaml(read(path))
    if again != text:
        raise AssertionError("its config.yaml is another study")
    return Outcome(study, {}, {}, {}, (), None, 0.0)


@contextmanager
def place() -> Iterator[None]:
    """Work in an empty folder, deep enough for `..`, which is home, too."""
    before, home = Path.cwd(), os.environ.get("HOME", "")
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder, "a", "b", "case")
        inner.mkdir(parents=True)
        os.chdir(inner)
        os.environ["HOME"] = str(inner)
        try:
            yield
        finally:
            os.chdir(before)
            os.environ["HOME"] = home


def faults(number: int, seed: int) -> Iterator[tuple[Case, str]]:
    """Try cases; give those that go wrong, and how."""
    maker = Maker(seed)
    with place(), warnings.catch_warnings():
        warnings.simplefilter("default")
        for tried, case in enumerate(maker.cases(number)):
            if tried % 500 == 0:
                print(f"{tried} tried", file=sys.stderr, flush=True)
            if fault := attempt(case):
                yield case, fault


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    wanted, chosen = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = 0
    for failed, reason in faults(wanted, chosen):
        count += 1
        print(f"--- {failed}\n{reason}", flush=True)
    print(f"{wanted} cases, seed {chosen}: {count} went wrong")
    raise SystemExit(count > 0)
