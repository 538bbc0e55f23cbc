"""Face comparison: members decide whether a synthetic or unnamed person is the one a picture
resembles.

If it is another person, two members must confirm this for generated content and one for a
photograph. If it is the same person, a photograph names them, and a synthetic person becomes their
digital twin, which requires their consent to AI content in their likeness.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.assets import viewings
from gate.consent.grants import has_ai_consent
from gate.contract.facts import ReviewFacts
from gate.contract.units import Rating
from gate.decision.resemblance_rules import (
    GENERATED_REVIEWERS,
    PHOTO_REVIEWERS,
    has_enough_reviewers,
)
from gate.faces.resemblances import ResemblanceVote, people_using_reference
from gate.people import persons
from gate.ratings import ratings
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.auth import device_fingerprints
from tenants.notices import notices

ANSWER_OTHER = "other"
ANSWER_SAME = "same"
ANSWER_NAMED = "named"
ANSWER_TWIN = "double"
ANSWERS = (ANSWER_OTHER, ANSWER_SAME, ANSWER_NAMED, ANSWER_TWIN)
COMPARISON_REASONS = ("features", "shape", "marks")
"""Reasons why it is another person: `likeness.because.<code>`."""


@dataclass(frozen=True)
class ResemblanceJudged:
    """A member compared two pictures and answered; `subject_id` is the resemblance.

    `digest` is the state of the resemblance that they saw. `maker` uploaded the picture and `by`
    answered, both as `member:<id>`.
    """

    kind: ClassVar[str] = "likeness.judge"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    digest: str
    answer: str
    because: str
    maker: str
    by: str


@dataclass(frozen=True)
class FaceComparisonTask:
    """A picture that resembles a person, as reviewers see it.

    `needed` members must answer that it is another person; `said` are the answers so far. `name` is
    the display name of the person and `why` the reason of a face ban. `beside` are digests of
    pictures of the person.
    """

    id: UUID
    asset_id: UUID
    sha256: str
    creator_id: UUID
    invented: bool
    person_id: UUID | None
    name: str
    why: str
    beside: tuple[str, ...]
    score: int
    digest: str
    needed: int
    said: tuple[ReviewFacts, ...]
    since: datetime

    @property
    def answers(self) -> tuple[str, ...]:
        """Return the possible answers."""
        if self.person_id is None:
            return (ANSWER_OTHER, ANSWER_SAME)
        return (
            (ANSWER_OTHER, ANSWER_TWIN, ANSWER_SAME)
            if self.invented
            else (ANSWER_OTHER, ANSWER_NAMED)
        )


_ALIKE = """
SELECT l.id, l.sha256, l.score, l.digest, l.person_id, l.created_at AS since, r.asset_id,
a.creator_id, f.why,
  coalesce(p.display_ref, '') AS name,
  a.ai = 'generated' OR EXISTS (SELECT FROM depictions d JOIN persons q ON q.tenant_id = d.tenant_id
      AND q.id = d.person_id AND q.kind = 'synthetic'
    WHERE d.tenant_id = a.tenant_id AND d.asset_id = a.id AND d.state = 'confirmed') OR EXISTS (
    SELECT FROM face_subjects c WHERE c.tenant_id = l.tenant_id AND c.basis = 'reference' AND
    c.ended_at IS NULL
      AND c.pictures @> to_jsonb(l.sha256)) AS invented,
  (SELECT t.pictures FROM face_templates t WHERE t.tenant_id = l.tenant_id AND t.subject_id =
  l.subject_id
    AND t.model = l.model) AS beside,
  EXISTS (SELECT FROM depictions d JOIN persons q ON q.tenant_id = d.tenant_id AND q.id =
  d.person_id
    WHERE d.tenant_id = a.tenant_id AND d.asset_id = a.id AND d.state = 'confirmed'
      AND q.kind = 'digital_twin' AND q.twin_of = l.person_id) AS doubled,
  EXISTS (SELECT FROM depictions d WHERE d.tenant_id = a.tenant_id AND d.asset_id = a.id AND
  d.state = 'confirmed'
    AND d.person_id = l.person_id) AS named,
  (SELECT jsonb_agg(jsonb_build_array(u.principal_id, u.other, u.created_at) ORDER BY
  u.created_at, u.id)
    FROM likeness_rulings u WHERE u.tenant_id = l.tenant_id AND u.likeness_id = l.id AND u.digest
    = l.digest) AS said
