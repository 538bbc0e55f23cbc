"""The platforms that the pages know: pure values, without a connection."""

from collections.abc import Mapping
from functools import cache

from connectors.contract.connector import Connector
from connectors.registry import loader


@cache
def platform_connectors() -> Mapping[str, Connector]:
    """Return every connector by its platform, made once per process."""
    return loader.load_connectors()
