"""The label manager: create, change and delete labels, and assign them to several posts."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.calendar.label_queries import LabelsView, load_labels
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.pages.posts.labels import get_label_filter, render_label_filter
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from schedules.posts import labels
from schedules.posts.labels import COLOURS, MAX_LABEL_NAME_LENGTH, Label
from tenants.agencies.rights import Right

NEW, COLOUR, PICK, WHICH, SHOWN = (
    f"labels:{name}" for name in ("new", "colour", "pick:", "which", "shown")
)
FEW = 50
"""Number of posts listed at first, and added with each "Show more"."""


def render_label_manager(page: PageContext) -> None:
    """Render the label manager."""
    render_back_button(page)
    st.title(page.text("post_label.labels"))
    actions.show_notices(page, "labels")
    if not page.has_right(Right.RUN):
        return
    found = page.read(
        lambda scope: load_labels(scope, page.list_creators(scope), get_label_filter())
    )
    draw_template("shell/templates/note.html", note=page.text("post_label.what"))
    with (
        forms.open_fields(page, NEW),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input(
            page.text("post_label.name"), key=NEW, max_chars=MAX_LABEL_NAME_LENGTH, width=280
        )
        forms.show_field_error("name")
        _render_colour_select(page, COLOUR)
        actions.action_button(
            page,
            "post_label.make",
            _create_label,
            right=Right.RUN,
            key="labels:make",
            kind="primary",
        )
    for one in found.known:
        _render_label(page, one)
    if found.known:
        _render_bulk_labels(page, found)


def _render_colour_select(page: PageContext, key: str) -> None:
    st.selectbox(
        page.text("post_label.colour"),
        COLOURS,
        format_func=partial(_colour_name, page),
        key=key,
        width=140,
    )


def _colour_name(page: PageContext, colour: str) -> str:
    return page.text(f"post_label.colour.{colour}")


def _create_label(scope: Scope, _: UUID) -> Message:
    labels.create_label(
        scope, str(actions.typed_value(NEW) or ""), str(actions.typed_value(COLOUR) or COLOURS[0])
    )
    return Message("post_label.made")


def _render_label(page: PageContext, one: Label) -> None:
    """Render a label with the form that changes it."""
    key = f"labels:{one.id}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_template("pages/posts/templates/labels.html", labels=[one], voice=page.localizer)
        with st.popover(page.text("post_label.change")), forms.open_fields(page, key):
            for field, value in (("name", one.name), ("colour", one.colour)):
                st.session_state.setdefault(f"{key}:{field}", value)
            st.text_input(
                page.text("post_label.name"), key=f"{key}:name", max_chars=MAX_LABEL_NAME_LENGTH
            )
            forms.show_field_error("name")
            _render_colour_select(page, f"{key}:colour")
            actions.action_button(
                page,
                "post_label.save",
                partial(_update_label, one.id),
                right=Right.RUN,
                key=f"{key}:save",
            )
            draw_template("shell/templates/note.html", note=page.text("post_label.remove_what"))
            actions.action_button(
                page,
                "post_label.remove",
                partial(_delete_label, page, one.id),
                right=Right.RUN,
                key=f"{key}:off",
            )


def _update_label(label_id: UUID, scope: Scope, _: UUID) -> Message:
    name, colour = (
        str(actions.typed_value(f"labels:{label_id}:{field}") or "") for field in ("name", "colour")
    )
    labels.update_label(scope, label_id, name=name, colour=colour)
    return Message("post_label.saved")


def _delete_label(page: PageContext, label_id: UUID, scope: Scope, _: UUID) -> Message:
    posts = labels.delete_label(
        scope, label_id, creators={one.id for one in page.list_creators(scope)}
    )
    return Message("post_label.removed", {"count": posts})


def _render_bulk_labels(page: PageContext, found: LabelsView) -> None:
    """Render each post with a checkbox, and the buttons that add a label to the selected posts or
    remove it."""
    st.subheader(page.text("post_label.several"))
    render_label_filter(page)
    shown = found.posts[: int(st.session_state.get(SHOWN, FEW))]
    for turn in shown:
        words = " ".join(turn.words.split())[:80] or "…"
        label = page.markdown(
            "post_label.mark",
            day=f"{turn.local_time:%d/%m/%Y %H:%M}",
            creator=turn.creator.name,
            post=words,
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.checkbox(label, key=f"{PICK}{turn.post_id}", wrap=True)
            if has := found.labels.get(turn.post_id):
                draw_template("pages/posts/templates/labels.html", labels=has, voice=page.localizer)
    if not shown:
        draw_template("shell/templates/note.html", note=page.text("post_label.no_posts"))
        return
    if len(found.posts) > len(shown):
        st.button(page.text("post_label.more"), key="labels:more", on_click=_show_more_posts)
    posts = [one.post_id for one in shown]
    known = {str(one.id): one for one in found.known}
    if st.session_state.get(WHICH) not in known:
        st.session_state[WHICH] = next(iter(known))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            page.text("post_label.label"),
            list(known),
            format_func=lambda one: known[one].name,
            key=WHICH,
        )
        give = partial(_add_label_to_selected, page, posts)
        take = partial(_remove_label_from_selected, page, posts)
        actions.action_button(
            page, "post_label.give", give, right=Right.RUN, key="labels:give", kind="primary"
        )
        actions.action_button(page, "post_label.take", take, right=Right.RUN, key="labels:take")


def _show_more_posts() -> None:
    st.session_state[SHOWN] = int(st.session_state.get(SHOWN, FEW)) + FEW


def _get_selected_posts(posts: Sequence[UUID]) -> list[UUID]:
    found = [one for one in posts if actions.typed_value(f"{PICK}{one}")]
    if not found:
        raise BadInput("post_label.none_marked")
    return found


def _add_label_to_selected(
    page: PageContext, posts: Sequence[UUID], scope: Scope, _: UUID
) -> Message:
    which = UUID(str(actions.typed_value(WHICH)))
    creators = {one.id for one in page.list_creators(scope)}
    return Message(
        "post_label.given",
        {
            "count": labels.add_label_to_posts(
                scope, _get_selected_posts(posts), which, creators=creators
            )
        },
    )


def _remove_label_from_selected(
    page: PageContext, posts: Sequence[UUID], scope: Scope, _: UUID
) -> Message:
    which = UUID(str(actions.typed_value(WHICH)))
    creators = {one.id for one in page.list_creators(scope)}
    return Message(
        "post_label.taken_off",
        {
            "count": labels.remove_label_from_posts(
                scope, _get_selected_posts(posts), which, creators=creators
            )
        },
    )
