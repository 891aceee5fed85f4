"""What is put beside a best fit, and what is said of searches with photons."""

from types import SimpleNamespace

import numpy as np
import pytest

from hnlstat.config.photons import ShowerObservable
from hnlstat.errors import ConfigError
from hnlstat.likelihood.model import CountingModel
from hnlstat.report.spectrum_figure import spectrum_figure, spectrum_rows
from hnlstat.run.beside import Distribution, distributions, fitted_background
from hnlstat.run.remarks import beams, borrowed, efficiencies
from hnlstat.studies import load

BASE = CountingModel(
    ("a", "a", "b"), np.zeros(3), np.array([100.0, 50.0, 20.0]), np.array([130.0, 60.0, 18.0]),
    background_modifiers=np.array([0.0, 0.0, 0.1]), bins=(0, 1, 0),
    background_components={"x": np.array([10.0, 5.0, 0.0]), "y": np.array([4.0, -6.0, 1.0])},
)  # fmt: skip


def best(**values):
    found = [SimpleNamespace(name=name, value=value) for name, value in values.items()]
    return SimpleNamespace(parameters=found)


def test_the_background_of_a_fit_is_moved_by_its_own_parameters_alone():
    found = fitted_background(
        BASE, best(mass=0.1, coupling=1e-6, flux=3.0, mc=-2.0, a=1.0, b=2.0, x=-0.5, y=1.5)
    )
    # no own uncertainty in channel a; 1.1^2 in b; both components
    expected = [100 - 5 + 6, 50 - 2.5 - 9, (20 + 1.5) * 1.1**2]
    assert found == pytest.approx(np.array(expected))


def test_channels_without_an_observable_have_nothing_to_show():
    """Those of T2K's search are named by mode and channel, not by mode alone."""
    study = load(["model=mixed_mu", "search=t2k_2019", "task=fit"])
    fit = best(mass=0.3, coupling=1e-9, flux=0.0, mc=0.0, b=0.0, x=0.0, y=0.0)
    fit.expected = BASE.background
    assert distributions(study, SimpleNamespace(base=BASE), fit, None) == ()


def distribution(observable, edges, fitted=True):
    size = np.diff(edges)
    return Distribution(
        "a_fhc", observable, np.array(edges), 3 * size, size, 0.1 * size, 2 * size, 2.5 * size,
        fitted,
    )  # fmt: skip


def test_figure_and_table_have_all_bins():
    one = distribution("quasi_elastic_energy", [0.2, 0.3, 0.5, 1.0])
    two = distribution("cos_angle", [-1.0, 0.0, 1.0], False)
    figure = spectrum_figure([one, two], "A")
    figure.draw_without_rendering()
    upper, lower = figure.axes
    assert upper.get_xlim() == pytest.approx((200, 1000))
    assert upper.get_ylabel() == "Events / MeV"
    assert lower.get_ylabel() == "Events / bin"
    assert "not in the likelihood" in lower.texts[0].get_text()
    data = upper.containers[0].lines[0].get_ydata()
    assert data == pytest.approx(np.full(3, 3e-3))
    rows = [*spectrum_rows([one, two])]
    assert [row[2] for row in rows] == ["yes"] * 3 + ["no"] * 2
    assert float(rows[1][5]) == pytest.approx(0.6)


def test_chi_square_is_that_of_the_statistics():
    one = distribution("cos_angle", [-1.0, 0.0, 1.0])
    assert one.chi2(one.background) == pytest.approx(2 * 2.0**2)


@pytest.mark.parametrize(
    ("overrides", "where"),
    [
        (["flux=t2k_nd280"], ("t2k_nd280", "T2K at ND280", "miniboone", "BNB at MiniBooNE")),
        (["exposure=t2k_2023"], ("bnb_miniboone", "BNB at MiniBooNE", "t2k_2023", "T2K at ND280")),
        (["flux.beam=null", "exposure=t2k_2023"], None),
        ([], None),
    ],
)
def test_an_exposure_of_another_beam_is_said(overrides, where):
    found = beams(load(["detector=miniboone", "task=yields", *overrides]))
    text = "miniboone: flux {} is that of {}, but exposure {} is of {}"
    assert found == ([text.format(*where)] if where else [])


@pytest.mark.parametrize(
    ("overrides", "where"),
    [
        (["search=electron_like"], ("nd280", "electron_like", "BNB at MiniBooNE", "t2k_2019",
                                    "T2K at ND280")),
        (["detector=miniboone", "task=yields", "search=tpc_ee"],
         ("miniboone", "tpc_ee", "T2K at ND280", "miniboone", "BNB at MiniBooNE")),
        (["detector=sbnd"], None),  # of any detector
        (["search=tpc_ee_tracks"], None),
    ],
)  # fmt: skip
def test_a_search_of_another_beam_is_said(overrides, where):
    found = borrowed(load(overrides))
    text = "{}: search {} is of {}, but exposure {} is of {}: "
    assert [one[: one.index(": what")] + ": " for one in found] == (
        [text.format(*where)] if where else []
    )


@pytest.mark.parametrize("detector", ["minerva", "sbnd", "nd280_upgrade"])
def test_exposures_that_detectors_name_are_of_their_beams(detector):
    study = load([f"detector={detector}"])
    assert all(d.flux.beam and d.flux.beam == d.exposure.beam for d in study.datasets)


def test_an_efficiency_that_ends_above_zero_is_said():
    key = "search.electron_like.efficiency"
    assert efficiencies(load(["detector=miniboone"])) == []
    assert efficiencies(load(["exposure=t2k_2023", "search=fgd_photon"])) == []  # from 0 on
    study = load(["detector=miniboone", f"{key}.table=miniboone_efficiency"])
    (search,) = (s for _, s in study.searches)
    cut = search.efficiency.model_copy(update={"energy": (0.3, 0.5), "value": (0.1, 0.2)})
    dataset = study.datasets[0]
    search = search.model_copy(update={"efficiency": cut})
    dataset = dataset.model_copy(update={"search": {search.name: search}})
    (text,) = efficiencies(study.model_copy(update={"datasets": (dataset,)}))
    assert text == f"{key} is 0.1 at its first row, 300 MeV, and 0 below it (below: zero)"


@pytest.mark.parametrize(
    ("only", "reason"),
    [
        ({"cos": [0, 1]}, "has cos: choose from visible_energy"),
        ({"cos_angle": [1, 0]}, "from 1 to 0: nothing lies between"),
        ({"visible_energy": ["1 m", "2 m"]}, "an end which is a length"),
        ({"cos_angle": 3}, "needed are two ends"),
    ],
)
def test_ranges_that_are_none_are_one_line(only, reason):
    from hnlstat.config.base import validate

    with pytest.raises(ConfigError, match=reason):
        validate(ShowerObservable, {"name": "cos_angle", "edges": [-1, 1], "only": only})
