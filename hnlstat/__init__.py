"""Statistical inference for heavy neutral leptons: what a detector excludes and could discover."""

__version__ = "0.1.0"
