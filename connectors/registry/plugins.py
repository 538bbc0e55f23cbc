"""Connectors that installed packages bring: found by entry point, taken one by one, left out with a
reason.

A package names its class in an entry point of the group `greenroom.connectors`: `acme =
"acme_greenroom:Acme"`. What is installed runs in our processes and is trusted as far; what is
checked here keeps mistakes of theirs from being ours.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from urllib.parse import urlsplit

from connectors.contract import (
    account_setup,
    capability_overrides,
    connector,
    destination,
    feed_layout,
    metrics,
    post_addresses,
)
from connectors.contract.account_setup import ConnectForm
from connectors.contract.capabilities import (
    POSTING_COSTS,
    REQUIRED_CONTENT,
    Capabilities,
    PostFormat,
)
from connectors.contract.chats import SupportsSharedInbox, SupportsWebhook
from connectors.contract.connector import Connector
from connectors.contract.feed_layout import FeedLayout
from connectors.shared import options
from foundation import entry_points
from foundation.i18n.translation import Message
from foundation.ops import telemetry

CONTRACT_VERSION = 2
"""The version that a third-party connector states in `contract`. It is raised when connectors
written for the previous version would be misunderstood."""

log = telemetry.get_logger("connectors.registry.plugins")

_PLATFORM = re.compile(r"[a-z][a-z0-9_]{1,30}(?<!_pages)(?<!_auth)")
"""As the gate has it of rules; what ends so is where people sign in to another platform."""
_ACTS = ("next_step", "look_up", "remove", "read_metrics")
_CHATS = ("listen", "accept_checkout", "refund", "refund_outcome", "look_up_refund", "acknowledge")
"""`listen` replaced `updates` and `parse_updates`: a chat connector written for those lacks it and
is rejected."""
_NUMBERS = ("max_text", "max_media", "max_bytes", "threads", "approval_days")
_ABILITIES: tuple[type, ...] = (
    connector.SupportsReplacement,
    connector.SupportsTextCount,
    connector.SupportsNativeKeys,
    connector.SupportsTokenRefresh,
    SupportsWebhook,
    SupportsSharedInbox,
    metrics.SupportsFollowerCount,
    destination.SupportsDestinationCheck,
    destination.SupportsMarkCheck,
    post_addresses.SupportsAddressLookup,
    capability_overrides.SupportsOwnLimits,
    account_setup.SupportsAccountSetup,
)


@dataclass(frozen=True)
class RejectedPlugin:
    """A connector that is not used, and why."""

    platform: str
    package: str
    why: Message


@dataclass(frozen=True)
class LoadedPlugins:
    """What installed packages bring: the connectors that are used, by platform, who brings each,
    and the others."""

    connectors: Mapping[str, Connector]
    packages: Mapping[str, str]
    left_out: tuple[RejectedPlugin, ...]


class PluginRejected(Exception):
    """A connector of somebody's that cannot be used."""

    def __init__(self, why: str, **params: str | int) -> None:
        super().__init__(why)
        self.why = why
        self.params = params


@cache
def load_plugins(ours: frozenset[str]) -> LoadedPlugins:
    """What packages bring beside `ours`, the platforms of the house. Raises nothing, whatever they
    do; said once."""
    entries = entry_points.list_entry_points(entry_points.CONNECTORS_GROUP)
    claims = Counter(entry.name for entry in entries)
    taken: dict[str, Connector] = {}
    by: dict[str, str] = {}
    left: list[RejectedPlugin] = []
    for entry in entries:
        package = f"{entry_points.package_name(entry)} {entry_points.package_version(entry)}"
        try:
            taken[entry.name] = _load_connector(entry, ours, claims)
            by[entry.name] = package
        except PluginRejected as unfit:
            why = Message(
                f"cli.brought.{unfit.why}",
                {"package": package, "platform": entry.name, **unfit.params},
            )
            left.append(RejectedPlugin(entry.name, package, why))
            log.warning(
                "connector.left_out",
                package=package,
                platform=entry.name,
                why=unfit.why,
                **unfit.params,
            )
    return LoadedPlugins(taken, by, tuple(left))


def is_name_free(platform: str, ours: Iterable[str]) -> bool:
    """Whether a connector of others may have this name."""
    beside = any(platform == one or platform.startswith(f"{one}_") for one in ours)
    return _PLATFORM.fullmatch(platform) is not None and not beside


