"""The autonomy of a creator's bot: the levels, the evidence of each, and the last changes."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.persona.queries import PersonaView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from subscribers.replies import autonomy
from subscribers.replies.autonomy import LEVELS, AutonomyLevel
from tenants.agencies.rights import Right


@dataclass(frozen=True)
class LevelView:
    """A level, whether it is the current one, and what is missing to reach it."""

    level: AutonomyLevel
    current: bool
    missing: tuple[Message, ...]


def render_autonomy(page: PageContext, found: PersonaView) -> None:
    """Draw the levels with a button for each that a member may choose."""
    view = found.autonomy
    with st.container(border=True, key="persona-autonomy"):
        st.subheader(page.text("autonomy.title"))
        if view.level is None:
            draw_template(
                "shell/templates/empty_note.html", note=page.text("autonomy.members_answer")
            )
            return
        levels = [
            LevelView(level, level == view.level, view.missing_for(level)) for level in LEVELS
        ]
        draw_template(
            "pages/persona/templates/autonomy.html",
            view=view,
            levels=levels,
            now=found.now,
            voice=page.localizer,
            word=page.text,
        )
        with st.container(horizontal=True, gap="small"):
            for one in levels:
                actions.action_button(
                    page,
                    f"autonomy.choose_{one.level}",
                    partial(_change_level, page, found.creator.id, one.level),
                    right=Right.RUN,
                    key=f"autonomy:{found.creator.id}:{one.level}",
                    disabled=one.current or bool(one.missing) or not page.has_right(Right.RUN),
                )


def _change_level(
    page: PageContext, creator_id: UUID, level: AutonomyLevel, scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    return autonomy.change_autonomy(scope, creator.id, level)
