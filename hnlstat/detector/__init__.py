"""Detectors: materials as scattering targets, shapes in painter's order, rays, response."""
