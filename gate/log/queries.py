"""Queries for pages: reasons of decisions, held units, depicted people and missing consents."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract.facts import parse_unit
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Subject, Unit
from gate.decision.decide import Decision
from gate.evidence import media_facts


@dataclass(frozen=True)
class HeldUnit:
    """A subject that is on hold for review, with the digest that the review refers to."""

    subject: Subject
    creator_id: UUID
    channel_id: UUID
    surface: str
    unit_digest: str
    rating: Rating
    reasons: tuple[Reason, ...]
    since: datetime


def explain_decision(decision: Decision) -> tuple[Message, ...]:
    """Return a message for each reason, in order. No message names the matching term or picture."""
    return explain_reasons(decision.reasons)


def explain_reasons(reasons: Iterable[Reason]) -> tuple[Message, ...]:
    """Return the messages of reasons."""
    return tuple(Message(f"gate.{reason}") for reason in reasons)


_WAITING = """
SELECT * FROM (
  SELECT DISTINCT ON (subject_kind, subject_id) subject_kind, subject_id, creator_id, channel_id,
  surface, unit_digest,
    rating, reasons, verdict, decided_at
  FROM decisions WHERE tenant_id = :tenant AND decided_at > :since ORDER BY subject_kind,
  subject_id, seq DESC) last
WHERE verdict = 'H' OR reasons ? 'UNIT_CHANGED' ORDER BY decided_at LIMIT :limit
"""


def list_held_units(scope: Scope, *, since: datetime, limit: int = 100) -> list[HeldUnit]:
    """Return the subjects whose last decision after `since` is a hold and whose unit was not
    reviewed.

    They are sorted oldest first.
    """
    rows = scope.run(_WAITING, tenant=scope.tenant_id, since=since, limit=limit).all()
    said = media_facts.review_facts(scope, "unit", {row.unit_digest for row in rows})
    return [
        HeldUnit(
            subject=Subject(row.subject_kind, row.subject_id),
            creator_id=row.creator_id,
            channel_id=row.channel_id,
            surface=row.surface,
            unit_digest=row.unit_digest,
            rating=Rating(row.rating),
            reasons=tuple(Reason(reason) for reason in row.reasons),
            since=row.decided_at,
        )
        for row in rows
        if row.unit_digest not in said
    ]


def find_unit(scope: Scope, unit_digest: str) -> Unit | None:
    """Return the unit of the last decision with this digest, for its reviewers, or None."""
    stored = scope.run(
        "SELECT i.unit FROM decisions d JOIN decision_inputs i ON i.tenant_id = d.tenant_id AND "
        "i.id = d.id"
        " WHERE d.tenant_id = :tenant AND d.unit_digest = :digest ORDER BY d.seq DESC LIMIT 1",
        tenant=scope.tenant_id,
        digest=unit_digest,
    ).scalar()
    return parse_unit(stored) if stored is not None else None


_LOOKED_AT = """
SELECT DISTINCT ON (digest, principal_id) digest, verdict FROM human_reviews
WHERE tenant_id = :tenant AND about = 'bytes' AND digest = ANY(:digests)
ORDER BY digest, principal_id, created_at DESC, id DESC
"""


def review_verdicts(scope: Scope, digests: Collection[str]) -> dict[str, str]:
    """Return the last verdicts on these bytes, by digest: "refuse" if any member refuses."""
    if not digests:
        return {}
    found: dict[str, str] = {}
    for row in scope.run(_LOOKED_AT, tenant=scope.tenant_id, digests=list(digests)):
        if found.get(row.digest) != "refuse":
            found[row.digest] = row.verdict
    return found


@dataclass(frozen=True)
class DepictedPerson:
    """A person in pictures, by display name: `kind` is real, synthetic or digital_twin.

    `until` is the end of their consent to publication, or None without one.
    """

    name: str
    kind: str
    until: datetime | None


_PEOPLE = """
SELECT p.display_ref, p.kind, max(g.valid_until) AS until
FROM renditions r
LEFT JOIN shoot_card_assets b ON b.tenant_id = r.tenant_id AND b.asset_id = r.asset_id
JOIN persons p ON p.tenant_id = r.tenant_id AND (
  EXISTS (SELECT FROM depictions d WHERE d.tenant_id = r.tenant_id AND d.asset_id = r.asset_id
  AND d.person_id = p.id)
  OR EXISTS (SELECT FROM shoot_card_people c WHERE c.tenant_id = r.tenant_id AND c.card_id =
  b.card_id
    AND c.person_id = p.id))
