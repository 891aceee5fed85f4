"""Limits on the coupling at one mass, and what lies between the masses of a grid."""
