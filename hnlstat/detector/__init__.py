"""Detector description: materials as scattering targets, boxes in painter's order, rays."""
