"""Reads everything a decision needs into one snapshot, in statements that follow the locks.

What is known of media and of the people in them is read by `gate/papers.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.clock import wall_now
from foundation.database import Scope
from foundation.errors import NotFound
from gate import admitting, attesting, epochs, papers, text
from gate.bundle import Bundle
from gate.facts import Limit, LinkFacts, MediumFacts, ReviewFacts, Snapshot, Stop, ViewerFacts, read_unit
from gate.inforce import InForce
from gate.models import AgeAssurance, DecisionInput, LinkTarget, PermitRow
from gate.states import AssuranceState
from gate.units import Rating, Unit, Verdict
from tenants import reads as tenants
from tenants import sightings

WINDOW_CHARACTERS = 2000
WINDOW_MESSAGES = 60
"""How far back a term spread over messages to one reader is sought: letter by letter, sixty letters."""

TEST_METHOD = "test"

APART = timedelta(seconds=5)
"""So far the clocks of a worker and of the database may be apart."""


_AT_ONCE = """
SELECT house_now() AS now, (SELECT house_now() - shift FROM house_clock) AS machine,
  (SELECT jsonb_agg(jsonb_build_array(s.scope, s.target, s.feature) ORDER BY s.scope, s.feature)
    FROM switches s WHERE NOT s.open) AS stops,
  (SELECT jsonb_agg(jsonb_build_array(r.principal_id, r.verdict, r.seen_percent, r.created_at)
      ORDER BY r.created_at, r.id)
    FROM human_reviews r WHERE r.tenant_id = :tenant AND r.about = 'unit' AND r.digest = :digest) AS reviews,
  (SELECT jsonb_object_agg(e.key, e.value) FROM epochs e
    WHERE e.tenant_id = :tenant AND e.key = ANY(CAST(:keys AS text[]))) AS epochs,
  (SELECT jsonb_agg(jsonb_build_array(l.rating, l.verdict) ORDER BY l.rating, l.verdict)
    FROM place_limits l WHERE l.tenant_id = :tenant AND l.place = :place AND l.open) AS limits
