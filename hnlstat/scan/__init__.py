"""From limits to files: contours in the (mass, coupling) plane, tables, and the run's folder."""
