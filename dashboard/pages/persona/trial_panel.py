"""The test chat beside the form: the typed persona answers, and nothing is sent."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.persona import form
from dashboard.pages.persona.queries import PersonaView
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from subscribers.replies import autonomy, trial_chats
from subscribers.replies.trial_chats import MAX_LINE_LENGTH, TrialChat
from tenants.agencies.rights import Right

TICK = "1s"


def render_test_chat(page: PageContext, found: PersonaView) -> None:
    """Draw the lines, the result of the last message and the input."""
    creator_id = found.creator.id
    with st.container(border=True, key="persona-test"):
        st.subheader(page.text("persona.test_title"))
        st.caption(page.text("persona.test_how"))
        if found.trial is not None and found.trial.state == "waiting":
            _render_waiting(page, found)
        else:
            _render_lines(page, found, found.trial)
        st.text_input(
            page.text("persona.test_said"),
            key=form.field_key(creator_id, "test"),
            max_chars=MAX_LINE_LENGTH,
        )
        with st.container(horizontal=True, gap="small"):
            actions.action_button(
                page,
                "persona.test_send",
                partial(_send, page, found),
                right=Right.RUN,
                key=form.field_key(creator_id, "test:send"),
            )
            actions.action_button(
                page,
                "persona.test_end",
                partial(_end, page, creator_id),
                right=Right.RUN,
                key=form.field_key(creator_id, "test:end"),
                disabled=found.trial is None,
            )


@st.fragment(run_every=TICK)
def _render_waiting(drawn: PageContext, before: PersonaView) -> None:
    """Show the lines until a worker has answered, then draw the whole page again."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    now = page.read(
        lambda scope: trial_chats.load_trial(scope, before.creator.id, page.viewer.member.id)
    )
    if now is None or now.state != "waiting":
        st.rerun()
    _render_lines(page, before, now)


def _render_lines(page: PageContext, found: PersonaView, trial: TrialChat | None) -> None:
    reply = trial.reply if trial is not None else None
    findings = reply.findings if reply is not None else None
    level = found.autonomy.level or "copilot"
    draw_template(
        "pages/persona/templates/test_chat.html",
        trial=trial,
        name=found.edited.name,
        level=level,
        waits=autonomy.waiting_reason(level, findings) if findings is not None else None,
        sends=autonomy.sending_level(findings) if findings is not None else None,
        percent=round(findings.confidence * 100) if findings is not None else 0,
        word=page.text,
    )


def _send(page: PageContext, found: PersonaView, scope: Scope, press_id: UUID) -> None:
    creator = page.get_creator(scope, found.creator.id)
    box = form.field_key(creator.id, "test")
    trial_chats.say_in_trial(
        scope,
        creator.id,
        page.viewer.member.id,
        form.read_form(page, found),
        str(actions.typed_value(box) or ""),
        key=press_id,
    )
    actions.clear_fields(box)


def _end(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, creator_id)
    trial_chats.end_trial(scope, creator.id, page.viewer.member.id)
    return Message("persona.test_ended")
