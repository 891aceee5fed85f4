"""Fixtures for all parts: the shipped scenarios, composed once."""

import os
from pathlib import Path

# as the command line does, before numpy is loaded: threads only compete with each other here
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy as np
import pytest
from comparisons import ValidationPage

import hnlstat.tasks.running
from hnlstat.config import Study
from hnlstat.studies import load
from hnlstat.tasks.running import Outcome


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slurm", action="store_true", help="run tests/integration, which start a SLURM as root"
    )
    parser.addoption(
        "--write-validation", action="store_true", help="write docs/validation.md anew"
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # workers send their reports
        config.pluginmanager.register(ValidationPage(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slurm"):
        for item in items:
            if "integration" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="starts a SLURM as root; give --slurm"))


@pytest.fixture(scope="session")
def nd280() -> Study:
    """The default scenario: nd280 with t2k_2019."""
    return load()


@pytest.fixture(scope="session")
def upgrade() -> Study:
    """nd280_upgrade with three years, and nd280 with all data before it."""
    return load(["detector=nd280_upgrade"])


@pytest.fixture
def studies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Study]:
    """Collect the studies that reach the tasks, in an empty folder; nothing is calculated."""
    seen: list[Study] = []

    def run(study: Study, **_: object) -> Outcome:
        seen.append(study)
        return Outcome(study, {}, {}, {}, (), None, 0.0)

    monkeypatch.setattr(hnlstat.tasks.running, "run", run)
    monkeypatch.chdir(tmp_path)
    return seen


@pytest.fixture(scope="session")
def random_workspace():
    """A function that makes random pyhf workspaces."""
    return _random_workspace


def _random_workspace(rng, bins, nuisances):
    """Return a workspace with one or two channels, and data near the background or the signal."""
    background = rng.uniform(1.0, 60.0) * np.exp(-rng.uniform(0.0, 0.4) * np.arange(bins)) + 0.5
    signal = rng.uniform(0.5, 30.0) * rng.dirichlet(np.ones(bins)) + 0.05
    channels, observations = [], []
    for c, chosen in enumerate(np.array_split(np.arange(bins), min(2, bins))):
        b, s = background[chosen], signal[chosen]
        on_signal = [{"name": "mu", "type": "normfactor", "data": None}]
        on_background = []
        for k in range(nuisances):
            size, ratio = rng.uniform(-0.3, 0.3), rng.uniform(0.5, 1.5)
            if k % 3 == 2:
                tilt = rng.uniform(-0.2, 0.2, len(b))
                data = {"hi_data": (b * (1 + tilt)).tolist(), "lo_data": (b * (1 - tilt)).tolist()}
                on_background.append({"name": f"shape_{k}", "type": "histosys", "data": data})
                continue
            data = {"hi": 1.0 + size, "lo": 1.0 - ratio * size}
            modifier = {"name": f"norm_{k}", "type": "normsys", "data": data}
            on_background.append(modifier)
            on_signal += [modifier] if k % 2 else []
        if c == 0:
            for rate, modifiers in ((s, on_signal), (b, on_background)):
                errors = (rate * rng.uniform(0.02, 0.2, len(rate))).tolist()
                modifiers.append({"name": "mc", "type": "staterror", "data": errors})
        else:
            errors = (b * rng.uniform(0.05, 0.3, len(b))).tolist()
            on_background.append({"name": "control", "type": "shapesys", "data": errors})
        samples = [
            {"name": "signal", "data": s.tolist(), "modifiers": on_signal},
            {"name": "background", "data": b.tolist(), "modifiers": on_background},
        ]
        channels.append({"name": f"channel_{c}", "samples": samples})
        counts = rng.poisson(b + rng.choice([0.0, 1.0]) * s).astype(float)
        observations.append({"name": f"channel_{c}", "data": counts.tolist()})
    return {
        "channels": channels,
        "observations": observations,
        "measurements": [{"name": "test", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
