"""Posts that come back: what is in a creator's pool, how often it comes back, and what comes next."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import calendar_filters
from dashboard.frame import Page
from dashboard.reads.pools import Item, Recycled, recycled
from dashboard.reads.when import day_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from schedules import likeness, pools
from schedules import reads as schedule_reads
from schedules.calendar import local_wall
from schedules.pools import Rhythm
from schedules.reads import Entry
from tenants.reads import Creator
from tenants.roles import Right

A_DAY = timedelta(days=1)
ACCOUNTS, AGE, EVERY, LABEL, UNTIL = (f"pool:{name}" for name in ("accounts", "age", "every", "label", "until"))
WORDS, POST = "pool:words", "pool:post"


def show(page: Page, asked: str) -> None:
    """Draw the pool of the creator in the address, or of the first one. Raises NotFound for one who is not theirs."""
    calendar_filters.way_back(page)
    draw("pool_head.html", word=page.word)
    creator = calendar_filters.one_creator(page, "pool", asked)
    if creator is None:
        return
    found = page.read(lambda scope: recycled(scope, creator))
    acting.say_told(page, "pool")
    if not found.accounts:
        draw("calendar_empty.html", code="queue.no_account", word=page.word)
        return
    _rhythm(page, found)
    if found.pool_id is not None:
        _coming(page, found)
        _items(page, found)
        _put_in(page, found)


def _rhythm(page: Page, found: Recycled) -> None:
    """Where and how often; a pause beside it."""
    slug, now = found.creator.slug, found.rhythm or Rhythm(tuple(one.id for one in found.accounts))
    names = {str(one.id): one.name for one in found.accounts}
    with st.expander(page.word("pool.rhythm"), expanded=found.pool_id is None), st.form(f"pool:{slug}", border=False):
        st.pills(
            page.word("compose.accounts"),
            list(names),
            default=[str(one) for one in now.channels if str(one) in names],
            format_func=lambda one: names[one],
            selection_mode="multi",
            key=f"{ACCOUNTS}:{slug}",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            least, most = likeness.WINDOW // A_DAY, pools.OLDEST // A_DAY
            st.number_input(page.word("pool.age"), least, most, now.min_age // A_DAY, key=f"{AGE}:{slug}", width=230)
            st.number_input(page.word("pool.every"), 0, most, now.every // A_DAY, key=f"{EVERY}:{slug}", width=230)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            labels = list(dict.fromkeys(["", now.label, *found.labels]))
            st.selectbox(
                page.word("pool.label"),
                labels,
                index=labels.index(now.label),
                format_func=lambda one: one or page.word("pool.any_slot"),
                key=f"{LABEL}:{slug}",
                width=230,
            )
            until = f"{now.until:%d/%m/%Y}" if now.until is not None else ""
            st.text_input(page.word("pool.until"), until, key=f"{UNTIL}:{slug}", width=230)
        acting.submit(page, "pool.keep", partial(_keep, page, found.creator), right=Right.RUN, key=f"pool:keep:{slug}")
    for account in found.no_slots:
        draw("calendar_note.html", note=page.word("queue.no_slots", account=account))
    if found.pool_id is not None:
        about = (page, found.creator.id, found.pool_id)
        if found.paused:
            draw("calendar_note.html", note=page.word("pool.is_paused"))
            acting.button(page, "pool.resume", partial(_resume, *about), right=Right.RUN, key=f"pool:resume:{slug}")
        else:
            acting.button(page, "pool.pause", partial(_pause, *about), right=Right.RUN, key=f"pool:pause:{slug}")


def _keep(page: Page, creator: Creator, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator.id)

    def typed(name: str) -> str:
        return str(acting.typed(f"{name}:{creator.slug}") or "").strip()

    rhythm = Rhythm(
        tuple(map(UUID, acting.typed(f"{ACCOUNTS}:{creator.slug}") or ())),
        timedelta(days=int(typed(AGE) or 0)),
        timedelta(days=int(typed(EVERY) or 0)),
        typed(LABEL),
        day_of(typed(UNTIL)) if typed(UNTIL) else None,
    )
    pools.settle(scope, creator.id, rhythm)
    return Message("pool.kept")


def _pause(page: Page, creator_id: UUID, pool_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    return Message("pool.paused_now", {"count": pools.pause(scope, pool_id)})


def _resume(page: Page, creator_id: UUID, pool_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    pools.resume(scope, pool_id)
    return Message("pool.resumed")


def _coming(page: Page, found: Recycled) -> None:
    """What is on the calendar of it already."""
    zone = found.creator.zone
    times = [(one, local_wall(one.due_at, zone)) for one in found.coming]
    draw("pool_coming.html", times=times, found=found, voice=page.voice, word=page.word)


def _items(page: Page, found: Recycled) -> None:
    """What is in it, each with its wordings."""
    draw("calendar_note.html", note=page.word("pool.inside", count=sum(not one.taken_out for one in found.items)))
    voice = page.voice.at(found.creator.zone)
    for one in found.items:
        if one.taken_out:
            continue
        with st.container(border=True, key=f"pooled:{one.id}"):
            draw("pool_item.html", one=one, now=found.now, voice=voice, word=page.word)
            with st.container(horizontal=True, gap="small"):
                _wording(page, one)
                out = partial(_take_out, page, one.id)
                acting.button(page, "pool.take_out", out, right=Right.RUN, key=f"pool:out:{one.id}", kind="tertiary")


def _wording(page: Page, one: Item) -> None:
    with st.popover(page.word("pool.another")), st.form(f"pool:words:{one.id}", border=False):
        draw("calendar_note.html", note=page.word("pool.another_why"))
        st.text_area(page.word("compose.body"), one.wordings[0].body, key=f"{WORDS}:{one.id}", height=120)
        act = partial(_add_wording, page, one.id)
        acting.submit(page, "pool.another_keep", act, right=Right.RUN, key=f"pool:words:go:{one.id}")


def _add_wording(page: Page, entry_id: UUID, scope: Scope, press_id: UUID) -> Message:
    page.my(scope, pools.creator_of(scope, entry_id))
    words = str(acting.typed(f"{WORDS}:{entry_id}") or "").strip()
    pools.add_wording(scope, entry_id, words, key=press_id, author=page.who.actor)
    return Message("pool.worded")


def _take_out(page: Page, entry_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, pools.creator_of(scope, entry_id))
    return Message("pool.out_now", {"count": pools.take_out(scope, entry_id)})


def _put_in(page: Page, found: Recycled) -> None:
    """Posts that left and could come back."""
    key = f"{POST}:{found.creator.slug}"
    offered = {str(one.post_id): one for one in found.offered}
    if not offered:
        draw("calendar_note.html", note=page.word("pool.nothing_to_add"))
        return
    with st.form(f"pool:add:{found.creator.slug}", border=False):
        st.selectbox(page.word("pool.add"), list(offered), format_func=lambda one: _short(page, offered[one]), key=key)
        act = partial(_add, page, found.creator.id, key)
        acting.submit(page, "pool.add_sure", act, right=Right.RUN, key=f"{key}:go", kind="secondary")


def _short(page: Page, one: Entry) -> str:
    return f"{page.voice.short_day(one.due_at.date())} – {' '.join((one.title or one.body).split())[:70] or '…'}"


def _add(page: Page, creator_id: UUID, key: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    post_id = UUID(str(acting.typed(key)))
    if page.my(scope, schedule_reads.written_post(scope, post_id).creator_id).id != creator_id:
        raise NotFound("post.unknown")
    pools.add(scope, post_id)
    return Message("pool.added")
