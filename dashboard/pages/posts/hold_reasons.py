"""Reasons why posts wait for the consent of a depicted person, named the same on every page."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract.reasons import Reason
from gate.log import queries
from gate.log.queries import MissingConsent
from schedules.calendar.board import RecentMove
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState

_PEOPLE = frozenset(
    f"gate.{reason}"
    for reason in (
        Reason.PERSON_UNRESOLVED,
        Reason.CONSENT_MISSING,
        Reason.CONSENT_REVOKED,
        Reason.CONSENT_EXPIRED,
    )
)
"""Rejection reasons that no longer apply once a depicted person is identified or consents."""


def load_hold_reasons(
    scope: Scope, entries: Collection[DeliveryEntry], moved: Collection[RecentMove] = ()
) -> dict[UUID, Message]:
    """Return a message for each delivery that is on hold because of a missing consent. The message
    names the person concerned and the next step."""
    pictures = {one.delivery_id: one.media for one in entries if _is_kept(one.state, one.reason)}
    pictures |= {
        one.delivery_id: (one.picture,)
        for one in moved
        if one.picture and _is_kept(one.after, one.reason)
    }
    found: dict[UUID, MissingConsent] = {}
    for one in queries.list_missing_consents(
        scope, {asset for assets in pictures.values() for asset in assets}
    ):
        found.setdefault(one.asset_id, one)
    return {
        post: said
        for post, assets in pictures.items()
        if (said := _describe_missing_consent(found, assets)) is not None
    }


def _is_kept(state: DeliveryState, reason: Message | None) -> bool:
    return state is DeliveryState.HELD and reason is not None and reason.code in _PEOPLE


def _describe_missing_consent(
    found: Mapping[UUID, MissingConsent], assets: Sequence[UUID]
) -> Message | None:
    one = next((found[asset] for asset in assets if asset in found), None)
    if one is None:
        return None
    if one.revoked_at is not None:
        return Message("home.hold.revoked", {"name": one.name, "day": f"{one.revoked_at:%d/%m}"})
    return Message(
        "home.hold.second" if one.shown == 2 else "home.hold.consent_missing", {"name": one.name}
    )
