"""The offer to require an approval for the posts of all creators, on the pages Home and Team."""

from uuid import UUID

import streamlit as st

from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals import policy_offer
from tenants.agencies.rights import Right

NAMED = 5
"""Maximum number of creators that the offer names."""


def render_policy_offer(page: PageContext) -> None:
    """Draw the offer for members who may change approval policies, until one of them answers."""
    if not page.has_right(Right.STAFF):
        return
    offer = page.read(policy_offer.find_policy_offer)
    if offer is None:
        return
    names = ", ".join(one.name for one in offer.creators[:NAMED])
    if (rest := len(offer.creators) - NAMED) > 0:
        names = page.text("rule.offer_more", names=names, count=rest)
    with st.container(border=True, key="policy-offer"):
        draw_template("shell/templates/note.html", note=page.text("rule.offer", names=names))
        with st.container(horizontal=True, gap="small"):
            actions.action_button(
                page,
                "rule.offer_accept",
                _accept_offer,
                right=Right.STAFF,
                key="policy-offer:accept",
                kind="primary",
            )
            actions.action_button(
                page,
                "rule.offer_decline",
                _decline_offer,
                right=Right.STAFF,
                key="policy-offer:decline",
            )


def _accept_offer(scope: Scope, _: UUID) -> Message:
    waiting = policy_offer.accept_policy_offer(scope)
    if waiting:
        return Message("rule.offer_accepted_waiting", {"count": waiting})
    return Message("rule.offer_accepted")


def _decline_offer(scope: Scope, _: UUID) -> Message:
    policy_offer.decline_policy_offer(scope)
    return Message("rule.offer_declined")