"""
"""What every decision reads, in one statement; switches of the house are read by policy."""


def gather(
    scope: Scope, unit: Unit, *, author: str, by: InForce, own_hosts: Sequence[str] = ()
) -> tuple[Snapshot, datetime]:
    """The facts about a unit, as committed by now, and the time: a claim may have waited for its locks. `by` are the
    rules it is judged by."""
    _forget(scope)
    needed = epochs.of(scope, unit)
    held = epochs.shared(scope)
    creator = _creator(scope, unit)
    media = papers.media(scope, unit)
    principal, author = _author(scope, author)
    before = wall_now()
    read = _at_once(scope, unit, needed)
    skewed = not before - APART <= read.machine <= wall_now() + APART
    same = _same(scope, principal, _said(read.reviews), media)
    said = _owned(_said(read.reviews), same)
    facts = Snapshot(
        tenant_id=scope.tenant_id,
        author=author,
        author_principal=principal,
        ceiling=Rating(creator.rating_ceiling) if creator is not None else Rating.G,
        creator_known=creator is not None,
        names=(creator.name, creator.slug) if creator is not None else (),
        media=tuple(replace(medium, reviews=_owned(medium.reviews, same)) for medium in media) if same else media,
        persons=papers.persons(scope, papers.named(media)),
        viewer=viewer(scope, unit),
        links=_links(scope, unit),
        own_hosts=tuple(own_hosts),
        stops=_stops(unit, read.stops or ()),
        reviews=said,
        recent=_recent(scope, unit),
        changed=_changed(scope, unit, said),
        epochs=tuple(sorted((read.epochs or {}).items())),
        rules_fault=by.fault,
        limits=_limits(read.limits),
        again=attesting.said(scope, unit, by.rules, read.now.date()),
        foreign=admitting.said(scope, unit, by.rules),
        skewed=skewed,
        unlocked=tuple(key for key in needed if key not in held) if held else (),
    )
    return facts, read.now


def elsewhere(scope: Scope, facts: Snapshot, unit: Unit, *, by: InForce) -> Snapshot:
    """The facts about the same content at another public place: what is said of this very unit is read, the rest kept.

    For showing only: nothing leaves on facts that were read for another unit.
    """
    read = _at_once(scope, unit, ())
    again = attesting.said(scope, unit, by.rules, read.now.date())
    said = _said(read.reviews)
    reviews = _owned(said, _same(scope, facts.author_principal, said, ()))
    stops, limits = _stops(unit, read.stops or ()), _limits(read.limits)
    said_there = admitting.said(scope, unit, by.rules)
    return replace(facts, stops=stops, reviews=reviews, limits=limits, again=again, foreign=said_there)


def _at_once(scope: Scope, unit: Unit, keys: Iterable[str]) -> Any:
    asked = {"digest": unit.digest(), "keys": list(keys), "place": unit.place}
    return scope.run(_AT_ONCE, tenant=scope.tenant_id, **asked).one()


def _limits(stored: Iterable[tuple[str, str]] | None) -> tuple[Limit, ...]:
    return tuple(Limit(Rating(rating), Verdict(verdict)) for rating, verdict in stored or ())


def _said(stored: Iterable[tuple[str, str, int, str]] | None) -> tuple[ReviewFacts, ...]:
    return tuple(
        ReviewFacts(UUID(principal), verdict == "approve", seen, datetime.fromisoformat(at))
        for principal, verdict, seen, at in stored or ()
    )


def _same(
    scope: Scope, author: UUID | None, said: Iterable[ReviewFacts], media: Iterable[MediumFacts]
) -> frozenset[UUID]:
    """Reviewers who count as the author: guests who were seen where the author was. Asked only when somebody spoke."""
    spoke = {review.principal for reviews in (said, *(one.reviews for one in media)) for review in reviews}
    if author is None or not spoke - {author}:
        return frozenset()
    return sightings.same(scope, author).get(author, frozenset()) & spoke


def _owned(reviews: tuple[ReviewFacts, ...], same: frozenset[UUID]) -> tuple[ReviewFacts, ...]:
    return tuple(replace(review, own=review.principal in same) for review in reviews) if same else reviews


_APPROVED = """
SELECT (SELECT i.unit FROM decision_inputs i JOIN decisions o ON o.tenant_id = i.tenant_id AND o.id = i.id
    WHERE o.tenant_id = :tenant AND o.unit_digest = d.unit_digest LIMIT 1) AS unit
FROM (SELECT DISTINCT unit_digest FROM decisions
    WHERE tenant_id = :tenant AND subject_kind = :kind AND subject_id = :subject AND unit_digest <> :digest) d
WHERE EXISTS (SELECT FROM human_reviews r WHERE r.tenant_id = :tenant AND r.about = 'unit' AND r.digest = d.unit_digest
    AND r.verdict = 'approve')
