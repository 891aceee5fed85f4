"""The package runs the same from a wheel elsewhere, an editable install and a checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SMALL = ("task=yields", "scan.mass.values=[0.1,0.2]", "simulation.precision=0.1")


def environment(folder):
    """A new virtual environment that finds this one's dependencies after its own packages."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    (Path(own) / "zz_dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(python, where, runs):
    """Run a small task and return where the package and conf lay, and the yields."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    probe = "import hnlstat, hnlstat.system.shipped as s; print(hnlstat.__file__, s.conf_dir())"
    answer = subprocess.run(
        [python, "-c", probe], cwd=where, env=clean, capture_output=True, text=True, check=True
    )
    subprocess.run(
        [python, "-m", "hnlstat", *SMALL, f"runs={runs}"], cwd=where, env=clean,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (folder,) = runs.glob("*/*")
    json.loads((folder / "summary.json").read_text())
    return [Path(part) for part in answer.stdout.split()], (folder / "yields.csv").read_text()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return run(sys.executable, ROOT, tmp_path_factory.mktemp("runs"))


def test_checkout_uses_its_own_files(checkout):
    (package, conf), _ = checkout
    assert package == ROOT / "hnlstat" / "__init__.py"
    assert conf == ROOT / "conf"


@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "editable"])
def test_installed(tmp_path, checkout, editable):
    python = environment(tmp_path / "venv")
    source = ["--editable", str(ROOT)] if editable else [str(ROOT)]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, *source], check=True, capture_output=True)
    (package, conf), yields = run(python, tmp_path, tmp_path / "runs")
    assert package.is_relative_to(ROOT if editable else tmp_path / "venv")
    assert conf == (ROOT / "conf" if editable else package.parent / "conf")
    assert yields == checkout[1]
