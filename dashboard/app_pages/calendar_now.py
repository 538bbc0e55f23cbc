"""On the calendar, out now, or once more: what a press may try again, and what becomes of what was pressed."""

from uuid import UUID

from dashboard.frame import Page
from dashboard.reads.compose import connectors
from foundation.database import Scope
from foundation.words import Message
from schedules import coming, drafting, preflights
from schedules.reads import Entry
from schedules.states import DeliveryState
from schedules.yeses import MISSING

S = DeliveryState
WAITING = frozenset({S.HELD, S.FAILED, S.BROKEN_OFF})
"""States of what somebody tries again."""


def retried(entry: Entry, *, free: bool = False) -> bool:
    """Whether a press tries it again. What is on hold for want of a yes leaves by that yes alone, unless it is `free`:
    nobody's is missing any more."""
    asked_no_more = free and entry.reason is not None and entry.reason.code in MISSING
    return entry.state in WAITING and (asked_no_more or not coming.lacks_yes(entry))


def again(page: Page, scope: Scope, delivery_id: UUID, version: int) -> Message:
    """Try it again. Raises as `drafting.again`."""
    drafting.again(scope, delivery_id, version=version)
    return _became(page, scope, delivery_id, "calendar.again_done", "calendar.again_done_not")


def now(page: Page, scope: Scope, delivery_id: UUID, version: int) -> Message:
    """Let it leave now. Raises as `drafting.now`."""
    drafting.now(scope, delivery_id, version=version)
    return _became(page, scope, delivery_id, "calendar.now_done", "calendar.now_done_not")


def planned(scope: Scope, post_id: UUID) -> Message:
    """Put a draft on the calendar: that it leaves by itself, on which accounts it will not as it is, or that a yes is
    missing."""
    if not drafting.settle(scope, post_id):
        return Message("calendar.planned_not")
    stays = coming.staying(scope, post_id, connectors())
    accounts = ", ".join(stays.values())
    return Message("calendar.planned_stays", {"accounts": accounts}) if stays else Message("calendar.planned")


def _became(page: Page, scope: Scope, delivery_id: UUID, done: str, not_yet: str) -> Message:
    """That it leaves, or what keeps it back: it would be put on hold again in the second it was said to leave."""
    trouble = next(iter(preflights.of_delivery(scope, delivery_id, connectors())), None)
    return Message(done) if trouble is None else Message(not_yet, {"why": page.voice.say(trouble)})
