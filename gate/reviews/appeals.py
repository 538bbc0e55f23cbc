"""Appeals against decisions about removal requests, decided by a member not involved before.

A requester whose request was rejected can appeal on the page of their receipt. A member may appeal
against the removal of content; the appeal is then decided by another member. The content stays
frozen until the decision. If the agency's appeal succeeds, the freeze and the blocklist entry end,
but nothing is published: a new post is checked like any other.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.states import RemovalRequestState
from gate.copies.live_copies import LiveCopy
from gate.ratings.incoming_lookalikes import SLOW_CATEGORIES
from gate.removal import receipts, removal_requests, rulings
from gate.removal.events import DecisionTargetReached
from gate.removal.models import RemovalRequest
from gate.removal.recall import MINOR_CATEGORY
from gate.removal.removal_requests import GROUPING_THRESHOLD, KEEP_REASONS, RequestStatus
from gate.removal.rulings import AGENCY_SIDE, REQUESTER_SIDE, Appeal, Ruling, RulingSummary
from gate.reviews.events import AppealDecided, AppealDue
from gate.text.user_input import clean_paragraph
from tenants.agencies import queries
from tenants.agencies.queries import Member
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

ACTOR = "system:appeals"

APPEAL_WINDOW = timedelta(days=184)
"""The time after a decision in which it may be appealed: at least six months.

184 days are the longest six calendar months. Regulation (EU) 2022/2065, art. 20(1) and (2):
https://eur-lex.europa.eu/eli/reg/2022/2065/oj
"""

APPEAL_TARGET = timedelta(hours=48)
SLOW_APPEAL_TARGET = timedelta(days=7)
"""Target for deciding an appeal in a slow category; `APPEAL_TARGET` applies to the others.

