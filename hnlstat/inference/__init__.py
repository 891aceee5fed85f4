"""P-values of likelihoods, and the limits, discoveries and fits that follow from them."""
