"""The Start page: a wizard sets up the agency and its first creator, then a checklist leads to the
first published post. In a demo agency, a form creates an agency. No terminal is needed."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose import timing
from dashboard.pages.home import first_steps
from dashboard.pages.posts.accounts import soonest_wall_time
from dashboard.pages.start import agency_setup, wizard
from dashboard.pages.start.agency_setup import AgencySetup
from dashboard.pages.start.queries import StartView, load_start
from dashboard.shell import actions, forms, page_context, session
from dashboard.shell.actions import typed_value
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.time_zones import list_time_zones
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import GreenroomError
from foundation.i18n.translation import LANGUAGES, Message
from foundation.ids import uuid7
from gate.contract.units import Rating
from schedules.calendar import next_steps
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from tenants.agencies.rights import Right, require_right
from tenants.auth import demo_removal

LINK = "start:link"
KEY = "start:key"


def render_page(page: PageContext) -> None:
    """Render the setup form in a demo agency. In any other, render the first step that is not
    done: the agency, the first creator, or the checklist up to the first post."""
    found = page.read(lambda scope: load_start(scope, page.list_creators(scope)))
    if found.agency.demo:
        _render_setup_form(page)
    elif not found.agency.named:
        wizard.render_agency_step(page, found.agency)
    elif found.creator is None:
        wizard.render_creator_step(page, found.agency)
    else:
        _render_first_post(page, found)


def _render_setup_form(page: PageContext) -> None:
    st.title(page.text("start.title"))
    if LINK in st.session_state:
        draw_template(
            "pages/start/templates/done.html", word=page.text, link=st.session_state[LINK]
        )
        return
    st.write(page.text("start.explained"))
    with forms.open_form(page, "start", border=True):
        left, right = st.columns(2)
        left.text_input(page.text("start.owner"), key="start:owner", max_chars=80)
        forms.show_field_error("owner", left)
        right.text_input(
            page.text("start.email"), key="start:email", max_chars=254, autocomplete="email"
        )
        forms.show_field_error("email", right)
        wizard.render_creator_name_and_kind(page)
        left, right = st.columns(2)
        left.selectbox(
            page.text("start.language"),
            LANGUAGES,
            index=LANGUAGES.index(page.localizer.language),
            format_func=wizard.prefixed_text(page, "start.language_"),
            key="start:language",
        )
        zones = list_time_zones(page.viewer.member.zone)
        right.selectbox(
            page.text("start.zone"),
            zones,
            index=zones.index(page.viewer.member.zone),
            key="start:zone",
        )
        wizard.render_creator_rules(page)
        st.form_submit_button(
            page.text("start.found"), type="primary", key="start:found", on_click=_submit_setup
        )
    st.caption(page.text("start.where"))
    if _is_demo_removable(page):
        draw_template("pages/start/templates/remove_demo.html", word=page.text)


def _is_demo_removable(page: PageContext) -> bool:
    found = demo_removal.find_removable_demo(
        session.session_scope_opener(), page.viewer.tenant_id, page.viewer.member
    )
    return found is not None and found.own is not None


def _submit_setup() -> None:
    """Create the agency, once per set of answers even if the user clicks several times."""
    page = page_context.current_page()
    if page is None or LINK in st.session_state:
        return
    key: UUID = st.session_state.setdefault(KEY, uuid7())
    answers = AgencySetup(
        owner=typed_value("start:owner") or "",
        email=typed_value("start:email") or "",
        creator=typed_value("start:creator") or "",
        kind=typed_value("start:kind"),
        language=typed_value("start:language"),
        zone=typed_value("start:zone"),
        ceiling=Rating(typed_value("start:ceiling")),
        alone=typed_value("start:alone") == "yes",
        answers=typed_value("start:answers"),
    )
    try:
        require_right(page.viewer.member.role, Right.STAFF)
        secret = agency_setup.set_up_agency(
            key, page.viewer, answers, tenant=session.session_scope_opener()
        )
    except GreenroomError as refused:
        forms.store_refusal("start", refused)
        return
    forms.discard_refusals()
    st.session_state[LINK] = session.sign_in_page_url(secret)
    st.session_state.pop(KEY, None)


def _render_first_post(page: PageContext, found: StartView) -> None:
    st.title(page.text("start.first_title"))
    first_steps.draw_steps(page, first_steps.list_member_steps(page, demo=False))
    draw_template(
        "pages/start/templates/links.html",
        voice=page.localizer,
        word=page.text,
        removable=_is_demo_removable(page),
    )
    _rerun_on_progress(page, found)
    if found.page is None or found.creator is None:
        return
    with forms.open_fields(page, "start:words"):
        st.text_area(page.text("start.first_words"), key="start:words", max_chars=2000, height=120)
        forms.show_field_error("text")
        actions.action_button(
            page,
            "start.publish",
            partial(_publish_first_post, page, found),
            right=Right.RUN,
            key="start:publish",
            kind="primary",
        )


@st.fragment(run_every="2s")
def _rerun_on_progress(drawn: PageContext, before: StartView) -> None:
    """Refresh the first posts every two seconds. Rerun the page when a step is completed."""
    page = page_context.current_page()
    if page is None:
        st.rerun()
    found = page.read(lambda scope: load_start(scope, page.list_creators(scope)))
    if found.progress != before.progress:
        st.rerun()
    draw_template(
        "pages/start/templates/posts.html", found=found, voice=drawn.localizer, word=drawn.text
    )


def _publish_first_post(
    page: PageContext, found: StartView, scope: Scope, press_id: UUID
) -> Message:
    if found.creator is None or found.page is None:
        return Message("start.no_page_yet")
    creator = page.get_creator(scope, found.creator.id)
    words = str(typed_value("start:words") or "")
    draft = Draft(creator.id, "", words, (), (found.page.id,))
    at = soonest_wall_time(scope, creator.zone)
    planned = drafts.plan_draft(
        scope,
        draft,
        key=press_id,
        at=at,
        author=page.viewer.actor,
    )
    if planned.left:
        held = next_steps.channels_not_publishing(scope, planned.post_id, platform_connectors())
        if held:
            return Message("calendar.planned_stays", {"accounts": ", ".join(held.values())})
    if planned.left:
        return Message("start.leaves")
    if not planned.waiting:
        return Message("start.waits_nobody")
    who = {"who": ", ".join(planned.waiting)}
    return timing.waiting_message(page, scope, planned.post_id, "compose.waits_soon", who)
