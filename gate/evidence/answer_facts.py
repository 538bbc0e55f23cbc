"""Who is shown in media, as members answered, and what contradicts their answers and ratings."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from gate.contract.facts import AnswerFacts, DoubtFacts, ReviewFacts
from gate.contract.reasons import Reason
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.decision.answer_rules import is_confirmed
from gate.ratings.depiction_answers import (
    ANSWERING_LINE_SQL,
    DRAWN_SOURCE,
    OLDER_DRAWN_SQL,
    PARENTS_SQL,
)
from gate.ratings.inspections import MODEL_SOURCE
from tenants.auth import device_fingerprints

EXPLICIT_PERCENT = {Rating.G: 50, Rating.S: 80}
"""Likelihood of explicit content from which a model contradicts a rating. 80 is the value from
which the authors of open_nsfw call a picture explicit; below 20 they call it safe
(https://github.com/yahoo/open_nsfw)."""

FACE_PERCENT = 35
"""Likelihood of a face from which CenterFace contradicts the answer that nobody is shown. The
highest in measured pictures without people was 29, the lowest in those with a face 32."""

SAMPLED_TENTH = 10
"""One in so many files that no bundled model inspected needs a second member."""

NAMED = "named"
"""The answer of a file for which nobody was asked, whose people two members have confirmed."""

_STRICTEST_FIRST = (
    "",
    DepictionAnswer.UNSURE,
    DepictionAnswer.OTHERS,
    DepictionAnswer.CREATOR,
    NAMED,
    DepictionAnswer.NOBODY,
)

_LINE = f"""
WITH RECURSIVE {ANSWERING_LINE_SQL}
SELECT a.id, array_agg(DISTINCT l.wanted) FILTER (WHERE l.depth = 0) AS digests,
  {PARENTS_SQL} AS parents, {OLDER_DRAWN_SQL} AS drawn,
  (SELECT jsonb_agg(jsonb_build_array(d.answer, d.source, d.principal_id, d.created_at)
      ORDER BY d.created_at, d.id)
    FROM depiction_answers d WHERE d.tenant_id = :tenant AND d.asset_id = a.id) AS answers,
  (SELECT jsonb_agg(jsonb_build_array(c.rating, m.principal_id, c.created_at)
      ORDER BY c.created_at, c.id)
    FROM renditions r JOIN content_ratings c ON c.tenant_id = :tenant AND c.sha256 = r.sha256
    JOIN members m ON m.tenant_id = :tenant AND c.source = 'member:' || CAST(m.id AS text)
    WHERE r.tenant_id = :tenant AND r.asset_id = a.id) AS ratings,
  (SELECT jsonb_agg(jsonb_build_array(i.explicit, i.face, i.updated_at) ORDER BY i.source)
    FROM renditions r JOIN inspections i ON i.tenant_id = :tenant AND i.sha256 = r.sha256
      AND starts_with(i.source, '{MODEL_SOURCE}')
    WHERE r.tenant_id = :tenant AND r.asset_id = a.id) AS findings,
  (SELECT jsonb_agg(jsonb_build_array(h.principal_id, h.verdict, h.seen_percent, h.created_at)
      ORDER BY h.created_at, h.id)
    FROM renditions r JOIN human_reviews h ON h.tenant_id = :tenant AND h.about = 'bytes'
      AND h.digest = r.sha256
    WHERE r.tenant_id = :tenant AND r.asset_id = a.id) AS reviews,
  EXISTS (SELECT FROM depictions d WHERE d.tenant_id = :tenant AND d.asset_id = a.id
    AND d.state = 'confirmed') AS named,
  NOT EXISTS (SELECT FROM depiction_answers d WHERE d.tenant_id = :tenant
    AND d.creator_id = a.creator_id AND d.source <> '{DRAWN_SOURCE}' AND d.id <
      (SELECT own.id FROM depiction_answers own WHERE own.tenant_id = :tenant
        AND own.asset_id = a.id AND own.source <> '{DRAWN_SOURCE}' ORDER BY own.id LIMIT 1)) AS
  first,
  ARRAY(SELECT p.id FROM persons p JOIN creators c ON c.tenant_id = :tenant AND c.id = a.creator_id
    WHERE p.tenant_id = :tenant AND p.creator_id = a.creator_id AND p.kind =
      CASE WHEN c.kind = 'virtual' THEN 'synthetic' ELSE 'real' END ORDER BY p.id) AS creators
FROM line l JOIN assets a ON a.tenant_id = :tenant AND a.id = l.id GROUP BY a.tenant_id, a.id
"""  # noqa: S608 - only constants


def answer_facts(
    scope: Scope, digests: Sequence[str], ratings: Mapping[str, Rating | None]
) -> dict[str, AnswerFacts]:
    """Return the answers of these bytes and what contradicts them, by digest; unknown bytes are
    absent. `ratings` are their effective ratings."""
    rows = scope.run(_LINE, tenant=scope.tenant_id, digests=list(digests)).all()
    line = {row.id: row for row in rows}
    found: dict[str, AnswerFacts] = {}
    for row in rows:
        for sha256 in row.digests or ():
            reading = AnswerReading(scope.tenant_id, line, ratings.get(sha256))
            found[sha256] = reading.read_asset(row.id)
    return _with_same_humans(scope, found)


def doubted_digests(scope: Scope, ratings: Mapping[str, Rating | None]) -> frozenset[str]:
    """Return the bytes that a second member still has to confirm. `ratings` are the effective
    ratings of these bytes; unrated ones are left out."""
    rated = [sha256 for sha256, rating in ratings.items() if rating is not None]
    if not rated:
        return frozenset()
    return frozenset(
        sha256
        for sha256, found in answer_facts(scope, rated, ratings).items()
        if any(not is_confirmed(doubt, doubt.reviews, scope.now) for doubt in found.doubts)
    )


def _with_same_humans(scope: Scope, found: Mapping[str, AnswerFacts]) -> dict[str, AnswerFacts]:
    """Count guests who were seen on the device or network of a member as that member."""
    if not any(doubt.reviews for one in found.values() for doubt in one.doubts):
        return dict(found)
    same = device_fingerprints.same_humans(scope)
    return {
        sha256: replace(
            one,
            doubts=tuple(
                replace(
                    doubt,
                    by=tuple(sorted({*doubt.by}.union(*(same.get(who, ()) for who in doubt.by)))),
                )
                for doubt in one.doubts
            ),
        )
        for sha256, one in found.items()
    }


@dataclass(frozen=True)
class _Answer:
    answer: str
    source: str
    principal: UUID | None
    at: datetime


@dataclass(frozen=True)
class AnswerReading:
    """An asset with the assets whose answers it has, read for one rating. Pure."""

    tenant_id: UUID
    line: Mapping[UUID, Any]
    rating: Rating | None

    def read_asset(self, asset_id: UUID, depth: int = 0) -> AnswerFacts:
        """Return the answer of an asset: its own, or the strictest of those it consists of."""
        row = self.line[asset_id]
        answers = [_parse_answer(*each) for each in row.answers or ()]
        above = [one for one in row.parents if one in self.line] if depth < len(self.line) else []
        if answers:
            own = AnswerFacts(answers[-1].answer, tuple(row.creators))
        elif above:
            own = _combine([self.read_asset(one, depth + 1) for one in above])
        elif row.drawn:
            return AnswerFacts(DepictionAnswer.NOBODY)
        else:
            own = AnswerFacts(NAMED if row.named else "", tuple(row.creators))
        return replace(own, doubts=(*own.doubts, *self._doubts(row, own.answer, answers)))

    def _doubts(self, row: Any, answer: str, answers: Sequence[_Answer]) -> Iterable[DoubtFacts]:
        """Return what contradicts the answer and the rating of an asset."""
        if answers and answers[-1].source == DRAWN_SOURCE:
            return
        reviews = tuple(
            ReviewFacts(UUID(who), verdict == "approve", seen, parse_instant(at))
            for who, verdict, seen, at in row.reviews or ()
        )
        findings = [
            (explicit, face, parse_instant(at)) for explicit, face, at in row.findings or ()
        ]
        raters = [
            _Answer(rating, "", UUID(who), parse_instant(at))
            for rating, who, at in row.ratings or ()
        ]
        said = [one for one in answers if one.answer == answer]
        least = EXPLICIT_PERCENT.get(self.rating) if self.rating is not None else None
        for explicit, face, at in findings:
            if explicit is None and face is None:
                yield _doubt(Reason.SECOND_LOOK_MISSING, at, [*raters, *said], reviews)
            if least is not None and explicit is not None and explicit >= least:
                yield _doubt(Reason.RATING_CONTRADICTED, at, raters, reviews)
            if answer == DepictionAnswer.NOBODY and not row.named and (face or 0) >= FACE_PERCENT:
                yield _doubt(Reason.DEPICTION_CONTRADICTED, at, said, reviews)
        if answer == DepictionAnswer.NOBODY and not row.named:
            changed = [one for one in answers if one.answer in ("creator", "others")]
            if changed:
                since = next(one.at for one in answers if one.at > changed[-1].at)
                yield _doubt(Reason.DEPICTION_CONTRADICTED, since, [*changed, *said], reviews)
        sampled = answers and not row.named and not findings
        if sampled and (row.first or self._is_drawn_by_lot(row.id)):
            yield _doubt(Reason.SECOND_LOOK_MISSING, None, [*raters, *said], reviews)

    def _is_drawn_by_lot(self, asset_id: UUID) -> bool:
        """Return True for a tenth of all assets, always the same; members cannot choose it."""
        digest = hashlib.sha256(f"{self.tenant_id}:{asset_id}".encode()).digest()
        return int.from_bytes(digest[:4]) % SAMPLED_TENTH == 0


def _doubt(
    reason: Reason,
    since: datetime | None,
    said: Sequence[_Answer],
    reviews: tuple[ReviewFacts, ...],
) -> DoubtFacts:
    """Return a doubt about what members said. The same from another member later counts as a
    review."""
    first = said[0].principal if said else None
    by = {one.principal for one in said if one.principal is not None}
    agreed = tuple(
        ReviewFacts(one.principal, True, 100, one.at)
        for one in said
        if one.principal is not None and one.principal != first
    )
    alone = {first} if agreed and first is not None else by
    return DoubtFacts(reason, since, tuple(sorted(alone)), (*reviews, *agreed))


def _combine(parts: Sequence[AnswerFacts]) -> AnswerFacts:
    """Return the strictest of the answers of the parts, with all doubts."""
    answer = min((one.answer for one in parts), key=_STRICTEST_FIRST.index)
    creators = tuple(dict.fromkeys(who for one in parts for who in one.creators))
    return AnswerFacts(answer, creators, tuple(doubt for one in parts for doubt in one.doubts))


def _parse_answer(answer: str, source: str, principal: str | None, at: str) -> _Answer:
    return _Answer(answer, source, UUID(principal) if principal else None, parse_instant(at))


def parse_instant(stored: str) -> datetime:
    """Return a timestamp from JSON in UTC."""
    return datetime.fromisoformat(stored).astimezone(UTC)
