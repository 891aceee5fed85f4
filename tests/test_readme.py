"""What README and docs say can be done: commands compose to studies, files are right, Python runs.

The cells of tutorials are run when the site is built; here their blocks of other kinds are.
"""

import itertools
import re
import shlex
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest
import yaml

import hnlstat
from hnlstat.app import main
from hnlstat.studies import load

ROOT = Path(__file__).parent.parent
TOP = (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
PAGES = (*TOP, *sorted((ROOT / "docs").rglob("*.md")))
FLAGS = ("--help", "--cfg", "--docs")  # run as they are
PLACEHOLDER = "<date>_<time>"
BLOCK = re.compile(r"^```+([^\n`]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
OWN_FILE = re.compile(r"`(mine/(\w+)/(\w+)\.yaml)`")

OTHERS = (
    "python3 -m venv .venv", ". .venv/bin/activate", "pip install", "pytest", "ruff check",
    "ruff format", "mypy", "python -m sphinx",  # .ci/run
    "pyhf inspect", "pyhf patchset verify", "pyhf patchset extract", "pyhf cls",  # tests/likelihood
)  # fmt: skip
"""Commands of blocks that others run."""


def blocks(page, kind):
    """The blocks of a language on a page, with the text before each."""
    text = page.read_text(encoding="utf-8")
    return [
        (text[: found.start()], found[2])
        for found in BLOCK.finditer(text)
        if found[1].strip() == kind
    ]


def where(page):
    """A page in the name of a test."""
    return page.relative_to(ROOT).with_suffix("").as_posix().removeprefix("docs/")


def lines(page):
    """The commands in the shell blocks of a page, as words."""
    for _, block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                if words := shlex.split(part, comments=True):
                    yield words


def commands():
    """Arguments of each `python -m hnlstat`, and its page."""
    for page in PAGES:
        for words in lines(page):
            if words[:3] == ["python", "-m", "hnlstat"]:
                yield pytest.param(page, words[3:], id=f"{where(page)} {' '.join(words[3:])}")


def own_files():
    """Configs of a user's own: each block of yaml is the file that the text before it named."""
    for page in PAGES:
        for before, block in blocks(page, "yaml"):
            path, group, name = OWN_FILE.findall(before)[-1]
            yield pytest.param(page, path, block, f"{group}={name}", id=f"{where(page)} {path}")


def lay(page):
    """Write what the page shows as files: tables name theirs in the first line."""
    for _, block in blocks(page, "text"):
        path = Path(block.split("\n")[0].removeprefix("# "))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, encoding="utf-8")
    for before, block in blocks(page, "yaml"):
        path = Path(OWN_FILE.findall(before)[-1][0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, encoding="utf-8")


def scripts():
    """The Python blocks of each page, one after the other as a reader would run them."""
    for page in PAGES:
        if found := [block for _, block in blocks(page, "python")]:
            yield pytest.param("\n".join(found), id=where(page))


def names():
    """Modules, classes and files of the package that the pages name."""
    found = r"`(?:python -m )?(hnlstat\.[\w.]+|(?:hnlstat|tests|conf|docs)/[a-z][\w./]*)`"
    for page in PAGES:
        for name in sorted({*re.findall(found, page.read_text(encoding="utf-8"))}):
            yield pytest.param(name, id=f"{where(page)} {name}")


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


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """An empty folder with the files that README and pages name without showing them."""
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("channel,observed\nnd280_fhc,0\nnd280_rhc,0\n")
    source = (ROOT / "hnlstat/data/bounds/coupling_inv_gev/minerva.csv").read_text(encoding="utf-8")
    Path("mine.csv").write_text(source, encoding="utf-8")


@pytest.mark.parametrize(("page", "arguments"), [*commands()])
@pytest.mark.usefixtures("beside")
def test_commands_can_be_run(page, arguments, capsys):
    lay(page)
    arguments = [argument.replace(PLACEHOLDER, "now") for argument in arguments]
    if arguments and arguments[0] in FLAGS:
        assert main(arguments) == 0
        assert capsys.readouterr().out
        return
    for job in jobs(searched(arguments)):
        load(job)


@pytest.mark.parametrize(("page", "path", "block", "choice"), [*own_files()])
@pytest.mark.usefixtures("beside")
def test_files_can_be_chosen(page, path, block, choice):
    lay(page)
    assert Path(path).read_text(encoding="utf-8") == block
    load(searched(["--config-dir", "mine", choice]))


@pytest.mark.parametrize("page", PAGES, ids=where)
def test_nothing_is_left_untested(page):
    for language, _ in BLOCK.findall(page.read_text(encoding="utf-8")):
        kind = language.strip()
        assert kind in ("", "sh", "python", "yaml", "toml", "text") or kind.startswith("{"), kind
    for words in lines(page):
        line = " ".join(words)
        assert line.startswith(("python -m hnlstat", *OTHERS)), line
    for _, block in blocks(page, "toml"):
        assert tomllib.loads(block)


def test_every_page_is_in_the_table_of_contents():
    docs = ROOT / "docs"
    listed = [
        entry.removesuffix(">").rpartition("<")[2]
        for kind, block in BLOCK.findall((docs / "index.md").read_text(encoding="utf-8"))
        if kind == "{toctree}"
        for entry in block.splitlines()
        if entry[:1] not in ("", ":")
    ]
    found = {page for entry in listed for page in docs.glob(f"{entry}.md")}
    assert {*docs.rglob("*.md")} - found == {docs / "index.md"}


def searched(arguments):
    """The overrides of a command with a folder of configs, as scripts give them."""
    if "--config-dir" not in arguments:
        return arguments
    at = arguments.index("--config-dir")
    folder = Path(arguments[at + 1]).resolve()
    return [f"hydra.searchpath=[file://{folder}]", *arguments[:at], *arguments[at + 2 :]]


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
    assert len(list(own_files())) > 3


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == hnlstat.__version__
