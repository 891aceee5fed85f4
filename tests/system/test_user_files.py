"""Users' configuration files: what lies in a run's folder is data, and presets run no code."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hnlstat.app import main
from hnlstat.config import Study
from hnlstat.errors import ConfigError
from hnlstat.studies import load, read
from hnlstat.studies.saved import to_yaml

GLOBAL = "# @package _global_\n"
RUN_CODE = "{_target_: subprocess.call, args: [touch, ran]}"
CALLBACK = f"hydra: {{callbacks: {{x: {RUN_CODE}}}}}\n"
Write = Callable[[str, str | bytes], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> None:
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return write


def refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line with the message, and nothing left behind."""
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert re.search(message, err), err
    assert err.count("\n") == 1
    assert os.listdir() == ["mine"]


@pytest.fixture(scope="module")
def resolved(nd280: Study) -> str:
    return to_yaml(nd280)


BAD_RUNS = [
    (CALLBACK, r"line \d+: hydra is not taken from the folder of a run"),
    ("hydra/job_logging: x\n", r"line \d+: hydra/job_logging is not taken from the folder"),
    ("more: ${oc.env:HOME}\n", r"line \d+: \$\{oc.env:HOME\} stands for another value"),
    ("${oc.env:HOME}: more\n", r"line \d+: \$\{oc.env:HOME\} stands for another value"),
    ("more: ???\n", r"line \d+: \?\?\? stands for another value"),
    ("_target_: os.system\n", "_target_: unknown key"),
    ("more: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
]


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize("arguments", [["--config-dir", "mine"], ["resume=mine"]])
@pytest.mark.parametrize(("more", "message"), BAD_RUNS)
def test_a_foreign_run_is_data(
    arguments: list[str], more: str, message: str, resolved: str, write: Write,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write("config.yaml", resolved + more)
    refused(arguments, message, capsys)
    with pytest.raises(ConfigError, match=message):
        read(Path("mine/config.yaml"))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("name: nd280", "name: ${oc.env:HOME}", "line 3: .* stands for another value"),
        ("[runtime, _self_]", "[evil, _self_]", "line 2: this is not the configuration of a run"),
        ("defaults: [runtime, _self_]", "", "this is not the configuration of a run"),
        ("name: nd280", "name: ../../../ESCAPE", "is not a name for a folder"),
    ],
)
@pytest.mark.usefixtures("studies")
def test_settings_of_a_foreign_run_are_plain(
    before: str, after: str, message: str, resolved: str, write: Write,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert before in resolved
    write("config.yaml", resolved.replace(before, after))
    write("evil.yaml", GLOBAL + CALLBACK)
    refused(["--config-dir", "mine"], message, capsys)


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize(
    ("executor", "key"),
    [
        (["executor=dask_slurm", "executor.prologue=[touch ran]"], "prologue"),
        (["executor=dask", "executor.scheduler=tcp://elsewhere:1"], "scheduler"),
        (["executor=dask_htcondor", "+executor.directives.a=b"], "directives"),
    ],
)
def test_a_foreign_run_gives_no_commands(
    executor: list[str], key: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("config.yaml", to_yaml(load(executor)))
    refused(["resume=mine"], f"executor.{key} is not taken from the folder of a run", capsys)
    assert read(Path("mine/config.yaml")).executor.kind == executor[0].partition("=")[2]


@pytest.mark.parametrize("where", ["--config-dir=mine", "resume=mine", "hydra.searchpath=[mine]"])
def test_nothing_else_is_taken_from_the_folder_of_a_run(
    where: str, studies: list[Study], resolved: str, write: Write
) -> None:
    write("config.yaml", resolved)
    write("runtime.yaml", GLOBAL + CALLBACK)
    write("hydra/job_logging/default.yaml", f"handlers: {{x: {RUN_CODE}}}")
    write("detector/nd280.yaml", "name: other")
    assert main([where]) == 0
    assert studies[0].name == "nd280"
    assert os.listdir() == ["mine"]


BAD_PRESETS = [
    (CALLBACK, [], "hydra.callbacks: would run code"),
    ("hydra: {callbacks: '${x}'}", [], "hydra.callbacks: would run code"),
    ("hydra: {job_logging: {handlers: {x: {(): os.system}}}}", [], "os.system would run code"),
    ("hydra: {job_logging: {handlers: {x: {class: logging.os.system}}}}", [], "would run code"),
    ("hydra: {hydra_logging: {handlers: {x: {class: a.B}}}}", [], "a.B would run code"),
    ("hydra: {hydra_logging: {handlers: {x: {stream: ext://os.x}}}}", [], "os.x would run code"),
    ("hydra: {job: {env_set: {PYTHONPATH: x}}}", [], "hydra.job.env_set: is not taken"),
    ("hydra: {sweeper: {_target_: os.system}}", ["-m"], "os.system would run code"),
    ("hydra: {launcher: {_target_: subprocess.Popen}}", ["-m"], "subprocess.Popen would run"),
    ("hydra: {sweeper: {params: '${oc.decode:a}'}}", ["-m"], "would run code"),
    ("defaults: [{/foo@hydra.callbacks.x: bar}]", [], "hydra.callbacks: would run code"),
    ("defaults: nd280", [], r"mine.yaml, line 2: defaults is not a list; write \[nd280, _self_\]"),
    ("defaults: {detector: nd280}", [], "line 2: defaults is not a list"),
    ("defaults: [mine]", [], "mine.yaml: its defaults lead back to itself"),
    ("defaults: [/config, _self_]", [], "yaml: its defaults lead back to itself"),
    ("defaults: [1]", [], "line 2: defaults has an entry that is no name"),
    ("defaults: [[a]]", [], "line 2: defaults has an entry that is no name"),
    ("defaults: [null]", [], "line 2: defaults has an entry that is no name"),
    ("defaults: [{a: [b, 1]}]", [], "line 2: defaults has an entry that is no name"),
    ("defaults: [{override /detector: [nd280, nd280_upgrade]}]", [], "where one option belongs"),
    ("defaults: [{override detector: nd280}]", [], "write override /detector, with the slash"),
    ("- a\n- b", [], "mine.yaml: is not a mapping of keys to values"),
    ("words", [], "mine.yaml: is not a mapping of keys to values"),
    ("5: 6", [], "mine.yaml, line 2: 5 is not a word, as keys are"),
    ("off: 6", [], "line 2: off is not a word"),
    ("[a]: 7", [], "mine.yaml, line 2: a list or mapping is not a word, as keys are"),
    ("a: &a [*a]", [], "mine.yaml, line 2: holds itself"),
    ("a: " + "[" * 1000 + "]" * 1000, [], "mine.yaml.*: is nested more than 50 levels deep"),
    ("a: " + "{a: " * 60 + "1" + "}" * 60, [], "mine.yaml.*: is nested more than 50 levels deep"),
    ("\n".join(f"{b}: &{b} [{', '.join([a] * 10)}]" for a, b in zip(
        ["1", *(f"*{c}" for c in "abcdefgh")], "abcdefghi", strict=True)),
     [], "has more than 1000000 entries, with its aliases"),
    ("a: b: c", [], "mine.yaml, line 2: not valid YAML"),
    ("name: x\0", [], "not valid YAML: the character 0 is not allowed"),
    ("name: " + "9" * 5000, [], "mine.yaml: not valid YAML: .*digits"),
    ("name: x\nname: y", [], "mine.yaml, line 3: not valid YAML: found duplicate key name"),
    ("detector: nd280_upgrade", [], r"defaults: \[override /detector: nd280_upgrade\]"),
    ("name: ${nowhere}", [], "name: Interpolation key 'nowhere' not found"),
]  # fmt: skip


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize(("content", "flags", "message"), BAD_PRESETS)
def test_a_bad_preset_is_one_line(
    content: str, flags: list[str], message: str, write: Write,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write("experiment/mine.yaml", GLOBAL + content + "\n")
    write("foo/bar.yaml", RUN_CODE)
    refused(["--config-dir", "mine", "experiment=mine", *flags], message, capsys)


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: x\n", "mine.yaml: its first line must be '# @package _global_'"),
        ("# @package\nname: x\n", "# @package is not understood; write # @package _global_"),
        ("# @package a b\nname: x\n", "# @package a b is not understood"),
        ("# größe\n".encode("latin-1"), "mine.yaml: byte 5 is not UTF-8; save it as UTF-8"),
    ],
)
def test_a_bad_head_is_one_line(
    content: str | bytes, message: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("experiment/mine.yaml", content)
    refused(["--config-dir", "mine", "experiment=mine"], message, capsys)


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize("place", ["_group_._name_", "_group_", "_global_", "search.other"])
def test_a_search_that_would_stand_elsewhere_is_one_line(
    place: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("search/mine.yaml", f"# @package {place}\ndefaults: [tpc_ee, _self_]\n")
    message = f"mine.yaml: # @package {place} is not where searches stand; leave the line out"
    refused(["--config-dir", "mine", "search=mine"], message, capsys)


@pytest.mark.parametrize("head", ["", "# @package search.mine\n"])
def test_a_search_stands_below_its_name(head: str, write: Write, studies: list[Study]) -> None:
    write("search/mine.yaml", f"{head}defaults: [tpc_ee, _self_]\nmin_cos_theta: 0.99\n")
    assert main(["--config-dir", "mine", "search=mine"]) == 0
    ((_, search),) = studies[0].searches
    assert (search.name, search.min_cos_theta) == ("mine", 0.99)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mine.yaml", b"\xef\xbb\xbf" + GLOBAL.encode() + b"name: own\n"),
        ("mine.yaml", "# what it is for\n\n" + GLOBAL + "name: own\n"),
        ("mine.yml", GLOBAL + "name: own\n"),
        ("mine.yaml", GLOBAL + "defaults: [quick, override /detector: nd280]\nname: own\n"),
        ("mine.yaml", GLOBAL + "defaults: [{override /detector: nd280}]\nname: own\n"),
    ],
)
def test_presets_as_editors_leave_them(
    name: str, content: str | bytes, studies: list[Study], write: Write
) -> None:
    write(f"experiment/{name}", content)
    assert main(["--config-dir", "mine", "experiment=mine"]) == 0
    assert main(["--config-dir", "mine", "experiment=[quick,mine]"]) == 0
    assert [study.name for study in studies] == ["own", "own"]


@pytest.mark.parametrize("content", ["defaults: [/config, _self_]\nname: x\n", "db: mysql\n"])
@pytest.mark.usefixtures("studies")
def test_a_config_of_ones_own_is_told_where_it_belongs(
    content: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("config.yaml", content)
    refused(["--config-dir", "mine"], "experiment/mine.yaml, and add experiment=mine", capsys)


def test_settings_of_launchers_and_sweeps_are_taken(
    studies: list[Study], write: Write, tmp_path: Path
) -> None:
    write("hydra/launcher/mine.yaml", "defaults: [parallel]\nn_jobs: 1\n")
    write("experiment/mine.yaml", GLOBAL + "hydra: {sweep: {dir: mine/sweep}}\n")
    settings = ["--config-dir=mine", "experiment=mine", "hydra/launcher=mine", "hydra.verbose=true"]
    assert main(["-m", *settings, "simulation.seed=1"]) == 0
    assert (tmp_path / "mine" / "sweep" / "jobs" / "0000.json").is_file()
    assert main([*settings[:2], "simulation.seed=2"]) == 0
    assert studies[-1].simulation.seed == 2


def test_paths_may_begin_with_the_home_folder(
    studies: list[Study], write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write("experiment/mine.yaml", GLOBAL + "runs: ~/hnl\nstore: shared:~/store\n")
    assert main(["--config-dir=~/mine", "experiment=mine"]) == 0
    assert (studies[0].runs, studies[0].store) == (tmp_path / "hnl", f"shared:{tmp_path}/store")
