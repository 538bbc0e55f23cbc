"""Getting started: the steps from a new agency to its first public post and its first sale.

In the demo, the list leads to an agency of one's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from channels.accounts import account_connectors, queries
from dashboard.shell import actions, session
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.calendar.board import load_posting_progress
from studio.library import assets
from studio.packs import packs
from subscribers.orders.queries import has_sale
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right
from tenants.auth import demo_removal, members


@dataclass(frozen=True)
class FirstStep:
    """A step: its name, whether it is completed, and the page to open."""

    name: str
    done: bool
    href: str


def load_first_steps(scope: Scope, mine: Sequence[Creator]) -> list[FirstStep]:
    """Return the progress of an agency. Posts on the test network are not public and do not count
    as published."""
    ids = [one.id for one in mine]
    accounts = [one for one in queries.list_channels(scope) if one.creator_id in ids]
    known = platform_connectors()
    public = [
        one.id
        for one in accounts
        if not account_connectors.connector_for(known, one).capabilities.test_network
    ]
    begun = load_posting_progress(scope, ids, public)
    pictures = any(assets.list_asset_tiles(scope, one, limit=1) for one in ids)
    return [
        FirstStep("creator", bool(mine), "/start"),
        FirstStep("account", bool(accounts), "/channels"),
        FirstStep("picture", pictures, "/studio"),
        FirstStep("post", begun.planned, "/calendar?new=1"),
        FirstStep("online", begun.published, "/calendar"),
        FirstStep("pack", packs.has_pack(scope, ids), "/shop"),
        FirstStep("sale", has_sale(scope, ids), "/shop?view=orders"),
    ]


def list_demo_steps(*, has_agency: bool) -> list[FirstStep]:
    """Return the steps of a visitor of the demo. The last two happen in the visitor's own
    agency."""
    return [
        FirstStep("tour", has_agency, "/tour"),
        FirstStep("agency", has_agency, "/start"),
        FirstStep("online", False, "/start"),
        FirstStep("sale", False, "/start"),
    ]


def render_first_steps(page: PageContext, *, demo: bool) -> None:
    """Draw the list with its progress, until all steps are completed or the member hides it."""
    if page.viewer.member.guide_hidden or not page.has_right(Right.RUN):
        return
    steps = (
        list_demo_steps(has_agency=_has_own_agency(page))
        if demo
        else page.read(lambda scope: load_first_steps(scope, page.list_creators(scope)))
    )
    done = sum(one.done for one in steps)
    if done == len(steps):
        return
    label = page.text("home.steps", done=done, total=len(steps))
    online = any(one.name == "online" and one.done for one in steps)
    with st.expander(
        label, expanded=not demo and not online, icon=":material/flag:", key="first-steps"
    ):
        draw_template(
            "pages/home/templates/first_steps.html",
            steps=steps,
            voice=page.localizer,
            word=page.text,
        )
        member = page.viewer.member.id

        def hide(scope: Scope, _: UUID) -> Message:
            members.hide_guide(scope, member)
            return Message("home.steps_hidden")

        actions.action_button(
            page, "home.steps_hide", hide, right=Right.RUN, key="first-steps:hide", kind="tertiary"
        )


def _has_own_agency(page: PageContext) -> bool:
    found = demo_removal.find_removable_demo(
        session.session_scope_opener(), page.viewer.tenant_id, page.viewer.member
    )
    return found is not None and found.own is not None
