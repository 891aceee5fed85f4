"""The pages of docs/reference: made of the list of keys, or true to the code."""

import csv
import inspect
import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

import hnlstat
from hnlstat.models.dipole import Dipole
from hnlstat.reference import write_reference
from hnlstat.reference.entries import of_group
from hnlstat.reference.keys import load
from hnlstat.report.spectrum_figure import COLUMNS as SPECTRUM
from hnlstat.run.comparison import COLUMNS as COMPARE
from hnlstat.run.files.data import DATA_COLUMNS
from hnlstat.run.files.limits import ERROR, LIMIT_COLUMNS
from hnlstat.run.files.point_table import point_columns
from hnlstat.run.files.yields import (
    CUT_FLOW_COLUMNS,
    YIELD_LABELS,
    YIELD_QUALITY,
    YIELD_VALUES,
)
from hnlstat.tasks.collect import REACH
from hnlstat.tasks.coverage import COLUMNS as COVERAGE
from hnlstat.tasks.efficiency import COLUMNS as EFFICIENCY
from hnlstat.tasks.explained import COLUMNS as EXPLAINED
from hnlstat.tasks.requirements import COLUMNS as REQUIREMENTS

DOCS = Path(__file__).parents[2] / "docs" / "reference"
API = (DOCS / "api.md").read_text(encoding="utf-8")
FILES = (DOCS / "files.md").read_text(encoding="utf-8")

COUPLING = Dipole.coupling_axis.column
POINT = ("mass_gev", COUPLING)

COLUMNS = {
    "yields.csv": (*YIELD_LABELS, *POINT, *YIELD_VALUES, *YIELD_QUALITY, "rel_<name>"),
    "limits.csv": (*LIMIT_COLUMNS, ERROR),
    "points.csv": point_columns(["<channel>"], Dipole.coupling_axis),
    "cutflow.csv": (*POINT, *CUT_FLOW_COLUMNS),
    "data.csv": DATA_COLUMNS,
    "spectrum.csv": SPECTRUM,
    "explained.csv": EXPLAINED,
    "coverage.csv": COVERAGE,
    "efficiency.csv": (*POINT, *EFFICIENCY),
    "requirements.csv": ("point", *POINT, *REQUIREMENTS),
    "compare.csv": COMPARE,
    "collected.csv": ("job", "folder", "reason", *(
        COUPLING if name == "coupling" else f"{name}_gev" if name.startswith("mass") else name
        for name in REACH
    )),
}  # fmt: skip


def documented(file):
    """Columns of a table, as the page has them."""
    section = FILES.split(f"## `{file}`\n")[1].partition("\n## ")[0]
    heads = re.findall(r"^- ((?:`[^`]+`,?\s*)+):", section, re.MULTILINE)
    names = [name for head in heads for name in re.findall(r"`([^`]+)`", head)]
    return [COUPLING if name == "<coupling>" else name for name in names]


@pytest.mark.parametrize("file", COLUMNS)
def test_columns_of_tables_are_those_of_the_code(file):
    assert documented(file) == list(COLUMNS[file])


def test_every_table_of_the_page_is_looked_at():
    assert re.findall(r"^## `(.+)`$", FILES, re.MULTILINE) == list(COLUMNS)


def test_a_run_leaves_what_the_page_names(tmp_path):
    study = hnlstat.study(
        "scan.mass.values=[0.06,0.14]", "scan.coupling.points=8", "simulation.precision=0.2",
        experiment="quick", executor="serial",
    )  # fmt: skip
    folder = hnlstat.run(study, keep=tmp_path).folder
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    results = {name for name in left if not name.endswith(".unit")}
    assert len(results) > 10
    assert [name for name in results if f"`{name}`" not in FILES] == []
    for name in (name for name in results if name.endswith(".csv")):
        with (folder / name).open(encoding="utf-8") as file:
            head = next(csv.reader(file))
        known = {re.sub("<.+>", "", column) for column in documented(name)}
        assert [one for one in head if one not in known and not _of(one, known)] == []


def _of(column, known):
    """Whether a column is one of several, such as rel_flux."""
    return any(column.startswith(one) for one in known if one.endswith("_"))


def test_the_configuration_page_has_every_key_and_option(tmp_path):
    page = write_reference(tmp_path / "reference")
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"^```\{confval\} (.+)$", text, re.MULTILINE)
    assert sorted(shown) == sorted({key.key for key in load()})
    for group in ("detector", "search", "model", "task"):
        for option in of_group(group):
            name = option.name.replace("_", r"\_")
            assert f"- **{name}**" in text
    assert not re.search(r"(?<!\\)<(?!\w+>)", re.sub(r"`[^`]*`|```\{confval\}.*", "", text))


def test_a_page_that_is_right_is_left(tmp_path):
    page = write_reference(tmp_path)
    before = page.stat().st_mtime_ns
    write_reference(tmp_path)
    assert page.stat().st_mtime_ns == before
    page.write_text("old")
    write_reference(tmp_path)
    assert page.read_text(encoding="utf-8").startswith("# Configuration")


def test_what_the_api_page_names_is_there():
    named = re.findall(r"auto(?:class|function|module):: ([\w.]+)", API)
    assert len(named) > 20
    assert [name for name in named if resolve_name(name) is None] == []
    assert {f"hnlstat.{name}" for name in hnlstat.__all__ if name != "__version__"} <= set(named)


def test_signatures_on_the_api_page_are_right():
    for name, signature in re.findall(r"autofunction:: hnlstat\.(\w+)\((.+)\)", API):
        parameters = inspect.signature(getattr(hnlstat, name)).parameters.values()
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
        assert str(inspect.Signature(bare)) == f"({signature})"


def test_members_on_the_api_page_are_there():
    found = re.findall(r"autoclass:: ([\w.]+)(?:\(\))?\n   :members: (.+)\n", API)
    for name, members in found:
        kind = resolve_name(name)
        assert [one for one in members.split(", ") if not hasattr(kind, one)] == []
    assert len(found) >= 2
