"""What a machine proposes: a draft with a time as its wish. It leaves for nobody before a person says yes to it."""

from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput
from schedules import drafting, planning
from schedules.calendar import WallTime
from schedules.drafting import Draft


def propose(scope: Scope, draft: Draft, *, key: UUID, at: WallTime | None, author: str, origin: str) -> UUID:
    """Write a draft once per `key`; with `at`, that time is wished on its accounts. Nothing of it goes onto the
    calendar by itself, also where a person's post needs nobody's yes: at its hour it is on hold.

    Raises BadInput for an empty one, for accounts without a time or a time without accounts; NotFound.
    """
    if at is None:
        if draft.channels:
            raise BadInput("post.no_time")
        return drafting.write(scope, draft, key=key, author=author, origin=origin)
    drafting.need_account(draft)
    if at.instant() < scope.now:
        raise BadInput("delivery.time_passed")
    post_id = drafting.write(scope, draft, key=key, author=author, origin=origin)
    for channel_id in draft.channels:
        planning.add_delivery(scope, post_id, channel_id, at=at)
    return post_id
