"""The house as docs/architecture.md draws it: who may import whom, and how large rooms may grow.

Imports are read, not run: those within functions and those for types alone count like any other.
Modules that a registry loads by name (task kinds, models) do not: a string is no import.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "hnlstat"
PAGE = (HERE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")

ROOT_MODULES = 8
MODULE_LINES = 300
BODY_LINES = 40
"""From the first statement after the docstring to the last; blank lines and comments count."""

OTHER_TESTS = {"benchmarks", "fuzz", "importable", "integration", "validation"}
"""Folders of tests that are of no one room."""

FACES = {"": "api", "__main__": "app"}
"""What hands names on and is no room of its own: the package itself, and `python -m`."""

PURE = {"physics": {"errors"}, "inference": {"errors", "physics", "likelihood"}}
"""Rooms of arrays, and all that they may rest on, at however many removes."""

MACHINE = {"datetime", "io", "os", "pathlib", "shutil", "tempfile", "time"}


@cache
def modules() -> dict[str, tuple[Path, ast.Module]]:
    """All modules by name without the package's, such as "run.store.units"; the root's is ""."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path, ast.parse(path.read_text(encoding="utf-8"))
    return found


def outside(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every import of a module: line, and name; what is taken from a module follows its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@cache
def imports() -> dict[str, dict[str, int]]:
    """For each module, the modules of ours that it imports, and the line where it does."""
    found: dict[str, dict[str, int]] = {}
    for name, (_, tree) in modules().items():
        mine = found.setdefault(name, {})
        for line, path in outside(tree):
            package, _, target = path.partition(".")
            if package != PACKAGE.name:
                continue
            while target not in modules():
                target = target.rpartition(".")[0]
            mine.setdefault(target, line)
    return found


def room(name: str) -> str:
    """The room of a module, or itself if it stands in none."""
    first = name.partition(".")[0]
    return FACES.get(first, first)


@cache
def floors() -> dict[str, int]:
    """The floor of every room and module of the root, as the picture on the page has them."""
    picture = PAGE.split("```")[1]
    rows = re.findall(r"^(?: [A-Z]+)? +(\d+) +((?:\w+/? )+) ", picture, re.MULTILINE)
    found = [(name.removesuffix("/"), int(floor)) for floor, row in rows for name in row.split()]
    assert len(dict(found)) == len(found), "a room stands in two places"
    return dict(found)


def inner_order(where: str) -> list[str]:
    """What stands in a room, as the page says it: `within run/: contours, files/, ...`."""
    line = re.search(rf"^- within `{where}/`: ([^;.]+)", PAGE, re.MULTILINE)
    assert line, f"docs/architecture.md does not say what stands in {where}/"
    return [name.removesuffix("/") for name in re.findall(r"`(\w+/?)`", line[1])]


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Names on a circle, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_page_draws_every_room():
    assert set(floors()) == {room(name) for name in modules()}


def test_rooms_import_from_floors_below_alone():
    up = [
        f"{name}, line {line}: imports {target or PACKAGE.name}"
        for name, targets in imports().items()
        for target, line in targets.items()
        if room(name) != room(target) and floors()[room(name)] <= floors()[room(target)]
    ]
    assert up == []


def test_no_modules_import_each_other_in_a_circle():
    assert circle({name: set(targets) for name, targets in imports().items() if name}) == []


@pytest.mark.parametrize("where", ["inference", "run"])
def test_sub_rooms_keep_the_order_of_the_page(where):
    graph: dict[str, set[str]] = {}
    for name, targets in imports().items():
        if name.startswith(f"{where}."):
            inside = {target.split(".")[1] for target in targets if target.startswith(f"{where}.")}
            graph.setdefault(name.split(".")[1], set()).update(inside - {name.split(".")[1]})
    order = inner_order(where)
    assert set(order) == set(graph)
    place = {name: i for i, name in enumerate(order)}
    up = [f"{a} imports {b}" for a in graph for b in graph[a] if place[b] > place[a]]
    assert up == []


@pytest.mark.parametrize("where", PURE)
def test_rooms_of_arrays_know_no_config_no_files_and_no_clock(where):
    reached, new = set(), {name for name in modules() if room(name) == where}
    while new:
        reached |= new
        new = {target for name in new for target in imports()[name]} - reached
    assert {room(name) for name in reached} - {where} <= PURE[where]
    machine = [
        f"{name}, line {line}: {path}"
        for name, (_, tree) in modules().items()
        for line, path in outside(tree)
        if room(name) == where and {path, path.rpartition(".")[0]} & MACHINE
    ]
    assert machine == []


def test_the_root_stays_small():
    assert len(list(PACKAGE.glob("*.py"))) <= ROOT_MODULES


def test_modules_and_bodies_stay_short():
    long = []
    for name, (path, tree) in modules().items():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MODULE_LINES:
            long.append(f"{name}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[ast.get_docstring(node, clean=False) is not None :]
                size = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                if size > BODY_LINES:
                    long.append(f"{name}.{node.name}: a body of {size} lines")
    assert long == []


def test_every_room_says_what_it_is():
    """In the first line of its __init__."""
    faces = {n: tree for n, (path, tree) in modules().items() if path.stem == "__init__"}
    said = {
        name: (ast.get_docstring(tree) or "").partition("\n")[0] for name, tree in faces.items()
    }
    assert [name for name, line in said.items() if not re.fullmatch(r"\S.+\.", line)] == []


def test_tests_stand_in_the_rooms_of_what_they_test():
    folders = {path.parent for path in HERE.rglob("test_*.py")} - {HERE}
    places = {folder.relative_to(HERE) for folder in folders}
    strange = {p for p in places if p.parts[0] not in OTHER_TESTS and not (PACKAGE / p).is_dir()}
    assert strange == set()
