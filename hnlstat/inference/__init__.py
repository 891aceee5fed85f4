"""The likelihood, its p-values and the limits on the coupling that follow from them."""
