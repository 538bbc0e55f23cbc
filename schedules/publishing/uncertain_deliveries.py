"""Resolution of uncertain deliveries by members: published at an address, not published, or closed.

Pages may not write the gate's records of copies, so a statement is stored as an event and applied
by a worker with the member as actor. Addresses are confirmed with the platform: an address without
a post, or with a post of another account, is not linked.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from connectors.contract.outcomes import Absent, Failed, Found, LookupResult, Unknown
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.outbox import bulk, outbox
from gate.contract.units import Subject
from schedules.posts import deliveries
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.events import ReconcileDue
from schedules.posts.models import Delivery
from schedules.posts.states import LEFT_UNCERTAIN, DeliveryState
from schedules.posts.thread_parts import current_part
from schedules.posts.transitions import (
    delivery_notice_causes,
    get_delivery,
    transition_delivery,
    update_delivery,
)
from schedules.publishing import settlement
from schedules.publishing.events import UncertainDeliveryResolved
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

MAX_PAGE_ADDRESS_LENGTH = 500
AGAIN = timedelta(seconds=20)
PATIENCE = timedelta(minutes=5)
"""Time after which the link is refused if the platform does not answer; `AGAIN` is the interval
between lookups."""


class LookUpAddress(Protocol):
    """Function that looks up the post at an address of an account:
    `channels.sending.address_lookup.look_up_address`."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, subject: Subject, url: str, *, part: int = 0
    ) -> LookupResult: ...


def resolve_uncertain_delivery(
    scope: Scope, delivery_id: UUID, *, member_id: UUID, url: str
) -> None:
    """Record a member's statement: `url` is the address of the post, or "" if it can be sent again.

    A later statement replaces an earlier one. Raises Refused for a role without the right, Conflict
    if the delivery is not uncertain, BadInput for an invalid address.
    """
    row = _get_uncertain_delivery(scope, delivery_id, member_id)
    if url:
        check_page_address(url)
    audit.record(scope, "delivery.doubt_ended", f"delivery:{row.id}", stands=int(bool(url)))
    event = UncertainDeliveryResolved(
        scope.tenant_id, row.id, url=url, by=f"member:{member_id}", at=scope.now
    )
    outbox.cancel(scope, UncertainDeliveryResolved.kind, row.id)
    outbox.put(scope, event, priority=1, dedupe=f"doubt:{row.id}:{url}")


def close_uncertain_delivery(scope: Scope, delivery_id: UUID, *, member_id: UUID) -> None:
    """Cancel an uncertain delivery: it is neither looked up nor sent again.

    Raises the same errors as `resolve_uncertain_delivery`, and Conflict if a part is certainly
    published, which has to be linked, completed or removed.
    """
    row = _get_uncertain_delivery(scope, delivery_id, member_id)
    if row.part_ids:
        raise Conflict("delivery.partly_there")
    audit.record(scope, "delivery.doubt_left", f"delivery:{row.id}")
    outbox.cancel(scope, UncertainDeliveryResolved.kind, row.id)
    transition_delivery(scope, row, DeliveryState.CANCELLED, reason=Message(LEFT_UNCERTAIN))
    deliveries.cancel_wakeups(scope, row.id)


def deliveries_with_pending_lookup(scope: Scope, deliveries: Collection[UUID]) -> frozenset[UUID]:
    """Return the given uncertain deliveries that will be looked up within a minute."""
    return bulk.pending_subjects(
        scope, ReconcileDue.kind, deliveries, before=scope.now + timedelta(minutes=1)
    )


def _get_uncertain_delivery(scope: Scope, delivery_id: UUID, member_id: UUID) -> Delivery:
    row = get_delivery(scope, delivery_id)
    member = queries.get_member(scope, member_id)
    creator = queries.get_creator(scope, row.creator_id)
    require_right(member.role, Right.APPROVE)
    if member.creators and creator.slug not in member.creators:
        raise Refused("approval.other_creator", creator=creator.name)
    if row.state != DeliveryState.UNCERTAIN:
        raise Conflict("delivery.not_in_doubt")
    return row


def check_page_address(url: str) -> None:
    """Raise BadInput unless it is the address of a web page."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadInput("delivery.no_link").about("link") from error
    if (
        parts.scheme not in ("https", "http")
        or not parts.hostname
        or len(url) > MAX_PAGE_ADDRESS_LENGTH
    ):
        raise BadInput("delivery.no_link").about("link")


def apply_uncertain_resolution(
    event: UncertainDeliveryResolved, *, tenant: OpenScope, look: LookUpAddress
) -> None:
    """Apply a member's statement, unless the delivery was resolved in the meantime.

    A link that cannot be confirmed is refused, with the reason in the notice. Raises
    `outbox.RetryLater` while the platform cannot answer.
    """
    try:
        if event.url:
            _verify_submitted_link(event, tenant=tenant, look=look)
        else:
            with tenant(event.tenant_id, event.by) as scope:
                settlement.resend_absent_delivery(scope, event.subject_id)
    except (Conflict, NotFound) as late:
        structlog.get_logger("schedules.publishing.uncertain_deliveries").warning(
            "delivery.doubt_kept", code=late.message.code
        )


def _verify_submitted_link(
    event: UncertainDeliveryResolved, *, tenant: OpenScope, look: LookUpAddress
) -> None:
    with tenant(event.tenant_id, event.by) as scope:
        row = get_delivery(scope, event.subject_id)
        asked_at = scope.now
        if row.state != DeliveryState.UNCERTAIN:
            raise Conflict("delivery.not_in_doubt")
        channel_id = row.channel_id
        part = current_part(row)
    seen = look(
        event.tenant_id, channel_id, delivery_subject(event.subject_id), event.url, part=part
    )
    if isinstance(seen, Unknown) and event.at is not None and asked_at < event.at + PATIENCE:
        raise outbox.RetryLater(AGAIN)
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if isinstance(seen, Found):
                url = seen.url or event.url
                settlement.check_address_unused(scope, channel_id, url)
                settlement.record_live_link(
                    scope, event.subject_id, native_id=seen.native_id, url=url
                )
            else:
                _record_link_refusal(scope, event.subject_id, _rejection_message(seen))
    except Conflict as refused:
        if refused.message.code != settlement.LINKED_ELSEWHERE:
            raise
        with tenant(event.tenant_id, event.by) as scope:
            _record_link_refusal(scope, event.subject_id, refused.message)


def _rejection_message(seen: Absent | Failed | Unknown) -> Message:
    match seen:
        case Absent():
            return Message("naming.not_there")
        case Failed(reason=reason):
            return reason
        case Unknown():
            return Message("naming.nobody_tells")


def _record_link_refusal(scope: Scope, delivery_id: UUID, why: Message) -> None:
    """Store the reason of a refused link in the delivery and its notice; the delivery stays
    uncertain."""
    row = get_delivery(scope, delivery_id)
    if row.state != DeliveryState.UNCERTAIN:
        raise Conflict("delivery.not_in_doubt")
    audit.record(scope, "delivery.link_refused", f"delivery:{delivery_id}", why=why.code)
    update_delivery(scope, row, reason=stored_message(why))
    cause, _ = delivery_notice_causes(delivery_id)
    notices.close(scope, cause)
    notices.put(scope, why, cause=cause, urgent=True, creator_id=row.creator_id)
