"""Detector description: scattering targets, shapes in painter's order, rays, response."""
