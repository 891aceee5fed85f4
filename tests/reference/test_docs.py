"""`--docs KEY`, as the command line answers."""

import subprocess
import sys

import pytest

from hnlstat.app import main
from hnlstat.models.dipole import Dipole


@pytest.fixture
def docs(capsys):
    def ask(*arguments):
        status = main(["--docs", *arguments])
        out, err = capsys.readouterr()
        return status, " ".join(out.split()), err

    return ask


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("inference.levels", ["Confidence levels of exclusion;",
                              "default: [0.90] (inference=default)",
                              "set by: experiment=t2k_2019: [0.90]; inference=published: [0.95]"]),
        ("simulation.radius", ["unit: m", "default: auto (simulation=default)"]),
        ("search.tpc_ee.background", ["0.0153 +- 0.0154", "tpc_ee.background.<mode>.events"]),
        ("search.tpc_ee_tracks.smearing.angle", ["10 mrad", "of: kind=tracks", "unit: rad"]),
        ("search.mine.kind", ["recast | tracks | photons | channels"]),
        ("detector.volumes.rock.density", ["unit: g/cm3", "parts=surroundings: 2.0 g/cm3"]),
        ("search.min_cos_theta", ["search.<name>.min_cos_theta N at", "search=tpc_ee: 0.999"]),
        ("search.observable.name", ["search.<name>.observable.name pair_mass, pair_energy"]),
        ("search.observable.edges", ["search.<name>.observable.edges", "of: kind=tracks, kind"]),
        ("detector.volumes.density", ["detector.volumes.<name>.density", "unit: g/cm3"]),
        ("search.kind", ["search.<name>.kind", "recast | tracks | photons | channels"]),
        ("detector.volumes[0].layers[1].material", ["layers[].material"]),
        ("compare.steps[2].name", ["compare.steps[].name"]),
        ("task.levels", ["[0.90, 0.95] (task=coverage)", "of: task=fit, task=explained",
                         "[0.6827, 0.90, 0.95] (task=fit)"]),
        ("exposure.pot.fhc", ["exposure.pot By horn mode", "unit: POT"]),
        ("inference", ["inference.levels", "Options: inference=default Limits by CLs"]),
        ("detector", ["detector.materials", "detector=nd280_upgrade"]),
        ("search=t2k_2019", ["conf/search/t2k_2019.yaml", "channels: [mupi, eminus_piplus,"]),
        ("separation_path", ["search.<name>.separation_path", "kind=tracks"]),
        ("SEPARATION", ["search.<name>.separation_path"]),
        ("nuclide", ["detector.materials"]),
        ("MicroBooNE", ["detector=microboone"]),
        ("+task.toys", ["whole number, 100 to 1e+07"]),
        ("inference.levels=[0.9]", ["inference.levels levels, sigmas: Confidence"]),
    ],
)  # fmt: skip
def test_what_is_asked_for_is_shown(docs, key, words):
    status, out, err = docs(key)
    assert (status, err) == (0, "")
    for word in words:
        assert word in out


def test_other_kinds_of_a_search_are_left_out(docs):
    _, out, _ = docs("search.tpc_ee.efficiency")
    assert "kind=recast" in out
    assert "photons" not in out


@pytest.mark.parametrize("arguments", [[], [""], ["  "]])
def test_without_a_key_there_are_the_groups(docs, arguments):
    status, out, _ = docs(*arguments)
    assert status == 0
    for group in ("detector", "inference", "systematics", "yields_from"):
        assert f" {group} " in out


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("..", ".. is no key, option or word here; groups: task, "),
        ("[0]", "[0] is no key"),
        (".", "groups: "),
        ("µν", "µν is no key"),
        ("\x1b[31m\n", r"'\x1b[31m\n' is no key"),
        ("x" * 5000, f"{'x' * 60}... is no key"),
        ("inference.lvels", "did you mean inference.levels"),
        ("simulaton.radius", "did you mean simulation.radius"),
        ("lvels", "did you mean task.levels"),
        ("inference.levels.nope", "did you mean inference.levels"),
        ("search.nope.nope", "did you mean search"),
        ("detector=nope", "detector=nope: no such detector; choose from dune_nd, "),
        ("detector=nd28", "no such detector; did you mean nd280?"),
        ("detector=", "detector=: no such detector"),
        ("=", "= is no key"),
        ("a.b.c.d.e.f", "is no key"),
        ("../../etc/passwd", "is no key"),
        ("search=../config", "no such search"),
    ],
)  # fmt: skip
def test_what_there_is_not_gets_one_line(docs, key, complaint):
    status, out, err = docs(key)
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.startswith("hnlstat: --docs: ")
    assert err.count("\n") == 1
    assert len(err) < 500


@pytest.mark.parametrize(
    "arguments",
    [
        ["--docs", "a", "b"], ["--docs", "inference", "task=fit"], ["task=fit", "--docs", "task"],
        ["--docs", "-m"], ["-m", "--docs=task"], ["--docs=task", "name"], ["--docs", "--help"],
        ["--docs", "--docs"],
    ],
)  # fmt: skip
def test_it_stands_alone(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == (
        "hnlstat: --docs: stands alone with one KEY, such as --docs inference.levels\n"
    )


def test_it_may_be_written_with_a_sign(capsys):
    assert main(["--docs=scan.mass.points"]) == 0
    assert "Points" not in capsys.readouterr().err


class Own(Dipole):
    """
    A model of somebody's own.

    Attributes
    ----------
    wobble
        How much it wobbles.
    """

    wobble: bool = True


def test_models_of_packages_are_documented(docs, monkeypatch):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [group])
    monkeypatch.setattr("hnlstat.config.registry.foreign_kinds", lambda: ["own"])
    monkeypatch.setattr("hnlstat.reference.walk.model_class", lambda _: Own)
    status, out, _ = docs("model.wobble")
    assert status == 0
    assert "How much it wobbles. of: kind=own type: true or false default: true" in out


def test_no_class_of_a_study_is_loaded():
    code = (
        "import sys; from hnlstat.app import main; main(['--docs', 'inference.levels']); "
        "sys.exit(any(name in sys.modules for name in ('pydantic', 'numpy', 'hydra')))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode
        == 0
    )
