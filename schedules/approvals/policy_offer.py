"""The offer to require an approval for the posts of all creators, from the second member on who can
approve. An agency answers it once."""

from dataclasses import dataclass, replace

from foundation.db.database import Scope
from foundation.errors import Conflict
from schedules.approvals import approval_policy
from tenants import audit
from tenants.agencies import agencies, agency_settings, queries
from tenants.agencies.agencies import OfferAnswer
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right, has_right, require_right

MIN_APPROVERS = 2
"""Approvers from whom every post has one who did not write it."""

OFFERED_TIERS = 1


@dataclass(frozen=True)
class PolicyOffer:
    """An open offer: the creators whose posts need no approval, by handle."""

    creators: tuple[Creator, ...]


def find_policy_offer(scope: Scope) -> PolicyOffer | None:
    """Return the offer, or None: while one person approves, once the agency has answered it, or if
    every creator requires approvals. Invited members count before they sign in."""
    if queries.get_agency(scope).demo or agencies.get_offer_answer(scope) is not None:
        return None
    approvers = {
        one.principal_id
        for one in queries.list_members(scope)
        if has_right(one.role, Right.APPROVE)
    }
    without = [one for one in queries.list_creators(scope) if not one.approval_tiers]
    if len(approvers) < MIN_APPROVERS or not without:
        return None
    return PolicyOffer(tuple(sorted(without, key=lambda one: one.slug)))


def accept_policy_offer(scope: Scope) -> int:
    """Require one approval for the posts of every creator that requires none, and of new creators.
    Return how many scheduled posts are pending approval after the change.

    Raises Refused for a member without the right to change approval policies, and Conflict if the
    offer is closed.
    """
    offer = _close_offer(scope, OfferAnswer.ACCEPTED)
    defaults = agency_settings.get_creator_defaults(scope)
    tiers = max(defaults.approval_tiers, OFFERED_TIERS)
    agency_settings.set_creator_defaults(scope, replace(defaults, approval_tiers=tiers))
    return sum(
        approval_policy.change_approval_policy(scope, one.id, tiers=OFFERED_TIERS, times=False)
        for one in offer.creators
    )


def decline_policy_offer(scope: Scope) -> None:
    """Keep the approval policies; the offer is not made again. Raises the errors of
    `accept_policy_offer`."""
    _close_offer(scope, OfferAnswer.DECLINED)


def _close_offer(scope: Scope, answer: OfferAnswer) -> PolicyOffer:
    require_right(queries.get_acting_member(scope, "approval.link_members").role, Right.STAFF)
    scope.lock("agency.settings")
    offer = find_policy_offer(scope)
    if offer is None:
        raise Conflict("rule.offer_closed")
    agencies.set_offer_answer(scope, answer)
    about = f"agency:{scope.tenant_id}"
    audit.record(scope, "agency.approval_offer", about, answer=answer, creators=len(offer.creators))
    return offer
