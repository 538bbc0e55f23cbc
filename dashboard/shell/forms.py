"""Forms: what was typed stays until a submission succeeds, and the reason of a refused one stands
beside its field.

Streamlit keeps the value of a widget while a widget with the same key is drawn in every run, and
`clear_on_submit` empties a form before anyone has checked it. So a form is never cleared by its
press: the action says what to empty with `set_on_success`, and keys of fields do not change before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.shell.page_context import PageContext
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message

_REFUSED = "refused:"
_PLACE = "forms:place"


@dataclass
class _Refusal:
    message: Message
    field: str
    """The field that the reason concerns, or "" for the form as a whole."""
    was_drawn: bool = False


@dataclass
class _OpenForm:
    page: PageContext
    key: str
    refusal: _Refusal | None
    is_shown: bool = False


_OPEN: ContextVar[_OpenForm | None] = ContextVar("open_form", default=None)
"""The form that is being drawn."""

_PENDING: ContextVar[dict[str, object] | None] = ContextVar("pending_state", default=None)
"""The values that the running action sets once it has succeeded."""


@contextmanager
def open_form(
    page: PageContext, key: str, *, border: bool = False, enter_to_submit: bool = True
) -> Iterator[None]:
    """Draw a form: its fields take effect together, when its `submit_button` is pressed."""
    form = st.form(key, border=border, enter_to_submit=enter_to_submit)
    with form, _collect_fields(page, key):
        yield


@contextmanager
def open_fields(
    page: PageContext, key: str, *, refused_later: GreenroomError | None = None
) -> Iterator[None]:
    """Draw fields that take effect at once, with the buttons that use them. `refused_later` is the
    reason for which a worker refused what was submitted."""
    with _collect_fields(page, key, refused_later):
        yield


@contextmanager
def _collect_fields(
    page: PageContext, key: str, refused_later: GreenroomError | None = None
) -> Iterator[None]:
    """Show the reason of the last refused press below the form, unless a field has shown it."""
    form = _OpenForm(page, key, st.session_state.get(f"{_REFUSED}{key}"))
    if form.refusal is not None:
        form.refusal.was_drawn = True
    elif refused_later is not None:
        form.refusal = _Refusal(refused_later.message, refused_later.input_field)
    token = _OPEN.set(form)
    try:
        yield
    finally:
        _OPEN.reset(token)
    if form.refusal is not None and not form.is_shown:
        st.error(page.format_notice(form.refusal.message))


def show_field_error(name: str, place: Any = st) -> None:
    """Show the reason of the last refused press if it concerns this field. Call it after the field
    is drawn, with the column that contains it as `place`."""
    form = _OPEN.get()
    if form is None or form.refusal is None or form.refusal.field != name or form.is_shown:
        return
    place.error(form.page.format_notice(form.refusal.message))
    form.is_shown = True


def open_form_key() -> str:
    """Return the key of the form that is being drawn, or "" outside one."""
    form = _OPEN.get()
    return form.key if form is not None else ""


def store_refusal(form_key: str, reason: GreenroomError) -> None:
    """Store the reason of a refused press of a form, until a press succeeds on the page."""
    st.session_state[f"{_REFUSED}{form_key}"] = _Refusal(reason.message, reason.input_field)


def discard_refusals() -> None:
    """Remove the reasons of all forms, after a success that may have removed what they name."""
    for key in [str(key) for key in st.session_state if str(key).startswith(_REFUSED)]:
        del st.session_state[key]


def take_undrawn_refusals() -> list[Message]:
    """Return and remove the reasons that no form has shown, because the form disappeared with the
    press or with another member's change."""
    keys = [str(one) for one in st.session_state if str(one).startswith(_REFUSED)]
    undrawn = [one for one in keys if not st.session_state[one].was_drawn]
    return [st.session_state.pop(one).message for one in undrawn]


def discard_refusals_of_other_pages(place: str) -> None:
    """Remove the reasons of all forms when the member opens another page: Streamlit has then
    removed what was typed."""
    if st.session_state.get(_PLACE) != place:
        discard_refusals()
    st.session_state[_PLACE] = place


def set_on_success(key: str, value: object) -> None:
    """Set a value of the session state, such as "" for a field, once the running action has
    succeeded: its transaction may still fail after this call, and the input must then remain."""
    pending = _PENDING.get()
    if pending is None:
        st.session_state[key] = value
    else:
        pending[key] = value


def last_success(form_key: str, success: object | None) -> str:
    """Return the last `success` of a form whose submissions a worker completes, or "". As a part of
    the keys of its fields it empties them after a success, and only then."""
    name = f"succeeded:{form_key}"
    if success is not None:
        st.session_state[name] = str(success)
    return str(st.session_state.get(name, ""))


@contextmanager
def collect_pending_state() -> Iterator[dict[str, object]]:
    """Collect what `set_on_success` is given by an action, for the caller to set."""
    pending: dict[str, object] = {}
    token = _PENDING.set(pending)
    try:
        yield pending
    finally:
        _PENDING.reset(token)
