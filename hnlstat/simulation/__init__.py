"""Monte Carlo of N production and decay: one weighted sample per mass serves every coupling."""
