"""Sweeps and their collection, through the command line."""

import csv
import json
import re
import shutil
import subprocess
import sys

import pytest
from matplotlib.image import imread

from hnlstat.app import main

GRID = (
    "scan.mass.values=[60 MeV, 0.1, 0.2]", "scan.coupling.points=8", "simulation.precision=0.1",
    "bounds.curves=[]", "executor=serial",
)  # fmt: skip


CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep of four scenarios in two processes, one of which fails."""
    runs = tmp_path_factory.mktemp("sweep")
    settings = (f"runs={runs}", "model=dipole_mu,dipole_e", "inference.levels=[0.9],[1.9]")
    done = subprocess.run(
        [sys.executable, "-m", "hnlstat", "-m", "hydra/launcher=parallel",
         "hydra.launcher.n_jobs=2", *GRID, *settings],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    (folder,) = (runs / "multirun").iterdir()
    return folder, done


def test_collect_makes_one_table_and_one_figure(sweep, capsys):
    folder, done = sweep
    assert done.returncode == 1
    assert "2 of 4 jobs done" in done.stdout
    assert "failed: #1 model=dipole_mu inference.levels=[1.9]: inference.levels" in done.stdout
    assert main(["task=collect", f"task.folder={folder}"]) == 1
    out, err = capsys.readouterr()
    assert "failed: #3 model=dipole_e inference.levels=[1.9]: inference.levels" in out
    assert err == "hnlstat: 2 of 4 jobs of the sweep failed, see above\n"
    with (folder / "collected.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["job"] for row in rows if row["reason"]] == ["1", "3"]
    observed = {
        row["model"]: float(row["coupling_inv_gev"])
        for row in rows
        if row["kind"] == "observed" and row["level"] == "0.9"
    }
    assert observed.keys() == {"dipole_mu", "dipole_e"}
    assert observed["dipole_mu"] < observed["dipole_e"]  # the beam is of muon neutrinos
    assert "| 2 | dipole_e | " in (folder / "collected.md").read_text()
    assert (folder / "collected.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "collected.pdf").read_bytes().startswith(b"%PDF")
    page = (folder / "collected.html").read_text()
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    lowest = {
        layer["name"]: min(coupling for line in layer["lines"] for _, coupling in line)
        for layer in data["limits"]
    }
    assert lowest == pytest.approx({f"model={k}": x for k, x in observed.items()}, rel=1e-3)
    assert len({layer["color"] for layer in data["limits"]}) == 2
    assert "<strong>Failed:</strong> #3 model=dipole_e inference.levels=[1.9]" in page
    ways = re.findall(r'<a href="([^"]*)">', page)
    assert len(ways) == 2
    assert all((folder / way).is_file() for way in ways)
    assert not re.search(r"(src|href)=\"(https?:|//)", page)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_layers_of_a_sweep_can_be_taken_away(sweep):
    folder, _ = sweep
    assert main(["task=collect", f"task.folder={folder}"]) == 1
    (folder / "frame.html").write_text(
        '<iframe src="collected.html" width="390" height="800"></iframe><script>onload = () => {'
        "const page = frames[0].document, out = document.body.dataset;"
        "const lines = () => page.querySelectorAll('#plane g path[stroke-width=\"1.8\"]').length;"
        "const boxes = page.querySelectorAll('#layers input'), before = lines();"
        "boxes[0].click(); out.lines = `${before} ${lines()} ${boxes.length}`;"
        "const all = page.documentElement; out.beyond = all.scrollWidth - all.clientWidth;"
        "}</script>"
    )
    page = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         "--allow-file-access-from-files", "--virtual-time-budget=2000",
         f"file://{folder}/frame.html"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert 'data-lines="2 1 2"' in page
    assert 'data-beyond="0"' in page


def test_one_failure_among_many_scenarios_is_named(tmp_path, capsys):
    (tmp_path / "16").write_text("in the way of the folder of a run")
    scenarios = (
        "detector=nd280,nd280_upgrade", "exposure=t2k_2019,t2k_2023", "model.nature=dirac,majorana",
        "model=dipole_mu,dipole_e,dipole_universal",
    )  # fmt: skip
    settings = (f"runs={tmp_path}", "name=${hydra:job.num}", "task=yields")
    assert main(["-m", *GRID[1:], "scan.mass.values=[0.1]", *settings, *scenarios]) == 1
    out, err = capsys.readouterr()
    assert "23 of 24 jobs done" in out
    failed = [line.strip() for line in out.splitlines() if line.strip().startswith("failed:")]
    choice = "detector=nd280_upgrade exposure=t2k_2019 model.nature=majorana model=dipole_e"
    reason = f"runs: cannot make a run folder in {tmp_path / '16'}: File exists"
    assert failed == [f"failed: #16 {choice}: {reason}"]
    assert err.splitlines()[-1] == "hnlstat: 1 of 24 jobs of the sweep failed, see above"
    assert len(list(tmp_path.glob("[0-9]*/*/yields.csv"))) == 23

    (folder,) = (tmp_path / "multirun").iterdir()
    assert main(["task=collect", f"task.folder={folder}"]) == 1
    assert f"failed: #16 {choice}: {reason}" in capsys.readouterr().out
    with (folder / "collected.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["job"] for row in rows] == [str(i) for i in range(24)]
    assert {row["job"]: row["reason"] for row in rows if row["reason"]} == {"16": reason}
    done = [row for row in rows if not row["reason"]]
    assert all((folder / row["folder"] / "summary.json").is_file() for row in done)
    assert len({(row["detector"], row["exposure"], row["model.nature"], row["model"])
                for row in rows}) == 24  # fmt: skip


def test_the_figure_of_a_sweep_is_drawn_again(sweep, capsys):
    folder = sweep[0]
    wide = ["task=figures", f"task.folder={folder}", "report.style=slides"]
    assert main(wide) == main(["task=collect", f"task.folder={folder}"]) == 1  # of the failed job
    column = imread(folder / "collected.png").shape
    assert main(wide) == 1
    assert imread(folder / "collected.png").shape == pytest.approx((1080, 1920, 4), abs=3)
    assert column[1] < 1100
    capsys.readouterr()
    assert main([*wide, "task.figures=[yields]"]) == 2
    assert "is of a sweep, which has one figure" in capsys.readouterr().err


def test_jobs_without_limits_are_collected_without_a_figure(tmp_path, capsys):
    point = ("task=point", "model.coupling=1e-6", "model.mass=0.1,0.2", f"runs={tmp_path}")
    assert main(["-m", *GRID, *point]) == 0
    (folder,) = (tmp_path / "multirun").iterdir()
    assert main(["task=collect", f"task.folder={folder}"]) == 0
    assert "collected.csv, collected.md\n" in capsys.readouterr().out
    assert not (folder / "collected.png").exists()
    with (folder / "collected.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["job"], row["model.mass"], row["coupling_inv_gev"]) for row in rows] == [
        ("0", "0.1", ""), ("1", "0.2", "")
    ]  # fmt: skip


def test_a_folder_that_is_no_sweep_is_one_line(tmp_path, capsys):
    assert main(["task=collect", f"task.folder={tmp_path}"]) == 2
    assert "is not the folder of a sweep" in capsys.readouterr().err
    assert main(["task=collect"]) == 2
    assert "task.folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("summary.json", '{"reaches": [{"level": 0.9}]}', "reaches are not those of a run"),
        ("contours.json", '{"contours": 1}', "its schema is not"),
        ("config.yaml", "{}", "config.yaml: this is not the configuration of a run"),
        ("multirun.yaml", "a: 1", "multirun.yaml: is not the plan of a sweep"),
    ],
)
def test_odd_files_of_jobs_are_one_line(sweep, tmp_path, capsys, file, content, message):
    shutil.copytree(sweep[0].parent.parent, tmp_path / "runs")
    (folder,) = (tmp_path / "runs/multirun").iterdir()
    for path in [*folder.glob(file), *(tmp_path / "runs").glob(f"[!m]*/*/{file}")]:
        path.write_text(content)
    assert main(["task=collect", f"task.folder={folder}"]) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "Error exec" not in line)
    assert message in line
