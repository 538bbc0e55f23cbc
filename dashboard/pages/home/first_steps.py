"""Getting started: the steps from a new agency to its first public post and its first sale.

Home and the Start page show this one list, without the steps that the member may not do. In the
demo, it leads to an agency of one's own.
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
from gate.consent.grants import creators_with_publish_consent
from schedules.approvals.approvers import has_enough_approvers
from schedules.calendar.board import load_posting_progress
from studio.library import assets
from studio.packs import packs
from subscribers.orders.queries import has_sale
from subscribers.replies.persona import creators_with_described_persona
from tenants.agencies.agencies import HUMAN
from tenants.agencies.queries import Creator, list_members
from tenants.agencies.rights import Right
from tenants.auth import demo_removal, members
from tenants.notices.mail_servers import find_mail_server

MAIL_PAGE = "/settings?section=email"


@dataclass(frozen=True)
class FirstStep:
    """A step: its name, whether it is completed, the page to open, and the right that the step
    needs. Its text is the message `home.step.<name>`."""

    name: str
    done: bool
    href: str
    right: Right = Right.RUN


def load_first_steps(
    scope: Scope, mine: Sequence[Creator], *, installation_mail: bool = False
) -> list[FirstStep]:
    """Return the progress of an agency with these creators.

    Posts on the test network are not public and do not count as published. The public page that
    each creator has from the beginning does not count as a connected channel. A step about
    creators is completed when it is completed for all of them; the step about consent exists only
    if a creator is a real person. With `installation_mail`, the installation has a mail server for
    agencies without one.
    """
    ids = [creator.id for creator in mine]
    known = platform_connectors()
    kinds = {
        channel.id: account_connectors.connector_for(known, channel).capabilities
        for channel in queries.list_channels(scope)
        if channel.creator_id in ids
    }
    public = [channel_id for channel_id, kind in kinds.items() if not kind.test_network]
    progress = load_posting_progress(scope, ids, public)
    connected = any(not kind.in_house for kind in kinds.values())
    pictured = any(assets.list_asset_tiles(scope, each, limit=1) for each in ids)
    described = bool(ids) and creators_with_described_persona(scope, ids) >= set(ids)
    return [
        FirstStep("creator", bool(mine), "/start", Right.STAFF),
        FirstStep("mail", _sends_mail(scope, installation_mail), MAIL_PAGE, Right.STAFF),
        FirstStep("approval", _has_working_approval(scope, mine), "/approvals", Right.STAFF),
        FirstStep("account", connected, "/channels"),
        *_consent_step(scope, mine),
        FirstStep("picture", pictured, "/studio"),
        FirstStep("post", progress.planned, "/calendar?new=1"),
        FirstStep("online", progress.published, "/calendar"),
        FirstStep("persona", described, "/persona"),
        FirstStep("pack", packs.has_pack(scope, ids), "/shop"),
        FirstStep("sale", has_sale(scope, ids), "/shop?view=orders"),
    ]


def _sends_mail(scope: Scope, installation_mail: bool) -> bool:
    own = find_mail_server(scope)
    return own.test_state != "failed" if own is not None else installation_mail


def _has_working_approval(scope: Scope, mine: Sequence[Creator]) -> bool:
    members = list_members(scope)
    return bool(mine) and all(has_enough_approvers(members, creator) for creator in mine)


def _consent_step(scope: Scope, mine: Sequence[Creator]) -> list[FirstStep]:
    real = {creator.id for creator in mine if creator.kind == HUMAN}
    if mine and not real:
        return []
    signed = bool(real) and creators_with_publish_consent(scope, real) >= real
    return [FirstStep("consent", signed, "/people")]


def list_demo_steps(*, has_agency: bool) -> list[FirstStep]:
    """Return the steps of a visitor of the demo, which end in the visitor's own agency. Its list
    continues from there."""
    return [
        FirstStep("tour", has_agency, "/tour"),
        FirstStep("agency", has_agency, "/start", Right.STAFF),
    ]


def list_member_steps(page: PageContext, *, demo: bool) -> list[FirstStep]:
    """Return the steps of the agency that the member may do."""
    if demo:
        steps = list_demo_steps(has_agency=_has_own_agency(page))
    else:
        mail = not session.missing_mail_settings()
        steps = page.read(
            lambda scope: load_first_steps(scope, page.list_creators(scope), installation_mail=mail)
        )
    return [step for step in steps if page.has_right(step.right)]


def draw_steps(page: PageContext, steps: Sequence[FirstStep]) -> None:
    """Draw the list; each step that is not completed leads to its page."""
    draw_template(
        "pages/home/templates/first_steps.html",
        steps=steps,
        voice=page.localizer,
        word=page.text,
    )


def render_first_steps(page: PageContext, *, demo: bool) -> None:
    """Draw the list with its progress, until all steps are completed or the member hides it."""
    if page.viewer.member.guide_hidden or not page.has_right(Right.RUN):
        return
    steps = list_member_steps(page, demo=demo)
    done = sum(step.done for step in steps)
    if done == len(steps):
        return
    label = page.text("home.steps", done=done, total=len(steps))
    online = any(step.name == "online" and step.done for step in steps)
    with st.expander(
        label, expanded=not demo and not online, icon=":material/flag:", key="first-steps"
    ):
        draw_steps(page, steps)
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
