"""From overrides to a checked Study, composed by Hydra from the conf/ tree."""

from hnlstat.studies.loading import from_config, load, read

__all__ = ["from_config", "load", "read"]
