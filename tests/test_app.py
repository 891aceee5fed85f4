"""The command line: what a user sees, for right and for wrong input."""

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import hnlstat.tasks.running
from hnlstat.app import main
from hnlstat.config import Study
from hnlstat.errors import OutputError
from hnlstat.studies.saved import content_hash, to_yaml
from hnlstat.tasks.running import Outcome

Run = Callable[..., int]


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: Study, **__: object) -> None:
        raise error

    monkeypatch.setattr(hnlstat.tasks.running, "run", run)


def test_a_single_run_leaves_nothing_of_hydra(studies: list[Study], tmp_path: Path) -> None:
    before = list(sys.argv)
    assert main(["detector=nd280_upgrade", "model.nature=majorana"]) == 0
    assert [(s.name, s.model.nature) for s in studies] == [("nd280_upgrade+nd280", "majorana")]
    assert list(tmp_path.iterdir()) == []
    assert sys.argv == before


def test_a_quoted_value_is_no_folder_to_resume(studies: list[Study]) -> None:
    assert main(["name='mine'"]) == 0
    assert studies[0].name == "mine"


@pytest.mark.usefixtures("studies")
def test_what_others_log_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = hnlstat.tasks.running.run

    def run(study: Study, **settings: object) -> Outcome:
        logging.getLogger("hnlstat").info("for the log file")
        return real(study, **settings)

    monkeypatch.setattr(hnlstat.tasks.running, "run", run)
    assert main([]) == 0
    assert capsys.readouterr() == ("", "")


def test_quotes_at_the_end_of_an_override_are_its_own(studies: list[Study]) -> None:
    assert main(["name='own'"]) == 0
    assert studies[0].name == "own"


