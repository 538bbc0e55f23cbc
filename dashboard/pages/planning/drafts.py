"""The list of drafts: edit or delete unscheduled posts."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose import draft
from dashboard.pages.planning.draft_queries import DraftEntry, list_drafts
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.calendar import unscheduled_drafts
from schedules.drafts.drafts import draft_of_post
from schedules.posts import queries
from tenants.agencies.rights import Right


def render_drafts(page: PageContext) -> None:
    """Draw the list."""
    render_back_button(page)
    st.title(page.text("calendar.aside"))
    actions.show_notices(page, "aside")
    now, found = page.read(lambda scope: (scope.now, list_drafts(scope, page.list_creators(scope))))
    if not found:
        draw_template("shell/templates/empty.html", code="aside.none", word=page.text)
    for one in found:
        _render_draft(page, one, now)


def _render_draft(page: PageContext, one: DraftEntry, now: datetime) -> None:
    post_id = one.aside.post.id
    with st.container(border=True, key=f"aside:{post_id}"):
        draw_template(
            "pages/planning/templates/draft.html",
            one=one,
            now=now,
            voice=page.localizer.in_zone(one.creator.zone),
            word=page.text,
        )
        if one.aside.labels:
            draw_template(
                "pages/posts/templates/labels.html", labels=one.aside.labels, voice=page.localizer
            )
        with st.container(horizontal=True, gap="small"):
            labels = [each.id for each in one.aside.labels]
            st.button(
                page.text("aside.go_on"),
                icon=":material/edit:",
                key=f"aside:on:{post_id}",
                on_click=_resume_draft,
                args=(one, labels),
            )
            with st.popover(page.text("aside.throw")):
                draw_template("shell/templates/note.html", note=page.text("aside.throw_asked"))
                act = partial(_delete_draft, page, post_id)
                actions.action_button(
                    page, "aside.throw_sure", act, right=Right.RUN, key=f"aside:off:{post_id}"
                )


def _resume_draft(one: DraftEntry, labels: Sequence[UUID]) -> None:
    """Load a draft into the composer; runs in a callback."""
    post = one.aside.post
    draft.copy_post(post, one.there, one.creator.slug, labels=labels)
    st.session_state.update(
        {
            draft.SAVED_DRAFT_KEY: str(post.id),
            draft.SEEN_VERSION_KEY: draft_of_post(post).content_only,
        }
    )


def _delete_draft(page: PageContext, post_id: UUID, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, queries.get_stored_post(scope, post_id).creator_id)
    unscheduled_drafts.delete_draft(scope, post_id)
    return Message("aside.thrown")
