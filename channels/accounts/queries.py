"""Reads of accounts: one account as the other packages see it, and lists of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import select

from channels.accounts.models import ChannelRow
from channels.accounts.states import DISCONNECTED_STATES, UNUSABLE_STATES, ChannelState
from connectors.transport.transport import AccountTarget
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

DESTINATION_CHECK_LIFETIME = timedelta(seconds=10)
"""Time for which a destination check counts. It is made for the post that is about to be published.
"""

CLAIM_LIFETIME = timedelta(days=90)
"""Time for which a member's statement about an account counts. Connecting the account again renews
it."""


@dataclass(frozen=True)
class Channel:
    """A platform account at the time of reading.

    `min_interval` is the time between two posts; `zone` an IANA name. `surface` is the policy row
    for posts, `chat_surface` that for messages ("" without chat). `token` is sealed; only the
    transport can open it.
    """

    tenant_id: UUID
    id: UUID
    creator_id: UUID
    platform: str
    surface: str
    chat_surface: str
    account: str
    base_url: str
    name: str
    state: ChannelState
    reason: Message | None
    min_interval: timedelta
    zone: str
    options: Mapping[str, Any]
    paused_until: datetime | None
    last_ok_at: datetime | None
    token: Sealed | None = field(default=None, repr=False, compare=False)
    refresh: Sealed | None = field(default=None, repr=False, compare=False)
    generation: int = field(default=0, compare=False)
    """Number of tokens the account has had."""
    expires_at: datetime | None = field(default=None, compare=False)
    refused: bool = field(default=False, compare=False)
    """True if the platform refused this token."""
    app_key: UUID | None = field(default=None, compare=False)
    """The application whose limits the account shares with others, including those of other
    agencies."""

    def awaits_renewal(self, now: datetime) -> bool:
        """Return True if the token is invalid and can be renewed. Nothing is sent until then."""
        ended = self.expires_at is not None and self.expires_at <= now
        return self.refresh is not None and (self.refused or ended)

    @property
    def is_disconnected(self) -> bool:
        """Return True if a member disconnected the account, or is disconnecting it."""
        return self.state in DISCONNECTED_STATES

    @property
    def destination_id(self) -> str:
        """Return the platform's ID of the destination on the account, or "" if the account is a
        single destination."""
        return str(self.options.get("destination", ""))

    @property
    def holds_repeats(self) -> bool:
        """Return True if posts that repeat an earlier one are held until a member confirms them."""
        return bool(self.options.get("hold_repeats"))

    @property
    def holds_min_interval(self) -> bool:
        """Return True if the minimum interval holds posts, False if it only warns."""
        return bool(self.options.get("hold_distance"))

    @property
    def can_check_destination(self) -> bool:
        """Return True if the platform reports the settings of the destination."""
        return bool(self.options.get("can_be_seen"))

    def destination_facts(self, now: datetime) -> tuple[str, ...] | None:
        """Return the results of a current destination check in the terms of the policy, or None."""
        look = self.options.get("seen")
        if not look or now - datetime.fromisoformat(look["at"]) > DESTINATION_CHECK_LIFETIME:
            return None
        return tuple(look["what"])

    def is_by_request(self, now: datetime) -> bool:
        """Return True if a member stated, within `CLAIM_LIFETIME`, that readers must request
        access."""
        said = self.options.get("connected_at")
        return (
            bool(self.options.get("by_request") and said)
            and now < datetime.fromisoformat(str(said)) + CLAIM_LIFETIME
        )

    @property
    def is_manual(self) -> bool:
        """Return True if members publish manually and no request is sent."""
        return bool(self.options.get("hand_over"))


def get_channel(scope: Scope, channel_id: UUID) -> Channel:
    """Return a channel by ID. Raises NotFound."""
    return _single_channel(_load_channels(scope, "AND c.id = :id", id=channel_id))


def get_channel_by_name(scope: Scope, creator_id: UUID, name: str) -> Channel:
    """Return a creator's channel by the name that members gave it. Raises NotFound."""
    return _single_channel(
        _load_channels(
            scope, "AND c.creator_id = :creator AND c.name = :name", creator=creator_id, name=name
        )
    )


