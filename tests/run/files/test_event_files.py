"""Event files read back through the libraries that others would use."""

import resource
import signal

import numpy as np
import pyhepmc
import pytest
from pyarrow import parquet

from hnlstat.errors import OutputError
from hnlstat.models.dipole import PairDecay
from hnlstat.physics.constants import LEPTON_MASS
from hnlstat.physics.targets import target
from hnlstat.run.files import event_files
from hnlstat.simulation import batches as simulation
from hnlstat.simulation import strata
from hnlstat.studies import load

COUPLINGS = (4e-7, 1e-6)


@pytest.fixture(scope="module")
def events():
    study = load(["task=yields"])
    model = simulation.EventModel.of(study, 0.2, COUPLINGS)
    jobs = strata.strata(study, model)
    parts = strata.divide(jobs, [np.ones(2)] * len(jobs), 200)
    return simulation.join([part.run() for part in parts])


PRODUCTS = PairDecay((0, 1, 0), "e").products


def halves(events):
    """The events in two batches."""
    for part in (slice(None, 50), slice(50, None)):
        yield {name: column[part] for name, column in events.items()}


def test_npz(tmp_path, events):
    event_files.write_events(tmp_path / "events.npz", halves(events), "npz", PRODUCTS)
    with np.load(tmp_path / "events.npz", allow_pickle=False) as found:
        assert list(found) == list(events)
        for name, column in events.items():
            assert np.array_equal(found[name], column)


def test_parquet(tmp_path, events):
    event_files.write_events(tmp_path / "events.parquet", halves(events), "parquet", PRODUCTS)
    found = parquet.read_table(tmp_path / "events.parquet")
    assert found.column_names == list(events)
    for name, column in events.items():
        assert found[name].to_pylist() == column.tolist()


def test_hepmc(tmp_path, events):
    path = tmp_path / "events.hepmc3"
    event_files.write_events(path, halves(events), "hepmc", PRODUCTS)
    with pyhepmc.open(path) as file:
        found = list(file)
    assert len(found) == len(events["weight"])
    assert found[0].weight_names == ["weight", "weight_1em06"]
    for i, event in enumerate(found):
        assert event.event_number == i
        assert event.weights == pytest.approx([events["weight"][i], events["weight_1em06"][i]])
        assert str(event.attributes["volume"]) == events["volume"][i]
        assert str(event.attributes["dataset"]) == "nd280"
        check_graph(event, {name: column[i] for name, column in events.items()})


def check_graph(event, row):
    """Two vertices, in their places, that conserve four-momentum; every particle on its shell."""
    assert (event.momentum_unit, event.length_unit) == (pyhepmc.Units.GEV, pyhepmc.Units.MM)
    production, decay = event.vertices
    for vertex, name in ((production, "vertex"), (decay, "decay")):
        position = [row[f"{name}_{axis}"] * 1e3 for axis in "xyz"]
        assert [vertex.position.x, vertex.position.y, vertex.position.z] == pytest.approx(
            position, abs=1e-6
        )
        before = sum_of(vertex.particles_in)
        assert sum_of(vertex.particles_out) == pytest.approx(before, abs=1e-9 * before[3])
    flight = decay.position - production.position
    # N is slower than light, and not by more than its momentum says
    beta = np.linalg.norm([row["n_px"], row["n_py"], row["n_pz"]]) / row["n_e"]
    assert np.linalg.norm([flight.x, flight.y, flight.z]) == pytest.approx(beta * flight.t)
    assert sorted(p.pid for p in production.particles_in) == sorted(
        [row["nu_pdg"], row["target_pdg"]]
    )
    n, recoil = production.particles_out
    assert (n.pid, n.status, recoil.pid, recoil.status) == (row["n_pdg"], 2, row["target_pdg"], 1)
    mass = target(row["target"].removeprefix("bound ")).mass
    assert recoil.momentum.m2() == pytest.approx(mass**2, rel=1e-9)
    assert [p.pid for p in decay.particles_out] == [row["decay_nu_pdg"], 11, -11]
    for lepton in decay.particles_out[1:]:
        assert lepton.momentum.m2() == pytest.approx(LEPTON_MASS["e"] ** 2, abs=1e-12)


def sum_of(particles):
    return np.sum([[p.momentum.x, p.momentum.y, p.momentum.z, p.momentum.e] for p in particles], 0)


@pytest.mark.parametrize(
    ("missing", "best"),
    [((), "parquet"), (("pyarrow",), "hepmc"), (("pyarrow", "pyhepmc"), "npz")],
)
def test_auto_takes_what_is_installed(monkeypatch, missing, best):
    real = event_files.find_spec
    monkeypatch.setattr(event_files, "find_spec", lambda n: None if n in missing else real(n))
    assert event_files.best_format() == best


@pytest.mark.parametrize("kind", event_files.WRITERS)
def test_unwritable_folder_is_one_clear_line(tmp_path, events, kind):
    path = tmp_path / "none" / "events"
    with pytest.raises(OutputError, match=r"cannot write .*events: No such file or directory"):
        event_files.write_events(path, halves(events), kind, PRODUCTS)


@pytest.mark.parametrize("kind", event_files.WRITERS)
def test_full_disk_leaves_nothing(tmp_path, events, kind):
    # files may not grow beyond 10 kB
    limit = 10_000
    path = tmp_path / "events"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises(OutputError, match="cannot write"):
            event_files.write_events(path, halves(events), kind, PRODUCTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert list(tmp_path.iterdir()) == []
