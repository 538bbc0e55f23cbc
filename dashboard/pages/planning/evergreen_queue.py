"""The evergreen queue of a creator: frequency, posts, text variants and upcoming dates."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning.evergreen_queries import EvergreenEntry, EvergreenView, load_evergreen
from dashboard.pages.posts.calendar_navigation import render_back_button, select_creator
from dashboard.shell import actions, forms
from dashboard.shell.date_input import parse_date
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import to_wall_time
from schedules.posts import queries, text_similarity
from schedules.posts.queries import DeliveryEntry
from schedules.recurrence import evergreen_pools
from schedules.recurrence.evergreen_pools import PoolSchedule
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

A_DAY = timedelta(days=1)
ACCOUNTS, AGE, EVERY, LABEL, UNTIL = (
    f"pool:{name}" for name in ("accounts", "age", "every", "label", "until")
)
WORDS = "pool:words"
POST = "pool:post"


def render_evergreen_queue(page: PageContext, asked: str) -> None:
    """Draw the queue of the creator in the URL, or of the first one.

    Raises NotFound for a creator who is not assigned to this member.
    """
    render_back_button(page)
    draw_template("pages/planning/templates/evergreen_header.html", word=page.text)
    creator = select_creator(page, "pool", asked)
    if creator is None:
        return
    found = page.read(lambda scope: load_evergreen(scope, creator))
    actions.show_notices(page, "pool")
    if not found.accounts:
        draw_template("shell/templates/empty.html", code="queue.no_account", word=page.text)
        return
    _render_rhythm_form(page, found)
    if found.pool_id is not None:
        _render_coming_posts(page, found)
        _render_evergreen_entries(page, found)
        _render_add_form(page, found)


def _render_rhythm_form(page: PageContext, found: EvergreenView) -> None:
    """Draw the form for channels and frequency, and the button that pauses the queue."""
    slug = found.creator.slug
    now = found.rhythm or PoolSchedule(tuple(one.id for one in found.accounts))
    names = {str(one.id): one.name for one in found.accounts}
    with (
        st.expander(page.text("pool.rhythm"), expanded=found.pool_id is None),
        forms.open_form(page, f"pool:{slug}"),
    ):
        st.pills(
            page.text("compose.accounts"),
            list(names),
            default=[str(one) for one in now.channels if str(one) in names],
            format_func=lambda one: names[one],
            selection_mode="multi",
            key=f"{ACCOUNTS}:{slug}",
        )
        _render_rhythm_fields(page, found, now)
        actions.submit_button(
            page,
            "pool.keep",
            partial(_save_rhythm, page, found.creator),
            right=Right.RUN,
            key=f"pool:keep:{slug}",
        )
    for account in found.no_slots:
        draw_template(
            "shell/templates/note.html", note=page.text("queue.no_slots", account=account)
        )
    if found.pool_id is not None:
        _render_pause_button(page, found, found.pool_id)


def _render_rhythm_fields(page: PageContext, found: EvergreenView, now: PoolSchedule) -> None:
    slug = found.creator.slug
    with st.container(horizontal=True, vertical_alignment="bottom"):
        least = text_similarity.SIMILARITY_WINDOW // A_DAY
        most = evergreen_pools.MAX_POOL_AGE // A_DAY
        st.number_input(
            page.text("pool.age"), least, most, now.min_age // A_DAY, key=f"{AGE}:{slug}", width=230
        )
        st.number_input(
            page.text("pool.every"), 0, most, now.every // A_DAY, key=f"{EVERY}:{slug}", width=230
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = list(dict.fromkeys(["", now.label, *found.labels]))
        st.selectbox(
            page.text("pool.label"),
            labels,
            index=labels.index(now.label),
            format_func=lambda one: one or page.text("pool.any_slot"),
            key=f"{LABEL}:{slug}",
            width=230,
        )
        until = f"{now.until:%d/%m/%Y}" if now.until is not None else ""
        st.text_input(page.text("pool.until"), until, key=f"{UNTIL}:{slug}", width=230)
        forms.show_field_error("day")


def _render_pause_button(page: PageContext, found: EvergreenView, pool_id: UUID) -> None:
    slug = found.creator.slug
    about = (page, found.creator.id, pool_id)
    if found.paused:
        draw_template("shell/templates/note.html", note=page.text("pool.is_paused"))
        actions.action_button(
            page,
            "pool.resume",
            partial(_resume_evergreen_pool, *about),
            right=Right.RUN,
            key=f"pool:resume:{slug}",
        )
    else:
        actions.action_button(
            page,
            "pool.pause",
            partial(_pause_evergreen_pool, *about),
            right=Right.RUN,
            key=f"pool:pause:{slug}",
        )


def _save_rhythm(page: PageContext, creator: Creator, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, creator.id)

    def typed(name: str) -> str:
        return str(actions.typed_value(f"{name}:{creator.slug}") or "").strip()

    rhythm = PoolSchedule(
        tuple(map(UUID, actions.typed_value(f"{ACCOUNTS}:{creator.slug}") or ())),
        timedelta(days=int(typed(AGE) or 0)),
        timedelta(days=int(typed(EVERY) or 0)),
        typed(LABEL),
        parse_date(typed(UNTIL)) if typed(UNTIL) else None,
    )
    evergreen_pools.save_pool(scope, creator.id, rhythm)
    return Message("pool.kept")


def _pause_evergreen_pool(
    page: PageContext, creator_id: UUID, pool_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    return Message("pool.paused_now", {"count": evergreen_pools.pause_pool(scope, pool_id)})


def _resume_evergreen_pool(
    page: PageContext, creator_id: UUID, pool_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    evergreen_pools.resume_pool(scope, pool_id)
    return Message("pool.resumed")


def _render_coming_posts(page: PageContext, found: EvergreenView) -> None:
    """Draw the scheduled posts of the queue."""
    zone = found.creator.zone
    times = [(one, to_wall_time(one.due_at, zone)) for one in found.coming]
    draw_template(
        "pages/planning/templates/evergreen_next.html",
        times=times,
        found=found,
        voice=page.localizer,
        word=page.text,
    )


def _render_evergreen_entries(page: PageContext, found: EvergreenView) -> None:
    """Draw the entries of the queue with their text variants."""
    draw_template(
        "shell/templates/note.html",
        note=page.text("pool.inside", count=sum(not one.taken_out for one in found.items)),
    )
    voice = page.localizer.in_zone(found.creator.zone)
    for one in found.items:
        if one.taken_out:
            continue
        with st.container(border=True, key=f"pooled:{one.id}"):
            draw_template(
                "pages/planning/templates/evergreen_entry.html",
                one=one,
                now=found.now,
                voice=voice,
                word=page.text,
            )
            with st.container(horizontal=True, gap="small"):
                _render_wording_form(page, one)
                out = partial(_remove_evergreen_entry, page, one.id)
                actions.action_button(
                    page,
                    "pool.take_out",
                    out,
                    right=Right.RUN,
                    key=f"pool:out:{one.id}",
                    kind="tertiary",
                )


def _render_wording_form(page: PageContext, one: EvergreenEntry) -> None:
    with st.popover(page.text("pool.another")), forms.open_form(page, f"pool:words:{one.id}"):
        draw_template("shell/templates/note.html", note=page.text("pool.another_why"))
        st.text_area(
            page.text("compose.body"), one.wordings[0].body, key=f"{WORDS}:{one.id}", height=120
        )
        forms.show_field_error("words")
        act = partial(_add_wording, page, one.id)
        actions.submit_button(
            page, "pool.another_keep", act, right=Right.RUN, key=f"pool:words:go:{one.id}"
        )


def _add_wording(page: PageContext, entry_id: UUID, scope: Scope, press_id: UUID) -> Message:
    page.get_creator(scope, evergreen_pools.creator_of_pool_entry(scope, entry_id))
    words = str(actions.typed_value(f"{WORDS}:{entry_id}") or "").strip()
    evergreen_pools.add_pool_variant(scope, entry_id, words, key=press_id, author=page.viewer.actor)
    return Message("pool.worded")


def _remove_evergreen_entry(page: PageContext, entry_id: UUID, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, evergreen_pools.creator_of_pool_entry(scope, entry_id))
    return Message("pool.out_now", {"count": evergreen_pools.remove_pool_entry(scope, entry_id)})


def _render_add_form(page: PageContext, found: EvergreenView) -> None:
    """Draw the form that adds a published post."""
    key = f"{POST}:{found.creator.slug}"
    offered = {str(one.post_id): one for one in found.offered}
    if not offered:
        draw_template("shell/templates/note.html", note=page.text("pool.nothing_to_add"))
        return
    with forms.open_form(page, f"pool:add:{found.creator.slug}"):
        st.selectbox(
            page.text("pool.add"),
            list(offered),
            format_func=lambda one: _delivery_label(page, offered[one]),
            key=key,
        )
        act = partial(_add_evergreen_post, page, found.creator.id, key)
        actions.submit_button(
            page, "pool.add_sure", act, right=Right.RUN, key=f"{key}:go", kind="secondary"
        )


def _delivery_label(page: PageContext, one: DeliveryEntry) -> str:
    return (
        f"{page.localizer.format_short_day(one.due_at.date())} – "
        f"{' '.join((one.title or one.body).split())[:70] or '…'}"
    )


def _add_evergreen_post(
    page: PageContext, creator_id: UUID, key: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    post_id = UUID(str(actions.typed_value(key)))
    if page.get_creator(scope, queries.get_stored_post(scope, post_id).creator_id).id != creator_id:
        raise NotFound("post.unknown")
    evergreen_pools.add_post_to_pool(scope, post_id)
    return Message("pool.added")
