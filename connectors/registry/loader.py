"""All connectors of the installation. They are listed as import paths, so that this module imports
no platform."""

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
"""Import path of the loader for installed packages. It is a string, because the loader imports the
logging libraries."""


class ConnectorRegistry(dict[str, Connector]):
    """Connectors by platform. If the package of a platform was removed, its connector publishes
    nothing."""

    def __missing__(self, platform: str) -> Connector:
        return RemovedPlatform(platform)


def connectable_platforms(
    connectors: Mapping[str, Connector],
) -> Mapping[str, SupportsAccountSetup]:
    """Return the platforms whose accounts are connected from the dashboard, with their connectors.

    They are sorted by simplicity of the setup: by minutes, cost and review time.
    """
    able = {name: one for name, one in connectors.items() if isinstance(one, SupportsAccountSetup)}
    return dict(
        sorted(
            able.items(),
            key=lambda item: (item[1].form.minutes, *item[1].capabilities.setup_burden, item[0]),
        )
    )


def load_connectors() -> Mapping[str, Connector]:
    """Return the built-in connectors and those of installed packages, by platform. A package cannot
    replace a built-in one."""
    return ConnectorRegistry({**load_builtin_connectors(), **load_plugin_connectors().connectors})


def load_builtin_connectors(names: Iterable[str] = BUILTIN_CONNECTORS) -> Mapping[str, Connector]:
    """Return the built-in connectors by platform. Raises ValueError if two connectors have the same
    platform."""
    connectors: dict[str, Connector] = {}
    for name in names:
        connector = cast(Callable[[], Connector], _import_attribute(name))()
        platform = connector.capabilities.platform
        if platform in connectors:
            raise ValueError(f"two connectors for {platform}")
        connectors[platform] = connector
    return connectors


def load_plugin_connectors() -> "LoadedPlugins":
    """Return the connectors of installed packages, and the rejected ones."""
    look = cast("Callable[[frozenset[str]], LoadedPlugins]", _import_attribute(PLUGIN_LOADER))
    return look(frozenset(load_builtin_connectors()))


def base_addresses(
    connectors: Mapping[str, Connector], settings: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the base URLs by platform: those of the settings, else the defaults of third-party
    connectors."""
    said = {
        name: one.capabilities.address
        for name, one in connectors.items()
        if one.capabilities.address
    }
    return {**said, **settings}


def _import_attribute(name: str) -> object:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
