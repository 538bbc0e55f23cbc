"""Leaving the post that is being written: what is new is kept as a draft, or thrown away by a
press, and never lost."""

from dataclasses import replace
from functools import partial
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.pages.compose import draft, timing
from dashboard.pages.compose.draft import (
    CURRENT_DRAFT_KEY,
    EDITED_POST_KEY,
    ID_KEY,
    INITIAL_DRAFT_KEY,
    LEAVE_PROMPT_KEY,
    SAVED_DRAFT_KEY,
    SEEN_VERSION_KEY,
    build_draft,
    field_text,
)
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.calendar import unscheduled_drafts
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from tenants.agencies.rights import Right

SAVE_BUTTON_KEY = "compose:keep"
AS_DRAWN = "compose:as_drawn"
UNSAVED = "compose:unsaved"
"""What stands in the fields of a planned post that is changed, and in those of posts that were left
in the middle."""


def render_leave_button(page: PageContext) -> DeltaGenerator:
    """The press that leads back to the days, and where it asks what becomes of what is new."""
    st.button(page.text("calendar.back"), icon=":material/arrow_back:", on_click=_request_close)
    return st.container()


def remember_draft(now: Draft) -> None:
    """What the page says, and what it began with, which alone is nothing new. Fields forget at once
    what was in them when another page is opened."""
    st.session_state.setdefault(INITIAL_DRAFT_KEY, now)
    st.session_state[CURRENT_DRAFT_KEY] = (_attach_saved_draft_id(now), timing.selected_priority())
    if field_text(EDITED_POST_KEY):
        names = [one for one in map(str, st.session_state) if _is_typed(one)]
        st.session_state[AS_DRAWN] = {one: st.session_state[one] for one in names}


def _is_typed(name: str) -> bool:
    """Whether a name of the session is a field's of what is written; those of buttons begin
    alike."""
    return name in {*draft.ALL_KEYS} - {CURRENT_DRAFT_KEY, LEAVE_PROMPT_KEY} or name.startswith(
        (draft.PART_PREFIX, draft.OVERRIDE_PREFIX)
    )


def render_leave_prompt(page: PageContext, creator_id: UUID, *, uploads: bool) -> None:
    """The question of the press that leads back."""
    if not st.session_state.get(LEAVE_PROMPT_KEY):
        return
    with st.container(border=True, key="compose:asked"):
        draw_template(
            "shell/templates/note.html",
            note=page.text(
                "aside.leave_change" if field_text(EDITED_POST_KEY) else "aside.leave_asked"
            ),
        )
        with st.container(horizontal=True, gap="small"):
            st.button(
                page.text("aside.stay"),
                key="compose:stay",
                type="primary",
                on_click=_dismiss_leave_prompt,
            )
            if not field_text(EDITED_POST_KEY):
                render_save_button(page, creator_id, key="compose:keep_first", uploads=uploads)
            st.button(page.text("aside.leave"), key="compose:leave", on_click=_close_composer)


def render_save_button(
    page: PageContext, creator_id: UUID, *, key: str = SAVE_BUTTON_KEY, uploads: bool
) -> None:
    """The press that puts it aside; pictures that are on their way have to arrive first."""
    st.button(
        page.text("aside.keep"),
        key=key,
        disabled=uploads,
        on_click=_save_and_close,
        args=(page, creator_id),
    )


def save_abandoned_draft(page: PageContext, opened: str) -> None:
    """Where another page was opened over it, of another post too, keep what is new before it is
    drawn: as a draft, or, of a planned post, until it is changed again."""
    asked = st.query_params.to_dict()
    if not field_text(ID_KEY) or (
        opened == "calendar"
        and asked.get("new")
        and asked.get("rework", "") == field_text(EDITED_POST_KEY)
    ):
        return
    said, priority = st.session_state.get(CURRENT_DRAFT_KEY) or (None, 0)
    if said is not None and _is_new(said) and field_text(EDITED_POST_KEY):
        st.session_state.setdefault(UNSAVED, {})[field_text(EDITED_POST_KEY)] = st.session_state[
            AS_DRAWN
        ]
        actions.set_notice(Message("aside.change_waits"))
    elif said is not None and _is_new(said):
        _save_as_draft(page, said, priority)
    draft.clear_draft()


def restore_changes(post_id: UUID) -> None:
    """Put what was changed in a planned post, and not saved, into its fields again; call it once
    they are filled."""
    unsaved = st.session_state.get(UNSAVED, {}).pop(str(post_id), None)
    if unsaved is not None:
        st.session_state.update(unsaved)
        actions.set_notice(Message("aside.change_back"))


def current_draft(creator_id: UUID) -> Draft:
    """What is written now; of a post that was put aside, it goes on with that one."""
    return _attach_saved_draft_id(build_draft(creator_id))


def _attach_saved_draft_id(now: Draft) -> Draft:
    aside = field_text(SAVED_DRAFT_KEY)
    return replace(now, post_id=UUID(aside) if aside else None)


def _is_new(now: Draft) -> bool:
    """Whether there is anything that it did not begin with. How late it may leave is filled in as
    it is drawn."""
    first: Draft = st.session_state[INITIAL_DRAFT_KEY]
    return not now.is_empty and replace(now, late=None, post_id=None) != replace(first, late=None)


def _request_close() -> None:
    first: Draft | None = st.session_state.get(INITIAL_DRAFT_KEY)
    if first is not None and _is_new(build_draft(first.creator_id)):
        st.session_state[LEAVE_PROMPT_KEY] = True
    else:
        _close_composer()


def _dismiss_leave_prompt() -> None:
    st.session_state.pop(LEAVE_PROMPT_KEY, None)


def _close_composer() -> None:
    draft.clear_draft()
    st.query_params.clear()


def _save_and_close(page: PageContext, creator_id: UUID) -> None:
    """Put it aside as it is, however often it is pressed: without a time, and on no account yet."""
    if field_text(ID_KEY) and _save_as_draft(
        page, current_draft(creator_id), timing.selected_priority()
    ):
        draft.clear_draft()
        st.query_params.from_dict({"aside": "1"})


def _save_as_draft(page: PageContext, said: Draft, priority: int) -> bool:
    """Whether it stands among the drafts now."""
    made: list[UUID] = []
    act = partial(_write_draft, page, said, (UUID(field_text(ID_KEY)), priority), made)
    actions.run_action(act, Right.RUN, SAVE_BUTTON_KEY)
    return bool(made) and f"press:{SAVE_BUTTON_KEY}" not in st.session_state


def _write_draft(
    page: PageContext, said: Draft, how: tuple[UUID, int], made: list[UUID], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, said.creator_id)
    key, priority = how
    apart = not is_unchanged(scope, said)
    said = replace(said, post_id=None) if apart else said
    made.append(
        drafts.write_draft(scope, said, key=key, author=page.viewer.actor, priority=priority)
    )
    return Message("aside.kept_apart" if apart else "aside.kept")


def is_unchanged(scope: Scope, said: Draft) -> bool:
    """Whether the draft that is gone on with is as it was when it was opened, or there is none."""
    return said.post_id is None or unscheduled_drafts.is_draft_unchanged(
        scope, said.post_id, st.session_state[SEEN_VERSION_KEY]
    )
