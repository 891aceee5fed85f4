"""The version of hnlstat, by itself: every room may ask for it."""

__version__ = "0.2.0"
