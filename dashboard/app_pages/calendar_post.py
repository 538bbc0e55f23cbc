"""One post: what it says, where it goes, everything that happened to it, and what can be done now."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files, frame
from dashboard.app_pages import (
    calendar_accounts,
    calendar_filters,
    calendar_importance,
    calendar_labels,
    calendar_look,
    calendar_moved,
    calendar_near,
    calendar_now,
    calendar_options,
    calendar_rehearsal,
    calendar_repeats,
    calendar_series,
    calendar_words,
    compose_draft,
    compose_rework,
    doubt_card,
    post_outside,
    post_talk,
    zones,
)
from dashboard.frame import Page
from dashboard.reads import needs
from dashboard.reads.places import Place
from dashboard.reads.posts import Opened, opened
from dashboard.reads.telling import next_of, told
from dashboard.reads.when import day_of, time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import drafting, planning
from schedules.calendar import WallTime, local_wall
from schedules.coming import STAYS, Next
from schedules.states import CANCELLABLE, DeliveryState
from schedules.yeses import MISSING, YES_ENDS
from tenants.roles import Right

TICK = "3s"
DECISIONS = frozenset(f"calendar.next.{one}" for one in ("held", "failed", "failed_fixed", "broken_off", "draft_free"))
"""What comes next where somebody who plans has to decide."""
BY_A_YES = MISSING | {YES_ENDS}
"""What would stop a post and is put right by a yes."""
DAY, CLOCK, ZONE = "post:day", "post:clock", "post:zone"


def show(page: Page, post_id: UUID) -> None:
    """Draw one post. Raises NotFound for one that is not this member's to see."""
    at = st.query_params.get("at", "")
    found = page.read(lambda scope: opened(scope, page.mine(scope), post_id, at))
    calendar_filters.way_back(page)
    draw("calendar_post.html", found=found, src=files.src, voice=page.voice, word=page.word)
    calendar_labels.of_post(page, found)
    _story(page, post_id, at, found)
    if found.rewritable:
        calendar_look.show(page, found)
    calendar_series.show(page, found)
    if page.may(Right.RUN):
        _rework(page, found)
        if found.rewritable:
            calendar_options.show(page, found)
        calendar_words.ask(page, found)
        if any(place.movable for place in found.places):
            _move(page, found)
        calendar_accounts.add(page, found)
    post_talk.show(page, post_id)


def _offers(found: Opened) -> tuple[bool, frozenset[UUID]]:
    """What the page offers beside the story: it is drawn anew when that changes."""
    changing = (place.movable or place.entry.state is DeliveryState.PUBLISHED for place in found.places)
    offered = zip(found.places, changing, strict=True)
    return found.rewritable, frozenset(place.entry.delivery_id for place, on in offered if on)


