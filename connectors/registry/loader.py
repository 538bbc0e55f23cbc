"""Every connector of the house. Strings, so that reading the list imports no platform."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from connectors.contract.account_setup import SupportsAccountSetup
from connectors.contract.connector import Connector
from connectors.registry.removed_platforms import RemovedPlatform

if TYPE_CHECKING:
    from connectors.registry.plugins import LoadedPlugins

BUILTIN_CONNECTORS = (
    "connectors.platforms.bluesky.publisher:Bluesky",
    "connectors.platforms.byhand.publisher:ByHand",
    "connectors.platforms.discord.publisher:Discord",
    "connectors.platforms.facebook.publisher:Facebook",
    "connectors.platforms.fanvue.publisher:Fanvue",
    "connectors.platforms.own_page.publisher:OwnPage",
    "connectors.platforms.instagram.publisher:Instagram",
    "connectors.platforms.mastodon.publisher:Mastodon",
    "connectors.platforms.reddit.publisher:Reddit",
    "connectors.platforms.sandbox.publisher:Sandbox",
    "connectors.platforms.telegram.publisher:Telegram",
    "connectors.platforms.threads.publisher:Threads",
    "connectors.platforms.tiktok.publisher:TikTok",
    "connectors.platforms.x.publisher:X",
    "connectors.platforms.youtube.publisher:YouTube",
)


PLUGIN_LOADER = "connectors.registry.plugins:load_plugins"
"""What installed packages bring; a string as well, since it takes the tools of the log with it."""


class ConnectorRegistry(dict[str, Connector]):
    """Connectors by platform. Asked for one whose package was removed, it says that nothing leaves
    there."""

    def __missing__(self, platform: str) -> Connector:
        return RemovedPlatform(platform)


def connectable_platforms(
    connectors: Mapping[str, Connector],
) -> Mapping[str, SupportsAccountSetup]:
    """Those whose accounts people connect from the dashboard, by platform, those of the least
    effort first: by minutes, then cost, then how long the platform thinks about it."""
    able = {name: one for name, one in connectors.items() if isinstance(one, SupportsAccountSetup)}
    return dict(
        sorted(
            able.items(),
            key=lambda item: (item[1].form.minutes, *item[1].capabilities.setup_burden, item[0]),
        )
    )


def load_connectors() -> Mapping[str, Connector]:
    """Our connectors by platform, and those that installed packages bring; of theirs, none that is
    ours."""
    return ConnectorRegistry({**load_builtin_connectors(), **load_plugin_connectors().connectors})


def load_builtin_connectors(names: Iterable[str] = BUILTIN_CONNECTORS) -> Mapping[str, Connector]:
    """Our connectors by platform. Raises ValueError when two claim the same one."""
    connectors: dict[str, Connector] = {}
    for name in names:
        connector = cast(Callable[[], Connector], _import_attribute(name))()
        platform = connector.capabilities.platform
        if platform in connectors:
            raise ValueError(f"two connectors for {platform}")
        connectors[platform] = connector
    return connectors


def load_plugin_connectors() -> "LoadedPlugins":
    """What installed packages bring, who brings it, and what of it is not used."""
    look = cast("Callable[[frozenset[str]], LoadedPlugins]", _import_attribute(PLUGIN_LOADER))
    return look(frozenset(load_builtin_connectors()))


def base_addresses(
    connectors: Mapping[str, Connector], settings: Mapping[str, str]
) -> Mapping[str, str]:
    """Base addresses by platform: as the settings have it, else the usual one that a connector says
    itself."""
    said = {
        name: one.capabilities.address
        for name, one in connectors.items()
        if one.capabilities.address
    }
    return {**said, **settings}


def _import_attribute(name: str) -> object:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
