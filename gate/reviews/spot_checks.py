"""Spot checks: members review a sample of the content that passed by rules alone.

The sample is drawn at clearance by a signature that no one can predict and that anyone with the
public key can verify. A retry of the same post gives the same result. The sample is shown on the
approvals page once the content is live, as long as its decision input is stored. A member other
than the author either agrees or raises the rating.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Index, UniqueConstraint

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments, timestamp_column
from foundation.errors import Conflict, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate.assets.depicted_principals import depicted_principals
from gate.contract.facts import UNIT_REVIEW_LIFETIME, parse_unit
from gate.contract.units import Rating, Subject, Unit, Verdict
from gate.copies.live_copies import LiveCopy, list_copies, live_copies_of_bytes
from gate.decision.case import Case
from gate.decision.review_rules import BYTES_REVIEW_LIFETIME, is_approved_by_other
from gate.decision.unit_rules import required_flags
from gate.log import decision_log
from gate.log.models import DecisionInput
from gate.policy import active_policy, review_settings
from gate.policy.matrix import PlaceKind
from gate.ratings import ratings
from gate.removal import recall
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.auth import device_fingerprints
from tenants.notices import notices

LIFE = timedelta(days=30)
"""Time for which a sample awaits review: as long as its decision input is stored."""

KINDS = frozenset({"delivery", "draft", "fulfilment", "export"})
WHY_SHARE = "share"
WHY_FLAGGED = "flagged"


class Sample(CreatorOwnedRow, table=True):
    """An item that passed by rules alone and was drawn. The gate writes it."""

    __tablename__ = "samples"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "subject_kind", "subject_id", "unit_digest", name="samples_once"
        ),
        Index("samples_open", "tenant_id", "created_at"),
        about="member",
        keep="5 years",
    )
    subject_kind: str
    subject_id: UUID
    unit_digest: str
    decision_id: UUID
    author: str
    rating: str
    why: str
    """"share", or "flagged" if the lists matched something and let it pass."""
    read_at: datetime | None = timestamp_column(optional=True)
    reader_id: UUID | None = None
    """The principal who reviewed it."""
    raised_to: str | None = None


@dataclass(frozen=True)
class SampleRead:
    """A member reviewed a sample, the subject.

    `raised_to` is the higher rating, or empty to agree. `what` is the digest of the bytes
    concerned, or empty for the text.
    """

    kind: ClassVar[str] = "sample.read"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    raised_to: str
    what: str
    by: str


@dataclass(frozen=True)
class PendingSample:
    """A sample to review: the published unit and its rating; `author` is its actor."""

    id: UUID
    creator_id: UUID
    subject: Subject
    unit: Unit
    rating: Rating
    why: str
    author: str
    at: datetime


def draw_sample(
    scope: Scope, entry: decision_log.LogEntry, case: Case, key: Ed25519PrivateKey
) -> None:
    """Draw a sample and record it at the end of the claim's transaction.

    `case` is the input of the log entry's decision.
    """
    if why := _sampling_reason(scope, entry, case, key):
        scope.before_commit(partial(_record_sample, entry=entry, why=why), role="gate")


def _sampling_reason(
    scope: Scope, entry: decision_log.LogEntry, case: Case, key: Ed25519PrivateKey
) -> str:
    """Return "share", "flagged", or "" for reviewed or General content and content that was not
    drawn."""
    unit = entry.unit
    rating = entry.decision.rating
    if rating is Rating.G or unit.service or unit.subject.kind not in KINDS:
        return ""
    if not is_passed_without_review(case):
        return ""
    shares = review_settings.sampling_shares(scope)
    if rating is Rating.S:
        return WHY_SHARE if is_drawn(key, unit, shares.suggestive_percent) else ""
    if not case.language_reading.supported:
        return WHY_FLAGGED
    return WHY_SHARE if is_drawn(key, unit, shares.words_percent) else ""


def is_passed_without_review(case: Case) -> bool:
    """Return True if no one but the author reviewed the unit or all of its pictures.

    The function is pure.
    """
    if is_approved_by_other(case.facts.reviews, case, UNIT_REVIEW_LIFETIME):
        return False
    if case.rating is Rating.S and case.text_rating.rating is Rating.G and case.media_facts:
        return not all(
            is_approved_by_other(medium.reviews, case, BYTES_REVIEW_LIFETIME)
            for medium in case.media_facts
        )
    return case.text_rating.rating is case.rating or not case.media_facts


def is_drawn(key: Ed25519PrivateKey, unit: Unit, percent: int) -> bool:
    """Return True if a unit is drawn for a sample of the given percentage.

    Ed25519 signatures are deterministic (RFC 8032), so the result is always the same.
    """
    about = {"tenant": unit.tenant_id, "subject": unit.subject, "unit": unit.digest()}
    # A random draw would allow retrying a post until it is not drawn.
    mark = hashlib.sha256(key.sign(b"greenroom sample:" + canonical_json(about))).digest()
    return int.from_bytes(mark[:8]) % 100 < percent


_KEEP = """
INSERT INTO samples (tenant_id, id, creator_id, subject_kind, subject_id, unit_digest,
decision_id, author, rating, why)
VALUES (:tenant, :id, :creator, :kind, :subject, :unit, :decision, :author, :rating, :why) ON
CONFLICT DO NOTHING
"""


def _record_sample(last: Scope, *, entry: decision_log.LogEntry, why: str) -> None:
    unit = entry.unit
    last.run(
        _KEEP,
        tenant=unit.tenant_id,
        id=uuid7(),
        creator=unit.creator_id,
        kind=unit.subject.kind,
        subject=unit.subject.id,
        unit=unit.digest(),
        decision=entry.id,
        author=entry.author,
        rating=str(entry.decision.rating),
        why=why,
    )


_WAITING = """
SELECT s.id, s.creator_id, s.subject_kind, s.subject_id, s.rating, s.why, s.author, s.created_at
AS at, i.unit
FROM samples s JOIN decision_inputs i ON i.tenant_id = s.tenant_id AND i.id = s.decision_id
WHERE s.tenant_id = :tenant AND s.creator_id = ANY(:creators) AND s.read_at IS NULL AND
s.created_at > :since
  AND EXISTS (SELECT FROM permits p WHERE p.tenant_id = s.tenant_id AND p.subject_kind =
  s.subject_kind
    AND p.subject_id = s.subject_id AND p.unit_digest = s.unit_digest AND p.state = 'consumed'
    AND p.visible_at IS NOT NULL AND p.gone_at IS NULL)
