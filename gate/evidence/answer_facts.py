"""Members' answers to who is shown in media, and findings that contradict answers and ratings."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound
from gate.contract.facts import AnswerFacts, DoubtFacts, ReviewFacts
from gate.contract.reasons import Reason
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.decision.answer_rules import is_confirmed
from gate.ratings.aggregation import MEMBER_SOURCE
from gate.ratings.depiction_answers import (
    ANSWERING_LINE_SQL,
    DRAWN_SOURCE,
    OLDER_DRAWN_SQL,
    PARENTS_SQL,
)
from gate.ratings.inspections import MODEL_SOURCE
from tenants.agencies import queries
from tenants.auth import device_fingerprints

EXPLICIT_PERCENT = {Rating.G: 50, Rating.S: 80}
"""Likelihood of explicit content from which a model contradicts a rating. 80 is the value from
which the authors of open_nsfw call a picture explicit; below 20 they call it safe
(https://github.com/yahoo/open_nsfw)."""

FACE_PERCENT = 35
"""Likelihood of a face from which CenterFace contradicts the answer that no people are shown. The
highest in measured pictures without people was 29, the lowest in those with a face 32."""

SAMPLED_TENTH = 10
"""One in so many files that no bundled model inspected needs a second member."""

NAMED = "named"
"""The answer of a file without one, whose people two members have confirmed."""

_STRICTEST_FIRST = (
    "",
    DepictionAnswer.UNSURE,
    DepictionAnswer.OTHERS,
    DepictionAnswer.CREATOR,
    NAMED,
    DepictionAnswer.NO_PEOPLE,
)

_PEOPLED = (DepictionAnswer.CREATOR, DepictionAnswer.OTHERS)

_LINE = f"""
WITH RECURSIVE {ANSWERING_LINE_SQL}
SELECT a.id, array_agg(DISTINCT l.wanted) FILTER (WHERE l.depth = 0) AS digests,
  {PARENTS_SQL} AS parents, {OLDER_DRAWN_SQL} AS drawn,
  (SELECT jsonb_agg(jsonb_build_array(d.answer, d.source, d.principal_id, d.created_at)
      ORDER BY d.created_at, d.id)
    FROM depiction_answers d WHERE d.tenant_id = :tenant AND d.asset_id = a.id) AS answers,
  (SELECT jsonb_agg(jsonb_build_array(c.rating, c.source, c.created_at)
      ORDER BY c.created_at, c.id)
    FROM renditions r JOIN content_ratings c ON c.tenant_id = :tenant AND c.sha256 = r.sha256
      AND starts_with(c.source, '{MEMBER_SOURCE}')
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
  a.creator_id, ARRAY(SELECT p.id FROM persons p WHERE p.tenant_id = :tenant
    AND p.creator_id = a.creator_id AND p.kind = 'real' ORDER BY p.id) AS real,
  ARRAY(SELECT p.id FROM persons p WHERE p.tenant_id = :tenant
    AND p.creator_id = a.creator_id AND p.kind = 'synthetic' ORDER BY p.id) AS synthetic
FROM line l JOIN assets a ON a.tenant_id = :tenant AND a.id = l.id GROUP BY a.tenant_id, a.id
"""  # noqa: S608 - only constants


def answer_facts(
    scope: Scope, digests: Sequence[str], ratings: Mapping[str, Rating | None]
) -> dict[str, AnswerFacts]:
    """Return the answers of these bytes and what contradicts them, by digest; unknown bytes are
    absent. `ratings` are their effective ratings."""
    rows = scope.run(_LINE, tenant=scope.tenant_id, digests=list(digests)).all()
    line = {row.id: row for row in rows}
    sources = {source for row in rows for _, source, _ in row.ratings or ()}
    raters = _principals_by_source(scope, sources)
    virtual = _virtual_creators(scope, rows)
    found: dict[str, AnswerFacts] = {}
    for row in rows:
        for sha256 in row.digests or ():
            rating = ratings.get(sha256)
            reading = AnswerReading(scope.tenant_id, line, rating, raters, virtual)
            found[sha256] = reading.read_asset(row.id)
    return _with_same_humans(scope, found)


def _principals_by_source(scope: Scope, sources: Collection[str]) -> dict[str, UUID]:
    """Return the humans behind the members who rated, by the source of the rating."""
    found = {}
    for source in sources:
        with suppress(NotFound, ValueError):
            member = queries.get_member(scope, UUID(source.removeprefix(MEMBER_SOURCE)))
            found[source] = member.principal_id
    return found


def _virtual_creators(scope: Scope, rows: Iterable[Any]) -> frozenset[UUID]:
    """Return the virtual creators of the assets whose answers concern the creator."""
    concerned = {
        row.creator_id for row in rows for answer, *_ in row.answers or () if answer in _PEOPLED
    }
    return frozenset(one for one in concerned if queries.get_creator(scope, one).kind == "virtual")


def doubted_digests(scope: Scope, ratings: Mapping[str, Rating | None]) -> frozenset[str]:
    """Return the bytes that a second member still has to confirm. `ratings` are those of
    `open_doubts`."""
    return frozenset(open_doubts(scope, ratings))


def open_doubts(
    scope: Scope, ratings: Mapping[str, Rating | None]
) -> dict[str, tuple[Reason, ...]]:
    """Return, by digest, why a second member still has to confirm bytes. `ratings` are the
    effective ratings of these bytes; unrated ones are left out."""
    rated = [sha256 for sha256, rating in ratings.items() if rating is not None]
    if not rated:
        return {}
    found = {
        sha256: tuple(
            dict.fromkeys(
                Reason(doubt.reason)
                for doubt in facts.doubts
                if not is_confirmed(doubt, doubt.reviews, scope.now)
            )
        )
        for sha256, facts in answer_facts(scope, rated, ratings).items()
    }
    return {sha256: reasons for sha256, reasons in found.items() if reasons}


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
class _Statement:
    """An answer or a rating of a member."""

    value: str
    source: str
    principal: UUID | None
    at: datetime


@dataclass(frozen=True)
class AnswerReading:
    """Assets with those whose answers they have, read for one rating. Pure.

    `raters` are the humans behind sources of ratings, `virtual` the creators who are not real.
    """

    tenant_id: UUID
    line: Mapping[UUID, Any]
    rating: Rating | None
    raters: Mapping[str, UUID] = field(default_factory=dict)
    virtual: frozenset[UUID] = frozenset()

    def read_asset(self, asset_id: UUID, depth: int = 0) -> AnswerFacts:
        """Return the answer of an asset: its own, or the strictest of those it consists of."""
        row = self.line[asset_id]
        answers = [_parse_answer(*each) for each in row.answers or ()]
        above = [one for one in row.parents if one in self.line] if depth < len(self.line) else []
        creators = tuple(row.synthetic if row.creator_id in self.virtual else row.real)
        if answers:
            own = AnswerFacts(answers[-1].value, creators)
        elif above:
            own = _combine([self.read_asset(one, depth + 1) for one in above])
        elif row.drawn:
            return AnswerFacts(DepictionAnswer.NO_PEOPLE)
        else:
            own = AnswerFacts(NAMED if row.named else "", creators)
        if answers and answers[-1].source == DRAWN_SOURCE:
            return own
        return replace(own, doubts=(*own.doubts, *self._doubts(row, own.answer, answers)))

    def _doubts(self, row: Any, answer: str, answers: Sequence[_Statement]) -> Iterable[DoubtFacts]:
        """Return what contradicts the answer and the rating of an asset."""
        reviews = tuple(
            ReviewFacts(UUID(who), verdict == "approve", seen, parse_instant(at))
            for who, verdict, seen, at in row.reviews or ()
        )
        rated = [
            _Statement(rating, source, self.raters.get(source), parse_instant(at))
            for rating, source, at in row.ratings or ()
        ]
        same = [one for one in answers if one.value == answer]
        unpeopled = answer == DepictionAnswer.NO_PEOPLE and not row.named
        least = EXPLICIT_PERCENT.get(self.rating, 101) if self.rating is not None else 101
        for explicit, face, stored in row.findings or ():
            at = parse_instant(stored)
            if explicit is None and face is None:
                yield _doubt(Reason.SECOND_LOOK_MISSING, at, [*rated, *same], reviews)
            if (explicit or 0) >= least:
                yield _doubt(Reason.RATING_CONTRADICTED, at, rated, reviews)
            if unpeopled and (face or 0) >= FACE_PERCENT:
                yield _doubt(Reason.DEPICTION_CONTRADICTED, at, same, reviews)
        peopled = [one for one in answers if one.value in _PEOPLED]
        if unpeopled and peopled:
            since = next(one.at for one in answers if one.at > peopled[-1].at)
            yield _doubt(Reason.DEPICTION_CONTRADICTED, since, [*peopled, *same], reviews)
        sampled = row.first or self._is_drawn_by_lot(row.id)
        if answers and sampled and not row.named and not row.findings:
            yield _doubt(Reason.SECOND_LOOK_MISSING, None, [*rated, *same], reviews)

    def _is_drawn_by_lot(self, asset_id: UUID) -> bool:
        """Return True for a tenth of all assets, always the same; members cannot choose it."""
        digest = hashlib.sha256(f"{self.tenant_id}:{asset_id}".encode()).digest()
        return int.from_bytes(digest[:4]) % SAMPLED_TENTH == 0


def _doubt(
    reason: Reason,
    since: datetime | None,
    statements: Sequence[_Statement],
    reviews: tuple[ReviewFacts, ...],
) -> DoubtFacts:
    """Return a doubt about statements of members. The same statement of another member counts as a
    review."""
    first = statements[0].principal if statements else None
    by = {one.principal for one in statements if one.principal is not None}
    agreed = tuple(
        ReviewFacts(one.principal, True, 100, one.at)
        for one in statements
        if one.principal is not None and one.principal != first
    )
    alone = {first} if agreed and first is not None else by
    return DoubtFacts(reason, since, tuple(sorted(alone)), (*reviews, *agreed))


def _combine(parts: Sequence[AnswerFacts]) -> AnswerFacts:
    """Return the strictest of the answers of the parts, with all doubts."""
    answer = min((one.answer for one in parts), key=_STRICTEST_FIRST.index)
    creators = tuple(dict.fromkeys(who for one in parts for who in one.creators))
    return AnswerFacts(answer, creators, tuple(doubt for one in parts for doubt in one.doubts))


def _parse_answer(answer: str, source: str, principal: str | None, at: str) -> _Statement:
    return _Statement(answer, source, UUID(principal) if principal else None, parse_instant(at))


def parse_instant(stored: str) -> datetime:
    """Return a timestamp from JSON in UTC."""
    return datetime.fromisoformat(stored).astimezone(UTC)
