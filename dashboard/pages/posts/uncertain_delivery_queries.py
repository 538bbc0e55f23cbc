"""Queries of uncertain deliveries: the lookups so far and the profile to check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.attempts.queries import AttemptSummary, list_attempts_by_subject
from connectors.contract.post_addresses import SupportsProfileUrl
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from schedules.publishing.uncertain_deliveries import deliveries_with_pending_lookup

SENT = "send"
LOOK = "look"
SHOWN = 5
"""Number of recent lookups that are shown."""


@dataclass(frozen=True)
class UncertainDelivery:
    """An uncertain delivery: the last send request, the number of lookups and the latest ones with
    their results. `home` is the URL of the account's profile, or "" if it is unknown."""

    entry: DeliveryEntry
    sent_at: datetime | None
    looks: Sequence[tuple[datetime, Message]]
    count: int
    home: str
    soon: bool = False
    """True if no lookup has run yet and one is scheduled."""

    @property
    def is_partly_live(self) -> bool:
        """Return True if part of a thread is confirmed as published. Such a delivery cannot be
        closed without an answer."""
        return self.entry.done > 0


def load_uncertain_deliveries(
    scope: Scope, entries: Sequence[DeliveryEntry]
) -> Mapping[UUID, UncertainDelivery]:
    """Return those of the deliveries that are uncertain, keyed by delivery ID. Nothing is read if
    there are none."""
    doubted = [one for one in entries if one.state is DeliveryState.UNCERTAIN]
    if not doubted:
        return {}
    told = list_attempts_by_subject(scope, [delivery_subject(one.delivery_id) for one in doubted])
    accounts = {one.id: one for one in queries.list_channels(scope)}
    found = {}
    ahead = deliveries_with_pending_lookup(scope, [one.delivery_id for one in doubted])
    for one in doubted:
        on = accounts.get(one.channel_id)
        home = _find_profile_url(on) if on is not None else ""
        found[one.delivery_id] = _build_uncertain_delivery(
            one, told[delivery_subject(one.delivery_id)], home, ahead=one.delivery_id in ahead
        )
    return found


def _find_profile_url(on: Channel) -> str:
    connector: object = account_connectors.connector_for(platform_connectors(), on)
    return (
        connector.profile_url(on.account, on.destination_id, on.base_url)
        if isinstance(connector, SupportsProfileUrl)
        else ""
    )


def _build_uncertain_delivery(
    entry: DeliveryEntry, told: Sequence[AttemptSummary], home: str, *, ahead: bool
) -> UncertainDelivery:
    sent = [one for one in told if one.kind == SENT and one.part == entry.done]
    last = sent[-1].armed_at if sent else None
    looks = [
        one
        for one in told
        if one.kind == LOOK and one.part == entry.done and (not last or one.armed_at >= last)
    ]
    seen = [(one.armed_at, one.detail or one.outcome_text) for one in looks]
    return UncertainDelivery(entry, last, seen[-SHOWN:], len(seen), home, soon=ahead and not seen)
