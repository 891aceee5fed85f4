"""Fixtures for all parts: the shipped scenarios, composed once."""

import os

# as the command line does, before numpy is loaded: threads only compete with each other here
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import pytest

from hnlstat.config import Study, load


@pytest.fixture(scope="session")
def nd280() -> Study:
    """The default scenario: nd280 with t2k_2019."""
    return load()


@pytest.fixture(scope="session")
def upgrade() -> Study:
    """nd280_upgrade with three years, and nd280 with all data before it."""
    return load(["detector=nd280_upgrade"])
