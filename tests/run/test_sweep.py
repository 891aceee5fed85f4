import json

import pytest

from hnlstat.app import main
from hnlstat.config.explain import explain
from hnlstat.errors import DataError, HnlstatError
from hnlstat.run.sweep import UNFINISHED, Job, choices, failures, read_jobs
from hnlstat.system.conf_search import shipped_session


@pytest.fixture
def outcomes(monkeypatch, tmp_path):
    """Let the jobs of a sweep end as the seed of each says."""
    import hnlstat.tasks.running
    from hnlstat.tasks.running import Outcome

    def run(study, **_):
        if study.simulation.seed == 2:
            raise HnlstatError("no such\nluck")
        if study.simulation.seed == 3:
            raise ZeroDivisionError("fault")
        folder = study.runs / f"result_{study.simulation.seed}"
        return Outcome(study, {}, {}, {}, (), folder, 0.0)

    monkeypatch.setattr(hnlstat.tasks.running, "run", run)
    monkeypatch.chdir(tmp_path)


SWEEP = ("-m", "runs=out", "hydra.sweep.dir=sweep", "simulation.seed=1,2,3")


@pytest.mark.usefixtures("outcomes")
def test_a_job_that_fails_does_not_stop_the_others(tmp_path, capsys):
    assert main([*SWEEP]) == 1
    out, err = capsys.readouterr()
    assert "1 of 3 jobs done" in out
    assert "failed: #1 simulation.seed=2: no such luck\n" in out
    assert "failed: #2 simulation.seed=3: fault of the program: ZeroDivisionError: fault" in out
    assert "task=collect task.folder=sweep" in out
    assert err.startswith("hnlstat: no such luck\nTraceback")
    assert err.endswith("hnlstat: 2 of 3 jobs of the sweep failed, see above\n")
    jobs = read_jobs(tmp_path / "sweep")
    assert [job.folder for job in jobs] == ["../out/result_1", None, None]
    assert main(["-m", "hydra.sweep.dir=sweep", "simulation.seed=1"]) == 0


@pytest.mark.usefixtures("outcomes")
def test_a_job_without_a_record_did_not_come_to_its_end(tmp_path):
    main([*SWEEP[:-1], "simulation.seed=1", "model=dipole_mu,dipole_e"])
    before = read_jobs(tmp_path / "sweep")
    (tmp_path / "sweep" / "jobs" / "0001.json").unlink()
    jobs = read_jobs(tmp_path / "sweep")
    assert jobs == [before[0], Job(1, before[1].overrides, None, UNFINISHED)]
    assert failures(jobs) == [f"#1 model=dipole_e: {UNFINISHED}"]


@pytest.mark.usefixtures("outcomes")
def test_a_launcher_that_stops_is_told_with_the_jobs_that_were_done(monkeypatch, capsys):
    from hydra._internal.core_plugins.basic_launcher import BasicLauncher

    whole = BasicLauncher.launch

    def launch(self, jobs, initial_job_idx):
        whole(self, jobs[:1], initial_job_idx)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(BasicLauncher, "launch", launch)
    assert main([*SWEEP]) == 1
    out, err = capsys.readouterr()
    assert "1 of 3 jobs done" in out
    assert f"#2 simulation.seed=3: {UNFINISHED}" in out
    assert "the launcher stopped: out of memory" in err


def test_choices_are_what_differs():
    jobs = [
        Job(0, ("task=yields", "+detector.volumes.x.density=2\\ g/cm3", "name='a'"), None, None),
        Job(1, ("task=yields", "name=b"), None, None),
    ]
    assert choices(jobs) == (
        ["detector.volumes.x.density", "name"], [("2 g/cm3", "a"), ("", "b")]
    )  # fmt: skip
    assert choices(jobs[:1]) == ([], [()])


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"number": 1, "overrides": 2})])
def test_a_damaged_record_is_named(tmp_path, content):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "0000.json").write_text(content)
    with pytest.raises(DataError, match=r"0000\.json: is not the record of a job"):
        read_jobs(tmp_path)


def test_a_folder_of_other_things_is_refused(tmp_path):
    with pytest.raises(DataError, match="is not the folder of a sweep"):
        read_jobs(tmp_path)


@pytest.mark.parametrize(("name", "extra"), [("joblib", "joblib"), ("submitit_slurm", "slurm")])
def test_a_missing_launcher_is_named_with_its_extra(name, extra):
    from hydra.errors import MissingConfigException

    for message in (f"In 'hydra/launcher/x': Could not load 'hydra/launcher/{name}'.", name):
        error = MissingConfigException(message, f"hydra/launcher/{name}", ["basic"])
        with shipped_session():
            assert explain(error) == (
                f"hydra/launcher: {name} is missing; pip install 'hnlstat[{extra}]'"
            )


@pytest.mark.usefixtures("outcomes")
def test_jobs_in_folders_of_their_own_are_done(tmp_path, capsys):
    assert main(["-m", "runs=out", "hydra.job.chdir=true", "simulation.seed=1,4"]) == 0
    assert "2 of 2 jobs done" in capsys.readouterr().out
    (sweep,) = (tmp_path / "out" / "multirun").iterdir()
    assert [job.reason for job in read_jobs(sweep)] == [None, None]


@pytest.mark.usefixtures("outcomes")
def test_a_swept_option_may_name_another_folder(tmp_path, capsys):
    for name in ("one", "two"):
        path = tmp_path / "mine" / "experiment" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# @package _global_\nhydra: {{sweep: {{dir: {name}}}}}\n")
    arguments = ["--config-dir=mine", "-m", "hydra.sweep.dir=sweep", "experiment=one,two"]
    assert main([*arguments[:2], "runs=out", arguments[3]]) == 0
    assert "2 of 2 jobs done" in capsys.readouterr().out
    assert main(arguments) == 0
    assert [job.overrides for job in read_jobs(tmp_path / "sweep")] == [
        ("experiment=one",), ("experiment=two",)
    ]  # fmt: skip


@pytest.mark.usefixtures("outcomes")
@pytest.mark.parametrize("kept", [False, True])
def test_a_sweep_that_does_not_begin_leaves_nothing(kept, tmp_path):
    if kept:
        (tmp_path / "out").mkdir()
    assert main(["-m", "runs=out", "model=dipole_mu,axion"]) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["out"] * kept


@pytest.mark.parametrize(
    "text", ["", "a: [", "hydra: 1", "hydra: {sweeper: {}}", "- 1", "a: &a [*a]"]
)
def test_a_damaged_plan_is_one_line(text, tmp_path):
    (tmp_path / "multirun.yaml").write_text(text)
    with pytest.raises(DataError, match=r"multirun\.yaml"):
        read_jobs(tmp_path)