def test_a_sweep_lies_below_the_runs(studies: list[Study], tmp_path: Path) -> None:
    assert main(["-m", "runs=out", "model=dipole_mu,dipole_e", "model.nature=dirac,majorana"]) == 0
    assert len({content_hash(s) for s in studies}) == 4
    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert files == [*(f"{i:04d}.json" for i in range(4)), "multirun.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_settings_of_hydra_count_in_a_single_run(studies: list[Study]) -> None:
    assert main(["hydra.mode=MULTIRUN", "runs=out", "model=dipole_mu,dipole_e"]) == 0
    assert len(studies) == 2


def test_own_folder_comes_before_the_shipped_one(studies: list[Study], tmp_path: Path) -> None:
    detector = tmp_path / "mine" / "detector"
    detector.mkdir(parents=True)
    (detector / "deep.yaml").write_text(
        "defaults: [nd280, _self_]\nname: deep\nvolumes: {rock: {density: 2 g/cm3}}\n"
    )
    exposure = tmp_path / "mine" / "exposure"
    exposure.mkdir()
    (exposure / "t2k_2019.yaml").write_text("name: own\npot: {fhc: 1e20}\n")
    for folder in ("mine", str(tmp_path / "mine")):
        assert main([f"--config-dir={folder}", "detector=deep"]) == 0
        assert studies[-1].name == "deep"
        assert studies[-1].datasets[0].exposure.pot == {"fhc": 1e20}
    assert main(["-cd", "mine", "datasets=[{detector: deep, exposure: t2k_2023}]"]) == 0
    assert [d.name for d in studies[-1].datasets] == ["deep"]
    assert main(["model.nature=majorana", "--config-dir", "mine", "detector=deep"]) == 0
    assert (studies[-1].name, studies[-1].model.nature) == ("deep", "majorana")
    assert main(["model=dipole_e,dipole_mu", "-m", "-cd", "mine", "detector=deep", "runs=o"]) == 0
    assert [study.name for study in studies[-2:]] == ["deep", "deep"]


def test_the_configuration_of_a_run_runs_again(
    studies: list[Study], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detector=nd280_upgrade", "simulation.seed=7", "experiment=quick"]) == 0
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(to_yaml(studies[0]))
    assert main(["--config-dir", "run"]) == 0
    assert main(["--config-dir", "run", "simulation.seed=8"]) == 0
    assert main(["--config-dir", "run", "task=yields"]) == 2
    assert main(["--config-dir", "run", "experiment=quick"]) == 2
    said = capsys.readouterr().err.splitlines()
    why = "a run's configuration has no options to choose from; set"
    assert said == [
        f"hnlstat: task: {why} task.kind=NAME",
        f"hnlstat: experiment: {why} keys as in its config.yaml",
    ]
    assert studies[1] == studies[0]
    assert studies[2].simulation.seed == 8
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_hydra_prints_the_configuration(
    studies: list[Study], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--cfg", "job", "detector=nd280_upgrade"]) == 0
    assert "name: nd280_upgrade" in capsys.readouterr().out
    assert studies == []


def test_help_names_groups_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    groups = (
        "detector: dune_nd, icarus, microboone, minerva, miniboone, nd280, nd280_upgrade",
        "task: benchmark, collect",
    )
    for word in (*groups, "scan.mass.", "yields_from="):
        assert word in text
    assert max(map(len, text.splitlines())) <= 180
    assert main(["--help", "name=any"]) == 0  # which Hydra answers itself
    assert capsys.readouterr().out == text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hnlstat ")


BAD = [
    (["detector=nd28"], "detector=nd28: no such detector; did you mean nd280?"),
    (["exposure=null"], "exposure=null: to take it out write ~exposure"),
    (["~flux=1"], "~flux=1: to take it out write ~flux"),
    (["flux=[1]"], "flux=[1]: is a list, where one option belongs; write flux=NAME, -m flux=NAME,"),
    (["detector=[nd280,nd280_upgrade]"], "detector=[nd280,nd280_upgrade]: is a list, where one"),
    (["bounds=[[a]]"], "bounds=[[a]]: is a list, where one option belongs"),
    (["scan={a: b}"], "scan={a: b}: is not the name of an option; write scan=NAME"),
    (["experiment=[[quick]]"], "experiment=[[quick]]: is not the name of an option"),
    (["search=[1]"], "search=[1]: is not the name of an option; write search=NAME"),
    (["search=[tpc_ee,true]"], "search=[tpc_ee,true]: is not the name of an option"),
    (["experiment=[null]"], "experiment=[null]: is not the name of an option"),
    (["detector=2.5"], "detector=2.5: is not the name of an option; write detector=NAME"),
    (["datasets=[{1: 2}]"], "datasets.0.1: unknown key"),
    (
        ["datasets=[{name: ../../../ESCAPE, exposure: t2k_2019}]"],
        "datasets.0.name: ../../../ESCAPE ",
    ),
    (["name=" + "9" * 5000], "the configuration does not compose: Exceeds the limit (4300 digits)"),
    (
        ["yields_from=größe.csv"],
        "yields_from=größe.csv: cannot be read; write \"yields_from='größe",
    ),
    (
        ["yields_from=y (1).csv"],
        "yields_from=y (1).csv: cannot be read; write \"yields_from='y (1).",
    ),
    (
        ["yields_from=y[1].csv"],
        "yields_from=y[1].csv: cannot be read; write \"yields_from='y[1].csv",
    ),
    (
        ["yields_from=y#1.csv"],
        "yields_from=y#1.csv: cannot be read; write \"yields_from='y#1.csv'\"",
    ),
    (["task..x=a=b"], "task..x=a=b: cannot be read; write key=value, quoting values with spaces"),
    (["runs=~/x$"], "runs=~/x$: cannot be read; write 'runs='"),
    (["runs='~no_such/x'"], "runs: ~no_such/x begins with ~, but there is no such home"),
    (
        ["hydra.searchpath=[pkg://no]"],
        "hydra.searchpath: provider=hydra.searchpath in command-line",
    ),
    (["--shell-completion"], "--shell-completion: write --shell-completion install=bash"),
    (
        ["--experimental-rerun", "x"],
        "--experimental-rerun: is not for hnlstat; use --config-dir RUN",
    ),
    (["detectr=nd280"], "detectr: unknown key; did you mean detector?"),
    (["simulation.radus=5"], "simulation.radus: unknown key; did you mean simulation.radius?"),
    (["+simulation.radus=5"], "simulation.radus: unknown key; did you mean simulation.radius?"),
    (
        ["detector.volumes.rock.density=-2.9 g/cm3"],
        "detector.volumes.rock.density: -2.9 g/cm3 is not positive",
    ),
    (
        ["detector.volumes.rock.density=2.9 m"],
        "detector.volumes.rock.density: 2.9 m is a length, expected a density in g/cm3",
    ),
    (
        ["detector.fiducial.tpc2.center=[0,0,20]"],
        "detector.fiducial.tpc2: reaches from 19.7185 to 20.2815 m in z, outside the volumes "
        "(-162 to 18.5 m)",
    ),
    (["scan.mass.values=[]"], "scan.mass.values: [] is an empty grid; give at least one value"),
    (["model.mass=["], "model.mass=[: cannot be read; write key=value, quoting values with spaces"),
    (["nonsense"], "nonsense: cannot be read; write key=value"),
    (["--nonsense"], "unrecognized arguments: --nonsense; see hnlstat --help"),
    (["--cfg", "job", "-m"], "give only one of --run, --multirun, --cfg"),
    (["--resolve"], "--resolve: goes with --cfg"),
    (["--config-dir", "nowhere"], "--config-dir: nowhere is not a folder"),
    (["--config-name", "nowhere"], "Cannot find primary config 'nowhere'"),
]


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"hnlstat: {message}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("studies")
def test_errors_of_a_task(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error, status, line in (
        (OutputError("runs/x: cannot be written"), 2, "hnlstat: runs/x: cannot be written\n"),
        (OSError(28, "No space left", "runs/y"), 2, "hnlstat: runs/y: No space left\n"),
        (KeyboardInterrupt(), 130, "hnlstat: interrupted\n"),
    ):
        fail_with(error, monkeypatch)
        assert main([]) == status
        assert capsys.readouterr().err == line


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize("behind", [AttributeError("no cache"), OutputError("half written")])
def test_an_interruption_behind_an_error_of_a_library_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], behind: Exception
) -> None:
    behind.__context__ = KeyboardInterrupt()
    fail_with(behind, monkeypatch)
    monkeypatch.setattr("hnlstat.app._run_hydra", lambda _: hnlstat.tasks.running.run(None))
    assert main([]) == 130
    assert capsys.readouterr().err == "hnlstat: interrupted\n"


@pytest.mark.usefixtures("studies")
def test_a_fault_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(ZeroDivisionError("fault"), monkeypatch)
    with pytest.raises(ZeroDivisionError, match="fault"):
        main([])


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detector=nd280,nd28"], "detector=nd28: no such detector; did you mean nd280?"),
        (["model=dipole_mu,dipole_e", "runs=file"], "file/multirun/"),
    ],
)
def test_a_bad_sweep_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["-m", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"hnlstat: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detector=nd28"], "hnlstat: detector=nd28: no such detector; did you mean nd280?\n"),
        (["+scan.mas.min=1"], "hnlstat: scan.mas: unknown key; did you mean scan.mass?\n"),
        (
            ["scan.mass.max=40 GeV"],
            "hnlstat: scan.mass: 40 GeV is above the beam's reach: it takes neutrinos of 44.1304 "
            "GeV on Pb208, flux t2k_nd280 ends at 30 GeV\n",
        ),
    ],
)
def test_as_a_process(arguments: list[str], message: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hnlstat", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    assert list(tmp_path.iterdir()) == []
