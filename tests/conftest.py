"""Fixtures for all parts: the shipped scenarios, composed once."""

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