ORDER BY s.created_at, s.id LIMIT :most
"""


def list_pending_samples(
    scope: Scope, creators: Collection[UUID], *, limit: int = 200
) -> list[PendingSample]:
    """Return the samples of these creators that await review and are still live, oldest first."""
    asked = {"creators": list(creators), "since": scope.now - LIFE, "most": limit}
    return [
        PendingSample(
            row.id,
            row.creator_id,
            Subject(row.subject_kind, row.subject_id),
            parse_unit(row.unit),
            Rating(row.rating),
            row.why,
            row.author,
            row.at,
        )
        for row in scope.run(_WAITING, tenant=scope.tenant_id, **asked)
    ]


def submit_sample_reading(
    scope: Scope, sample_id: UUID, *, raised_to: Rating | None = None, what: str = ""
) -> None:
    """Review a sample as the acting member: agree, or raise the rating of the bytes `what` or the
    text.

    A worker records it. Raises NotFound; Conflict if it was reviewed before; Refused for a member
    who may not review, for the author or a person who counts as them, for a depicted member who
    does not raise the rating, and for a rating that is not higher.
    """
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.REVIEW)
    row = _get_sample(scope, sample_id)
    if row.read_at is not None:
        raise Conflict("sample.read")
    author = queries.principal_of_actor(scope, row.author)
    if author is not None and member.principal_id in {
        author,
        *device_fingerprints.same_humans(scope, author).get(author, ()),
    }:
        raise Refused("review.own")
    media = {medium.sha256 for medium in _load_unit(scope, row).media}
    shown = depicted_principals(scope, media).values()
    if raised_to is None and any(member.principal_id in one for one in shown):
        raise Refused("review.depicted")
    if raised_to is not None and raised_to.rank <= Rating(row.rating).rank:
        raise Refused("gate.RATING_LOWERING_INVALID")
    if what and what not in media:
        raise NotFound("sample.unknown")
    wanted = str(raised_to) if raised_to is not None else ""
    event = SampleRead(scope.tenant_id, sample_id, wanted, what, scope.actor)
    outbox.put(scope, event, priority=1, dedupe=f"sample:{sample_id}")


def _get_sample(scope: Scope, sample_id: UUID) -> Sample:
    row = scope.session.get(Sample, (scope.tenant_id, sample_id), populate_existing=True)
    if row is None:
        raise NotFound("sample.unknown")
    return row


def _load_unit(scope: Scope, row: Sample) -> Unit:
    stored = scope.session.get(DecisionInput, (scope.tenant_id, row.decision_id))
    if stored is None:
        raise NotFound("sample.unknown")
    return parse_unit(stored.unit)


def handle_sample_read(event: SampleRead, *, tenant: OpenScope) -> None:
    """Record the review of a sample.

    For a higher rating, recall the copies at destinations that do not allow it.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            scope.lock(f"{event.tenant_id}:sample:{event.subject_id}")
            row = _get_sample(scope, event.subject_id)
            if row.read_at is None:
                _record_reading(scope, row, event)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