def _single_channel(found: Sequence[Channel]) -> Channel:
    if not found:
        raise NotFound("channel.unknown")
    return found[0]


def list_creator_channels(scope: Scope, creator_id: UUID) -> list[Channel]:
    """Return all channels of a creator, by name."""
    return _load_channels(scope, "AND c.creator_id = :creator", creator=creator_id)


def list_channels(scope: Scope) -> list[Channel]:
    """Return all channels of the tenant, by name."""
    return _load_channels(scope)


def list_unusable_channels(scope: Scope) -> list[Channel]:
    """Return all channels that must be connected again."""
    return _load_channels(scope, "AND c.state = ANY(:lost)", lost=sorted(map(str, UNUSABLE_STATES)))


def posting_surfaces(scope: Scope) -> list[tuple[str, str]]:
    """Return the platforms and policy surfaces on which the tenant posts and chats, sorted."""
    pairs = [
        (one.platform, surface)
        for one in list_channels(scope)
        for surface in (one.surface, one.chat_surface)
    ]
    return sorted({pair for pair in pairs if pair[1]})


@dataclass(frozen=True)
class ChannelLabel:
    """The name and the platform of an account, for display."""

    name: str
    platform: str


def channel_labels(scope: Scope) -> dict[UUID, ChannelLabel]:
    """Return the name and the platform of each account of the tenant by ID."""
    rows = scope.session.exec(
        select(ChannelRow.id, ChannelRow.name, ChannelRow.platform).where(
            ChannelRow.tenant_id == scope.tenant_id
        )
    )
    return {key: ChannelLabel(name, platform) for key, name, platform in rows}


def channel_names(scope: Scope) -> dict[UUID, str]:
    """Return the name of each account of the tenant by ID."""
    return {key: label.name for key, label in channel_labels(scope).items()}


def transport_account(of: Channel) -> AccountTarget:
    """Return the target of requests of the account, with its credentials."""
    return AccountTarget(
        of.tenant_id, of.id, of.account, of.base_url, of.token, of.refresh, of.platform
    )


_EVERY = """
SELECT c.tenant_id, c.id, c.creator_id, c.platform, c.surface, c.chat_surface, c.account,
c.base_url, c.name, c.state,
  c.reason, c.min_gap_seconds, c.zone, c.options, c.paused_until, c.last_ok_at, c.app_key,
  t.box, t.refresh_box, t.generation, t.expires_at, t.refused
FROM channels c LEFT JOIN tokens t ON t.tenant_id = c.tenant_id AND t.channel_id = c.id
WHERE c.tenant_id = :tenant """
"""Plain SQL, because it runs for every post."""


def _load_channels(scope: Scope, which: str = "", **params: Any) -> list[Channel]:
    rows = scope.run(f"{_EVERY} {which} ORDER BY c.name, c.id", tenant=scope.tenant_id, **params)
    return [_channel_from_row(row) for row in rows]


def _channel_from_row(row: Any) -> Channel:
    return Channel(
        tenant_id=row.tenant_id,
        id=row.id,
        creator_id=row.creator_id,
        platform=row.platform,
        surface=row.surface,
        chat_surface=row.chat_surface,
        account=row.account,
        base_url=row.base_url,
        name=row.name,
        state=ChannelState(row.state),
        reason=Message.from_json(row.reason) if row.reason else None,
        min_interval=timedelta(seconds=row.min_gap_seconds),
        zone=row.zone,
        options=row.options,
        paused_until=row.paused_until,
        last_ok_at=row.last_ok_at,
        token=Sealed(row.box) if row.box is not None else None,
        refresh=Sealed(row.refresh_box) if row.refresh_box else None,
        generation=row.generation or 0,
        expires_at=row.expires_at,
        refused=row.generation is not None and row.refused == row.generation,
        app_key=row.app_key,
    )
