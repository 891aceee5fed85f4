"""The commands of README and docs are such: each composes to a study; code in Python is run."""

import itertools
import re
import shlex
from pathlib import Path
from pkgutil import resolve_name

import pytest

import hnlstat
from hnlstat.app import main
from hnlstat.studies import load

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
FLAGS = ("--help", "--cfg", "--docs")  # run as they are
PLACEHOLDER = "<date>_<time>"


def commands():
    """Arguments of `python -m hnlstat` in the shell blocks of each page."""
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                for part in line.split("&&"):
                    words = shlex.split(part, comments=True)
                    if words[:3] == ["python", "-m", "hnlstat"]:
                        yield pytest.param(words[3:], id=f"{page.stem} {' '.join(words[3:])}")


def scripts():
    """The Python blocks of each page, one after the other as a reader would run them."""
    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        if blocks:
            yield pytest.param("\n".join(blocks), id=page.stem)


def names():
    """Modules, classes and files of the package that the pages name."""
    found = r"`(?:python -m )?(hnlstat\.[\w.]+|(?:hnlstat|tests|conf|docs)/[a-z][\w./]*)`"
    for page in PAGES:
        for name in sorted({*re.findall(found, page.read_text(encoding="utf-8"))}):
            yield pytest.param(name, id=f"{page.stem} {name}")


def jobs(arguments):
    """The overrides of each job of a sweep, or those of the one run."""
    if "-m" not in arguments:
        return [arguments]
    own = [a for a in arguments if a != "-m" and not a.startswith(("hydra/", "hydra."))]
    choices = [
        [f"{key}={value}" for value in values.split(",")]
        for key, values in (argument.split("=", 1) for argument in own)
    ]
    return [list(job) for job in itertools.product(*choices)]


@pytest.mark.parametrize("arguments", [*commands()])
def test_commands_can_be_run(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("channel,observed\nnd280_fhc,0\nnd280_rhc,0\n")
    source = (ROOT / "hnlstat/data/bounds/coupling_inv_gev/minerva.csv").read_text(encoding="utf-8")
    Path("mine.csv").write_text(source, encoding="utf-8")
    arguments = [argument.replace(PLACEHOLDER, "now") for argument in arguments]
    if arguments and arguments[0] in FLAGS:
        assert main(arguments) == 0
        assert capsys.readouterr().out
        return
    for job in jobs(arguments):
        load(job)


@pytest.mark.parametrize("name", [*names()])
def test_what_is_named_is_there(name):
    if "/" in name:
        assert "NAME" in name or (ROOT / name).exists()
    else:
        assert resolve_name(name) is not None


@pytest.mark.parametrize("code", [*scripts()])
def test_code_runs_and_leaves_nothing(code, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    coarse = [
        "scan.mass.values=[0.06,0.09,0.14,0.2]", "scan.coupling.points=12",
        "simulation.precision=0.1", "executor=serial",
    ]  # fmt: skip
    study = hnlstat.study

    def quick(*overrides, **sections):
        return study(*overrides, *coarse, **{k: v for k, v in sections.items() if k != "scan"})

    monkeypatch.setattr(hnlstat, "study", quick, raising=False)
    names: dict[str, object] = {}
    exec(compile(code, "page", "exec"), names)
    assert len(names["result"].limits) > 10
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_there_are_commands():
    assert len(list(commands())) > 40
    assert len(list(names())) > 15
