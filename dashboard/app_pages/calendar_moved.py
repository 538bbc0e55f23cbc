"""A post at another hour, and the yes it has: what becomes of it is said before it is moved, and afterwards."""

from collections.abc import Collection, Sequence
from uuid import UUID

from dashboard.app_pages import zones
from dashboard.frame import Page
from dashboard.reads.posts import Opened
from foundation.database import Scope
from foundation.words import Message
from schedules import drafting, retiming
from schedules.calendar import WallTime
from schedules.coming import lacks_yes
from schedules.moving import delivery
from schedules.reads import Entry
from schedules.states import DeliveryState
from tenants.reads import Creator

S = DeliveryState


def before(page: Page, found: Opened, moving: Sequence[Entry]) -> str:
    """What a move of these accounts of a post does to the yes that they have, or wait for; "" where none is asked."""
    waits = all(one.state is S.DRAFT or lacks_yes(one) for one in moving)
    if not found.creator.approval_tiers or (waits and found.free):
        return ""
    if retiming.asks_hour(found.creator):
        return page.word("calendar.move_asks")
    return page.word("calendar.move_waits" if waits else "calendar.move_keeps")


def said(
    page: Page, scope: Scope, creator: Creator, at: WallTime, moved: Collection[UUID], *, clock: str = ""
) -> Message:
    """Where these deliveries of a creator are now, and the yes that they wait for there. `clock`: how their hour is
    called, where it is not on the clock of the creator."""
    when = {"day": f"{at.day:%d/%m/%Y}", "clock": clock or zones.clock(page, at, creator.zone)}
    there = Message("calendar.moved_gap" if at.moved_by_gap else "calendar.moved", when)
    rows = [row for row in (delivery(scope, one) for one in moved) if row.state == S.DRAFT]
    if all(drafting.is_free(scope, row.post_id) for row in rows):
        return there
    waits = "calendar.moved_asks" if retiming.asks_hour(creator) else "calendar.moved_waits"
    return Message(waits, {"moved": page.voice.say(there)})
