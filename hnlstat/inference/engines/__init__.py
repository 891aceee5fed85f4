"""The calculators of p-values, and the choice among them."""