def _load_connector(
    entry: EntryPoint, ours: frozenset[str], claims: Mapping[str, int]
) -> Connector:
    if entry.name in ours:
        raise PluginRejected("ours")
    if not is_name_free(entry.name, ours):
        raise PluginRejected("name")
    if claims[entry.name] > 1:
        raise PluginRejected("twice")
    try:
        found: object = entry.load()()
        for detail in _iter_problems(found, entry.name):
            raise detail
    except (PluginRejected, KeyboardInterrupt):
        raise
    except (
        BaseException
    ) as error:  # `raise SystemExit` in a module of theirs would end every process of ours
        raise PluginRejected("raises", error=type(error).__name__) from error
    return found  # type: ignore[return-value]  # held against the protocol above


def _iter_problems(found: object, platform: str) -> Iterator[PluginRejected]:
    """Everything for which a connector cannot be used; what they compute is read here, where it may
    fail."""
    can = getattr(found, "capabilities", None)
    acts = (*_ACTS, *(_CHATS if isinstance(can, Capabilities) and can.can_chat else ()))
    missing = [name for name in acts if not callable(getattr(found, name, None))]
    if not isinstance(can, Capabilities) or missing:
        yield PluginRejected("no_connector", missing=", ".join(missing) or "capabilities")
        return
    written: object = getattr(found, "contract", None)
    if written != CONTRACT_VERSION:
        yield PluginRejected("contract", theirs=str(written)[:20], ours=CONTRACT_VERSION)
    if can.platform != platform:
        yield PluginRejected("platform", said=str(can.platform)[:40])
    for name in _iter_invalid_capabilities(can):
        yield PluginRejected("no_connector", missing=name)
    if can.address and not _is_allowed_url(can.address):
        yield PluginRejected("address")
    able = {ability.__name__ for ability in _ABILITIES if isinstance(found, ability)}
    if can.replaces and "SupportsReplacement" not in able:
        yield PluginRejected("no_connector", missing="replace")
    form = getattr(found, "form", None)
    if "SupportsAccountSetup" in able and not (
        isinstance(form, ConnectForm) and isinstance(form.minutes, int)
    ):
        yield PluginRejected("no_connector", missing="form")


def _iter_invalid_capabilities(can: Capabilities) -> Iterator[str]:
    """What of their data pages and the planner could not read, and what only we are: served here,
    or done by hand."""
    yield from (name for name in ("in_house", "hand_over") if getattr(can, name))
    yield from (name for name in _NUMBERS if not isinstance(getattr(can, name), int))
    for name in ("surfaces", "mimes"):
        told: object = getattr(can, name)
        if not isinstance(told, tuple) or not told or not all(isinstance(one, str) for one in told):
            yield name
    told = (
        can.options
        if isinstance(can.options, tuple) and all(map(options.is_valid_option, can.options))
        else (None,)
    )
    if None in told or len({one.name for one in can.options}) != len(told):
        yield "options"
    flags = {one.name for one in told if one is not None and one.kind == "flag"}
    if can.passes_on and not (
        can.passes_on in flags and can.passes_to.startswith(f"{can.platform}.")
    ):
        yield "passes_on"
    if can.cost not in POSTING_COSTS:
        yield "cost"
    if not all(need in REQUIRED_CONTENT for need in can.needs.values()):
        yield "needs"
    if not all(
        isinstance(one, FeedLayout) and feed_layout.is_valid_layout(one)
        for one in can.shows.values()
    ):
        yield "shows"
    if not all(_is_format(one) for one in can.formats.values()) or not can.formats.keys() <= flags:
        yield "formats"


def _is_format(one: object) -> bool:
    return (
        isinstance(one, PostFormat)
        and isinstance(one.shows, FeedLayout)
        and feed_layout.is_valid_layout(one.shows)
    )


def _is_allowed_url(address: str) -> bool:
    """Whether requests may go to an address that a package chose: by https, and without a name or a
    query in it.

    `foundation.http.address_policy.PublicAddressPolicy` checks that it is public when the
    connection is made.
    """
    parts = urlsplit(address)
    return (
        parts.scheme == "https"
        and bool(parts.hostname)
        and not (parts.username or parts.query or parts.fragment)
    )
