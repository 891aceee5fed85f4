"""Existing bounds on the coupling, and the masses at which a limit goes beyond them.

Bounds hold for a neutrino of one flavour, or of any one, so `comparable` comes before every
comparison with a model.
"""

from hnlstat.bounds.curves import ANY, Bound, Scaling, comparable, established, span
from hnlstat.bounds.files import chosen_bounds, load_bounds, read_bound
from hnlstat.bounds.reach import LeadingRange, lower_envelope, overlap, world_leading_ranges

__all__ = [
    "ANY",
    "Bound",
    "LeadingRange",
    "Scaling",
    "chosen_bounds",
    "comparable",
    "established",
    "load_bounds",
    "lower_envelope",
    "overlap",
    "read_bound",
    "span",
    "world_leading_ranges",
]