FROM likenesses l
JOIN face_subjects f ON f.tenant_id = l.tenant_id AND f.id = l.subject_id
JOIN renditions r ON r.tenant_id = l.tenant_id AND r.sha256 = l.sha256 AND r.state = 'made'
JOIN assets a ON a.tenant_id = r.tenant_id AND a.id = r.asset_id
LEFT JOIN persons p ON p.tenant_id = l.tenant_id AND p.id = l.person_id
WHERE l.tenant_id = :tenant AND (l.person_id IS NOT NULL OR f.ended_at IS NULL)
"""


_NOT_NAMED = """
AND NOT (a.ai = 'none' AND EXISTS (SELECT FROM depictions d WHERE d.tenant_id = a.tenant_id AND
d.asset_id = a.id
    AND d.person_id = l.person_id AND d.state = 'confirmed')
  AND NOT EXISTS (SELECT FROM depictions d JOIN persons q ON q.tenant_id = d.tenant_id AND q.id =
  d.person_id
    WHERE d.tenant_id = a.tenant_id AND d.asset_id = a.id AND d.state = 'confirmed' AND q.kind =
    'synthetic'))
"""
"""Excludes photographs that name the person, which all resemble them, before other rows are read.
"""


def list_face_comparisons(
    scope: Scope, creators: Collection[UUID], *, limit: int = 50
) -> list[FaceComparisonTask]:
    """Return the unresolved resemblances of these creators' pictures, oldest first."""
    if not creators:
        return []
    rows = scope.run(
        f"{_ALIKE} AND a.creator_id = ANY(:creators) {_NOT_NAMED} ORDER BY l.created_at, l.id",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    found = ((_task_from_row(row), row) for row in rows)
    return [one for one, row in found if not _is_resolved(one, row)][:limit]


def _is_resolved(one: FaceComparisonTask, row: Any) -> bool:
    return (
        row.doubled
        or (row.named and not one.invented)
        or has_enough_reviewers(one.said, needed=one.needed)
    )


def _task_from_row(row: Any) -> FaceComparisonTask:
    said = (
        ReviewFacts(UUID(who), other, 100, datetime.fromisoformat(at))
        for who, other, at in row.said or ()
    )
    return FaceComparisonTask(
        id=row.id,
        asset_id=row.asset_id,
        sha256=row.sha256,
        creator_id=row.creator_id,
        invented=row.invented,
        person_id=row.person_id,
        name=row.name,
        why=row.why,
        beside=tuple(row.beside or ()),
        score=row.score,
        digest=row.digest,
        needed=GENERATED_REVIEWERS if row.invented or row.person_id is None else PHOTO_REVIEWERS,
        said=tuple(said),
        since=row.since,
    )


def get_face_comparison(scope: Scope, likeness_id: UUID) -> FaceComparisonTask:
    """Return a resemblance, resolved or not. Raises NotFound."""
    row = scope.run(f"{_ALIKE} AND l.id = :id", tenant=scope.tenant_id, id=likeness_id).first()
    if row is None:
        raise NotFound("likeness.unknown")
    return _task_from_row(row)


def submit_face_judgement(
    scope: Scope, likeness_id: UUID, answer: str, *, digest: str, because: str = "", maker: str = ""
) -> None:
    """Answer as the scope's actor, who saw both pictures; a worker records the answer immediately.

    Raises the errors of `record_face_judgement`.
    """
    event = ResemblanceJudged(
        scope.tenant_id, likeness_id, digest, answer, because, maker, scope.actor
    )
    _check_judgement(scope, get_face_comparison(scope, likeness_id), event)
    outbox.put(scope, event, priority=1)


def handle_face_judgement(event: ResemblanceJudged, *, tenant: OpenScope) -> None:
    """Record an answer as the member who gave it.

    A member who may no longer do so gets a notice.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            record_face_judgement(scope, event)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def record_face_judgement(scope: Scope, event: ResemblanceJudged) -> None:
    """Record a member's answer about a resemblance.

    Raises Refused for a member who may not review, uploaded the picture, declared the synthetic
    person, counts as one of them or as an earlier reviewer, or did not view the pictures, and for a
    digital twin without consent; Conflict if the resemblance has changed or they answered before;
    BadInput for an invalid answer; NotFound.
    """
    found = get_face_comparison(scope, event.subject_id)
    _lock_epochs(scope, found, event.answer)
    found = get_face_comparison(scope, event.subject_id)
    member = _check_judgement(scope, found, event)
    if event.answer == ANSWER_NAMED and found.person_id is not None:
        ratings.record_depiction(
            scope, found.asset_id, found.person_id, how="face", confirmed_by=scope.actor
        )
    elif event.answer == ANSWER_TWIN and found.person_id is not None:
        _link_digital_twin(scope, found, found.person_id)
    else:
        _record_vote(scope, found, member.principal_id, event)
    audit.record(scope, f"likeness.{event.answer}", f"asset:{found.asset_id}")
    if not has_open_comparison(scope, found.asset_id):
        notices.close(scope, f"likeness:{found.asset_id}")


def has_open_comparison(scope: Scope, asset_id: UUID) -> bool:
    """Return True if an asset has an unresolved resemblance."""
    rows = scope.run(
        f"{_ALIKE} AND r.asset_id = :asset", tenant=scope.tenant_id, asset=asset_id
    ).all()
    return any(not _is_resolved(_task_from_row(row), row) for row in rows)


def _record_vote(
    scope: Scope, found: FaceComparisonTask, principal: UUID, event: ResemblanceJudged
) -> None:
    reason = (
        Message(f"likeness.because.{event.because}").to_json()
        if event.answer == ANSWER_OTHER
        else None
    )
    with scope.acting_as("gate"):
        scope.add(
            ResemblanceVote(
                tenant_id=scope.tenant_id,
                likeness_id=found.id,
                digest=found.digest,
                principal_id=principal,
                other=event.answer == ANSWER_OTHER,
                reason=reason,
            )
        )
        scope.session.flush()
        if event.answer == ANSWER_OTHER and not found.invented and found.person_id is not None:
            scope.run(  # Withdraw the person that the comparison proposed.
                "DELETE FROM depictions WHERE tenant_id = :tenant AND asset_id = :asset AND "
                "person_id = :person"
                " AND how = 'face' AND state = 'proposed'",
                tenant=scope.tenant_id,
                asset=found.asset_id,
                person=found.person_id,
            )


_MADE_OF = """
SELECT DISTINCT d.asset_id FROM depictions d WHERE d.tenant_id = :tenant AND d.person_id IN (
  SELECT i.person_id FROM depictions i JOIN persons p ON p.tenant_id = i.tenant_id AND p.id =
  i.person_id
    AND p.kind = 'synthetic' WHERE i.tenant_id = :tenant AND i.asset_id = :asset AND i.state =
    'confirmed'
  UNION SELECT c.person_id FROM face_subjects c WHERE c.tenant_id = :tenant AND c.basis =
  'reference'
    AND c.ended_at IS NULL AND c.pictures @> to_jsonb(CAST(:sha256 AS text)))
"""


def _list_affected_assets(scope: Scope, found: FaceComparisonTask) -> set[UUID]:
    """Return the asset, and those that show its synthetic people or were made from it as a
    reference."""
    rows = scope.run(_MADE_OF, tenant=scope.tenant_id, asset=found.asset_id, sha256=found.sha256)
    return {found.asset_id, *(row.asset_id for row in rows)}


def _lock_epochs(scope: Scope, found: FaceComparisonTask, answer: str) -> None:
    """Lock every epoch that an answer affects at once, in order."""
    assets = _list_affected_assets(scope, found) if answer == ANSWER_TWIN else {found.asset_id}
    persons = people_using_reference(scope, found.sha256) | (
        {found.person_id} if found.person_id is not None else set()
    )
    keys = [epochs.asset_key(scope, one) for one in assets] + [
        epochs.person_key(scope, one) for one in persons
    ]
    epochs.lock_and_advance(scope, *keys)


def _link_digital_twin(scope: Scope, found: FaceComparisonTask, real: UUID) -> None:
    """Turn the synthetic person into a digital twin of the real one, whose documents are then
    required."""
    if not has_ai_consent(scope, real):
        raise Refused("likeness.not_allowed")
    known = persons.list_digital_twins(scope, real)
    twin = (
        known[0]
        if known
        else persons.add_person(scope, kind="digital_twin", display_ref=found.name, twin_of=real)
    )
    for asset_id in sorted(_list_affected_assets(scope, found)):
        ratings.record_depiction(scope, asset_id, twin, how="face", confirmed_by=scope.actor)


def _check_judgement(
    scope: Scope, found: FaceComparisonTask, event: ResemblanceJudged
) -> queries.Member:
    """Check an answer and return the acting member.

    The answer that it is the same person only restricts, so it needs no second person.
    """
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.RUN if event.answer == ANSWER_TWIN else Right.REVIEW)
    if event.answer not in found.answers or (event.answer == ANSWER_OTHER) != (
        event.because in COMPARISON_REASONS
    ):
        raise BadInput("likeness.no_answer")
    if event.digest != found.digest:
        raise Conflict("likeness.changed")
    if event.answer != ANSWER_SAME:
        _check_other_human(scope, found, event, member)
        _check_viewed(scope, found, member)
    return member


def _check_other_human(
    scope: Scope, found: FaceComparisonTask, event: ResemblanceJudged, member: queries.Member
) -> None:
    same = device_fingerprints.same_humans(scope, member.principal_id).get(
        member.principal_id, frozenset()
    )
    me = {member.principal_id, *same}
    if me & {*_list_declarers(scope, found), queries.principal_of_actor(scope, event.maker)}:
        raise Refused("review.own")
    spoke = {one.principal: one.approves for one in found.said}  # the last answer of each member
    if event.answer == ANSWER_OTHER and spoke.get(member.principal_id):
        raise Conflict("likeness.said")
    if event.answer == ANSWER_OTHER and any(spoke.get(one) for one in same):
        raise Refused("review.own")


def _list_declarers(scope: Scope, found: FaceComparisonTask) -> set[UUID]:
    """Return the principals who declared the people in the asset, or made from it, synthetic."""
    rows = scope.run(
        "SELECT DISTINCT d.declared_by FROM declarations d WHERE d.tenant_id = :tenant AND "
        "d.person_id IN ("
        " SELECT i.person_id FROM depictions i WHERE i.tenant_id = :tenant AND i.asset_id = :asset"
        " UNION SELECT c.person_id FROM face_subjects c WHERE c.tenant_id = :tenant AND c.basis = "
        "'reference'"
        " AND c.ended_at IS NULL AND c.pictures @> to_jsonb(CAST(:sha256 AS text)))",
        tenant=scope.tenant_id,
        asset=found.asset_id,
        sha256=found.sha256,
    )
    return {row.declared_by for row in rows}


def _check_viewed(scope: Scope, found: FaceComparisonTask, member: queries.Member) -> None:
    """Raise Refused unless the member viewed the picture and one of the person in the last hour.

    Pictures rated General or Suggestive are always shown unblurred and need no record.
    """
    digests = [found.sha256, *found.beside]
    standing = ratings.display_ratings(scope, digests)
    shown = viewings.viewed_digests_of(scope, member.principal_id, digests)
    open_ = {sha256 for sha256, one in standing.items() if one.rating in (Rating.G, Rating.S)}
    if found.sha256 not in shown | open_ or (
        found.beside and not set(found.beside) & (shown | open_)
    ):
        raise Refused("approvals.look_first")
