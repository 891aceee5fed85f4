"""The stages of a run, on a grid of masses and couplings, and the files that stand between them."""
