"""Removal requests: a depicted person or anyone else asks for content to be removed.

No login or name is required; the requester gets a receipt. The named content and its look-alikes
are frozen immediately. A member then removes it everywhere and permanently, or keeps it with a
reason. Without a decision within `DECISION_DEADLINE` the content is recalled automatically. Each
decision is a row of `gate/removal/rulings.py`; either side may appeal (`gate/reviews/appeals.py`).
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.assets import lookalikes
from gate.contract.states import COMPLAINT_STATES, RemovalRequestState
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.ratings import ratings, seals
from gate.ratings.incoming_lookalikes import SLOW_CATEGORIES
from gate.removal import recall, receipts, rulings
from gate.removal.events import DecisionTargetReached, RemovalRequestDecided, RemovalRequestDue
from gate.removal.models import RemovalRequest
from gate.removal.receipts import SubmittedForm
from gate.removal.request_status import (
    RequestStatus,
    brief_status,
    brief_statuses,
    copies_by_removal_request,
    find_status_by_receipt,
    get_removal_request,
    latest_status,
    lock_removal_request,
)
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

__all__ = [
    "RequestStatus",
    "brief_status",
    "brief_statuses",
    "copies_by_removal_request",
    "find_status_by_receipt",
    "get_removal_request",
    "latest_status",
    "lock_removal_request",
]

ACTOR = "system:complaints"
OFFICER_ACTOR = "officer:"
"""Prefix of the actor of an officer of the installation; their name follows."""
REMOVAL_CATEGORIES = ("shown", "represents", "minor", "illegal", "other")
"""Categories of removal requests, by requester or reason.

They are: the depicted person, their representative, a person who was a minor, illegal content, and
another reason.
"""

DECISION_DEADLINE = timedelta(hours=24)
"""Time for a decision by the members; after that, the named content is recalled everywhere.

Half of the 48 hours that the law allows:
https://www.congress.gov/bill/119th-congress/senate-bill/146 (sec. 3).
"""

DECISION_TARGET = timedelta(hours=12)
SLOW_DECISION_TARGET = timedelta(days=7)
"""Target for decisions in slow categories, which have no deadline; `DECISION_TARGET` is for the
others.

Members are notified when the target has passed.
"""

GROUPING_THRESHOLD = 5
MAX_REMOVAL_REQUESTS = 500
RATE_WINDOW = timedelta(hours=1)
"""Window of the limits per source.

More than `GROUPING_THRESHOLD` requests are decided as one; more than `MAX_REMOVAL_REQUESTS` are
refused.
"""

KEEP_REASONS = ("agreed", "mistaken", "unfounded")
"""Reasons for keeping content.

Everyone depicted agreed and still does, another picture was meant, or the request is unfounded.
"""

RECEIPT_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""The characters of a receipt, without similar-looking ones."""


@dataclass(frozen=True)
class PendingRemovalRequest:
    """A request to decide, or a group of requests from one source.

    `until` is the deadline for the automatic recall, and `target` the time by which a member should
    decide.
    """

    ids: tuple[UUID, ...]
    creator_id: UUID
    category: str
    since: datetime
    until: datetime | None
    target: datetime
    copies: tuple[LiveCopy, ...]
    address: str = ""
    """The address of the content, as entered."""
    words: str = ""
    """The description; if nothing was located by the form, a member must find the content."""
    located: bool = True
    """True if content was located by the form. Only located content is frozen."""


def receive_removal_request(
    scope: Scope,
    *,
    creator_id: UUID,
    category: str,
    named: str,
    digests: Sequence[str],
    source: str,
    described: bool = False,
) -> str:
    """Store a removal request, start the freeze and return the receipt.

    `digests` are the bytes shown by `named`, a content ID. `source` is a keyed digest of the
    origin. `described` is True for a request without known content, which a member must locate.
    Raises BadInput for an unknown category or content, and Refused if one source sends too many.
    """
    if category not in REMOVAL_CATEGORIES or not (digests or described):
        raise BadInput("complaint.unfit")
    lately = scope.run(
        "SELECT count(*) FROM complaints WHERE tenant_id = :tenant AND source = :source AND "
        "created_at > :since",
        tenant=scope.tenant_id,
        source=source,
        since=scope.now - RATE_WINDOW,
    ).scalar_one()
    if lately >= MAX_REMOVAL_REQUESTS:
        raise Refused("complaint.flood", most=MAX_REMOVAL_REQUESTS)
    row = RemovalRequest(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=creator_id,
        receipt=new_receipt(),
        category=category,
        named=named,
        source=source,
        state=str(COMPLAINT_STATES.initial),
        digests=list(digests),
    )
    scope.add(row)
    outbox.put(scope, RemovalRequestDue(scope.tenant_id, row.id), priority=0)
    return row.receipt