@st.fragment(run_every=TICK)
def _story(drawn: Page, post_id: UUID, at: str, first: Opened) -> None:
    """What happened and what comes next, per account; read again while one looks."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    found = first if page is drawn else page.read(lambda scope: opened(scope, page.mine(scope), post_id, at))
    if _offers(found) != _offers(first):
        st.rerun()
    acting.say_told(page, "calendar:story")
    for place in found.places:
        coming = _coming(page, found, place)
        with st.container(border=True, key=f"place:{place.entry.delivery_id}"):
            draw(
                "calendar_place.html",
                place=place,
                cure=partial(needs.cure, member=page.who.member),
                rule=found.rules.get(place.entry.channel_id),
                lines=told(found, place),
                coming=coming,
                counts=place.entry.state is DeliveryState.SCHEDULED and not found.waits(place) and coming.code != STAYS,
                says_yes=_says_yes(page, found),
                others_act=not page.may(Right.RUN) and _is_others(place, says_yes=_says_yes(page, found)),
                now=found.now,
                voice=page.voice.at(found.creator.zone),
                word=page.word,
            )
            calendar_words.show(page, found.creator.id, place)
            calendar_near.show(page, found.creator.id, place)
            calendar_repeats.show(page, found.creator.id, place)
            if place.doubt is not None and page.may(Right.APPROVE):
                doubt_card.show(page, place.doubt, found.now)
            if page.may(Right.RUN):
                _acts(page, found, place)
    draw("calendar_foot.html", now=found.now, voice=page.voice, word=page.word)


def _says_yes(page: Page, found: Opened) -> bool:
    return page.may(Right.APPROVE) and found.post.author != f"member:{page.who.member.id}"


def _is_others(place: Place, *, says_yes: bool) -> bool:
    """Whether nothing of what stops it is put right by who looks: a yes may be theirs to say."""
    yes_lacks = any(one.code in BY_A_YES for one in place.troubles)
    return bool(place.troubles) and not (says_yes and yes_lacks)


def _coming(page: Page, found: Opened, place: Place) -> Next:
    """What comes next, as it is told to who looks: a decision is asked of those alone who have its buttons."""
    coming = next_of(found, place)
    return coming if page.may(Right.RUN) or coming.code not in DECISIONS else Next("calendar.next.others")


def _acts(page: Page, found: Opened, place: Place) -> None:
    entry, about = place.entry, (page, found.creator.id, place.entry.delivery_id, place.entry.version)
    key = f"{entry.delivery_id}:{entry.version}"
    with st.container(horizontal=True, gap="small"):
        if entry.state is DeliveryState.DRAFT and found.free:
            act = partial(_plan, page, found.creator.id, found.post.id)
            acting.button(page, "calendar.plan", act, right=Right.RUN, key=f"plan:{key}", kind="primary")
        if calendar_now.retried(entry, free=found.free):
            code = "calendar.finish" if entry.state is DeliveryState.BROKEN_OFF else "calendar.retry_now"
            acting.button(page, code, partial(_again, *about), right=Right.RUN, key=f"again:{key}", kind="primary")
        if entry.state is DeliveryState.SCHEDULED:
            acting.button(page, "calendar.send_now", partial(_now, *about), right=Right.RUN, key=f"now:{key}")
        post_outside.acts(page, found, place)
        calendar_accounts.alone(page, found, place)
        calendar_importance.show(page, found.creator.id, entry)
        if entry.state in CANCELLABLE:
            with st.popover(page.word("calendar.cancel")):
                draw("calendar_note.html", note=page.word("calendar.cancel_asked", account=entry.channel))
                acting.button(page, "calendar.cancel_sure", partial(_skip, *about), right=Right.RUN, key=f"skip:{key}")


def _plan(page: Page, creator_id: UUID, post_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    return calendar_now.planned(scope, post_id)


def _again(page: Page, creator_id: UUID, delivery_id: UUID, version: int, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    return calendar_now.again(page, scope, delivery_id, version)


def _now(page: Page, creator_id: UUID, delivery_id: UUID, version: int, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    return calendar_now.now(page, scope, delivery_id, version)


def _skip(page: Page, creator_id: UUID, delivery_id: UUID, version: int, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    drafting.skip(scope, delivery_id)
    return Message("calendar.cancelled")


def _rework(page: Page, found: Opened) -> None:
    about = (found.post, found.said, found.creator.slug)
    at = found.places[0].entry.occurrence_key if found.places else ""
    with st.container(horizontal=True, gap="small"):
        if found.rewritable:
            st.button(
                page.word("calendar.edit"),
                icon=":material/edit:",
                key="post:edit",
                on_click=compose_rework.begin,
                args=(*about, at),
            )
        calendar_series.alone(page, found)
        st.button(
            page.word("calendar.duplicate"),
            icon=":material/content_copy:",
            key="post:duplicate",
            on_click=compose_draft.duplicate,
            args=(*about, found.zone, [one.id for one in found.labels]),
            kwargs={"priority": _importance(found)},
        )
        calendar_importance.lateness(page, found)
        calendar_rehearsal.show(page, found)


def _importance(found: Opened) -> int:
    """How important its copy is: as the most important of its accounts; 0 for a post that goes nowhere."""
    return min((max(place.entry.priority, 1) for place in found.places), default=0)


def _move(page: Page, found: Opened) -> None:
    """Another day or hour; the clock time stays what it says, whatever the season."""
    movable = [place.entry for place in found.places if place.movable]
    now = local_wall(movable[0].due_at, movable[0].zone)
    seen = {one.delivery_id: one.version for one in movable}
    with st.form("post:move", border=True):
        why = page.word("calendar.move_why", place=page.voice.place(now.zone))
        draw("calendar_note.html", note=f"{why} {calendar_moved.before(page, found, movable)}".strip())
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(page.word("compose.day"), f"{now.day:%d/%m/%Y}", key=f"{DAY}:{found.post.id}", width=180)
            st.text_input(page.word("compose.clock"), f"{now.clock:%H:%M}", key=f"{CLOCK}:{found.post.id}", width=120)
            zones.choose(page, f"{ZONE}:{found.post.id}:{now.zone}", own=now.zone)
            act = partial(_moved, page, found, now.zone, seen)
            acting.submit(page, "calendar.move", act, right=Right.RUN, key="post:move:go", kind="secondary")


def _moved(
    page: Page, found: Opened, zone: str, seen: dict[UUID, int], scope: Scope, _: UUID
) -> Message:  # the four of the act, and its scope
    creator = page.my(scope, found.creator.id)
    day, clock = (str(acting.typed(f"{name}:{found.post.id}")) for name in (DAY, CLOCK))
    at = WallTime(day_of(day), time_of(clock), str(acting.typed(f"{ZONE}:{found.post.id}:{zone}") or zone))
    for delivery_id, version in seen.items():
        planning.move_delivery(scope, delivery_id, at=at, version=version)
    return calendar_moved.said(page, scope, creator, at, seen)
