"""Packages of models, installed into a temporary folder on the path."""

import shutil
import sys

import pytest

from hnlstat.config import registry


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs a module, with an entry point if it is given one."""
    site, before = tmp_path / "site", set(sys.modules)
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))

    def forget():
        registry._load.cache_clear()
        registry.files_digest.cache_clear()
        registry._VERSIONS.clear()

    def put(module, source, *entries, version="1.0"):
        (site / f"{module}.py").write_text(source)
        for old in site.glob(f"{module}-*.dist-info"):
            shutil.rmtree(old)
        metadata = site / f"{module}-{version}.dist-info"
        metadata.mkdir(exist_ok=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n"
        )
        lines = ["[hnlstat.models]", *entries]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
        forget()

    yield put
    forget()
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(site)):
            del sys.modules[name]
