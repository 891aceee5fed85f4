"""Best fits of mass and coupling, and their errors."""
