"""The Consent & models page: proofs, consents and open tasks for each depicted person."""

import streamlit as st

from dashboard.pages.people import (
    age_requests,
    depiction_bans,
    person_list,
    picture_confirmations,
    queries,
    shoot_cards,
    synthetic_people,
)
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from schedules.approvals.pending_decisions import reviewable_creators
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

PART = "people:part"
PARTS = {
    "everybody": person_list.render_person_list,
    "pictures": picture_confirmations.render_picture_confirmations,
    "cards": shoot_cards.render_shoot_cards,
    "never": depiction_bans.render_depiction_bans,
}


def render_page(page: PageContext) -> None:
    """Draw the view for the member's role.

    A custodian sees requests, a manager the chosen section, a guest reviewer their pending reviews,
    and a creator their own entries.
    """
    st.title(page.text("dashboard.page.people"))
    if page.has_right(Right.VOUCH):
        age_requests.render_requests(page)
    elif page.has_right(Right.RUN):
        PARTS[_select_page_section(page)](page)
    elif page.has_right(Right.REVIEW):
        _render_reviewer_tasks(page)
    else:
        person_list.render_own_entries(page)


def _select_page_section(page: PageContext) -> str:
    chosen = st.segmented_control(
        page.text("people.what"),
        list(PARTS),
        format_func=lambda one: page.text(f"people.part.{one}"),
        default="everybody",
        key=PART,
        required=True,
        label_visibility="collapsed",
    )
    return str(chosen or "everybody")


def _render_reviewer_tasks(page: PageContext) -> None:
    """Draw the pending reviews of the creators assigned to this member."""
    creators: list[Creator] = page.read(
        lambda scope: reviewable_creators(page.viewer.member, page.list_creators(scope))
    )
    found = page.read(
        lambda scope: queries.load_people(
            scope, creators, named="", only=[one.id for one in creators]
        )
    )
    waits = [one for one in found.dossiers if synthetic_people.needs_review(page, one)]
    for one in waits:
        with st.container(border=True):
            draw_template("pages/people/templates/name.html", one=one, word=page.text)
            synthetic_people.render_reference_review(page, one)
    shown = picture_confirmations.render_pending_pictures(page, creators)
    if not waits and not shown:
        draw_template("pages/people/templates/note.html", said=page.text("people.nothing_waits"))
