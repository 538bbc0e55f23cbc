"""The connectors of all platforms, as values without a connection."""

from collections.abc import Mapping
from functools import cache

from connectors.contract.connector import Connector
from connectors.registry import loader


@cache
def platform_connectors() -> Mapping[str, Connector]:
    """Return all connectors, keyed by platform. They are created once per process."""
    return loader.load_connectors()
