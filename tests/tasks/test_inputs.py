"""A run is the same from any folder, and what it has read must not have changed since."""

import shutil

import numpy as np
import pytest
import yaml

from hnlstat.app import main
from hnlstat.errors import ConfigError, DataError
from hnlstat.studies import load, read
from hnlstat.studies.inputs import check_inputs
from hnlstat.studies.saved import to_yaml

QUICK = ("experiment=quick", "executor=serial")
HEAD = "channel,mass_gev,coupling_inv_gev,events\n"
BOUND = (
    "# label: Mine\n# level: 0.9\n# kind: limit\n# status: excluded\n# flavour: mu\n# source: me\n"
    "mass_gev,coupling_inv_gev\n0.05,2e-6\n0.4,{}\n"
)
FLUX = "e_low_gev,e_high_gev,fhc_numu,rhc_numubar,fhc_numubar,rhc_numu\n0,8,{0},{0},{0},{0}\n"


def write_yields(path, masses, scale=30):
    rows = [
        f"nd280_{mode},{mass},{d:.6g},{scale * (d / 1e-6) ** 4:.6g}\n"
        for mass in masses
        for d in np.geomspace(1e-8, 1e-4, 9)
        for mode in ("fhc", "rhc")
    ]
    path.write_text(HEAD + "".join(rows))


def make_inputs(folder, masses):
    folder.mkdir()
    write_yields(folder / "y.csv", masses)
    (folder / "n.csv").write_text(f"channel,observed\nnd280_fhc,{len(masses)}\nnd280_rhc,0\n")
    (folder / "mine.csv").write_text(BOUND.format(1e-6 * len(masses)))
    (folder / "f.csv").write_text(FLUX.format(1e10 * len(masses)))


FILES = ("yields_from=y.csv", "data_from=n.csv", "bounds.files=[mine.csv]", "flux.table=f.csv")


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Give folders with other files of the same names, and a run of a's."""
    make_inputs(tmp_path / "my a", (0.1, 0.2))
    make_inputs(tmp_path / "b", (0.15, 0.25, 0.3))
    monkeypatch.chdir(tmp_path / "my a")
    assert main(["task=yields", *QUICK, *FILES, "name=r"]) == 0
    (run,) = (tmp_path / "my a" / "runs" / "r").iterdir()
    monkeypatch.chdir(tmp_path / "b")
    return tmp_path / "my a", tmp_path / "b", run


def test_a_run_is_made_again_from_another_folder_with_its_own_files(two, tmp_path):
    a, b, run = two
    config = yaml.safe_load((run / "config.yaml").read_text())
    paths = [config["yields_from"], config["data_from"], *config["bounds"]["files"]]
    paths.append(config["datasets"][0]["flux"]["table"])
    assert paths == [str(a / name) for name in ("y.csv", "n.csv", "mine.csv", "f.csv")]
    assert set(config["inputs"]) == set(paths)
    assert main(["--config-dir", str(run)]) == 0
    (again,) = (b / "runs" / "r").iterdir()
    assert (again / "yields.csv").read_bytes() == (run / "yields.csv").read_bytes()
    # the same study from anywhere: its folder has the same hash
    assert again.name.rpartition("_")[2] == run.name.rpartition("_")[2]
    report = (run / "report.html").read_text()
    assert str(tmp_path) not in report
    assert "my a" not in report
    assert "yields_from: y.csv" in report


def test_files_that_have_changed_or_are_gone_are_one_line(two, capsys):
    a, b, run = two
    (run / "summary.json").unlink()
    before = {path: path.read_bytes() for path in run.glob("*.*")}
    for name, key in (
        ("y.csv", "yields_from"),
        ("n.csv", "data_from"),
        ("mine.csv", "bounds.files.0"),
        ("f.csv", "flux.table"),
    ):
        content = (a / name).read_bytes()
        shutil.copy(b / name, a / name)
        capsys.readouterr()
        assert main([f"resume='{run}'"]) == 2
        assert f"{key}: {a / name} has changed since the run was made" in capsys.readouterr().err
        (a / name).unlink()
        assert main(["--config-dir", str(run)]) == 2
        error = capsys.readouterr().err
        assert str(a / name) in error
        assert error.count("\n") == 1
        (a / name).write_bytes(content)
    shutil.copy(b / "y.csv", a / "y.csv")
    assert main(["--config-dir", str(run)]) == 2
    assert "has changed" in capsys.readouterr().err
    assert main(["--config-dir", str(run), "inputs=null"]) == 0
    assert main([f"resume='{run}'", "inputs=null"]) == 2
    assert "begun with other settings" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.glob("*.*")} == before


def test_an_unfinished_run_goes_on_only_with_the_same_files(two, monkeypatch):
    a, _, run = two
    monkeypatch.chdir(a)
    (run / "summary.json").unlink()
    assert main(["task=yields", *QUICK, *FILES, "name=r"]) == 0
    assert [path.name for path in (a / "runs" / "r").iterdir()] == [run.name]
    (run / "summary.json").unlink()
    (a / "mine.csv").write_text(BOUND.format(9e-6))  # not among what changes the numbers
    assert main(["task=yields", *QUICK, *FILES, "name=r"]) == 0
    assert len(list((a / "runs" / "r").iterdir())) == 2
    assert not (run / "summary.json").exists()


