"""Actions of pages: a button press calls one function once, as the member who is signed in now."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import UUID

import streamlit as st
import structlog
from sqlalchemy.exc import OperationalError, TimeoutError

from dashboard.shell import forms, page_context, pending_counts
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import Conflict, GreenroomError, NotFound, about_input
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.clock import monotonic
from tenants import audit
from tenants.agencies.rights import Right, require_right

T = TypeVar("T")

PageAction = Callable[[Scope, UUID], Message | None]
"""A function that performs an action in its transaction. The ID is the same for each repeat of a
press and serves as an idempotency key. Returns the notice to show, or raises GreenroomError with
the reason."""

BatchAction = Callable[[PageContext], Message | None]
"""A function that acts on several items, each in a transaction of its own, so that the refusal of
one does not undo the others. It records them in the audit log. Returns the notice to show, or
raises GreenroomError if it did nothing."""

NOTICE_SECONDS = 20.0
"""Seconds for which a notice remains on its page, across redraws."""

MAX_ABOUT = 120
"""Maximum length of the subject of an entry of the audit log."""
UNAVAILABLE = (OperationalError, TimeoutError)
"""Errors of a database that cannot be reached, or of a pool without a free connection."""

CHANGED_ELSEWHERE = (Conflict, NotFound)
"""Errors of a press on something that was changed or removed before it. Its form may be gone, so
the reason stands at the top of the page, unless it concerns an input."""

REPEAT_SECONDS = 2.0
"""Seconds after a successful press in which the same press with the same text is a double click."""

_TOLD = "told"
_READ = "read"
_CLEARED = "cleared:"
_UNKEPT = re.compile(r"[\x00\ud800-\udfff]")


def action_button(
    page: PageContext,
    code: str,
    act: PageAction,
    *,
    right: Right,
    key: str,
    kind: Literal["primary", "secondary", "tertiary"] = "secondary",
    params: dict[str, str | int] | None = None,
    disabled: bool = False,
    shortcut: str | None = None,
    icon: str | None = None,
) -> bool:
    """Draw a button labeled with the message `code` that runs `act` in its callback. Return True if
    it was pressed in this run.

    The reason of a refused press is drawn in the form that contains the button (`forms`), else as
    a notice at the top of the page.
    """
    return st.button(
        page.text(code, **(params or {})),
        key=key,
        type=kind,
        disabled=disabled,
        shortcut=shortcut,
        icon=icon,
        on_click=run_action,
        args=(act, right, key),
        kwargs={"label": code, "params": params, "form": forms.open_form_key()},
    )


def batch_button(
    page: PageContext,
    code: str,
    act: BatchAction,
    *,
    right: Right,
    key: str,
    params: dict[str, str | int] | None = None,
    disabled: bool = False,
    icon: str | None = None,
) -> bool:
    """Draw the primary button of an action on several items. Return True if it was pressed in this
    run."""
    return st.button(
        page.text(code, **(params or {})),
        key=key,
        type="primary",
        disabled=disabled,
        icon=icon,
        on_click=run_batch_action,
        args=(act, right, key),
        kwargs={"form": forms.open_form_key()},
    )


def submit_button(
    page: PageContext,
    code: str,
    act: PageAction,
    *,
    right: Right,
    key: str,
    kind: Literal["primary", "secondary", "tertiary"] = "primary",
    disabled: bool = False,
) -> bool:
    """Draw the submit button of a form (inside `forms.open_form`). Return True if it was pressed in
    this run. Use `typed_value` in `act` to read inputs, `forms.set_on_success` to empty them."""
    return st.form_submit_button(
        page.text(code),
        key=key,
        type=kind,
        disabled=disabled,
        on_click=run_action,
        args=(act, right, key),
        kwargs={"label": code, "form": forms.open_form_key()},
    )


def run_action(
    act: PageAction,
    right: Right,
    key: str,
    *,
    label: str = "",
    params: dict[str, str | int] | None = None,
    form: str = "",
) -> None:
    """Run an action as a button callback: check the session and the right again, act once, and
    store the notice.

    The ID of a press is retained until the action succeeds, so that a retry after a failure counts
    as the same press. Streamlit may start a repeated press in another thread while the first is
    still running; the lock makes it wait. A press with a `label`, the message code of the button,
    is recorded in the audit log if the action records nothing itself. `form` is the key of the form
    that shows the reason of a refusal.
    """

    def act_once(page: PageContext, press_id: UUID) -> Message | None:
        with page.scope() as scope:
            scope.lock(f"press:{press_id}")
            said = act(scope, press_id)
            if label:
                audit.record_press(scope, label, f"button:{key}"[:MAX_ABOUT], params)
        return said

    _run_press(act_once, right, key, form)


def has_succeeded(key: str) -> bool:
    """Return True if the last press with this key succeeded: its ID is retained until then."""
    return f"press:{key}" not in st.session_state


def run_batch_action(act: BatchAction, right: Right, key: str, *, form: str = "") -> None:
    """Run an action on several items as a button callback. No transaction is open outside those of
    its items: it would occupy a second connection."""
    _run_press(lambda page, _: act(page), right, key, form)


def _run_press(
    act: Callable[[PageContext, UUID], Message | None], right: Right, key: str, form: str
) -> None:
    page = page_context.current_page()
    if page is None:
        return
    cleared_form: _ClearedForm | None = st.session_state.get(f"{_CLEARED}{key}")
    if cleared_form is not None and cleared_form.is_submitted_again():
        return
    slot = f"press:{key}"
    press_id = st.session_state.setdefault(slot, uuid7())
    st.session_state[_READ] = set()
    try:
        require_right(page.viewer.member.role, right)
        with forms.collect_pending_state() as pending:
            said = act(page, press_id)
    except GreenroomError as refused:
        if cleared_form is not None and cleared_form.is_unchanged():
            st.session_state.pop(slot, None)
        elif form and (refused.input_field or not isinstance(refused, CHANGED_ELSEWHERE)):
            forms.store_refusal(form, refused)
            st.session_state[_TOLD] = _unshown_notices()
        else:
            set_notice(refused.message, bad=True, key=key)
        return
    except UNAVAILABLE as away:
        structlog.get_logger("dashboard").warning("dashboard.act_failed", error=type(away).__name__)
        set_notice(Message("dashboard.not_done"), bad=True)
        return
    pending_counts.discard_counts(page.viewer.tenant_id)
    st.session_state.pop(slot, None)
    forms.discard_refusals()
    st.session_state[_TOLD] = [
        note for note in st.session_state.get(_TOLD, []) if not (note.bad and note.key == key)
    ]
    _record_cleared_form(key, pending)
    for name, value in pending.items():
        st.session_state[name] = value
    if said is not None:
        set_notice(said)


@dataclass(frozen=True)
class _ClearedForm:
    """The fields that a successful press has read, before and after it cleared some."""

    submitted: dict[str, Any]
    cleared: dict[str, Any]
    at: float

    def is_submitted_again(self) -> bool:
        """Return True for a double click before the browser received the cleared fields."""
        return (
            monotonic() - self.at < REPEAT_SECONDS
            and {name: typed_value(name) for name in self.submitted} == self.submitted
        )

    def is_unchanged(self) -> bool:
        """Return True if nothing has been entered since."""
        return {name: typed_value(name) for name in self.cleared} == self.cleared


def _record_cleared_form(key: str, pending: dict[str, object]) -> None:
    """Record which fields a successful press clears. A second press of the same button, before
    anything in the form changes, is a double click: it is not refused for the text that is missing
    now."""
    fields = {name for name, value in pending.items() if value == "" and name in st.session_state}
    read = st.session_state.pop(_READ, set())
    if not fields:
        st.session_state.pop(f"{_CLEARED}{key}", None)
        return
    submitted = {name: typed_value(name) for name in read | fields}
    cleared = submitted | dict.fromkeys(fields, "")
    st.session_state[f"{_CLEARED}{key}"] = _ClearedForm(submitted, cleared, monotonic())


def typed_value(key: str) -> Any:
    """Return the current value of an input, without characters that PostgreSQL cannot store (NUL,
    lone surrogates).

    Call it inside the action, because values read while drawing may be outdated.
    """
    value = st.session_state.get(key)
    if _READ in st.session_state:
        st.session_state[_READ].add(key)
    return _UNKEPT.sub("", value) if isinstance(value, str) else value


def parse_field(key: str, field: str, parse: Callable[[str], T]) -> T:
    """Return the text of an input as `parse` reads it. Errors concern `field`."""
    with about_input(field):
        return parse(str(typed_value(key) or ""))


@dataclass
class _Note:
    message: Message
    bad: bool
    key: str = ""
    """Of a refusal, the button that was pressed. Its next success removes the refusal."""
    place: str = ""
    """The page on which the notice was first shown and on which it remains."""
    said: float | None = None


def set_notice(message: Message, *, bad: bool = False, key: str = "") -> None:
    """Store a notice for the next drawing of the page. It replaces notices that were
    already shown. `key` is the button of a refused press."""
    st.session_state[_TOLD] = [*_unshown_notices(), _Note(message, bad, key)]


def _unshown_notices() -> list[_Note]:
    return [note for note in st.session_state.get(_TOLD, []) if note.said is None]


def show_notices(page: PageContext, place: str) -> None:
    """Show the notices of the last actions at the top of the page.

    Pages redraw automatically, sometimes right after a press, so notices remain for a while. The
    container remains permanently: without it, Streamlit would recreate the elements after it, and
    open dialogs and typed text would be lost. The style keeps it visible at any scroll position.
    """
    now = monotonic()
    notes = [
        note
        for note in st.session_state.get(_TOLD, [])
        if note.said is None or now - note.said < NOTICE_SECONDS
    ]
    st.session_state[_TOLD] = notes
    with st.container(key=f"told:{place}"):
        for note in notes:
            if note.said is None:
                note.place = place
                note.said = now
            if note.place == place:
                (st.error if note.bad else st.success)(page.format_notice(note.message))
