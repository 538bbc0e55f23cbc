"""Connectors of installed packages, found by entry point and checked one by one; a rejected one is
logged with the reason.

A package declares its class in an entry point of the group `greenroom.connectors`: `acme =
"acme_greenroom:Acme"`. An installed package runs in our processes and is fully trusted. The checks
only protect the installation from its mistakes.
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
    invites,
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
"""The version of the contract, which a third-party connector states in `contract`. It is increased
if connectors written for the previous version would no longer work correctly."""

log = telemetry.get_logger("connectors.registry.plugins")

_PLATFORM = re.compile(r"[a-z][a-z0-9_]{1,30}(?<!_pages)(?<!_auth)")
"""Pattern of platform names, the same as in the gate's policies. The two suffixes are reserved for
the sign-in URLs of other platforms."""
_ACTS = ("next_step", "look_up", "remove", "read_metrics")
_CHATS = ("listen", "accept_checkout", "refund", "refund_outcome", "look_up_refund", "acknowledge")
"""The methods that a chat connector must have. `listen` replaced `updates` and `parse_updates`; a
connector that has only those is rejected."""
_NUMBERS = ("max_text", "max_media", "max_bytes", "threads", "approval_days")
_ABILITIES: tuple[type, ...] = (
    connector.SupportsReplacement,
    connector.SupportsTextCount,
    connector.SupportsNativeKeys,
    connector.SupportsTokenRefresh,
    SupportsWebhook,
    SupportsSharedInbox,
    metrics.SupportsFollowerCount,
    invites.SupportsInvites,
    destination.SupportsDestinationCheck,
    destination.SupportsMarkCheck,
    post_addresses.SupportsAddressLookup,
    capability_overrides.SupportsOwnLimits,
    account_setup.SupportsAccountSetup,
)


@dataclass(frozen=True)
class RejectedPlugin:
    """A connector that is not used, and the reason."""

    platform: str
    package: str
    why: Message


@dataclass(frozen=True)
class LoadedPlugins:
    """The connectors of installed packages by platform, the names of their packages, and the
    rejected ones."""

    connectors: Mapping[str, Connector]
    packages: Mapping[str, str]
    left_out: tuple[RejectedPlugin, ...]


class PluginRejected(Exception):
    """A third-party connector cannot be used."""

    def __init__(self, why: str, **params: str | int) -> None:
        super().__init__(why)
        self.why = why
        self.params = params


@cache
def load_plugins(ours: frozenset[str]) -> LoadedPlugins:
    """Return the connectors of installed packages; `ours` are the built-in platforms.

    Errors in a package are caught. The result is cached, so each rejection is logged once per
    process.
    """
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
    """Return True if a third-party connector may have this name."""
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
        # Only the first problem is reported.
        for detail in _iter_problems(found, entry.name):
            raise detail
    except (PluginRejected, KeyboardInterrupt):
        raise
    except BaseException as error:  # `raise SystemExit` in a package would end our processes
        raise PluginRejected("raises", error=type(error).__name__) from error
    return found  # type: ignore[return-value]  # checked by `_iter_problems`


def _iter_problems(found: object, platform: str) -> Iterator[PluginRejected]:
    """Yield every reason to reject a connector. Computed attributes are read here, where they may
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
    """Yield the names of capabilities that the dashboard or the planner could not use, or that are
    reserved for built-in connectors (`in_house`, `hand_over`)."""
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
    """Return True for an https URL without user name, query and fragment.

    `foundation.http.address_policy.PublicAddressPolicy` checks for each connection that the address
    is public.
    """
    parts = urlsplit(address)
    return (
        parts.scheme == "https"
        and bool(parts.hostname)
        and not (parts.username or parts.query or parts.fragment)
    )
