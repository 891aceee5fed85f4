import json
import re

import numpy as np

from hnlstat.run.files import provenance as module
from hnlstat.run.files.provenance import git_revision, provenance
from hnlstat.system.shipped import PACKAGE


def test_provenance_tells_versions_and_no_paths():
    content = provenance("abc123", seed=7, wall_time=12.345)
    assert content["versions"]["numpy"] == np.__version__
    assert content["versions"]["pyhf"]
    assert (content["content_hash"], content["seed"], content["wall_time_s"]) == (
        "abc123",
        7,
        12.35,
    )
    assert str(PACKAGE.parent) not in json.dumps(content)


def test_revision_is_that_of_a_checkout_only(tmp_path, monkeypatch):
    revision = git_revision()
    assert revision is None or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", revision)
    monkeypatch.setattr(module, "PACKAGE", tmp_path / "hnlstat")
    assert git_revision() is None
    (tmp_path / ".git").touch()
    assert git_revision() is None


def test_a_package_that_is_not_installed_has_no_version():
    assert module._version("no-such-package-here") is None
