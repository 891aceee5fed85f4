"""What a run shows: figures and the summary."""