48 hours is the legal time limit for a removal.
"""


@dataclass(frozen=True)
class PendingAppeal:
    """A pending appeal, or a group of many appeals from one source.

    `allowed` are the members who may decide; those involved in an earlier decision may not. `said`
    is the contested decision.
    """

    ids: tuple[UUID, ...]
    about: tuple[UUID, ...]
    """The removal requests."""
    creator_id: UUID
    category: str
    side: str
    words: str
    copies: tuple[LiveCopy, ...]
    said: RulingSummary
    since: datetime
    target: datetime
    allowed: frozenset[UUID]


@dataclass(frozen=True)
class AppealableRemoval:
    """A removal that the agency may appeal until `until`."""

    complaint_id: UUID
    creator_id: UUID
    category: str
    copies: tuple[LiveCopy, ...]
    said: RulingSummary
    until: datetime


def appeal_deadline(known: RequestStatus, side: str) -> datetime | None:
    """Return the time until which this side may appeal the current decision.

    Return None if it may not appeal, or has already done so.
    """
    mine = RemovalRequestState.REJECTED if side == REQUESTER_SIDE else known.outcome
    if (
        known.outcome is None
        or known.outcome is not mine
        or (side == AGENCY_SIDE and mine is RemovalRequestState.REJECTED)
    ):
        return None
    if known.state in (RemovalRequestState.APPEALED, RemovalRequestState.CLOSED) or any(
        one.open or one.side == side for one in known.appeals
    ):
        return None
    if mine is RemovalRequestState.UPHELD and known.category == MINOR_CATEGORY:
        return None  # Content that shows a minor is never restored.
    return known.rulings[-1].at + APPEAL_WINDOW


def submit_requester_appeal(scope: Scope, receipt: str, *, creator_id: UUID, words: str) -> None:
    """Appeal the rejection of a request on behalf of the holder of its receipt.

    `words` is an optional explanation. Raises NotFound for a receipt that does not belong to this
    creator, Conflict if nothing was rejected or an appeal exists, Refused after the deadline and
    BadInput if the explanation is too long.
    """
    known = removal_requests.find_status_by_receipt(scope, receipt)
    if known.creator_id != creator_id:
        raise NotFound("complaint.unknown")
    # The explanation is optional, so that an appeal is no harder than the request.
    _record_appeal(scope, known, REQUESTER_SIDE, clean_paragraph(words))


def submit_agency_appeal(scope: Scope, complaint_id: UUID, *, words: str) -> UUID:
    """Appeal a removal as the acting member, with an explanation, and return the ID of the appeal.

    Raises Refused for a member without the right to approve content, for content that shows a minor
    and after the deadline; BadInput without an explanation; NotFound; Conflict if nothing was
    removed or an appeal exists.
    """
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.APPROVE)
    said = clean_paragraph(words)
    if not said:
        raise BadInput("appeal.no_words").about("reason")
    known = removal_requests.brief_status(
        scope, removal_requests.get_removal_request(scope, complaint_id)
    )
    if known.category == MINOR_CATEGORY and known.outcome is RemovalRequestState.UPHELD:
        raise Refused("appeal.never")
    return _record_appeal(scope, known, AGENCY_SIDE, said)


def _record_appeal(scope: Scope, known: RequestStatus, side: str, words: str) -> UUID:
    end = appeal_deadline(known, side)
    if end is None:
        raise Conflict("appeal.twice" if known.appeals else "appeal.nothing")
    if scope.now >= end:
        raise Refused("appeal.late_now")
    appeal_id = rulings.record_appeal(
        scope, known.id, against=len(known.rulings), side=side, words=words
    )
    outbox.put(scope, AppealDue(scope.tenant_id, appeal_id), priority=0)
    rulings.audit_ruling(scope, f"appeal.{side}", known.id)
    return appeal_id


def handle_appeal(event: AppealDue, *, tenant: OpenScope) -> None:
    """Freeze the contested content and notify the members of the deadline.

    The notice differs if no member may decide.
    """
    with tenant(event.tenant_id, ACTOR) as scope:
        appeal = _get_appeal(scope, event.subject_id)
        row = removal_requests.lock_removal_request(scope, appeal.complaint_id)
        if not _begin_appeal(scope, appeal, row):
            return
        creator = queries.get_creator(scope, row.creator_id)
        able = rulings.eligible_deciders(scope, appeal, queries.list_members(scope))
        told = Message(
            f"appeal.waits.{appeal.side}" if able else "appeal.nobody", {"creator": creator.name}
        )
        notices.put(scope, told, cause=_notice_cause(row), urgent=True, creator_id=row.creator_id)
        late = DecisionTargetReached(scope.tenant_id, row.id, appeal.against)
        outbox.put(
            scope,
            late,
            at=_appeal_target(appeal, row, scope.now),
            dedupe=f"target:{row.id}:{appeal.against}",
        )


def _begin_appeal(scope: Scope, appeal: Appeal, row: RemovalRequest) -> bool:
    """Move the request to the appealed state. Return True if the appeal is still pending."""
    if _count_rulings(scope, row.id) != appeal.against:
        return False
    if row.state != RemovalRequestState.APPEALED:
        removal_requests.refreeze_on_appeal(scope, row)
    return True


def handle_target_missed(event: DecisionTargetReached, *, tenant: OpenScope) -> None:
    """Notify the members if the target for a decision has passed without one."""
    with tenant(event.tenant_id, ACTOR) as scope:
        row = removal_requests.get_removal_request(scope, event.subject_id)
        if _count_rulings(scope, row.id) != event.number:
            return
        creator = queries.get_creator(scope, row.creator_id)
        told = Message(
            "appeal.late" if event.number else "complaint.late", {"creator": creator.name}
        )
        cause = _notice_cause(row) if event.number else removal_requests.removal_notice_cause(row)
        notices.put(scope, told, cause=f"{cause}:late", urgent=True, creator_id=row.creator_id)


def request_appeal_decision(scope: Scope, appeal_id: UUID, *, because: str = "") -> None:
    """Request a decision on an appeal as the acting member; a worker carries it out immediately.

    With a reason from `KEEP_REASONS` the content is kept; without one it is removed. Raises Refused
    for a member who may not review or is involved, BadInput for another reason, NotFound, and
    Conflict if the appeal was decided before.
    """
    appeal = _get_appeal(scope, appeal_id)
    removal_requests.check_not_accused(scope, appeal.complaint_id)
    _may_decide(scope, appeal)
    if because and because not in KEEP_REASONS:
        raise BadInput("complaint.no_reason").about("reason")
    if _count_rulings(scope, appeal.complaint_id) != appeal.against:
        raise Conflict("complaint.decided")
    event = AppealDecided(scope.tenant_id, appeal.id, because, scope.actor)
    outbox.put(scope, event, priority=0, dedupe=f"appeal:{appeal.id}")


def handle_appeal_decision(event: AppealDecided, *, tenant: OpenScope) -> None:
    """Carry out a member's decision, unless another one came first.

    A member who lost the right to decide gets a notice.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            appeal = _get_appeal(scope, event.subject_id)
            row = removal_requests.lock_removal_request(scope, appeal.complaint_id)
            removal_requests.check_not_accused(scope, row.id)
            _may_decide(scope, appeal)
            if not _begin_appeal(scope, appeal, row):
                return
            outcome = RemovalRequestState.REJECTED if event.because else RemovalRequestState.UPHELD
            if event.because:
                removal_requests.keep_content(
                    scope, row, because=event.because, after=outcome_of_appeal(scope, row, outcome)
                )
            else:
                removal_requests.remove_content(
                    scope, row, after=outcome_of_appeal(scope, row, outcome)
                )
            _close_finished_notices(scope, row)
            rulings.audit_ruling(
                scope, "appeal.stays" if event.because else "appeal.upheld", row.id
            )
    except Conflict:
        return
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"appeal:{event.subject_id}")


