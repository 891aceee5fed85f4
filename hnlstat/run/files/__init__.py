"""A run's folder: the files that stages leave and that later ones read."""
