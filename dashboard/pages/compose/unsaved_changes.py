"""Leaving the post that is being written: what is new is kept as a draft, or thrown away by a
press, and never lost."""

import hashlib
from dataclasses import replace
from functools import partial
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.pages.compose import draft, timing
from dashboard.pages.compose.draft import (
    CREATOR_KEY,
    CURRENT_DRAFT_KEY,
    EDITED_POST_KEY,
    ID_KEY,
    INITIAL_DRAFT_KEY,
    LEAVE_PROMPT_KEY,
    SAVED_DRAFT_KEY,
    SEEN_VERSION_KEY,
    STORED_FIELDS_KEY,
    build_draft,
    field_text,
)
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from schedules.calendar import unscheduled_drafts
from schedules.drafts import drafts, unsaved_posts
from schedules.drafts.drafts import Draft, draft_of_post
from schedules.drafts.unsaved_posts import UnsavedFields
from schedules.posts.queries import get_stored_post
from tenants.agencies.rights import Right

SAVE_BUTTON_KEY = "compose:keep"
PREFILLED_KEYS = (CREATOR_KEY, draft.WHEN_KEY, draft.DAY_KEY, draft.CLOCK_KEY)
"""What whoever opens the page may have chosen already."""

AS_DRAWN = "compose:as_drawn"
UNSAVED = "compose:unsaved"
"""What stands in the fields of a planned post that is changed, and in those of posts that were left
in the middle."""


def render_leave_button(page: PageContext) -> DeltaGenerator:
    """The press that leads back to the days, and where it asks what becomes of what is new."""
    st.button(
        page.text("calendar.back"),
        icon=":material/arrow_back:",
        on_click=_request_close,
        args=(page,),
    )
    return st.container()


def subject_id() -> UUID:
    """What the text that is written is stored by: the post that is changed, or the new one's
    key."""
    return UUID(field_text(EDITED_POST_KEY) or field_text(ID_KEY))


def restore_stored_fields(page: PageContext) -> None:
    """Fill the fields with what the member had written and not saved, where the page is drawn for
    the first time and was opened without a text of its own."""
    if INITIAL_DRAFT_KEY in st.session_state or not field_text(ID_KEY):
        return
    if edited := field_text(EDITED_POST_KEY):
        act = partial(_load_edited_fields, page, UUID(edited))
    elif _has_text() or field_text(SAVED_DRAFT_KEY):
        return
    else:
        act = partial(_take_new_fields, page, UUID(field_text(ID_KEY)), field_text(CREATOR_KEY))
    found, now = page.read(act)
    if found is None:
        return
    st.session_state[INITIAL_DRAFT_KEY] = draft.build_draft(found.creator_id)
    kept = {ID_KEY, *(one for one in PREFILLED_KEYS if field_text(one))}
    st.session_state.update(
        {name: value for name, value in found.fields.items() if name not in kept}
    )
    if now is None:
        st.session_state.pop(SAVED_DRAFT_KEY, None)
    elif found.seen != _digest(now):
        st.session_state[SEEN_VERSION_KEY] = None  # what it says now was not seen
    else:
        st.session_state[SEEN_VERSION_KEY] = now
    actions.set_notice(Message("aside.change_back"))


def _has_text() -> bool:
    return any(
        st.session_state.get(name)
        for name in (draft.BODY_KEY, draft.TITLE_KEY, draft.MEDIA_KEY, draft.PARTS_KEY)
    )


def _load_edited_fields(
    page: PageContext, post_id: UUID, scope: Scope
) -> tuple[UnsavedFields | None, Draft | None]:
    found = unsaved_posts.load_fields(scope, page.viewer.member.id, post_id)
    return found, _load_content(scope, post_id) if found is not None else None


def _take_new_fields(
    page: PageContext, key: UUID, slug: str, scope: Scope
) -> tuple[UnsavedFields | None, Draft | None]:
    """What was written last of a new post of this creator, or of any where none was chosen."""
    mine = [one for one in page.list_creators(scope) if slug in ("", one.slug)]
    found = unsaved_posts.take_new_fields(
        scope, page.viewer.member.id, key, creators=[one.id for one in mine]
    )
    aside = found.fields.get(SAVED_DRAFT_KEY) if found is not None else None
    return found, _load_content(scope, UUID(aside)) if aside else None


