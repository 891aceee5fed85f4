"""task=hepdata, from a finished run to what HEPData's validator takes, and what it refuses."""

import json
import shutil
import socket
import sys
import tarfile

import numpy as np
import pyhf
import pytest
import yaml
from axes import ANY
from hepdata_validator.full_submission_validator import FullSubmissionValidator
from matplotlib.image import imread

from hnlstat.app import main
from hnlstat.run.files.finished import read_contours
from hnlstat.run.files.limits import read_limits
from hnlstat.run.files.yields import read_yields

# hepdata-validator 0.3.6 leaves files open
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

SMALL = (
    "scan.mass.points=4", "scan.mass.min=60 MeV", "scan.mass.max=400 MeV",
    "scan.coupling.points=12", "simulation.precision=0.05", "executor=serial", "bounds=none",
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run."""
    runs = tmp_path_factory.mktemp("runs")
    assert main([*SMALL, f"runs={runs}"]) == 0
    (folder,) = runs.glob("*/*")
    return folder


@pytest.fixture(scope="module")
def submission(finished):
    """The folder of its submission, made without network, in place of an earlier one."""
    (finished / "hepdata").mkdir()
    (finished / "hepdata" / "earlier.yaml").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", lambda *_, **__: pytest.fail("asks the network"))
        patch.chdir(finished.parent)
        assert main(["task=hepdata", f"task.folder={finished.name}"]) == 0
    assert not [*finished.glob(".*/*")]
    return finished / "hepdata"


def columns(submission, name):
    """Columns of a table by name and kind, with their values."""
    found = yaml.safe_load((submission / name).read_text())
    return {
        (column["header"]["name"], *(q["value"] for q in column.get("qualifiers", ())[:1])): [
            entry["value"] for entry in column["values"]
        ]
        for column in found["independent_variables"] + found["dependent_variables"]
    }


def test_the_archive_is_valid_and_whole(submission, tmp_path):
    archive = submission.parent / "submission.tar.gz"
    with tarfile.open(archive) as tar:
        assert {*tar.getnames()} == {path.name for path in submission.iterdir()}
    validator = FullSubmissionValidator(autoload_remote_schemas=False)
    assert validator.validate(archive=str(archive)), validator.get_messages()
    assert not validator.get_messages()
    broken = tmp_path / "broken"
    shutil.copytree(submission, broken)
    (broken / "signal_yields.yaml").write_text("independent_variables: 1")
    assert not validator.validate(directory=str(broken))


def test_limits_and_contours_are_those_of_the_run(finished, submission):
    found = columns(submission, "limits_at_90_percent_cl_by_cls.yaml")
    for kind, words in (("observed", "observed"), ("expected_+1", "expected, +1 sigma")):
        limits = [
            (x.mass_gev, x.coupling) for x in read_limits(finished / "limits.csv")
            if (x.level, x.kind, x.branch) == (0.9, kind, "lower") and not x.open
        ]  # fmt: skip
        ends = found["Lower end of dipole coupling d_mu", words]
        pairs = zip(found["Mass of N",], ends, strict=True)
        given = [pair for pair in pairs if isinstance(pair[1], float)]
        assert np.array(given) == pytest.approx(np.array(limits), rel=1e-6)
    assert len({*found["Interval",]}) > 1
    assert any(str(v).startswith(">= ") for values in found.values() for v in values)
    (line,) = [
        region.lines[0] for region in read_contours(finished / "contours.json")
        if (region.level, region.kind) == (0.9, "observed")
    ]  # fmt: skip
    contour = columns(submission, "contour_observed_at_90_percent_cl_by_cls.yaml")
    assert [*contour.values()][1:] == [pytest.approx(axis, rel=1e-6) for axis in line.T]
    assert (submission / "contour_observed_at_5_sigma_by_cls.yaml").is_file()


def test_yields_are_those_of_the_run(finished, submission):
    table = read_yields(finished / "yields.csv", ANY, own=True).by_channel()
    found = columns(submission, "signal_yields.yaml")
    for i, name in enumerate(table.channel):
        expected = table.signal[:, :, i].ravel()
        assert found["Signal events", name] == pytest.approx(expected, rel=1e-6)


def test_what_is_said_of_it(submission):
    head, *tables = yaml.safe_load_all((submission / "submission.yaml").read_text())
    assert "content hash" in head["comment"]
    assert str(submission.parent) not in (submission / "submission.yaml").read_text()
    for table in tables:
        keywords = {entry["name"]: entry["values"] for entry in table["keywords"]}
        assert keywords.keys() == {"observables", "reactions", "phrases"}
        assert keywords["reactions"] == ["NU NUCLEUS --> N NUCLEUS", "N --> NU E+ E-"]
    assert {"type": "HistFactory"}.items() <= head["additional_resources"][1].items()
    assert imread(submission / "thumb_contours.png").shape[0] < 500


def test_the_likelihood_in_it_is_taken_by_pyhf(submission, tmp_path):
    with tarfile.open(submission / "likelihoods.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    spec, patches = (
        json.loads((tmp_path / name).read_text()) for name in ("BkgOnly.json", "patchset.json")
    )
    patched = next(iter(pyhf.PatchSet(patches))).apply(pyhf.Workspace(spec))
    assert np.isfinite(pyhf.Workspace(patched).model().config.suggested_init()).all()


def with_json(name, change):
    def spoil(folder):
        content = json.loads((folder / name).read_text())
        change(content)
        (folder / name).write_text(json.dumps(content))

    return spoil


def with_text(name, old, new):
    def spoil(folder):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return spoil


BAD = {
    "not a run": (lambda f: (f / "config.yaml").unlink(), "is not the folder of a run"),
    "not finished": (lambda f: (f / "summary.json").unlink(), "the run did not finish"),
    "of another version": (
        with_json("provenance.json", lambda p: p["versions"].update(hnlstat="0.0.9")),
        "the run is of hnlstat 0.0.9, this is",
    ),
    "settings of another version": (
        lambda f: [
            with_json("provenance.json", lambda p: p["versions"].update(hnlstat="9.9"))(f),
            with_text("config.yaml", "model:", "model_2:")(f),
        ],
        "(the run is of hnlstat 9.9)",
    ),
    "of no known version": (lambda f: (f / "provenance.json").unlink(), "an unknown version of"),
    "tampered limits": (with_text("limits.csv", "exact CLs,", "exact CLs,x"), "limits.csv, line 2"),
    "tampered yields": (with_text("yields.csv", "nd280,", "nd280\n,"), "yields.csv, line 2"),
    "tampered contours": (with_text("contours.json", "0.9", '"a"'), "contours.json, contours.0"),
    "no contours": (with_json("contours.json", lambda c: c["contours"].clear()), "no contours"),
    "no figure": (lambda f: (f / "contours.png").write_text("x"), "contours.png: is no figure"),
    "no limits": (lambda f: (f / "limits.csv").unlink(), "lacks limits.csv"),
    "another task": (with_text("config.yaml", "kind: contour", "kind: yields"), "task=yields"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_exported_is_a_line_and_leaves_nothing(finished, tmp_path, capsys, case):
    folder, (spoil, words) = tmp_path / "run", BAD[case]
    left_out = shutil.ignore_patterns("units", "hepdata", "*.tar.gz", "*.pdf", "report.html")
    shutil.copytree(finished, folder, ignore=left_out)
    spoil(folder)
    before = {path.name for path in folder.iterdir()}
    assert main(["task=hepdata", f"task.folder={folder}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert {path.name for path in folder.iterdir()} == before


def test_without_its_library_it_says_what_to_install(finished, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "hepdata_lib", None)
    assert main(["task=hepdata", f"task.folder={finished}"]) == 2
    assert "pip install 'hnlstat[hepdata]'" in capsys.readouterr().err
    assert main(["task=hepdata"]) == 2
    assert "task.folder" in capsys.readouterr().err
