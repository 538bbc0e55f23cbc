"""Connectors that installed packages bring: found by entry point, taken one by one, left out with a reason.

A package names its class in an entry point of the group `greenroom.connectors`: `acme = "acme_greenroom:Acme"`. What
is installed runs in our processes and is trusted as far; what is checked here keeps mistakes of theirs from being ours.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from urllib.parse import urlsplit

from connectors import contract, enrolment, following, inboxes, naming, options, places, showing, varying
from connectors.capabilities import COSTS, NEEDS, Capabilities, Format
from connectors.contract import Connector
from connectors.enrolment import ConnectForm
from connectors.showing import Showing
from foundation import packages, telemetry
from foundation.words import Message

CONTRACT = 1
"""What a connector of others says in `contract` that it was written for. It goes up when one that was written before
would be misunderstood."""

log = telemetry.log("connectors.foreign")

_PLATFORM = re.compile(r"[a-z][a-z0-9_]{1,30}(?<!_pages)(?<!_auth)")
"""As the gate has it of rules; what ends so is where people sign in to another platform."""
_ACTS = ("next", "find", "remove", "read")
_CHATS = ("listen", "checkout_yes", "refund", "refunded", "refund_seen", "ack")
"""`listen` took the place of `updates` and `parse_updates`: a chat written for those lacks it, and is left out."""
_NUMBERS = ("max_text", "max_media", "max_bytes", "threads", "approval_days")
_ABILITIES: tuple[type, ...] = (
    contract.Replaces,
    contract.Counts,
    contract.OwnKeys,
    contract.Refreshable,
    contract.Hookable,
    inboxes.SharedInbox,
    following.Followed,
    places.Seeable,
    places.ReadsBack,
    naming.Names,
    varying.Varies,
    enrolment.Connectable,
)


@dataclass(frozen=True)
class LeftOut:
    """A connector that is not used, and why."""

    platform: str
    package: str
    why: Message


@dataclass(frozen=True)
class Brought:
    """What installed packages bring: the connectors that are used, by platform, who brings each, and the others."""

    connectors: Mapping[str, Connector]
    packages: Mapping[str, str]
    left_out: tuple[LeftOut, ...]


class Unfit(Exception):
    """A connector of somebody's that cannot be used."""

    def __init__(self, why: str, **params: str | int) -> None:
        super().__init__(why)
        self.why, self.params = why, params


@cache
def brought(ours: frozenset[str]) -> Brought:
    """What packages bring beside `ours`, the platforms of the house. Raises nothing, whatever they do; said once."""
    entries = packages.entries(packages.CONNECTORS)
    claims = Counter(entry.name for entry in entries)
    taken: dict[str, Connector] = {}
    by: dict[str, str] = {}
    left: list[LeftOut] = []
    for entry in entries:
        package = f"{packages.package(entry)} {packages.version(entry)}"
        try:
            taken[entry.name] = _connector(entry, ours, claims)
            by[entry.name] = package
        except Unfit as unfit:
            why = Message(f"cli.brought.{unfit.why}", {"package": package, "platform": entry.name, **unfit.params})
            left.append(LeftOut(entry.name, package, why))
            log.warning("connector.left_out", package=package, platform=entry.name, why=unfit.why, **unfit.params)
    return Brought(taken, by, tuple(left))


def free(platform: str, ours: Iterable[str]) -> bool:
    """Whether a connector of others may have this name."""
    beside = any(platform == one or platform.startswith(f"{one}_") for one in ours)
    return _PLATFORM.fullmatch(platform) is not None and not beside


def _connector(entry: EntryPoint, ours: frozenset[str], claims: Mapping[str, int]) -> Connector:
    if entry.name in ours:
        raise Unfit("ours")
    if not free(entry.name, ours):
        raise Unfit("name")
    if claims[entry.name] > 1:
        raise Unfit("twice")
    try:
        found: object = entry.load()()
        for detail in _wrong(found, entry.name):
            raise detail
    except (Unfit, KeyboardInterrupt):
        raise
    except BaseException as error:  # `raise SystemExit` in a module of theirs would end every process of ours
        raise Unfit("raises", error=type(error).__name__) from error
    return found  # type: ignore[return-value]  # held against the protocol above


def _wrong(found: object, platform: str) -> Iterator[Unfit]:
    """Everything for which a connector cannot be used; what they compute is read here, where it may fail."""
    can = getattr(found, "capabilities", None)
    acts = (*_ACTS, *(_CHATS if isinstance(can, Capabilities) and can.can_chat else ()))
    missing = [name for name in acts if not callable(getattr(found, name, None))]
    if not isinstance(can, Capabilities) or missing:
        yield Unfit("no_connector", missing=", ".join(missing) or "capabilities")
        return
    written: object = getattr(found, "contract", None)
    if written != CONTRACT:
        yield Unfit("contract", theirs=str(written)[:20], ours=CONTRACT)
    if can.platform != platform:
        yield Unfit("platform", said=str(can.platform)[:40])
    for name in _untrue(can):
        yield Unfit("no_connector", missing=name)
    if can.address and not _usual(can.address):
        yield Unfit("address")
    able = {ability.__name__ for ability in _ABILITIES if isinstance(found, ability)}
    if can.replaces and "Replaces" not in able:
        yield Unfit("no_connector", missing="replace")
    form = getattr(found, "form", None)
    if "Connectable" in able and not (isinstance(form, ConnectForm) and isinstance(form.minutes, int)):
        yield Unfit("no_connector", missing="form")


def _untrue(can: Capabilities) -> Iterator[str]:
    """What of their data pages and the planner could not read, and what only we are: served here, or done by hand."""
    yield from (name for name in ("in_house", "hand_over") if getattr(can, name))
    yield from (name for name in _NUMBERS if not isinstance(getattr(can, name), int))
    for name in ("surfaces", "mimes"):
        told: object = getattr(can, name)
        if not isinstance(told, tuple) or not told or not all(isinstance(one, str) for one in told):
            yield name
    told = can.options if isinstance(can.options, tuple) and all(map(options.is_whole, can.options)) else (None,)
    if None in told or len({one.name for one in can.options}) != len(told):
        yield "options"
    flags = {one.name for one in told if one is not None and one.kind == "flag"}
    if can.passes_on and not (can.passes_on in flags and can.passes_to.startswith(f"{can.platform}.")):
        yield "passes_on"
    if can.cost not in COSTS:
        yield "cost"
    if not all(need in NEEDS for need in can.needs.values()):
        yield "needs"
    if not all(isinstance(one, Showing) and showing.is_whole(one) for one in can.shows.values()):
        yield "shows"
    if not all(_is_format(one) for one in can.formats.values()) or not can.formats.keys() <= flags:
        yield "formats"


def _is_format(one: object) -> bool:
    return isinstance(one, Format) and isinstance(one.shows, Showing) and showing.is_whole(one.shows)


def _usual(address: str) -> bool:
    """Whether requests may go to an address that a package chose: by https, and without a name or a query in it.

    That it is a public one is seen to where the connection is made (`foundation.addresses.PublicOnly`).
    """
    parts = urlsplit(address)
    return parts.scheme == "https" and bool(parts.hostname) and not (parts.username or parts.query or parts.fragment)
