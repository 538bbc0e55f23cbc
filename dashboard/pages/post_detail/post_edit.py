"""Edits of a published post: requested once and tracked on each account."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts.accounts import editable_platforms
from dashboard.pages.posts.queries import PostChannel, PostView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from schedules.edits.queries import EditView
from schedules.edits.states import EditState
from schedules.posts.states import DeliveryState
from schedules.publishing import edit_requests
from tenants.agencies.rights import Right

TITLE = "words:title"
BODY = "words:body"
SEEN = "words:seen"
SETTLED = frozenset({"edit.not_there"})


def render_post_edit_form(page: PageContext, found: PostView) -> None:
    """Render the form that edits the published text, or the reason why no account supports
    edits."""
    standing = [place for place in found.places if place.entry.state is DeliveryState.PUBLISHED]
    if not standing:
        return
    able = editable_platforms()
    fixed = [
        place.entry.channel
        for place in standing
        if found.platforms.get(place.entry.channel_id) not in able
    ]
    if len(fixed) == len(standing):
        draw_template("shell/templates/note.html", note=page.text("edit.page.nowhere"))
        return
    with st.expander(page.text("edit.page.open"), icon=":material/edit_note:"):
        draw_template("shell/templates/note.html", note=page.text("edit.page.why"))
        if fixed:
            draw_template(
                "shell/templates/note.html",
                note=page.text("edit.page.not_there", accounts=", ".join(fixed)),
            )
        now = found.post.title, found.post.body
        begun = _load_initial_text(found.post.id, now)
        if begun != now:
            draw_template(
                "pages/posts/templates/changed_text.html",
                now=found.post,
                post_id=found.post.id,
                word=page.text,
            )
        with forms.open_form(page, "words"):
            key = _form_key(found.post.id, begun)
            if now[0]:
                st.text_input(page.text("compose.title"), begun[0], key=f"{TITLE}:{key}")
                forms.show_field_error("title")
            st.text_area(page.text("compose.body"), begun[1], key=f"{BODY}:{key}", height=160)
            forms.show_field_error("body")
            act = partial(
                _request_post_edit, page, found.creator.id, found.post.id, key=key, seen=now
            )
            actions.submit_button(page, "edit.page.ask", act, right=Right.RUN, key="words:ask")


def _load_initial_text(post_id: UUID, now: tuple[str, str]) -> tuple[str, str]:
    """Return the title and text that the form started with. Text that the user has typed is
    retained when the post changes."""
    slot = f"{SEEN}:{post_id}"
    key = _form_key(post_id, st.session_state.get(slot, now))
    typed = (
        st.session_state.get(f"{TITLE}:{key}", now[0]),
        st.session_state.get(f"{BODY}:{key}", now[1]),
    )
    if typed == now:  # The user has not typed anything yet, or the edit was requested.
        st.session_state[slot] = now
    begun: tuple[str, str] = st.session_state[slot]
    return begun


def _form_key(post_id: UUID, begun: tuple[str, str]) -> str:
    return derived_uuid(post_id, *begun).hex[:12]


def _request_post_edit(
    page: PageContext,
    creator_id: UUID,
    post_id: UUID,
    scope: Scope,
    _: UUID,
    *,
    key: str,
    seen: tuple[str, str],
) -> Message:
    page.get_creator(scope, creator_id)
    said = actions.typed_value(f"{TITLE}:{key}"), actions.typed_value(f"{BODY}:{key}")
    asked = edit_requests.request_edit(
        scope,
        post_id,
        title=str(said[0] if seen[0] else ""),
        body=str(said[1] or ""),
        able=editable_platforms(),
        author=scope.actor,
        seen=seen,
    )
    code = "edit.page.asked_yes" if asked.waiting else "edit.page.asked"
    return Message(code, {"who": ", ".join(asked.waiting)} if asked.waiting else {})


def render_post_edit_status(page: PageContext, creator_id: UUID, place: PostChannel) -> None:
    """Render the status of an edit on one account while its text differs from the post, with the
    available actions."""
    last = place.edits[-1] if place.edits else None
    if last is None or not last.is_open:
        return
    draw_template(
        "pages/post_detail/templates/post_edit.html",
        edit=last,
        voice=page.localizer,
        word=page.text,
    )
    if not page.has_right(Right.RUN):
        return
    about = (page, creator_id, place.entry.delivery_id)
    key = f"{last.id}:{last.state}"
    with st.container(horizontal=True, gap="small"):
        if _can_retry_edit(last):
            actions.action_button(
                page,
                "edit.page.again",
                partial(_retry_edit, *about),
                right=Right.RUN,
                key=f"words:again:{key}",
            )
        if last.state is EditState.UNSURE and page.has_right(Right.APPROVE):
            for came, code in ((True, "edit.page.new_stand"), (False, "edit.page.old_stand")):
                act = partial(
                    _resolve_uncertain_edit, *about, came=came, member_id=page.viewer.member.id
                )
                actions.action_button(
                    page, code, act, right=Right.APPROVE, key=f"words:{came}:{key}"
                )
        if last.state in (EditState.WAITING, EditState.DUE, EditState.REFUSED):
            actions.action_button(
                page,
                "edit.page.leave",
                partial(_abandon_edit, *about),
                right=Right.RUN,
                key=f"words:leave:{key}",
            )


def _can_retry_edit(last: EditView) -> bool:
    settled = last.reason is not None and last.reason.code in SETTLED
    return last.state in (EditState.REFUSED, EditState.UNSURE) and not settled


def _retry_edit(
    page: PageContext, creator_id: UUID, delivery_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    edit_requests.retry_edit(scope, delivery_id)
    return Message("edit.page.again_done")


def _abandon_edit(
    page: PageContext, creator_id: UUID, delivery_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    edit_requests.abandon_edit(scope, delivery_id)
    return Message("edit.page.left")


def _resolve_uncertain_edit(
    page: PageContext,
    creator_id: UUID,
    delivery_id: UUID,
    scope: Scope,
    _: UUID,
    *,
    came: bool,
    member_id: UUID,
) -> Message:
    page.get_creator(scope, creator_id)
    edit_requests.resolve_uncertain_edit(scope, delivery_id, came=came, member_id=member_id)
    return Message("edit.page.said")
