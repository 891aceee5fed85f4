"""Comparisons with what was made elsewhere; leaves out second codes that are not installed."""

from collections.abc import Callable
from importlib.util import find_spec

import pytest
from comparisons import PROPERTY, compared

collect_ignore = [] if find_spec("DarkNews") else ["test_darknews_live.py"]


@pytest.fixture
def compare(request: pytest.FixtureRequest, record_property: Callable[..., None]):
    """A function that asserts that ours is theirs, and records it for docs/validation.md.

    `compare(what, ours, theirs, rel=..., absolute=..., source=...)`: numbers or arrays, the larger
    tolerance counts. `SUBJECT`, and `SOURCE` where none is given, are those of the module.
    """
    module = request.module

    def compare(what, ours, theirs, *, rel=None, absolute=None, source=None):
        source = source or module.SOURCE
        entry = compared(
            module.SUBJECT, what, ours, theirs, rel=rel, absolute=absolute, source=source
        )
        record_property(PROPERTY, entry)
        assert entry["used"] <= 1.0, f"{what}: {ours} is not {theirs} (rel={rel}, {absolute=})"

    return compare
