"""A model in a package of a user's own: one file and an entry point."""

import json
import os
import pickle
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnlstat.app import main
from hnlstat.config.registry import foreign_code, model_class, packages
from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.shapes import Box
from hnlstat.errors import ConfigError, HnlstatError
from hnlstat.physics.targets import target
from hnlstat.run.files.limits import read_limits
from hnlstat.run.files.yields import read_yields
from hnlstat.run.store import packing
from hnlstat.search.yields import Job, Plan
from hnlstat.simulation.apparatus import Apparatus
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.simulation.sampling import Scatterer
from hnlstat.studies import load

EXAMPLE = Path(__file__).parent / "example_package"
SOURCE = (EXAMPLE / "contact_hnl.py").read_text()
ENTRY = "contact = contact_hnl:ContactModel"
GRID = (
    "scan.mass.points=3", "scan.mass.min=60 MeV", "scan.mass.max=200 MeV",
    "scan.coupling={min: 1e-3, max: 1, points: 8, spacing: log, values: null}",
    "simulation.precision=0.1",
)  # fmt: skip


@pytest.fixture
def contact(install):
    """The example package, installed."""
    install("contact_hnl", SOURCE, ENTRY)


def run(folder, *arguments):
    before = set(folder.glob("*/*"))
    assert main(["model=contact", *GRID, f"runs={folder}", *arguments]) == 0
    (made,) = set(folder.glob("*/*")) - before
    return made


def test_the_example_is_a_package_with_this_entry_point():
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    ((name, value),) = project["entry-points"]["hnlstat.models"].items()
    assert f"{name} = {value}" == ENTRY
    assert len(SOURCE.splitlines()) <= 45


@pytest.mark.usefixtures("contact")
def test_a_contour_of_a_model_of_ones_own(tmp_path, capsys):
    folder = run(tmp_path / "runs", "executor=serial")
    axis = model_class("contact").coupling_axis
    table = read_yields(folder / "yields.csv", axis)
    events = table.events.sum(axis=-1)
    # made as |U|^2, decaying as |U|^2 at long lifetimes
    assert events[0, 1] / events[0, 0] == pytest.approx(10 ** (2 * 3 / 7), rel=1e-3)
    (head,) = (line for line in (folder / "points.csv").read_text().splitlines()[:1])
    assert head.startswith("mass_gev,coupling_u2,signal_")
    limits = [one for one in read_limits(folder / "limits.csv") if one.branch == "lower"]
    assert limits
    assert all(1e-3 < one.coupling < 1 for one in limits if not one.open)
    patches = json.loads((folder / "workspace" / "patchset.json").read_text())
    assert patches["metadata"]["labels"] == ["mass_gev", "coupling_u2"]
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["coupling"], summary["unit"], summary["column"]) == ("U2", "", "coupling_u2")
    assert any("form_factor changes nothing" in remark for remark in summary["remarks"])
    texts = [(folder / name).read_text() for name in ("report.html", "config.yaml", "run.log")]
    for text in (*texts, capsys.readouterr().out):
        assert "GeV⁻¹" not in text
        assert "GeV^-1" not in text
        assert "Traceback" not in text
    # and again from its own configuration
    again = tmp_path / "again"
    assert main(["--config-dir", str(folder), "task.kind=yields", f"runs={again}"]) == 0
    (other,) = again.glob("*/*")
    assert (other / "yields.csv").read_text() == (folder / "yields.csv").read_text()


@pytest.mark.usefixtures("contact")
def test_prompt_n_are_made_with_the_cross_section_of_the_model():
    source = model_class("contact").source.fget(None)
    edges, flux, mass = np.array([0.5, 1.0, 3.0]), np.array([[2e10, 1e10]]), 0.12
    apparatus = Apparatus(
        boxes=paint([PaintedBox((-2, -2, -2), (2, 2, 2), 0)], 1), source=source,
        scatterers=(Scatterer("C12", target("C12"), None, np.array([5e22])),),
        rock=np.array([False]), fiducial=(Box((0, 0, 0), (1, 1.5, 2)),),
        edges=edges, flux=flux, min_cos_theta=-1.0, radius=None, upstream=None, survival=True,
    )  # fmt: skip
    goal = Precision(0.002, np.ones((1, 1)), 0.0, 1_000_000)
    found = simulate(apparatus, mass, np.array([1e-4]), np.array([1e5]), goal, 1)
    from hnlstat.physics import kinematics

    fine = np.linspace(edges[:-1], edges[1:], 2001)
    low, high = kinematics.q2_limits(fine, mass, target("C12").mass)
    mean = np.trapezoid(36e-36 * (np.exp(-low) - np.exp(-high)), fine, axis=0) / np.diff(edges)
    expected = float(flux[0] @ mean) * 1e-4 * 5e22 * 3e6
    assert found.decays[0, 0, 0] == pytest.approx(expected, rel=0.01)


DOUBLED = '''
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from hnlstat.config.coupling import CouplingAxis
from hnlstat.models.dipole import Dipole, DipoleUpscattering


class Doubled(DipoleUpscattering):
    def cross_section(self, q2, energy, mass, target):
        return 2 * super().cross_section(q2, energy, mass, target)


class SquaredDipole(Dipole):
    """The dipole with twice the cross section, in terms of x = (d / 1e-6 GeV^-1)^2."""

    coupling_axis: ClassVar = CouplingAxis("x", "x", "square", "", "coupling_x", 1e-8, 1e8)
    kind: Literal["squared"] = "squared"

    def strength(self, couplings):
        return couplings * 1e-12

    @property
    def source(self):
        return Doubled()

    def inverse_decay_length(self, masses, couplings):
        return super().inverse_decay_length(masses, np.sqrt(couplings * 1e-12))

    @property
    def axis(self):
        return self.coupling_axis
'''


