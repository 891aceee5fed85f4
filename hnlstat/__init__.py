"""Statistical inference for heavy neutral leptons: what a detector excludes and could discover."""