"""
"""Other units of the same subject that somebody said yes to; null where what they were is no longer kept."""


def _changed(scope: Scope, unit: Unit, said: Iterable[ReviewFacts]) -> bool:
    if unit.service or any(review.approves for review in said):
        return False
    asked = {"kind": unit.subject.kind, "subject": unit.subject.id, "digest": unit.digest()}
    before = [row.unit for row in scope.run(_APPROVED, tenant=scope.tenant_id, **asked)]
    same = (one is not None and read_unit(one).shown() == unit.shown() for one in before)
    return bool(before) and not any(same)


def content(scope: Scope, unit: Unit, rules: Bundle) -> Snapshot:
    """The facts that its marks follow from: what it shows, whom, and what it links to. Never enough to decide on."""
    media = papers.media(scope, unit, to_decide=False)
    return Snapshot(
        tenant_id=scope.tenant_id,
        author="",
        author_principal=None,
        ceiling=Rating.G,
        media=media,
        persons=papers.persons(scope, papers.named(media)),
        links=_links(scope, unit),
        recent=_recent(scope, unit),
        again=attesting.said(scope, unit, rules, scope.now.date()),
        foreign=admitting.said(scope, unit, rules),
    )


def _forget(scope: Scope) -> None:
    """Rows that were read before the locks were granted may be old: they are read again."""
    scope.session.flush()
    for row in list(scope.session.identity_map.values()):
        if type(row).__module__ in ("gate.models", "tenants.models"):
            scope.session.expire(row)


def _creator(scope: Scope, unit: Unit) -> tenants.Creator | None:
    try:
        return tenants.creator(scope, unit.creator_id)
    except NotFound:
        return None


def _author(scope: Scope, author: str) -> tuple[UUID | None, str]:
    """The human behind the author; an author nobody here knows counts as unknown."""
    kind, _, key = author.partition(":")
    if kind != "member":
        return None, author
    try:
        return tenants.member(scope, UUID(key)).principal_id, author
    except (NotFound, ValueError):
        return None, ""


def viewer(scope: Scope, unit: Unit) -> ViewerFacts | None:
    """What is known of the age of the one reader a unit is for."""
    if not unit.viewer:
        return None
    row = scope.session.exec(
        select(AgeAssurance).where(
            AgeAssurance.tenant_id == scope.tenant_id,
            AgeAssurance.platform == unit.platform,
            AgeAssurance.user_id == unit.viewer,
        )
    ).first()
    if row is None:
        return None
    return ViewerFacts(
        state=AssuranceState(row.state),
        level=row.level,
        over_18=row.over_18,
        test=row.method == TEST_METHOD,
        jurisdiction=row.jurisdiction,
        expires_at=row.expires_at,
        epoch=row.epoch,
    )


def _links(scope: Scope, unit: Unit) -> tuple[LinkFacts, ...]:
    urls = text.links(unit.visible_texts)
    if not urls:
        return ()
    found = scope.session.exec(
        select(LinkTarget)
        .where(LinkTarget.tenant_id == scope.tenant_id, col(LinkTarget.url).in_(urls))
        .order_by(col(LinkTarget.url))
    )
    return tuple(
        LinkFacts(row.url, row.adult, Rating(row.rating), row.state == "active", row.expires_at) for row in found
    )


def _stops(unit: Unit, closed: Iterable[tuple[str, str, str]]) -> tuple[Stop, ...]:
    """The closed switches above the unit."""
    targets: Mapping[str, str] = {
        "global": "",
        "platform": unit.platform,
        "tenant": "",
        "creator": str(unit.creator_id),
        "channel": str(unit.channel_id),
        "chat": f"{unit.channel_id}:{unit.viewer}",
    }
    return tuple(Stop(where, feature) for where, target, feature in closed if targets.get(where) == target)


def _recent(scope: Scope, unit: Unit) -> tuple[str, ...]:
    """What this reader was sent last, oldest first, without the subject itself and without service texts."""
    if not unit.viewer:
        return ()
    found: Iterable[Any] = scope.session.exec(
        select(PermitRow.subject_id, DecisionInput.unit)
        .where(
            PermitRow.tenant_id == scope.tenant_id,
            DecisionInput.tenant_id == scope.tenant_id,
            DecisionInput.id == PermitRow.decision_id,
            PermitRow.channel_id == unit.channel_id,
            PermitRow.viewer == unit.viewer,
            PermitRow.state == "consumed",
            PermitRow.subject_id != unit.subject.id,
        )
        .order_by(col(PermitRow.minted_at).desc())
        .limit(WINDOW_MESSAGES)
    )
    sent = {subject: read_unit(stored) for subject, stored in reversed(list(found))}
    words = [shown for each in sent.values() if not each.service for shown in each.visible_texts]
    kept: list[str] = []
    size = 0
    for shown in reversed(words):
        size += len(shown)
        if size > WINDOW_CHARACTERS and kept:
            break
        kept.append(shown)
    return tuple(reversed(kept))