def test_figures_take_the_runs_own_files(tmp_path, monkeypatch, capsys):
    make_inputs(tmp_path / "a", (0.1, 0.15, 0.2))
    make_inputs(tmp_path / "b", (0.2, 0.3))
    monkeypatch.chdir(tmp_path / "a")
    study = ("yields_from=y.csv", "bounds.files=[mine.csv]", "bounds.curves=[]")
    assert main([*QUICK, *study, "name=r"]) == 0
    (run,) = (tmp_path / "a" / "runs" / "r").iterdir()
    monkeypatch.chdir(tmp_path / "b")
    (tmp_path / "a" / "y.csv").unlink()  # figures do without
    figures = ["task=figures", f"task.folder={run}", "task.figures=[contours]", "executor=serial"]
    assert main(figures) == 0
    (tmp_path / "a" / "mine.csv").write_text(BOUND.format(9e-6))
    capsys.readouterr()
    assert main(figures) == 2
    assert "bounds.files.0: " in capsys.readouterr().err
    (tmp_path / "a" / "mine.csv").unlink()
    assert main(figures) == 2
    assert "mine.csv: cannot be read" in capsys.readouterr().err
    assert read(run / "config.yaml").yields_from == tmp_path / "a" / "y.csv"


def test_paths_of_all_kinds_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.csv").write_text(FLUX.format(1e10))
    study = load(
        [
            "executor=dask_slurm", "executor.log_directory=logs", "store=shared:store",
            "compare.from=['flux.table=f.csv','flux.table=t2k_nd280_flux']", "runs=here",
        ]
    )  # fmt: skip
    content = yaml.safe_load(to_yaml(study))
    assert content["executor"]["log_directory"] == str(tmp_path / "logs")
    assert content["store"] == f"shared:{tmp_path / 'store'}"
    assert content["compare"]["from"] == [
        f"flux.table={tmp_path / 'f.csv'}", "flux.table=t2k_nd280_flux"
    ]  # fmt: skip
    assert list(content["inputs"]) == [str(tmp_path / "f.csv")]
    assert content["runs"] == "here"  # results of a repeat belong where it is made
    assert content["datasets"][0]["flux"]["table"] == "t2k_nd280_flux"
    (tmp_path / "f.csv").write_text(FLUX.format(2e10))
    with pytest.raises(ConfigError, match=r"compare.from.0: f.csv has changed"):
        check_inputs(study.model_copy(update={"inputs": content["inputs"]}))


def test_tables_of_tests_are_absolute_and_known_by_their_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.csv").write_text(FLUX.format(1e10))
    study = load(["task=explained", "+task.tests.mine.overrides=['flux.table=f.csv']"])
    content = yaml.safe_load(to_yaml(study))
    table = tmp_path / "f.csv"
    assert content["task"]["tests"]["mine"]["overrides"] == [f"flux.table={table}"]
    assert list(content["inputs"]) == [str(table)]
    table.write_text(FLUX.format(2e10))
    with pytest.raises(ConfigError, match=r"task.tests.mine.overrides.0: f.csv has changed"):
        check_inputs(study.model_copy(update={"inputs": content["inputs"]}))


def test_combinations_know_their_likelihoods(tmp_path, monkeypatch, capsys):
    make_inputs(tmp_path / "a", (0.1, 0.2))
    monkeypatch.chdir(tmp_path / "a")
    assert main(["task=workspace", *QUICK, "yields_from=y.csv", "name=one"]) == 0
    text = (tmp_path / "a" / "y.csv").read_text()
    (tmp_path / "a" / "z.csv").write_text(text.replace("nd280_", "two_"))
    two = "datasets=[{detector: nd280, exposure: t2k_2023, name: two}]"
    assert main(["task=workspace", *QUICK, "yields_from=z.csv", two, "name=two"]) == 0
    one, other = (next((tmp_path / "a" / "runs" / name).iterdir()) for name in ("one", "two"))
    for name, folder in (("one", one), ("two", other)):
        folder.rename(tmp_path / "a" / name)
    assert main(["task=combine", "task.folders=[one,two]", "name=c", "executor=serial"]) == 0
    (run,) = (tmp_path / "a" / "runs" / "c").iterdir()
    monkeypatch.chdir(tmp_path)
    assert main(["--config-dir", str(run), f"runs={tmp_path / 'more'}"]) == 0
    (again,) = (tmp_path / "more" / "c").iterdir()
    for name in ("BkgOnly.json", "patchset.json"):
        new, old = (folder / "workspace" / name for folder in (again, run))
        assert new.read_bytes() == old.read_bytes()
    assert again.name.rpartition("_")[2] == run.name.rpartition("_")[2]
    shutil.copytree(tmp_path / "a" / "two" / "workspace", tmp_path / "a" / "one" / "workspace",
                    dirs_exist_ok=True)  # fmt: skip
    capsys.readouterr()
    assert main(["--config-dir", str(run)]) == 2
    assert "task.folders.0: " in capsys.readouterr().err
    shutil.rmtree(tmp_path / "a" / "two")
    for arguments in (["--config-dir", str(run)], ["task=combine", "task.folders=[a/one,a/two]"]):
        assert main(arguments) == 2
        assert "task.folders." in capsys.readouterr().err


def test_a_study_whose_files_cannot_be_read_says_which(nd280, tmp_path):
    (dataset,) = nd280.datasets
    flux = dataset.flux.replace(table=str(tmp_path / "none.csv"))
    study = nd280.replace(datasets=(dataset.replace(flux=flux),))
    with pytest.raises(DataError, match=r"flux.table: .*none.csv: cannot be read"):
        to_yaml(study)