def _count_rulings(scope: Scope, complaint_id: UUID) -> int:
    return len(rulings.list_rulings(scope, [complaint_id])[complaint_id])


def outcome_of_appeal(
    scope: Scope, row: RemovalRequest, outcome: RemovalRequestState
) -> RemovalRequestState:
    """Return the state of the request after the appeal: closed if the losing side has already
    appealed."""
    loser = REQUESTER_SIDE if outcome is RemovalRequestState.REJECTED else AGENCY_SIDE
    used = {one.side for one in rulings.list_appeals(scope, {row.id: 0})[row.id]}
    return RemovalRequestState.CLOSED if loser in used else outcome


def _may_decide(scope: Scope, appeal: Appeal) -> None:
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.REVIEW)
    if not rulings.eligible_deciders(scope, appeal, [member]):
        raise Refused("appeal.another")


def _get_appeal(scope: Scope, appeal_id: UUID) -> Appeal:
    appeal = scope.session.get(Appeal, (scope.tenant_id, appeal_id))
    if appeal is None:
        raise NotFound("complaint.unknown")
    return appeal


def _appeal_target(appeal: Appeal, row: RemovalRequest, now: datetime) -> datetime:
    return (appeal.created_at or now) + (
        SLOW_APPEAL_TARGET if row.category in SLOW_CATEGORIES else APPEAL_TARGET
    )


def _notice_cause(row: RemovalRequest) -> str:
    return f"{removal_requests.removal_notice_cause(row)}:appeal"


def _close_finished_notices(scope: Scope, row: RemovalRequest) -> None:
    """Close the notices when no open appeal with the same source and category is left."""
    if not any(
        _notice_cause(other) == _notice_cause(row) for _, other in _list_open_appeals(scope)
    ):
        for cause in (_notice_cause(row), f"{_notice_cause(row)}:late"):
            notices.close(scope, cause)