def new_receipt() -> str:
    """Return a new receipt number that is unique and cannot be guessed."""
    return "-".join("".join(secrets.choice(RECEIPT_ALPHABET) for _ in range(4)) for _ in range(3))


def freeze_named_bytes(scope: Scope, complaint_id: UUID) -> None:
    """Block the named bytes from publication and display until a decision.

    Look-alikes are frozen too, except in slow categories. Raises NotFound.
    """
    row = get_removal_request(scope, complaint_id)
    same = (
        []
        if row.category in SLOW_CATEGORIES
        else [each for sha256 in row.digests for each in lookalikes.find_lookalikes(scope, sha256)]
    )
    with scope.acting_as("gate"):
        row.digests = sorted({*row.digests, *same})
        scope.add(row)
    for sha256 in row.digests:
        ratings.freeze_bytes(scope, sha256)


def recall_named_bytes(scope: Scope, complaint_id: UUID) -> list[UUID]:
    """Recall every copy of the named bytes and return their permits, or [] if decided before.

    Raises NotFound.
    """
    row = lock_removal_request(scope, complaint_id)
    if row.state != RemovalRequestState.RECEIVED:
        return []
    freeze_named_bytes(scope, row.id)  # New look-alikes may have been added since.
    _record_decision(scope, row, RemovalRequestState.CALLED, RemovalRequestState.CALLED)
    return recall.open_takedowns(
        scope, live_copies.live_copies_of_bytes(scope, *row.digests), Message("recall.complaint")
    )


def uphold_removal_request(scope: Scope, complaint_id: UUID) -> list[UUID]:
    """Uphold a request: remove the content and its look-alikes everywhere and permanently.

    Return the permits of the recalled copies. Raises NotFound, and Conflict if it was decided
    before.
    """
    row = lock_removal_request(scope, complaint_id)
    if row.state not in (RemovalRequestState.RECEIVED, RemovalRequestState.CALLED):
        raise Conflict("complaint.decided")
    return remove_content(scope, row)


def reject_removal_request(scope: Scope, complaint_id: UUID, *, because: str = "unfounded") -> None:
    """Reject a request, so that the content may be published again.

    Raises BadInput without a reason from `KEEP_REASONS`, NotFound, and Conflict if it was decided
    before. Automatically recalled content is restored only by an appeal.
    """
    row = lock_removal_request(scope, complaint_id)
    if row.state != RemovalRequestState.RECEIVED:
        raise Conflict("complaint.decided")
    keep_content(scope, row, because=because)


def remove_content(
    scope: Scope, row: RemovalRequest, *, after: RemovalRequestState = RemovalRequestState.UPHELD
) -> list[UUID]:
    """Block the bytes of a request, recall every copy and return their permits."""
    freeze_named_bytes(scope, row.id)  # New look-alikes may have been added since.
    _record_decision(scope, row, RemovalRequestState.UPHELD, after)
    called: list[UUID] = []
    for sha256 in row.digests:
        look = lookalikes.perceptual_hash_of(scope, sha256)
        if row.category == recall.MINOR_CATEGORY:
            seals.seal_bytes(scope, sha256, by=f"complaint:{row.id}")
        called += recall.block_bytes(
            scope, sha256, category=row.category, phash=look, complaint_id=row.id
        )
    return called


def keep_content(
    scope: Scope,
    row: RemovalRequest,
    *,
    because: str,
    after: RemovalRequestState = RemovalRequestState.REJECTED,
) -> None:
    """Permit the bytes of a request to be published again. Removed copies are not restored.

    Bytes restricted by another request stay restricted. Raises BadInput without a reason from
    `KEEP_REASONS`.
    """
    if because not in KEEP_REASONS:
        raise BadInput("complaint.no_reason").about("reason")
    _record_decision(
        scope,
        row,
        RemovalRequestState.REJECTED,
        after,
        reason=Message(f"complaint.because.{because}"),
    )
    for sha256 in sorted(
        set(row.digests) - rulings.restricted_by_others(scope, row.id, row.digests)
    ):
        recall.unblock_bytes(scope, sha256)
        ratings.unfreeze_bytes(scope, sha256)