def _load_content(scope: Scope, post_id: UUID) -> Draft | None:
    try:
        return draft_of_post(get_stored_post(scope, post_id)).content_only
    except NotFound:
        return None


def _digest(seen: Draft | None) -> str:
    return "" if seen is None else hashlib.sha256(repr(seen).encode()).hexdigest()


def run_and_forget(
    page: PageContext, subject: UUID, act: actions.PageAction, scope: Scope, press: UUID
) -> Message | None:
    """Act, and forget what was stored of the text that is saved by it."""
    outcome = act(scope, press)
    unsaved_posts.delete_fields(scope, page.viewer.member.id, subject)
    return outcome


def _store_fields(page: PageContext, now: Draft) -> None:
    """Store what is in the fields where it changed, and forget it where there is nothing new."""
    fields = {
        name: st.session_state[name]
        for name in map(str, st.session_state)
        if _is_typed(name) and _can_store(st.session_state[name])
    }
    if not _is_new(now):
        fields = {}
    if fields == st.session_state.get(STORED_FIELDS_KEY, {}):
        return
    st.session_state[STORED_FIELDS_KEY] = fields
    seen = _digest(st.session_state.get(SEEN_VERSION_KEY))
    of = UnsavedFields(subject_id(), now.creator_id, fields, seen)
    is_new = not field_text(EDITED_POST_KEY)
    actions.run_action(partial(_write_fields, page, of, is_new), Right.RUN, STORED_FIELDS_KEY)


def _can_store(value: object) -> bool:
    """Whether a field holds a text, a number, or several texts."""
    several = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    return several or isinstance(value, str | int)


def _write_fields(
    page: PageContext, of: UnsavedFields, is_new: bool, scope: Scope, _press: UUID
) -> None:
    page.get_creator(scope, of.creator_id)
    member_id = page.viewer.member.id
    if of.fields:
        unsaved_posts.store_fields(scope, member_id, of, is_new=is_new)
    else:
        unsaved_posts.delete_fields(scope, member_id, of.subject_id)


def remember_draft(page: PageContext, now: Draft) -> None:
    """What the page says, and what it began with, which alone is nothing new; what is new is
    stored. Fields forget at once what was in them when another page is opened."""
    st.session_state.setdefault(INITIAL_DRAFT_KEY, now)
    st.session_state[CURRENT_DRAFT_KEY] = (_attach_saved_draft_id(now), timing.selected_priority())
    if field_text(EDITED_POST_KEY):
        names = [one for one in map(str, st.session_state) if _is_typed(one)]
        st.session_state[AS_DRAWN] = {one: st.session_state[one] for one in names}
    _store_fields(page, now)


def _is_typed(name: str) -> bool:
    """Whether a name of the session is a field's of what is written; those of buttons begin
    alike."""
    own = {CURRENT_DRAFT_KEY, LEAVE_PROMPT_KEY, STORED_FIELDS_KEY}
    return name in {*draft.ALL_KEYS} - own or name.startswith(
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
            st.button(
                page.text("aside.leave"),
                key="compose:leave",
                on_click=_close_composer,
                args=(page,),
            )


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


def _request_close(page: PageContext) -> None:
    first: Draft | None = st.session_state.get(INITIAL_DRAFT_KEY)
    if first is not None and _is_new(build_draft(first.creator_id)):
        st.session_state[LEAVE_PROMPT_KEY] = True
    else:
        _close_composer(page)


def _dismiss_leave_prompt() -> None:
    st.session_state.pop(LEAVE_PROMPT_KEY, None)


def _close_composer(page: PageContext) -> None:
    if field_text(ID_KEY):
        act = partial(run_and_forget, page, subject_id(), lambda _scope, _press: None)
        actions.run_action(act, Right.RUN, "compose:leave")
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
    saved = partial(run_and_forget, page, subject_id(), act)
    actions.run_action(saved, Right.RUN, SAVE_BUTTON_KEY)
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
