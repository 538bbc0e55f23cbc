"""Every connector of the house. Strings, so that reading the list imports no platform."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from connectors.away import Away
from connectors.contract import Connector
from connectors.enrolment import Connectable

if TYPE_CHECKING:
    from connectors.foreign import Brought

CONNECTORS = (
    "connectors.bluesky:Bluesky",
    "connectors.byhand:ByHand",
    "connectors.discord:Discord",
    "connectors.facebook:Facebook",
    "connectors.fanvue:Fanvue",
    "connectors.feed:Feed",
    "connectors.instagram:Instagram",
    "connectors.mastodon:Mastodon",
    "connectors.reddit:Reddit",
    "connectors.sandbox:Sandbox",
    "connectors.telegram:Telegram",
    "connectors.threads:Threads",
    "connectors.tiktok:TikTok",
    "connectors.x:X",
    "connectors.youtube:YouTube",
)


FOREIGN = "connectors.foreign:brought"
"""What installed packages bring; a string as well, since it takes the tools of the log with it."""


class Known(dict[str, Connector]):
    """Connectors by platform. Asked for one whose package was removed, it says that nothing leaves there."""

    def __missing__(self, platform: str) -> Connector:
        return Away(platform)


def connectables(connectors: Mapping[str, Connector]) -> Mapping[str, Connectable]:
    """Those whose accounts people connect from the dashboard, by platform, those of the least effort first: by minutes,
    then cost, then how long the platform thinks about it."""
    able = {name: one for name, one in connectors.items() if isinstance(one, Connectable)}
    return dict(sorted(able.items(), key=lambda item: (item[1].form.minutes, *item[1].capabilities.burden, item[0])))


def load() -> Mapping[str, Connector]:
    """Our connectors by platform, and those that installed packages bring; of theirs, none that is ours."""
    return Known({**own(), **brought().connectors})


def own(names: Iterable[str] = CONNECTORS) -> Mapping[str, Connector]:
    """Our connectors by platform. Raises ValueError when two claim the same one."""
    connectors: dict[str, Connector] = {}
    for name in names:
        connector = cast(Callable[[], Connector], _named(name))()
        platform = connector.capabilities.platform
        if platform in connectors:
            raise ValueError(f"two connectors for {platform}")
        connectors[platform] = connector
    return connectors


def brought() -> "Brought":
    """What installed packages bring, who brings it, and what of it is not used."""
    look = cast("Callable[[frozenset[str]], Brought]", _named(FOREIGN))
    return look(frozenset(own()))


def addresses(connectors: Mapping[str, Connector], settings: Mapping[str, str]) -> Mapping[str, str]:
    """Base addresses by platform: as the settings have it, else the usual one that a connector says itself."""
    said = {name: one.capabilities.address for name, one in connectors.items() if one.capabilities.address}
    return {**said, **settings}


def _named(name: str) -> object:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
