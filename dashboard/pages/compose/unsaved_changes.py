"""Unsaved changes of the composer: when the user leaves, new content is saved as a draft or
discarded on request, and never lost."""

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
    OTHER_VERSION_KEY,
    SAVED_DRAFT_KEY,
    SEEN_VERSION_KEY,
    STORED_FIELDS_KEY,
    STORED_VERSION_KEY,
    build_draft,
    field_text,
)
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from schedules.calendar import unscheduled_drafts
from schedules.drafts import drafts, unsaved_posts
from schedules.drafts.drafts import Draft, draft_of_post
from schedules.drafts.unsaved_posts import NOT_STORED, UnsavedFields
from schedules.posts.queries import get_stored_post, post_ids_by_origin_key
from schedules.posts.states import DASHBOARD_ORIGIN
from tenants.agencies.rights import Right

SAVE_BUTTON_KEY = "compose:keep"
PREFILLED_KEYS = (CREATOR_KEY, draft.WHEN_KEY, draft.DAY_KEY, draft.CLOCK_KEY)
"""Fields that a link to the composer may prefill."""

AS_DRAWN = "compose:as_drawn"
UNSAVED = "compose:unsaved"
"""Field values of the edited post as last rendered, and those of edited posts that were left
without saving."""


def render_leave_button(page: PageContext) -> DeltaGenerator:
    """Render the Back button. Return the container for the prompt about unsaved changes."""
    st.button(
        page.text("calendar.back"),
        icon=":material/arrow_back:",
        on_click=_request_close,
        args=(page,),
    )
    return st.container()


def subject_id() -> UUID:
    """Return the key of the stored fields: the edited post, or the key of the new post."""
    return UUID(field_text(EDITED_POST_KEY) or field_text(ID_KEY))


def restore_stored_fields(page: PageContext) -> None:
    """Restore the member's unsaved fields on the first render, unless the composer was opened with
    content."""
    if INITIAL_DRAFT_KEY in st.session_state or not field_text(ID_KEY):
        return
    if edited := field_text(EDITED_POST_KEY):
        act = partial(_load_edited_fields, page, UUID(edited))
    elif _has_text() or field_text(SAVED_DRAFT_KEY):
        return
    else:
        act = partial(_find_new_fields, page, field_text(CREATOR_KEY))
    found, now = page.read(act)
    if found is None:
        return
    st.session_state[INITIAL_DRAFT_KEY] = draft.build_draft(found.creator_id)
    kept = {ID_KEY, *(one for one in PREFILLED_KEYS if field_text(one))}
    st.session_state.update(
        {name: value for name, value in found.fields.items() if name not in kept}
    )
    if not field_text(EDITED_POST_KEY):  # Windows of one draft share its key: it is created once.
        st.session_state[ID_KEY] = str(found.subject_id)
    st.session_state[STORED_VERSION_KEY] = found.version
    st.session_state[STORED_FIELDS_KEY] = None
    if now is None:
        st.session_state.pop(SAVED_DRAFT_KEY, None)
    elif found.seen != _digest(now):
        st.session_state[SEEN_VERSION_KEY] = None  # The user has not seen the current content.
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