def test_the_dipole_in_other_terms_has_the_same_yields(install):
    install("doubled", DOUBLED, "squared = doubled:SquaredDipole")
    masses, d = np.array([0.1, 0.4]), np.array([1e-7, 1e-6, 1e-5])
    dipole = load(["simulation.precision=0.1"])
    settings = dipole.model.model_dump() | {"kind": "squared"}
    scan = {"mass": dipole.scan.mass, "coupling": {"values": [0.01, 1.0, 100.0, 1e4]}}
    other = dipole.replace(model=settings, scan=scan)
    made = []
    for study, couplings in ((dipole, d), (other, (d / 1e-6) ** 2)):
        plan = Plan.of(study, masses, couplings)
        # with the same rays, however precise these are
        jobs = [replace(job, precision=replace(job.precision, relative=0.9)) for job in plan.jobs()]
        made.append(plan.table([job.run() for job in jobs]))
    assert made[1].events == pytest.approx(2 * made[0].events, rel=1e-9)
    assert made[1].modifiers["pauli"] == pytest.approx(made[0].modifiers["pauli"], rel=1e-9)
    # its form factor is still varied with the dipole's own cross section
    assert np.all(np.isfinite(made[1].modifiers["form_factor"]))


@pytest.mark.usefixtures("contact")
def test_results_are_kept_for_the_code_that_made_them(install):
    def key():
        study = load(["model=contact", *GRID])
        (job, *_) = Plan.of(study, np.array([0.1]), np.array([1e-2])).jobs()
        return packing.key(Job.run, job)

    first = key()
    assert key() == first
    install("contact_hnl", SOURCE, ENTRY, version="1.1")
    assert key() != first  # of another version
    install("contact_hnl", SOURCE + "# longer\n", ENTRY)
    assert key() != first
    install("contact_hnl", SOURCE, ENTRY)
    assert key() == first


def test_a_default_can_be_a_section(install, capsys):
    section = (
        "class Widths(Section):\n    vector: float = 1.0\n    scalar: float | None = None\n\n\n"
    )
    source = SOURCE.replace("class ContactModel", section + "class ContactModel")
    source = source.replace("    width:", "    widths: Widths = Widths(vector=2.0)\n    width:")
    install("contact_hnl", "from hnlstat.config.base import Section\n" + source, ENTRY)
    assert load(["model=contact", *GRID]).model.widths.vector == 2.0
    widths = load(["model=contact", *GRID, "model.widths.scalar=0.5"]).model.widths
    assert (widths.vector, widths.scalar) == (2.0, 0.5)
    assert main(["--docs", "model.widths"]) == 0
    assert "default: {vector: 2, scalar: null}" in capsys.readouterr().out


def test_code_without_a_file_is_never_known_again():
    assert foreign_code("no_such_module") != foreign_code("no_such_module_either")
    assert foreign_code("axes") == foreign_code("axes")


@pytest.mark.usefixtures("contact")
@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_workers_load_the_package(tmp_path, executor):
    if executor == "dask":
        pytest.importorskip("distributed")
    pool = f"executor={executor}", f"executor.workers={1 + (executor == 'processes')}"
    far = run(tmp_path / "far", "task=yields", "store=off", *pool)
    here = run(tmp_path / "here", "task=yields", "store=off", "executor=serial")
    assert (far / "yields.csv").read_text() == (here / "yields.csv").read_text()


def test_entry_points_are_not_read_for_the_shipped_models(tmp_path):
    """Nor is a package loaded: its module would end the process."""
    (tmp_path / "ends.py").write_text("raise SystemExit('loaded')\n")
    metadata = tmp_path / "ends-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ends\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[hnlstat.models]\nends = ends:Model\n")
    code = (
        "import hnlstat.config.registry as r\n"
        "r._entry_points = None\n"
        "from hnlstat.studies import load\n"
        "print(load().model.kind)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, timeout=60, capture_output=True, text=True
    )
    assert (found.returncode, found.stdout) == (0, "dipole\n")


@pytest.mark.usefixtures("contact")
def test_what_a_model_does_not_sample_is_not_selected_by_tracks():
    with pytest.raises(ConfigError, match="contact: decays to ee are not sampled"):
        load(["model=contact", *GRID, "search=tpc_ee_tracks"])


@pytest.mark.usefixtures("contact")
def test_workers_of_dask_that_have_another_package_are_told():
    from hnlstat.run.executors.dask_cluster import _with_same_code

    with pytest.raises(HnlstatError, match="cannot load no_such: No module named 'no_such'; insta"):
        _with_same_code({"no_such": ""}, b"")
    assert model_class("contact")
    ((name, digest),) = packages().items()
    work = pickle.dumps((sum, [1, 2]))
    assert _with_same_code({name: digest}, work) == 3
    with pytest.raises(HnlstatError, match="another version of contact_hnl; install this one"):
        _with_same_code({name: "other"}, work)
