"""Total cross sections against a table made with another code."""

import csv
from pathlib import Path

import pytest

from hnlstat.physics.upscattering import total_cross_section


def rows():
    with (Path(__file__).parent / "upscattering_cross_sections.csv").open() as file:
        return list(csv.DictReader(line for line in file if line[0] != "#"))


@pytest.mark.parametrize("row", rows(), ids=lambda r: "-".join(list(r.values())[:3]))
def test_total_cross_section(row):
    got = total_cross_section(float(row["e_nu_gev"]), float(row["m_n_gev"]), row["target"])
    # the table uses spin-1/2 kinematics for nuclei (up to 1e-4 for C12) and mu_p = 2.792 (2e-4)
    assert float(got) == pytest.approx(float(row["sigma_over_d2_cm2_gev2"]), rel=3e-4)
