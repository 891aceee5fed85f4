"""Several bins per channel through the command line, with yields made by hand."""

import csv
import json

import numpy as np
import pyhf
import pytest
from redrawn import check_redrawn

from hnlstat.app import main
from hnlstat.run.files.limits import read_limits

MASSES = np.geomspace(0.06, 0.2, 4)
COUPLINGS = np.geomspace(1e-8, 1e-4, 16)
SHARES = (0.2, 0.3, 0.5)
KINEMATIC = (
    "search=tpc_ee_tracks",
    "search.tpc_ee_tracks.observable={name: pair_mass, edges: [0 MeV, 20 MeV, 100 MeV, 700 MeV], "
    "background: [0.2, 0.3, 0.5]}",
)

SEEN = (
    "datasets=[{detector: nd280, exposure: {name: x, pot: {fhc: 1e21, rhc: 1e21}}}]",
    "+search.tpc_ee_tracks.observed.x={fhc: 2, rhc: 0}",
)


def write_yields(path, shares):
    """Write yields that go as d^4 at small couplings, in bins with these shares."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["channel", "bin", "mass_gev", "coupling_inv_gev", "events", "mc_error", "rel_flux"]
        )
        for mass in MASSES:
            for d in COUPLINGS:
                total = 3.0 * (mass / 0.1) * (d / 5e-7) ** 4 * np.exp(-((d / 5e-6) ** 2))
                for channel, part in (("nd280_fhc", 0.7), ("nd280_rhc", 0.3)):
                    for index, share in enumerate(shares):
                        events = float(total * part * share)
                        row = [mass, d, events, 0.01 * events, 0.1 + 0.02 * index]
                        writer.writerow([channel, index, *map(repr, map(float, row))])
    return path


def run(tmp_path, *arguments):
    before = set(tmp_path.glob("*/*"))
    assert main([f"runs={tmp_path}", "executor.workers=1", *arguments]) == 0
    (folder,) = set(tmp_path.glob("*/*")) - before
    return folder


def observed(folder):
    return [
        found.coupling
        for found in read_limits(folder / "limits.csv")
        if (found.level, found.kind, found.branch) == (0.9, "observed", "lower")
    ]


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spectra")
    return run(folder, f"yields_from={write_yields(folder / 'y.csv', SHARES)}", *KINEMATIC)


def test_a_spectrum_of_the_background_has_the_limits_of_one_bin(tmp_path, spectra):
    one = run(tmp_path, f"yields_from={write_yields(tmp_path / 'y.csv', (1.0,))}")
    assert len(observed(spectra)) == MASSES.size
    # limits are found to 0.2 %; the mean flux error of the bins is 12.6 % in place of 10 %
    assert observed(spectra) == pytest.approx(observed(one), rel=0.005)


def test_points_and_workspace_have_the_bins(spectra):
    with (spectra / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {"convolution"}
    assert list(rows[0])[2:4] == ["signal_nd280_fhc", "signal_nd280_rhc"]
    workspace = pyhf.Workspace(json.loads((spectra / "workspace/BkgOnly.json").read_text()))
    assert workspace.model().config.channel_nbins == {"nd280_fhc": 3, "nd280_rhc": 3}
    assert workspace.observations["nd280_fhc"] == [0.0, 0.0, 0.0]
    fhc = workspace["channels"][0]["samples"][1]
    assert fhc["data"] == pytest.approx([0.563 * share for share in SHARES])


def test_a_fit_takes_spectra(tmp_path):
    yields = write_yields(tmp_path / "y.csv", SHARES)
    data = tmp_path / "data.csv"
    data.write_text(
        "channel,bin,observed\n"
        + "".join(f"nd280_fhc,{i},{n}\nnd280_rhc,{i},{n // 2}\n" for i, n in enumerate((2, 4, 6)))
    )
    files = (f"yields_from={yields}", f"data_from={data}")
    folder = run(tmp_path, "task=fit", "task.points=12", *files, *KINEMATIC)
    summary = json.loads((folder / "summary.json").read_text())
    names = [parameter["name"] for parameter in summary["parameters"]]
    assert "mc_nd280_fhc[2]" in names
    assert names.count("background_nd280_fhc") == 1
    assert summary["improvement"] > 10.0
    assert sum(summary["expected"].values()) == pytest.approx(18.0, rel=0.2)
    check_redrawn(folder, "fit", "pulls", "spectrum")


@pytest.mark.parametrize(
    ("shares", "settings", "message"),
    [
        (SHARES, (), "channel nd280_fhc has the bins 0, 1, 2; those of its search are 0"),
        ((0.5, 0.5), KINEMATIC, "has the bins 0, 1; those of its search are 0, 1, 2"),
        (
            SHARES,
            (*KINEMATIC, *SEEN),
            "search.tpc_ee_tracks.observed.x.fhc: 2 events of nd280 without their bins; give",
        ),
    ],
)  # fmt: skip
def test_what_lacks_its_spectrum_is_named(tmp_path, capsys, shares, settings, message):
    yields = write_yields(tmp_path / "y.csv", shares)
    assert main([f"runs={tmp_path / 'runs'}", f"yields_from={yields}", *settings]) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "runs").exists()
