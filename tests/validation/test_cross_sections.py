"""Total cross sections against a table made with another code."""

import csv
from pathlib import Path

import pytest

from hnlstat.physics.upscattering import total_cross_section

SUBJECT = "Cross sections"
SOURCE = "DarkNews 0.4.8"


def rows(name):
    with (Path(__file__).parent / name).open() as file:
        return list(csv.DictReader(line for line in file if line[0] != "#"))


def ours(row):
    return total_cross_section(float(row["e_nu_gev"]), float(row["m_n_gev"]), row["target"])


@pytest.mark.parametrize(
    "row",
    rows("upscattering_cross_sections.csv"),
    ids=lambda r: "-".join(list(r.values())[:3]),
)
def test_total_cross_section(compare, row):
    # the table uses spin-1/2 kinematics for nuclei (up to 1e-4 for C12) and mu_p = 2.792 (2e-4)
    theirs = float(row["sigma_over_d2_cm2_gev2"])
    what = f"upscattering on {row['target']}, sigma / d^2 [cm2 GeV2]"
    compare(what, ours(row), theirs, rel=3e-4, source=f"{SOURCE}, spinors at tree level to 1e-6")


def test_total_cross_section_on_every_nucleus_of_the_detectors(compare):
    table = rows("darknews_nuclei.csv")
    for target in dict.fromkeys(row["target"] for row in table):
        mine = [row for row in table if row["target"] == target]
        assert len(mine) >= 12
        # spin-1/2 kinematics for nuclei: up to 4e-4, for C12 near threshold
        compare(
            f"upscattering on {target}, 0.3 to 10 GeV, sigma / d^2 [cm2 GeV2]",
            [float(ours(row)) for row in mine],
            [float(row["sigma_over_d2_cm2_gev2"]) for row in mine],
            rel=1e-3,
        )
