"""Every connector of the house. Strings, so that reading the list imports no platform."""

from collections.abc import Iterable, Mapping
from importlib import import_module

from connectors.contract import Connector
from connectors.enrolment import Connectable

CONNECTORS = (
    "connectors.bluesky:Bluesky",
    "connectors.byhand:ByHand",
    "connectors.discord:Discord",
    "connectors.feed:Feed",
    "connectors.instagram:Instagram",
    "connectors.mastodon:Mastodon",
    "connectors.sandbox:Sandbox",
    "connectors.telegram:Telegram",
    "connectors.x:X",
)


def connectables(connectors: Mapping[str, Connector]) -> Mapping[str, Connectable]:
    """Those whose accounts people connect from the dashboard, by platform, the quickest to connect first."""
    able = {name: one for name, one in connectors.items() if isinstance(one, Connectable)}
    return dict(sorted(able.items(), key=lambda item: (item[1].form.minutes, item[0])))


def load(names: Iterable[str] = CONNECTORS) -> Mapping[str, Connector]:
    """The connectors by platform. Raises ValueError when two claim the same one."""
    connectors: dict[str, Connector] = {}
    for name in names:
        module, _, attribute = name.partition(":")
        connector: Connector = getattr(import_module(module), attribute)()
        platform = connector.capabilities.platform
        if platform in connectors:
            raise ValueError(f"two connectors for {platform}")
        connectors[platform] = connector
    return connectors
