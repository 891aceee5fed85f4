"""The constrained background of MiniBooNE, Phys. Rev. D 103, 052002."""

from pathlib import Path

import numpy as np
import pytest

import hnlstat
from hnlstat.likelihood.covariance import chi_square, condition, principal_components
from hnlstat.tables.csv_table import read_csv

SUBJECT = "Published limits and regions"
SOURCE = "MiniBooNE, Phys. Rev. D 103, 052002"
DATA = Path(hnlstat.__file__).parent / "data" / "miniboone"
MODES = ("fhc", "rhc")
ELECTRON, MUON = np.r_[0:11, 19:30], np.r_[11:19, 30:38]
LOW = np.arange(11) < 9  # 200-1250 MeV


def column(file, name):
    return read_csv(DATA / file).numbers(name)


@pytest.fixture(scope="module")
def fractional():
    table = read_csv(DATA / "covariance.csv")
    return list(table.columns), np.column_stack([table.numbers(name) for name in table.columns])


@pytest.fixture(scope="module")
def prediction(fractional):
    """Background of electron-like events and muon-like events: mean, covariance and data."""
    names, matrix = fractional
    chosen = np.array([i for i, name in enumerate(names) if "_signal_" not in name])
    mean, data = (
        np.concatenate([
            column(file, f"{mode}_{kind}")
            for mode in MODES
            for file, kind in (("electron_like.csv", a), ("muon_like.csv", b))
        ])
        for a, b in (("background", "predicted"), ("observed", "observed"))
    )  # fmt: skip
    return mean, matrix[np.ix_(chosen, chosen)] * np.outer(mean, mean), data


def test_muon_like_events_constrain_the_background_as_published(compare, prediction):
    mean, covariance, data = prediction
    expected, left = condition(mean, covariance, data[MUON], MUON, ELECTRON)
    fhc, rhc = np.r_[LOW, 0 * LOW], np.r_[0 * LOW, LOW]
    found = [[w @ expected, np.sqrt(w @ left @ w)] for w in (fhc, rhc)]
    expectations = {"fhc": (2309.4, 119.6), "rhc": (400.6, 28.5)}
    for (mode, theirs), ours in zip(expectations.items(), found, strict=True):
        for what, one, other in zip(("background", "error of it"), ours, theirs, strict=True):
            compare(f"MiniBooNE, {mode}, constrained: {what} [events]", one, other, absolute=0.06)
    both = fhc + rhc
    excess, error = both @ (data[ELECTRON] - expected), np.sqrt(both @ left @ both)
    compare("MiniBooNE: excess [events]", excess, 638.0, absolute=0.06)
    compare("MiniBooNE: error of the excess [events]", error, 132.8, absolute=0.06)
    compare("MiniBooNE: significance [sigma]", excess / error, 4.8, absolute=0.05)


def test_components_of_the_constrained_background_are_its_covariance(prediction):
    mean, covariance, data = prediction
    expected, left = condition(mean, covariance, data[MUON], MUON, ELECTRON)
    found = principal_components(left)
    assert found.remark == "ok"
    sigma = np.sqrt(left.diagonal())
    difference = (found.shifts.T @ found.shifts - left) / np.outer(sigma, sigma)
    assert np.abs(difference).max() < 1e-3
    assert (np.sqrt((found.shifts**2).sum(axis=0)) < 0.5 * expected).all()


def test_no_signal_has_the_published_chi_square_in_neutrino_mode(compare, prediction):
    mean, covariance, data = prediction
    found = chi_square(mean[:19], covariance[:19, :19], data[:19])
    compare("MiniBooNE: chi2 of no signal, fhc", found, 24.1, absolute=0.05)


def test_the_small_negative_eigenvalues_of_the_whole_matrix_are_cut_with_a_remark(fractional):
    _, matrix = fractional
    assert np.linalg.eigvalsh(matrix)[0] == pytest.approx(-9e-4, abs=5e-5)
    found = principal_components(matrix, "covariance.csv")
    assert found.remark == (
        "covariance.csv: 3 small negative eigenvalues, down to -0.0007 of the largest, are taken as"
        " 0"
    )
    sigma = np.sqrt(matrix.diagonal())
    difference = (found.shifts.T @ found.shifts - matrix) / np.outer(sigma, sigma)
    assert np.abs(difference).max() < 0.02  # of the -0.02 that is cut
