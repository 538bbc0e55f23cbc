"""Buttons that start and end the dry run of a post, an account or the agency. A dry run performs
every step except sending."""

from functools import partial
from uuid import UUID

import streamlit as st

from channels.accounts import queries
from dashboard.pages.posts.queries import PostView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from schedules.posts import dry_run_state
from schedules.posts.dry_run_state import DryRunTarget
from schedules.posts.queries import get_stored_post
from schedules.posts.states import CANCELLABLE
from tenants.agencies.rights import Right


def render_post_dry_run(page: PageContext, found: PostView) -> None:
    """Render the button that starts or ends the dry run of a post. A post without a cancellable
    delivery has no button unless its dry run is in progress."""
    if found.rehearsed or any(place.entry.state in CANCELLABLE for place in found.places):
        _render_dry_run_button(page, "post", found.post.id, runs=found.rehearsed)


def render_account_dry_run(
    page: PageContext, channel_id: UUID, running: dict[UUID, DryRunTarget]
) -> None:
    """Render the button that starts or ends the dry run of an account."""
    _render_dry_run_button(page, "channel", channel_id, runs=channel_id in running)


def render_agency_dry_run(page: PageContext, running: dict[UUID, DryRunTarget]) -> None:
    """Render the button and the explanation of an agency-wide dry run. Only members who work for
    all creators see it."""
    if page.viewer.member.creators:
        return
    st.subheader(page.text("rehearsal.title"), anchor="rehearsal")
    st.write(page.text("rehearsal.explained"))
    if page.viewer.tenant_id in running:
        st.info(page.text("rehearsal.all_runs"))
    _render_dry_run_button(
        page, "tenant", page.viewer.tenant_id, runs=page.viewer.tenant_id in running
    )


def _render_dry_run_button(
    page: PageContext, what: DryRunTarget, of_id: UUID, *, runs: bool
) -> None:
    if runs:
        code = f"rehearsal.end_{what}"
        actions.action_button(
            page,
            code,
            partial(_end_dry_run, page, what, of_id),
            right=Right.RUN,
            key=f"{code}:{of_id}",
        )
        return
    code = f"rehearsal.begin_{what}"
    # A dry run stops scheduled posts from being published, so the user reads this first.
    with st.popover(page.text(code)):
        draw_template("shell/templates/note.html", note=page.text(f"{code}_asked"))
        act = partial(_start_dry_run, page, what, of_id)
        actions.action_button(
            page, "rehearsal.begin_sure", act, right=Right.RUN, key=f"{code}:{of_id}"
        )


def _start_dry_run(
    page: PageContext, what: DryRunTarget, of_id: UUID, scope: Scope, _: UUID
) -> Message:
    _check_own_target(page, scope, what, of_id)
    return Message("rehearsal.begun", {"count": dry_run_state.start_dry_run(scope, what, of_id)})


def _end_dry_run(
    page: PageContext, what: DryRunTarget, of_id: UUID, scope: Scope, _: UUID
) -> Message:
    _check_own_target(page, scope, what, of_id)
    dry_run_state.end_dry_run(scope, of_id)
    return Message("rehearsal.ended")


def _check_own_target(page: PageContext, scope: Scope, what: DryRunTarget, of_id: UUID) -> None:
    """Raise NotFound if the target belongs to a creator the member does not work for."""
    if what == "post":
        page.get_creator(scope, get_stored_post(scope, of_id).creator_id)
    elif what == "channel":
        page.get_creator(scope, queries.get_channel(scope, of_id).creator_id)
    elif page.viewer.member.creators:
        raise NotFound("rehearsal.unknown")
