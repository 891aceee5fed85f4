"""Beams: neutrino fluxes at the detector."""
