"""What it means here that a post which was published is not there any more, and nobody of this house took it away."""

from uuid import UUID

from channels import reads as channel_reads
from connectors.standing import Missing
from foundation.database import Scope
from foundation.words import Message
from gate import copies
from schedules import removal, stopping
from schedules.models import Delivery
from schedules.moving import delivery
from schedules.states import DeliveryState
from tenants import notices


def note(scope: Scope, delivery_id: UUID, missing: Missing) -> None:
    """Write down that a post is gone there, and tell the agency; what broke a platform's rules repeats no more.

    One that is only hidden may show again: it is told of, and stays what it is, so that it can still be called back.
    Twice is as once. Of a thread the first part alone was looked at: what stands of it stays, and so does its state.
    """
    row = delivery(scope, delivery_id)
    left = removal.standing(scope, row)
    first = [one for one in left if row.native_id in one.native_ids]
    if row.state != DeliveryState.PUBLISHED or not first:
        return
    if missing.hidden:
        notices.put(scope, _told(scope, row, missing), cause=_cause(row), urgent=True, creator_id=row.creator_id)
        return
    if missing.by == "rules":
        stopping.repeats(scope, row.post_id)
    all_of_it = row.parts == 1 or missing.with_comment
    told = _told(scope, row, missing)
    for copy in left if all_of_it else first:
        copies.gone(scope, copy.jti, f"seen:{missing.by}")
    if all_of_it:
        removal.seen_gone(scope, row, told)
    else:
        told = Message("delivery.first_gone_there", told.params)
    notices.put(scope, told, cause=_cause(row), urgent=True, creator_id=row.creator_id)


def _cause(row: Delivery) -> str:
    return f"delivery:{row.id}:gone"


def _told(scope: Scope, row: Delivery, missing: Missing) -> Message:
    account = channel_reads.channel(scope, row.channel_id).name
    if missing.hidden:
        return Message("delivery.hidden_there", {"account": account})
    if missing.by == "rules":
        code = "delivery.gone_by_rules" if missing.word else "delivery.gone_by_rules_untold"
        return Message(code, {"account": account} | ({"word": missing.word} if missing.word else {}))
    return Message(f"delivery.gone_by_{missing.by}", {"account": account})
