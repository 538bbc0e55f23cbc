"""What speaks against a post's time, where one looks at it, and the next free slot of its account."""

from functools import partial
from uuid import UUID

from dashboard import acting
from dashboard.app_pages import calendar_moved
from dashboard.frame import Page
from dashboard.reads.places import Place
from dashboard.reads.queue import beside
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import planning, queueing
from schedules.calendar import WallTime
from schedules.dragging import on_clock
from schedules.reads import Entry
from schedules.spacing import Near
from tenants.roles import Right


def said(page: Page, near: Near) -> str:
    """What is too near, or quiet, and the nearest time that is not; said once for people."""
    at, instead = near.instead, ""
    if at is not None:
        instead = page.word("near.instead", instead=f"{page.voice.short_day(at.day)} {at.clock:%H:%M}")
    if near.at is not None:
        close = page.word(
            "near.close",
            account=near.account,
            clock=page.voice.clock(near.at),
            words=" ".join(near.words.split())[:60],
            gap=page.voice.lasting(near.gap),
        )
        return _together(close, instead, _outcome(page, near))
    if near.quiet is None:
        return _together(_outcome(page, near), instead)
    return _together(page.word("near.quiet", label=near.quiet.named(page.voice.language)), instead)


def _together(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _outcome(page: Page, near: Near) -> str:
    """What an account that holds its distance would do; nothing of any other."""
    if near.held:
        return page.word("near.held", account=near.account)
    if near.leaves is None:
        return ""
    if not near.waits:
        return page.word("near.other_waits", account=near.account)
    at = f"{page.voice.short_day(near.leaves.day)} {near.leaves.clock:%H:%M}"
    return page.word("near.waits", account=near.account, at=at)


def show(page: Page, creator_id: UUID, place: Place) -> None:
    """The warning of one account of a post, and the two ways out of it."""
    entry = place.entry
    if not place.movable:
        return
    near, slot = page.read(lambda scope: beside(scope, entry.channel_id, entry.delivery_id, entry.due_at))
    if near is not None:
        draw("calendar_note.html", note=said(page, near))
    if not page.may(Right.RUN):
        return
    about = (page, creator_id, entry)
    key = f"{entry.delivery_id}:{entry.version}"
    if near is not None and near.instead is not None:
        at = near.instead
        when = {"at": f"{page.voice.short_day(at.day)} {at.clock:%H:%M}"}
        act = partial(_move, *about, at)
        acting.button(page, "near.move", act, right=Right.RUN, key=f"near:{key}:{at}", params=dict(when))
    if slot is not None:
        when = {"at": f"{page.voice.short_day(slot.day)} {slot.clock:%H:%M}"}
        act = partial(_queue, *about)
        acting.button(page, "near.queue", act, right=Right.RUN, key=f"slot:{key}", params=dict(when), kind="tertiary")


def _move(page: Page, creator_id: UUID, entry: Entry, at: WallTime, scope: Scope, _: UUID) -> Message:
    creator, at = page.my(scope, creator_id), on_clock(at, entry.zone)
    planning.move_delivery(scope, entry.delivery_id, at=at, version=entry.version)
    return calendar_moved.said(page, scope, creator, at, [entry.delivery_id])


def _queue(page: Page, creator_id: UUID, entry: Entry, scope: Scope, _: UUID) -> Message:
    creator = page.my(scope, creator_id)
    at = queueing.enqueue(scope, entry.delivery_id, version=entry.version)
    return calendar_moved.said(page, scope, creator, at, [entry.delivery_id], clock=f"{at.clock:%H:%M}")
