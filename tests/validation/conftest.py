"""Leaves out what needs a second code, where that is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("DarkNews") else ["test_darknews_live.py"]