def refreeze_on_appeal(scope: Scope, row: RemovalRequest) -> None:
    """Freeze the content of an appealed request until the next decision."""
    change_request_state(scope, row, RemovalRequestState.APPEALED)
    for sha256 in row.digests:
        ratings.freeze_bytes(scope, sha256)


def request_decision(
    scope: Scope, complaint_id: UUID, *, because: str = "", digests: Collection[str] = ()
) -> None:
    """Decide a request as the acting member; a worker carries it out immediately.

    With a reason from `KEEP_REASONS` the content is kept; without one it is removed. `digests` are
    the bytes that the member located. Raises Refused for a member who may not review and for
    requests that the operator decides, BadInput for another reason, NotFound, and Conflict if it
    was decided before.
    """
    require_right(queries.get_acting_member(scope, "review.people_only").role, Right.REVIEW)
    if because and because not in KEEP_REASONS:
        raise BadInput("complaint.no_reason").about("reason")
    row = get_removal_request(scope, complaint_id)
    check_not_accused(scope, row.id)
    if row.state != RemovalRequestState.RECEIVED:
        raise Conflict("complaint.decided")
    if not (because or row.digests or digests):
        raise BadInput("complaint.not_found")
    event = RemovalRequestDecided(
        scope.tenant_id, row.id, because, scope.actor, ",".join(sorted(digests))
    )
    outbox.put(scope, event, priority=0, dedupe=f"complaint:{row.id}")


def check_not_accused(scope: Scope, complaint_id: UUID) -> None:
    """Raise Refused if a request is about the agency's own staff.

    Only an officer of the installation may decide such a request.
    """
    if receipts.decided_by_installation(scope, [complaint_id]) and not scope.actor.startswith(
        OFFICER_ACTOR
    ):
        raise Refused("complaint.house")


