"""The HistFactory model of counting experiments, and its exchange with pyhf."""
