"""Remedies of posts: the page that resolves each reason why a post is not published, for members
who may open it."""

from collections.abc import Mapping

from dashboard.shell.navigation import PAGES
from foundation.i18n.translation import Message
from schedules.posts.states import MISSING_APPROVAL_CODES
from tenants.agencies.queries import Member
from tenants.agencies.rights import Right, has_right

_APPROVALS = ("/approvals", "home.to.approvals")
_PEOPLE = ("/people", "home.to.people")
_POLICIES = ("/settings?section=policy", "home.to.settings")
_STOPS = ("/settings?section=stop", "home.to.settings")

_STUDIO = ("/studio", "home.to.studio")
_UNRATED = ("/studio?rating=none", "home.to.rating")

RATING_REMEDIES: Mapping[str, tuple[str, str]] = {
    "gate.RATING_MISSING": _UNRATED,
    "gate.CLASSIFIER_UNAVAILABLE": _UNRATED,
    "gate.CLASSIFIER_CONFLICT": _STUDIO,
    "gate.DEPICTION_MISSING": _STUDIO,
    "gate.DEPICTION_UNSURE": _STUDIO,
}
"""Remedies of the rejections that a rating, with its answer to who is shown, resolves. Studio rates
every picture; a reviewer who may not open it finds the unrated ones under Approvals."""

REMEDIES: Mapping[str, tuple[str, str]] = {
    **RATING_REMEDIES,
    **dict.fromkeys(MISSING_APPROVAL_CODES, _APPROVALS),
    "delivery.changed": _APPROVALS,
    "gate.REVIEW_MISSING": _APPROVALS,
    "gate.APPROVAL_EXPIRED": _APPROVALS,
    "gate.RATING_CONTRADICTED": _APPROVALS,
    "gate.DEPICTION_CONTRADICTED": _APPROVALS,
    "gate.SECOND_LOOK_MISSING": _APPROVALS,
    "gate.CONTAINER_HIDDEN_CONTENT": _APPROVALS,
    "gate.LIKENESS_REAL_PERSON": _APPROVALS,
    "delivery.account_lost": ("/channels", "home.to.channels"),
    "delivery.creator_inactive": ("/creators", "home.to.creators"),
    "gate.CREATOR_INACTIVE": ("/creators", "home.to.creators"),
    "gate.DESTINATION_PROBE_STALE": ("/channels", "home.to.channels"),
    "gate.AUDIENCE_CHANGED": ("/channels", "home.to.channels"),
    "gate.AUDIENCE_UNKNOWN": ("/channels", "home.to.channels"),
    **dict.fromkeys(
        (
            "gate.IDENTITY_MISSING",
            "gate.IDENTITY_AFTER_PRODUCTION",
            "gate.CONSENT_MISSING",
            "gate.CONSENT_SCOPE",
            "gate.CONSENT_EXPIRED",
            "gate.CONSENT_REVOKED",
            "gate.SYNTHETIC_DECLARATION_MISSING",
            "gate.LICENCE_MISSING",
            "gate.CREATOR_UNRECORDED",
        ),
        _PEOPLE,
    ),
    "gate.PERSON_UNRESOLVED": _STUDIO,
    "gate.PRODUCTION_DATE_UNKNOWN": _STUDIO,
    "gate.PICTURE_LABELLED": _STUDIO,
    "gate.RATING_EXCEEDS_CREATOR": ("/creators", "home.to.creators"),
    "gate.PLATFORM_FORBIDS": ("/channels", "home.to.channels"),
    "gate.RATING_LOWERING_INVALID": _APPROVALS,
    "gate.REVIEWER_CONFLICT": _APPROVALS,
    "gate.UNIT_CHANGED": _APPROVALS,
    "gate.CALIBRATION_LOW": _APPROVALS,
    "gate.COMPLAINT_FREEZE": ("/approvals?part=requests", "home.to.approvals"),
    **dict.fromkeys(
        (
            "gate.DESTINATION_UNKNOWN",
            "gate.POLICY_STALE",
            "gate.POLICY_SIGNATURE",
            "gate.POLICY_ROLLBACK",
            "gate.ATTESTATION_INVALID",
        ),
        _POLICIES,
    ),
    "gate.KILL_SWITCH": _STOPS,
    "gate.RESTORE_MISMATCH": _STOPS,
    **dict.fromkeys(
        (
            "gate.VIEWER_UNASSURED",
            "gate.VIEWER_LEVEL_LOW",
            "gate.VIEWER_EXPIRED",
            "gate.VIEWER_BLOCKED",
        ),
        ("/inbox", "home.to.inbox"),
    ),
    "gate.LINK_UNREGISTERED": ("/channels?links=1", "home.to.links"),
    "gate.LINK_CHANGED": ("/channels?links=1", "home.to.links"),
}
"""The address and the link text of the page that resolves a rejection, by the code of the
rejection. A code that is not listed is resolved on the post itself."""

_RIGHTS: Mapping[str, tuple[Right, ...]] = {f"/{row.name}": row.rights for row in PAGES} | {
    "/calendar?queue": (Right.RUN,),
    "/calendar?held": (Right.RUN,),
    "/calendar?compare": (Right.RUN,),
    "/shop?view": (Right.BOOKS,),
}
"""The rights that open a page, or the part of a page named in its query; any one of them is
enough."""


def can_open_page(member: Member, href: str) -> bool:
    """Return True if the role of `member` allows opening the page at `href`."""
    part = href.partition("=")[0]
    page = href.partition("?")[0]
    rights = _RIGHTS.get(part, _RIGHTS.get(page, tuple(Right)))
    return any(has_right(member.role, right) for right in rights)


def find_remedy(reason: Message, member: Member) -> tuple[str, str]:
    """Return the address of the page that resolves `reason` and the text of the link to it. Return
    two empty strings if no page does, or if the member may not open it."""
    places = [REMEDIES.get(reason.code, ("", ""))]
    if reason.code in RATING_REMEDIES and has_right(member.role, Right.REVIEW):
        places.append(_APPROVALS)
    return next(
        (place for place in places if place[0] and can_open_page(member, place[0])), ("", "")
    )