_READ = """
UPDATE samples SET read_at = house_now(), reader_id = :reader, raised_to = NULLIF(:raised, ''),
updated_at = house_now()
WHERE tenant_id = :tenant AND id = :id AND read_at IS NULL
"""


def _record_reading(scope: Scope, row: Sample, event: SampleRead) -> None:
    member = queries.get_acting_member(scope, "review.people_only")
    if event.raised_to:
        _raise_rating(scope, row, Rating(event.raised_to), event.what)
    with scope.acting_as("gate"):
        said = {"reader": member.principal_id, "raised": event.raised_to}
        scope.run(_READ, tenant=scope.tenant_id, id=row.id, **said)
    audit.record(
        scope,
        "sample.raised" if event.raised_to else "sample.read",
        f"sample:{row.id}",
        why=row.why,
    )


def _raise_rating(scope: Scope, row: Sample, rating: Rating, what: str) -> None:
    """Raise the rating of bytes for every use, or recall a text and notify the members."""
    subject = Subject(row.subject_kind, row.subject_id)
    if what:
        ratings.record_rating(scope, what, rating, source=scope.actor)
        if rating is Rating.X:
            ratings.freeze_bytes(scope, what)
        found = live_copies_of_bytes(scope, what)
    else:
        found = [
            copy
            for copy in list_copies(scope, subject)
            if copy.unit_digest == row.unit_digest and not copy.removed_at
        ]
        told = Message("sample.words_missed")
        notices.put(scope, told, cause=f"sample:{row.id}", creator_id=row.creator_id)
    recall.open_takedowns(
        scope, [one for one in found if _too_much(scope, one, rating)], Message("recall.raised")
    )


def _too_much(scope: Scope, copy: LiveCopy, rating: Rating) -> bool:
    """Return True if the destination of a copy does not allow a rating, or allows it only with
    flags that the copy lacks."""
    if rating is Rating.X:
        return True
    place: PlaceKind = "chat" if copy.viewer else "post"
    row = active_policy.current_bundle(scope).row(
        copy.platform, copy.surface, on=scope.now.date(), place=place
    )
    wanted = set(required_flags(row, rating, ai=False))
    return row.verdict(rating).rank >= Verdict.H.rank or not wanted <= set(copy.flags)
