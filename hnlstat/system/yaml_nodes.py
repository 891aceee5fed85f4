"""Trees of YAML nodes, without what Hydra needs to read them: quick to load."""

from __future__ import annotations

from collections.abc import Iterator

import yaml  # type: ignore[import-untyped]
from yaml import MappingNode, Node, ScalarNode

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""By libyaml where it is there: all files of conf/ take 30 ms."""


def scalars(node: Node) -> Iterator[ScalarNode]:
    """All values and keys below a node."""
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, MappingNode):
        for pair in node.value:
            for part in pair:
                yield from scalars(part)
    else:
        for entry in node.value:
            yield from scalars(entry)
