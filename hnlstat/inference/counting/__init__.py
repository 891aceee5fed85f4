"""Exact p-values of counting experiments: outcomes enumerated, or spectra convolved."""