def _list_open_appeals(scope: Scope) -> Sequence[tuple[Appeal, RemovalRequest]]:
    """Return the appeals without a decision, oldest first."""
    here = (col(Ruling.tenant_id) == Appeal.tenant_id) & (
        col(Ruling.complaint_id) == Appeal.complaint_id
    )
    answered = select(Ruling.id).where(here, col(Ruling.number) > Appeal.against).exists()
    return scope.session.exec(
        select(Appeal, RemovalRequest)
        .join(
            RemovalRequest,
            (col(RemovalRequest.tenant_id) == Appeal.tenant_id)
            & (col(RemovalRequest.id) == Appeal.complaint_id),
        )
        .where(Appeal.tenant_id == scope.tenant_id, ~answered)
        .order_by(col(Appeal.created_at), col(Appeal.id))
    ).all()


def list_pending_appeals(scope: Scope, creators: Collection[UUID]) -> list[PendingAppeal]:
    """Return the pending appeals of these creators, oldest first.

    Many appeals from one source are grouped into one. Appeals that the operator of the installation
    decides are left out.
    """
    groups: dict[object, list[tuple[Appeal, RemovalRequest]]] = {}
    rows = [
        (appeal, row) for appeal, row in _list_open_appeals(scope) if row.creator_id in creators
    ]
    of_house = receipts.decided_by_installation(scope, [row.id for _, row in rows])
    rows = [(appeal, row) for appeal, row in rows if row.id not in of_house]
    for appeal, row in rows:
        groups.setdefault((row.creator_id, row.source, row.category, appeal.side), []).append(
            (appeal, row)
        )
    members = queries.list_members(scope) if rows else []
    parts = [
        part
        for many in groups.values()
        for part in ([many] if len(many) > GROUPING_THRESHOLD else [[each] for each in many])
    ]
    return sorted(
        (_build_pending_appeal(scope, part, members) for part in parts), key=lambda one: one.since
    )


def _build_pending_appeal(
    scope: Scope, rows: Sequence[tuple[Appeal, RemovalRequest]], members: Collection[Member]
) -> PendingAppeal:
    appeal, row = rows[0]
    allowed = [
        {one.id for one in rulings.eligible_deciders(scope, each, members)} for each, _ in rows
    ]
    return PendingAppeal(
        ids=tuple(each.id for each, _ in rows),
        about=tuple(each.id for _, each in rows),
        creator_id=row.creator_id,
        category=row.category,
        side=appeal.side,
        words=next((each.words for each, _ in rows if each.words), ""),
        copies=removal_requests.copies_by_removal_request(scope, [row])[row.id],
        said=rulings.list_rulings(scope, [row.id])[row.id][appeal.against - 1],
        since=appeal.created_at or scope.now,
        target=_appeal_target(appeal, row, scope.now),
        allowed=frozenset.intersection(*map(frozenset, allowed)),
    )


def list_appealable_removals(
    scope: Scope, creators: Collection[UUID], *, limit: int = 20
) -> list[AppealableRemoval]:
    """Return the removals of these creators that may still be appealed, newest decision first."""
    rows = scope.session.exec(
        select(RemovalRequest)
        .where(
            RemovalRequest.tenant_id == scope.tenant_id,
            col(RemovalRequest.creator_id).in_(list(creators)),
            col(RemovalRequest.state).in_([RemovalRequestState.CALLED, RemovalRequestState.UPHELD]),
            col(RemovalRequest.updated_at) > scope.now - APPEAL_WINDOW,
        )
        .order_by(col(RemovalRequest.updated_at).desc())
        .limit(limit)
    ).all()
    if not rows:
        return []
    known = removal_requests.brief_statuses(scope, rows)
    ends = {
        row.id: end
        for row in rows
        if (end := appeal_deadline(known[row.id], AGENCY_SIDE)) is not None and end > scope.now
    }
    open_rows = [row for row in rows if row.id in ends]
    shown = removal_requests.copies_by_removal_request(scope, open_rows)
    return [
        AppealableRemoval(
            row.id,
            row.creator_id,
            row.category,
            shown[row.id],
            known[row.id].rulings[-1],
            ends[row.id],
        )
        for row in open_rows
    ]
