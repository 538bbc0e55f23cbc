"""What a post repeats on one of its accounts, where one looks at it, and the word that it is meant so."""

from functools import partial
from uuid import UUID

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.compose import connectors
from dashboard.reads.places import Place
from dashboard.reads.repeats import of_delivery
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import repeats
from schedules.reads import Entry
from tenants.roles import Right


def show(page: Page, creator_id: UUID, place: Place) -> None:
    """The warning of one account of a post, and the button by which somebody says that they know."""
    entry = place.entry
    if entry.state not in repeats.AHEAD:
        return
    likes = page.read(lambda scope: of_delivery(scope, entry.delivery_id))
    if not likes:
        return
    draw("calendar_repeats.html", likes=likes[:3], voice=page.voice, word=page.word)
    if page.may(Right.RUN) and not likes[0].refused:
        seen = frozenset(one.post_id for one in likes)
        act = partial(_anyway, page, creator_id, entry, seen)
        acting.button(page, "repeats.anyway", act, right=Right.RUN, key=f"anyway:{entry.delivery_id}:{entry.version}")


def _anyway(page: Page, creator_id: UUID, entry: Entry, seen: frozenset[UUID], scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    repeats.post_anyway(scope, entry.delivery_id, connectors=connectors(), seen=seen, version=entry.version)
    return Message("repeats.noted")