LEFT JOIN consent_grants g ON g.tenant_id = p.tenant_id AND g.person_id = p.id AND g.scope =
'publish'
  AND (g.card_id IS NULL OR g.card_id = b.card_id)
  AND g.revoked_at IS NULL AND g.valid_from <= house_now() AND g.valid_until > house_now()
WHERE r.tenant_id = :tenant AND r.sha256 = ANY(:digests)
GROUP BY p.id, p.display_ref, p.kind ORDER BY p.display_ref
"""


def list_depicted_people(scope: Scope, digests: Collection[str]) -> list[DepictedPerson]:
    """Return the people who are depicted in these bytes or named on their shoot card, sorted by
    name."""
    if not digests:
        return []
    rows = scope.run(_PEOPLE, tenant=scope.tenant_id, digests=list(digests))
    return [DepictedPerson(row.display_ref, row.kind, row.until) for row in rows]


@dataclass(frozen=True)
class MissingConsent:
    """A real person in a picture without current consent to publication.

    `named` is False for a proposed person, `revoked_at` is the time of a revocation, and `shown` is
    the number of people in the picture.
    """

    asset_id: UUID
    name: str
    named: bool
    revoked_at: datetime | None
    shown: int


_UNAGREED = """
SELECT * FROM (
  SELECT d.asset_id, p.display_ref, bool_and(d.state <> 'proposed') AS named, max(g.revoked_at)
  AS revoked_at,
    count(*) OVER (PARTITION BY d.asset_id) AS shown, bool_or(p.kind <> 'synthetic') AS living,
    coalesce(bool_or(g.revoked_at IS NULL AND g.valid_from <= house_now() AND g.valid_until >
    house_now()), false)
      AS agreed
  FROM depictions d JOIN persons p ON p.tenant_id = d.tenant_id AND p.id = d.person_id
  LEFT JOIN shoot_card_assets b ON b.tenant_id = d.tenant_id AND b.asset_id = d.asset_id
  LEFT JOIN consent_grants g ON g.tenant_id = p.tenant_id AND g.person_id = p.id AND g.scope =
  'publish'
    AND (g.card_id IS NULL OR g.card_id = b.card_id)
  WHERE d.tenant_id = :tenant AND d.asset_id = ANY(:assets) AND d.state <> 'non_identifiable'
  GROUP BY d.asset_id, p.id, p.display_ref) one
WHERE living AND NOT agreed ORDER BY asset_id, display_ref
"""


def list_missing_consents(scope: Scope, assets: Collection[UUID]) -> list[MissingConsent]:
    """Return the people whose consent these assets lack, by asset and name."""
    if not assets:
        return []
    rows = scope.run(_UNAGREED, tenant=scope.tenant_id, assets=list(assets))
    return [
        MissingConsent(row.asset_id, row.display_ref, row.named, row.revoked_at, row.shown)
        for row in rows
    ]


def last_decision_reasons(scope: Scope, subject: Subject) -> tuple[Message, ...] | None:
    """Return the reasons of the last decision about a subject, or None if there is none."""
    row = scope.run(
        "SELECT reasons FROM decisions WHERE tenant_id = :tenant AND subject_kind = :kind AND "
        "subject_id = :subject"
        " ORDER BY seq DESC LIMIT 1",
        tenant=scope.tenant_id,
        kind=subject.kind,
        subject=subject.id,
    ).first()
    return None if row is None else explain_reasons(Reason(reason) for reason in row.reasons)


@dataclass(frozen=True)
class DecisionSummary:
    """The last decision about a subject: its reasons as messages, the rating and the time."""

    reasons: tuple[Message, ...]
    rating: Rating
    surface: str
    at: datetime


def last_decisions(scope: Scope, kind: str, ids: Collection[UUID]) -> dict[UUID, DecisionSummary]:
    """Return the last decision about each of these subjects of a kind; others are absent."""
    if not ids:
        return {}
    rows = scope.run(
        "SELECT DISTINCT ON (subject_id) subject_id, reasons, rating, surface, decided_at FROM "
        "decisions"
        " WHERE tenant_id = :tenant AND subject_kind = :kind AND subject_id = ANY(:ids) ORDER BY "
        "subject_id, seq DESC",
        tenant=scope.tenant_id,
        kind=kind,
        ids=list(ids),
    )
    return {
        row.subject_id: DecisionSummary(
            explain_reasons(Reason(reason) for reason in row.reasons),
            Rating(row.rating),
            row.surface,
            row.decided_at,
        )
        for row in rows
    }
