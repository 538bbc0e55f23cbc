"""How many people have to say yes to each creator's posts: for who leads the house."""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import ruling
from tenants.reads import Creator
from tenants.roles import Right

TIERS = (0, 1, 2)


def show(page: Page, creators: Iterable[Creator]) -> None:
    """Draw the rule of each of these creators, this member's."""
    with st.expander(page.word("rule.title")):
        draw("approvals_note.html", note=page.word("rule.how"))
        for one in creators:
            with st.form(f"rule:{one.id}", border=False):
                _fields(page, one)
                acting.submit(
                    page, "rule.keep", partial(_keep, page, one.id), right=Right.STAFF, key=f"rule:go:{one.id}"
                )


def _fields(page: Page, one: Creator) -> None:
    st.selectbox(
        page.label("rule.of", name=one.name),
        TIERS,
        index=TIERS.index(one.approval_tiers),
        format_func=lambda tiers: page.word(f"rule.tiers.{tiers}"),
        key=f"rule:tiers:{one.id}",
    )
    st.checkbox(page.word("rule.times"), one.approve_times, key=f"rule:times:{one.id}")


def _keep(page: Page, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    tiers, times = acting.typed(f"rule:tiers:{creator_id}"), acting.typed(f"rule:times:{creator_id}")
    waiting = ruling.change(scope, creator_id, tiers=int(tiers), times=bool(times))
    return Message("rule.kept_waiting", {"count": waiting}) if waiting else Message("rule.kept")
