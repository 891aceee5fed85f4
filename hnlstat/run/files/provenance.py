"""What a result was made with: versions, revision, content hash, seed and time."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hnlstat.system.shipped import PACKAGE
from hnlstat.version import __version__

PACKAGES = ("numpy", "scipy", "pyhf", "iminuit", "hydra-core", "matplotlib")


def provenance(content_hash: str, seed: int, wall_time: float) -> dict[str, Any]:
    """Content of `provenance.json`; it names no machine, user or path.

    Parameters
    ----------
    content_hash : str
        Hash of everything in the config that changes the numbers.
    seed : int
        Seed of the simulation.
    wall_time : float
        Duration of the run [s].
    """
    return {
        "content_hash": content_hash,
        "seed": seed,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_time_s": round(wall_time, 2),
        "git_revision": git_revision(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": {"hnlstat": __version__} | {name: _version(name) for name in PACKAGES},
    }


def git_revision() -> str | None:
    """Revision of the checkout the package runs from, "-dirty" added where files differ.

    None where it runs from an installed wheel, or git is not there to ask.
    """
    root = PACKAGE.parent
    if not (root / ".git").exists():
        return None
    command = [
        "git",
        "-C",
        str(root),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
