"""What the keys of the configuration mean: the list of them, for the terminal and the site."""

from hnlstat.reference.pages import write_reference

__all__ = ["write_reference"]
