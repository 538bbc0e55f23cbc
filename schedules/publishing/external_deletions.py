"""Published posts that someone outside the agency deleted on the platform."""

from uuid import UUID

from channels.accounts import queries
from connectors.contract.post_presence import MissingPost
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.copies import live_copies
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.publishing import post_removal
from schedules.recurrence import cancellation
from tenants.notices import notices


def handle_external_deletion(scope: Scope, delivery_id: UUID, missing: MissingPost) -> None:
    """Record that a post was deleted on its platform, and notify the agency. Idempotent.

    The series of a post that broke the platform's rules is stopped. A hidden post can become
    visible again: it stays published, so that it can be recalled, and members are notified. Of a
    thread only the first part is checked; the other parts and the state of the delivery do not
    change.
    """
    row = get_delivery(scope, delivery_id)
    left = post_removal.live_copies(scope, row)
    first = [one for one in left if row.native_id in one.native_ids]
    if row.state != DeliveryState.PUBLISHED or not first:
        return
    if missing.hidden:
        notices.put(
            scope,
            _build_deletion_message(scope, row, missing),
            cause=_deletion_notice_cause(row),
            urgent=True,
            creator_id=row.creator_id,
        )
        return
    if missing.by == "rules":
        cancellation.stop_recurrence(scope, row.post_id)
    all_of_it = row.parts == 1 or missing.with_comment
    told = _build_deletion_message(scope, row, missing)
    for copy in left if all_of_it else first:
        live_copies.record_removed(scope, copy.jti, f"seen:{missing.by}")
    if all_of_it:
        post_removal.record_externally_deleted(scope, row, told)
    else:
        told = Message("delivery.first_gone_there", told.params)
    notices.put(
        scope, told, cause=_deletion_notice_cause(row), urgent=True, creator_id=row.creator_id
    )


def _deletion_notice_cause(row: Delivery) -> str:
    return f"delivery:{row.id}:gone"


def _build_deletion_message(scope: Scope, row: Delivery, missing: MissingPost) -> Message:
    account = queries.get_channel(scope, row.channel_id).name
    if missing.hidden:
        return Message("delivery.hidden_there", {"account": account})
    if missing.by == "rules":
        code = "delivery.gone_by_rules" if missing.word else "delivery.gone_by_rules_untold"
        return Message(
            code, {"account": account} | ({"word": missing.word} if missing.word else {})
        )
    return Message(f"delivery.gone_by_{missing.by}", {"account": account})