def handle_removal_decision(event: RemovalRequestDecided, *, tenant: OpenScope) -> None:
    """Carry out a member's decision, unless another one came first."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            check_not_accused(scope, event.subject_id)
            if event.found:
                _record_named_bytes(scope, event.subject_id, event.found.split(","))
            if event.because:
                reject_removal_request(scope, event.subject_id, because=event.because)
            else:
                uphold_removal_request(scope, event.subject_id)
            rulings.audit_ruling(
                scope, "complaint.stays" if event.because else "complaint.upheld", event.subject_id
            )
    except Conflict:
        return


def _record_named_bytes(scope: Scope, complaint_id: UUID, digests: Collection[str]) -> None:
    """Record the bytes that a member located, and freeze them."""
    row = lock_removal_request(scope, complaint_id)
    with scope.acting_as("gate"):
        row.digests = sorted({*row.digests, *digests})
        scope.add(row)
    freeze_named_bytes(scope, complaint_id)


def handle_removal_request_due(event: RemovalRequestDue, *, tenant: OpenScope) -> None:
    """Freeze the named content and notify the members; recall the content at the deadline.

    The demo agency recalls immediately.
    """
    with tenant(event.tenant_id, ACTOR) as scope:
        row = lock_removal_request(
            scope, event.subject_id
        )  # The lock serializes this with a decision.
        if row.state != RemovalRequestState.RECEIVED:
            return
        freeze_named_bytes(scope, row.id)
        until = _decision_deadline(scope, row)
        if until is not None and (scope.now >= until or queries.get_agency(scope).demo):
            recall_named_bytes(scope, row.id)
            return
        creator = queries.get_creator(scope, row.creator_id)
        by_house = bool(receipts.decided_by_installation(scope, [row.id]))
        code = "complaint.waits_house" if by_house else "complaint.waits_person"
        told = Message(
            code if row.digests or by_house else "complaint.waits_words", {"creator": creator.name}
        )
        if until is not None and not by_house:
            hour = f"{until.astimezone(ZoneInfo(creator.zone)):%d/%m %H:%M}"
            told = Message("complaint.waits", {"creator": creator.name, "until": hour})
        if until is not None:
            outbox.put(scope, event, at=until, priority=0)
        notices.put(
            scope, told, cause=removal_notice_cause(row), urgent=True, creator_id=row.creator_id
        )
        late = DecisionTargetReached(scope.tenant_id, row.id, 0)
        outbox.put(scope, late, at=decision_target(row, scope.now), dedupe=f"target:{row.id}:0")


def decision_target(row: RemovalRequest, now: datetime) -> datetime:
    """Return the time by which a request should be decided."""
    return (row.created_at or now) + (
        SLOW_DECISION_TARGET if row.category in SLOW_CATEGORIES else DECISION_TARGET
    )


def _decision_deadline(scope: Scope, row: RemovalRequest) -> datetime | None:
    return (
        None
        if row.category in SLOW_CATEGORIES or not row.digests
        else (row.created_at or scope.now) + DECISION_DEADLINE
    )


def removal_notice_cause(row: RemovalRequest) -> str:
    """Return the notice cause, which requests of one source and category share."""
    return f"complaint:{row.source}:{row.category}"


def _close_finished_notices(scope: Scope, row: RemovalRequest) -> None:
    """Close the notices when no open request with the same source and category is left."""
    scope.session.flush()
    if not any(
        removal_notice_cause(other) == removal_notice_cause(row)
        for other in _list_open_requests(scope)
    ):
        notices.close(scope, removal_notice_cause(row))
        notices.close(scope, f"{removal_notice_cause(row)}:late")


def _list_open_requests(scope: Scope) -> Sequence[RemovalRequest]:
    return scope.session.exec(
        select(RemovalRequest)
        .where(
            RemovalRequest.tenant_id == scope.tenant_id,
            RemovalRequest.state == RemovalRequestState.RECEIVED,
        )
        .order_by(col(RemovalRequest.created_at), col(RemovalRequest.id))
    ).all()


def list_pending_removal_requests(
    scope: Scope, creators: Collection[UUID]
) -> list[PendingRemovalRequest]:
    """Return the pending requests of these creators, oldest first."""
    by_source: dict[tuple[UUID, str, str], list[RemovalRequest]] = {}
    here = [row for row in _list_open_requests(scope) if row.creator_id in creators]
    came = receipts.submissions_by_request(scope, [row.id for row in here])
    for row in here:
        if row.id not in came or not came[row.id].by_house:
            by_source.setdefault((row.creator_id, row.source, row.category), []).append(row)
    groups = [
        part
        for rows in by_source.values()
        for part in ([rows] if len(rows) > GROUPING_THRESHOLD else [[row] for row in rows])
    ]
    shown = live_copies.live_copies_of_bytes(
        scope, *{sha256 for rows in groups for row in rows for sha256 in row.digests}
    )
    return sorted(
        (_build_pending_request(scope, rows, came, shown) for rows in groups),
        key=lambda one: one.since,
    )


def _build_pending_request(
    scope: Scope,
    rows: Sequence[RemovalRequest],
    came: Mapping[UUID, SubmittedForm],
    shown: Sequence[LiveCopy],
) -> PendingRemovalRequest:
    first = rows[0]
    digests = {sha256 for row in rows for sha256 in row.digests}
    outside = tuple(one for one in shown if one.native_ids and not digests.isdisjoint(one.media))
    ids = tuple(row.id for row in rows)
    since = first.created_at or scope.now
    until = _decision_deadline(scope, first)
    said = came.get(first.id, SubmittedForm())
    due = decision_target(first, scope.now)
    located = any(row.digests for row in rows)
    return PendingRemovalRequest(
        ids,
        first.creator_id,
        first.category,
        since,
        until,
        due,
        outside,
        said.address,
        said.words,
        located,
    )


def _record_decision(
    scope: Scope,
    row: RemovalRequest,
    outcome: RemovalRequestState,
    after: RemovalRequestState,
    *,
    reason: Message | None = None,
) -> None:
    """Record a decision of the scope's actor or of the deadline. Raises Conflict if another came
    first."""
    before = len(rulings.list_rulings(scope, [row.id])[row.id])
    rulings.record_ruling(scope, row.id, outcome, after=before, reason=reason)
    change_request_state(scope, row, after)
    if outcome is not RemovalRequestState.REJECTED:
        with scope.acting_as("gate"):
            row.called_at = row.called_at or scope.now
            scope.add(row)
    _close_finished_notices(scope, row)


def change_request_state(scope: Scope, row: RemovalRequest, after: RemovalRequestState) -> None:
    """Change the state of a request. Raises an error for a transition outside its graph."""
    COMPLAINT_STATES.check(RemovalRequestState(row.state), after)
    with scope.acting_as("gate"):
        row.state = str(after)
        scope.add(row)