def _find_new_fields(
    page: PageContext, slug: str, scope: Scope
) -> tuple[UnsavedFields | None, Draft | None]:
    """Return the latest unsaved fields of a new post of the creator, or of any creator if none is
    selected."""
    mine = [one for one in page.list_creators(scope) if slug in ("", one.slug)]
    found = unsaved_posts.find_new_fields(
        scope, page.viewer.member.id, creators=[one.id for one in mine]
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
    """Perform an action that saves or discards the text, then delete the stored fields."""
    outcome = act(scope, press)
    unsaved_posts.delete_fields(scope, page.viewer.member.id, subject)
    return outcome


def require_current_fields(page: PageContext, scope: Scope, written: Draft) -> None:
    """Raise Conflict if another window has stored a later version of the draft, or has scheduled or
    discarded it.

    A repeated press finds the post that the first one created with the same content, and succeeds.
    """
    shown = actions.typed_value(STORED_VERSION_KEY) or NOT_STORED
    if unsaved_posts.load_version(scope, page.viewer.member.id, subject_id()) == shown:
        return
    key = field_text(ID_KEY)
    edited = field_text(EDITED_POST_KEY)
    made = UUID(edited) if edited else post_ids_by_origin_key(scope, DASHBOARD_ORIGIN, key).get(key)
    if made is None or draft_of_post(get_stored_post(scope, made)).body != written.body:
        raise Conflict("aside.changed_elsewhere")


def _store_fields(page: PageContext, now: Draft) -> None:
    """Store changed fields. Delete the stored fields if the draft contains nothing new."""
    fields = {
        name: st.session_state[name]
        for name in map(str, st.session_state)
        if _is_typed(name) and _can_store(st.session_state[name])
    }
    if not _is_new(now):
        fields = {}
    before = st.session_state.get(STORED_FIELDS_KEY, {})
    if OTHER_VERSION_KEY in st.session_state or fields == before:
        return
    st.session_state[STORED_FIELDS_KEY] = fields
    if before is None:  # They were just read, and drawing only adds default values.
        return
    seen = _digest(st.session_state.get(SEEN_VERSION_KEY))
    shown = st.session_state.get(STORED_VERSION_KEY, NOT_STORED)
    of = UnsavedFields(subject_id(), now.creator_id, fields, seen, shown)
    is_new = not field_text(EDITED_POST_KEY)
    actions.run_action(partial(_write_fields, page, of, is_new), Right.RUN, STORED_FIELDS_KEY)


def _can_store(value: object) -> bool:
    """Return True if the value is a text, a number or a list of texts."""
    several = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    return several or isinstance(value, str | int)


def _write_fields(
    page: PageContext, of: UnsavedFields, is_new: bool, scope: Scope, _press: UUID
) -> None:
    page.get_creator(scope, of.creator_id)
    member_id = page.viewer.member.id
    if of.fields:
        version = unsaved_posts.store_fields(scope, member_id, of, is_new=is_new)
        if version is None:  # Another window was faster. The next run compares both.
            st.session_state[OTHER_VERSION_KEY] = NOT_STORED
        else:
            st.session_state[STORED_VERSION_KEY] = version
    else:
        unsaved_posts.delete_fields(scope, member_id, of.subject_id)
        st.session_state[STORED_VERSION_KEY] = NOT_STORED


def remember_draft(page: PageContext, now: Draft) -> None:
    """Record the initial and the current draft, and store new content. Streamlit discards the
    values of fields as soon as another page is opened."""
    st.session_state.setdefault(INITIAL_DRAFT_KEY, now)
    st.session_state[CURRENT_DRAFT_KEY] = (_attach_saved_draft_id(now), timing.selected_priority())
    if field_text(EDITED_POST_KEY):
        names = [one for one in map(str, st.session_state) if _is_typed(one)]
        st.session_state[AS_DRAWN] = {one: st.session_state[one] for one in names}
    _store_fields(page, now)


def _is_typed(name: str) -> bool:
    """Return True if the session key is a field of the draft. Keys of buttons have the same
    prefixes."""
    own = {
        CURRENT_DRAFT_KEY,
        LEAVE_PROMPT_KEY,
        STORED_FIELDS_KEY,
        STORED_VERSION_KEY,
        OTHER_VERSION_KEY,
    }
    return name in {*draft.ALL_KEYS} - own or name.startswith(
        (draft.PART_PREFIX, draft.OVERRIDE_PREFIX)
    )


def is_typed_since_drawn() -> bool:
    """Return True if the content differs from that of the last complete run."""
    drawn: tuple[Draft, int] = st.session_state[CURRENT_DRAFT_KEY]
    now = current_draft(drawn[0].creator_id)
    return replace(now, late=None) != replace(drawn[0], late=None)


def clear_typed_fields() -> None:
    """Remove the values of all fields that are stored."""
    for name in map(str, list(st.session_state)):
        if _is_typed(name) and _can_store(st.session_state[name]):
            st.session_state.pop(name)


def render_leave_prompt(page: PageContext, creator_id: UUID, *, uploads: bool) -> None:
    """Render the prompt about unsaved changes if the user requested to leave."""
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
    """Render the button that saves a draft. It is disabled while uploads are in progress."""
    st.button(
        page.text("aside.keep"),
        key=key,
        disabled=uploads,
        on_click=_save_and_close,
        args=(page, creator_id),
    )


def save_abandoned_draft(page: PageContext, opened: str) -> None:
    """Save new content if the user has opened another page: as a draft, or in the session for an
    edited post. Call it before the other page is rendered."""
    asked = st.query_params.to_dict()
    if not field_text(ID_KEY) or (
        opened == "calendar"
        and asked.get("new")
        and asked.get("rework", "") == field_text(EDITED_POST_KEY)
    ):
        return
    said, priority = st.session_state.get(CURRENT_DRAFT_KEY) or (None, 0)
    if said is not None and _is_new(said) and field_text(EDITED_POST_KEY):
        stored = {STORED_VERSION_KEY: st.session_state.get(STORED_VERSION_KEY, NOT_STORED)}
        st.session_state.setdefault(UNSAVED, {})[field_text(EDITED_POST_KEY)] = {
            **st.session_state[AS_DRAWN],
            **stored,
        }
        actions.set_notice(Message("aside.change_waits"))
    elif said is not None and _is_new(said):
        _save_as_draft(page, said, priority)
    draft.clear_draft()


def restore_changes(post_id: UUID) -> None:
    """Restore unsaved changes of a scheduled post. Call it after its fields are filled."""
    unsaved = st.session_state.get(UNSAVED, {}).pop(str(post_id), None)
    if unsaved is not None:
        st.session_state.update(unsaved)
        actions.set_notice(Message("aside.change_back"))


def current_draft(creator_id: UUID) -> Draft:
    """Return the current draft, which replaces the saved draft that it continues."""
    return _attach_saved_draft_id(build_draft(creator_id))


def _attach_saved_draft_id(now: Draft) -> Draft:
    aside = field_text(SAVED_DRAFT_KEY)
    return replace(now, post_id=UUID(aside) if aside else None)


def _is_new(now: Draft) -> bool:
    """Return True if the draft differs from the initial one. The maximum delay is ignored, because
    rendering fills it."""
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
    """Save the draft without a time and without deliveries, once even if the user clicks several
    times."""
    if field_text(ID_KEY) and _save_as_draft(
        page, current_draft(creator_id), timing.selected_priority()
    ):
        draft.clear_draft()
        st.query_params.from_dict({"aside": "1"})


def _save_as_draft(page: PageContext, said: Draft, priority: int) -> bool:
    """Save the draft. Return True if it is stored."""
    made: list[UUID] = []
    act = partial(_write_draft, page, said, (UUID(field_text(ID_KEY)), priority), made)
    actions.run_action(act, Right.RUN, SAVE_BUTTON_KEY)
    return bool(made) and f"press:{SAVE_BUTTON_KEY}" not in st.session_state


def _write_draft(
    page: PageContext, said: Draft, how: tuple[UUID, int], made: list[UUID], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, said.creator_id)
    key, priority = how
    try:
        require_current_fields(page, scope, said)
    except Conflict:  # Both texts stay: this one as a draft of its own.
        key = uuid7()
    else:
        unsaved_posts.delete_fields(scope, page.viewer.member.id, subject_id())
    apart = key != how[0] or not is_unchanged(scope, said)
    said = replace(said, post_id=None) if apart else said
    made.append(
        drafts.write_draft(scope, said, key=key, author=page.viewer.actor, priority=priority)
    )
    return Message("aside.kept_apart" if apart else "aside.kept")


def is_unchanged(scope: Scope, said: Draft) -> bool:
    """Return True if the continued draft has not changed since it was opened, or if there
    is none."""
    return said.post_id is None or unscheduled_drafts.is_draft_unchanged(
        scope, said.post_id, st.session_state[SEEN_VERSION_KEY]
    )
