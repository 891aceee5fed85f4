"""A study that takes a second, and what the command line leaves of it."""

import pytest

import hnlstat
from hnlstat.app import main

SMALL = [
    "scan.mass.values=[0.06,0.09,0.14,0.2]", "scan.coupling.points=12", "scan.coupling.min=1e-8",
    "scan.coupling.max=1e-4", "simulation.precision=0.1", "executor=serial",
]  # fmt: skip


@pytest.fixture(scope="session")
def small():
    return SMALL


@pytest.fixture(scope="session")
def study():
    return hnlstat.study(*SMALL)


@pytest.fixture(scope="session")
def result(study):
    return hnlstat.run(study)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The folder of the same run by the command line."""
    runs = tmp_path_factory.mktemp("runs")
    assert main([*SMALL, f"runs={runs}"]) == 0
    (found,) = runs.glob("*/*")
    return found
