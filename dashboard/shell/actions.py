"""Doing something from a page: a press calls one function of a room, once, as the member who is
signed in now."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import streamlit as st
import structlog
from sqlalchemy.exc import OperationalError

from dashboard.shell import page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import escape_markdown
from foundation.db.database import Scope
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message, format_parameter
from foundation.ids import uuid7
from foundation.ops.clock import monotonic
from tenants.agencies.rights import Right, require_right

PageAction = Callable[[Scope, UUID], Message | None]
"""What a press does, in a transaction of its own; the id is the same for each repeat of one press:
hand it on as a key. It returns what to tell the person, and raises GreenroomError with why not."""

NOTICE_SECONDS = 20.0
"""Seconds a sentence stays where it was said, however often the page is drawn anew meanwhile."""

_TOLD = "told"
_LINK = re.compile(r"https?://[\w.:/~%-]+")
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
    """A button labelled by the sentence `code`; pressed, it does `act` in its callback. Whether it
    was pressed now."""
    return st.button(
        page.text(code, **(params or {})),
        key=key,
        type=kind,
        disabled=disabled,
        shortcut=shortcut,
        icon=icon,
        on_click=run_action,
        args=(act, right, key),
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
    """The button of a form (inside `st.form`). `act` finds what was typed in `st.session_state`
    before its scope opens: use `typed` to hand it over. Whether it was pressed now."""
    return st.form_submit_button(
        page.text(code),
        key=key,
        type=kind,
        disabled=disabled,
        on_click=run_action,
        args=(act, right, key),
    )


def run_action(act: PageAction, right: Right, key: str) -> None:
    """The callback: asks again who is signed in and whether they may, acts once, and keeps what to
    say.

    The id of a press stays until it worked, so that a press repeated after a failure is the same
    press. Streamlit begins a repeat in a thread of its own while the first still acts: it waits for
    that one.
    """
    page = page_context.current_page()
    if page is None:
        return
    slot = f"press:{key}"
    press_id = st.session_state.setdefault(slot, uuid7())
    try:
        require_right(page.viewer.member.role, right)
        with page.scope() as scope:
            scope.lock(f"press:{press_id}")
            said = act(scope, press_id)
    except GreenroomError as refused:
        set_notice(refused.message, bad=True)
        return
    except OperationalError as away:
        structlog.get_logger("dashboard").warning("dashboard.act_failed", error=type(away).__name__)
        set_notice(Message("dashboard.not_done"), bad=True)
        return
    st.session_state.pop(slot, None)
    if said is not None:
        set_notice(said)


def typed_value(key: str) -> Any:
    """What stands in an input now, without signs no database keeps (NUL, halves of pairs).

    Ask inside the act: what a drawing knew is older than the last word typed.
    """
    value = st.session_state.get(key)
    return _UNKEPT.sub("", value) if isinstance(value, str) else value


@dataclass
class _Note:
    message: Message
    bad: bool
    place: str = ""
    """Where it was said first, and stays."""
    said: float | None = None


def set_notice(message: Message, *, bad: bool = False) -> None:
    """Keep a sentence for the next drawing of the page, in place of those that were said
    already."""
    waiting = [note for note in st.session_state.get(_TOLD, []) if note.said is None]
    st.session_state[_TOLD] = [*waiting, _Note(message, bad)]


def show_notices(page: PageContext, place: str) -> None:
    """Show what the last presses came to, in the one place that is drawn first.

    A page is drawn anew by itself, sometimes a moment after a press: what was said there stays for
    a while. Its place stays for good: what comes after it would else be made anew in the browser,
    and what is open or half typed be lost. The style keeps it in sight, however far from it one
    pressed.
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
                (st.error if note.bad else st.success)(_format_notice(page, note.message))


def _format_notice(page: PageContext, message: Message) -> str:
    """The sentence; a link that is handed over stays one, and whatever else is in it was typed by
    somebody."""
    given = (
        (name, format_parameter(one, page.localizer.language))
        for name, one in message.params.items()
    )
    typed = {
        name: escape_markdown(one) if isinstance(one, str) and not _LINK.fullmatch(one) else one
        for name, one in given
    }
    return page.localizer.message_text(Message(message.code, typed))
