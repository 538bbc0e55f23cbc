"""Bulk decision about held posts of a creator: preview the outcome for each post, then apply it."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts import move_results
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from schedules.rescheduling import held_posts
from schedules.rescheduling.held_posts import HeldPostAction
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right


def render_held_posts(page: PageContext) -> None:
    """Draw one part for each creator with held posts."""
    render_back_button(page)
    st.subheader(page.text("held.title"))
    actions.show_notices(page, "held")
    drawn = [one for one in page.read(page.list_creators) if render_creator_held_posts(page, one)]
    if not drawn:
        draw_template("shell/templates/note.html", note=page.text("held.nothing"))


def render_creator_held_posts(page: PageContext, creator: Creator) -> bool:
    """Draw a creator's held posts and the bulk decision. Return True if there are any."""
    try:
        waiting = page.read(
            lambda scope: held_posts.preview_held_posts(scope, creator.id, HeldPostAction.DROP)
        )
    except GreenroomError as wrong:
        draw_template("shell/templates/note.html", note=page.localizer.message_text(wrong.message))
        return True
    if not waiting.moving:
        return False
    with st.container(border=True):
        chosen = st.radio(
            page.markdown("held.of", name=creator.name, count=len(waiting.moving)),
            list(HeldPostAction),
            format_func=lambda one: page.text(f"held.{one}"),
            key=f"held:how:{creator.id}",
        )
        how = chosen or HeldPostAction.NOW
        shown = page.read(lambda scope: held_posts.preview_held_posts(scope, creator.id, how))
        draw_template(
            "pages/planning/templates/held_posts.html",
            found=shown,
            how=how,
            voice=page.localizer,
            word=page.text,
        )
        act = partial(_resolve_held_posts, page, creator.id, how, shown.seen_versions)
        key = f"held:go:{creator.id}:{how}"
        code = f"held.go_{how}"
        actions.action_button(
            page, code, act, right=Right.RUN, key=key, kind="primary", disabled=not shown.moving
        )
    return True


def _resolve_held_posts(
    page: PageContext,
    creator_id: UUID,
    how: HeldPostAction,
    seen: Mapping[UUID, int],
    scope: Scope,
    _: UUID,
) -> Message:
    page.get_creator(scope, creator_id)
    done = held_posts.resolve_held_posts(scope, creator_id, how, seen=seen)
    told = Message(f"held.done_{how}", {"count": len(done.moving), "left": len(done.left)})
    return move_results.describe_unmoved_posts(page, scope, told, done.left)
