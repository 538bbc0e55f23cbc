"""Read everything a decision needs into one snapshot, in statements that run after the locks.

The facts of media and persons are read by `gate/evidence/media_facts.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.ops.clock import wall_now
from gate import epochs
from gate.assets.depicted_principals import depicted_principals
from gate.contract.facts import (
    INACTIVE_STOP,
    MIN_AGREEMENT_PERMILLE,
    TEST_ASSURANCE_METHOD,
    AnswerFacts,
    EvidenceSnapshot,
    FaceComparisonFacts,
    LinkFacts,
    MediumFacts,
    PersonFacts,
    PlaceLimitFacts,
    ReferenceFacts,
    ReviewFacts,
    StopFacts,
    ViewerFacts,
    is_card_check,
    parse_unit,
)
from gate.contract.states import AssuranceState
from gate.contract.units import Rating, Unit, Verdict
from gate.copies import live_copies, post_references
from gate.evidence import media_facts, own_release_facts, received_comments, text_windows
from gate.evidence.models import LinkTarget
from gate.policy import admission
from gate.policy.active_policy import ActivePolicy
from gate.policy.agency_lexicon import OWN_TERMS_SQL, parse_own_terms
from gate.policy.bundle import Bundle
from gate.policy.queries import unit_rule_verifications
from gate.removal import intake_heartbeat
from gate.text import link_readings, urls
from gate.text.urls import canonical_url
from tenants.agencies.queries import Creator
from tenants.auth import device_fingerprints
from tenants.auth.author_separation import Authorship, find_authorship

APART = timedelta(seconds=5)
"""Maximum difference between the clocks of a worker and of the database."""


_VIEWER = """
  (SELECT jsonb_build_array(a.state, a.level, a.over_18, a.method, a.jurisdiction, a.expires_at,
  a.epoch)
    FROM age_assurances a WHERE a.tenant_id = :tenant AND a.platform = :platform AND a.user_id =
    :viewer
      AND CAST(:viewer AS text) <> '') AS viewer
"""
_APPROVED = """
  (SELECT jsonb_agg(jsonb_build_array(d.unit_digest, (SELECT i.unit FROM decision_inputs i
      JOIN decisions o ON o.tenant_id = i.tenant_id AND o.id = i.id
      WHERE o.tenant_id = :tenant AND o.unit_digest = d.unit_digest LIMIT 1)))
    FROM (SELECT DISTINCT unit_digest FROM decisions
      WHERE tenant_id = :tenant AND subject_kind = {kind} AND subject_id = {subject} AND
      unit_digest <> {digest}) d
    WHERE EXISTS (SELECT FROM human_reviews r WHERE r.tenant_id = :tenant AND r.about = 'unit'
      AND r.digest = d.unit_digest AND r.verdict = 'approve')) AS approved
"""
"""Approved units of the same subject other than this one; the unit is null if its inputs were
deleted by retention."""

_PLACED = f"""
  (SELECT jsonb_agg(jsonb_build_array(s.scope, s.target, s.feature) ORDER BY s.scope, s.feature)
    FROM switches s WHERE NOT s.open) AS stops,
  (SELECT jsonb_agg(jsonb_build_array(r.principal_id, r.verdict, r.seen_percent, r.created_at)
      ORDER BY r.created_at, r.id)
    FROM human_reviews r WHERE r.tenant_id = :tenant AND r.about = 'unit' AND r.digest =
    {{digest}}) AS reviews,
  (SELECT jsonb_agg(jsonb_build_array(l.rating, l.verdict) ORDER BY l.rating, l.verdict)
    FROM place_limits l WHERE l.tenant_id = :tenant AND l.place = {{place}} AND l.open) AS limits,
  (SELECT to_jsonb(o) FROM own_releases o WHERE o.tenant_id = :tenant AND o.subject_id = {{subject}}
    AND o.subject_kind = {{kind}} ORDER BY o.created_at DESC, o.id DESC LIMIT 1) AS release,
    {_APPROVED}
"""  # noqa: S608 only constants
"""Facts that depend on the surface of a unit."""

_UNIT = f"""
SELECT house_now() AS now, (SELECT house_now() - shift FROM house_clock) AS machine,
  {_PLACED.format(digest=":digest", place=":place", subject=":subject", kind=":kind")},
  (SELECT jsonb_agg(k.e ORDER BY k.e) FROM keys k) AS needed,
  (SELECT jsonb_object_agg(e.key, e.value) FROM epochs e
    WHERE e.tenant_id = :tenant AND e.key = ANY(CAST((SELECT array_agg(k.e) FROM keys k) AS
    text[]))) AS epochs,
  (SELECT c.kappa < :least FROM calibration_results c WHERE c.tenant_id = :tenant
    ORDER BY c.created_at DESC, c.id DESC LIMIT 1) AS uncalibrated,
  {OWN_TERMS_SQL}, {intake_heartbeat.INTAKE_REACHED_SQL} AS reached
"""  # noqa: S608 only constants
_PUBLIC_UNIT = f"{_UNIT}, NULL AS viewer, NULL AS recent, {text_windows.PUBLIC_SQL}"
_VIEWER_UNIT = f"{_UNIT}, {_VIEWER}, {text_windows.RECENT_SQL}, NULL AS public, NULL AS initials"
"""Everything that each decision reads, in one statement. Row-level security includes the emergency
stops of the installation."""


def gather_snapshot(
    scope: Scope, unit: Unit, *, author: str, by: ActivePolicy, own_hosts: Sequence[str] = ()
) -> tuple[EvidenceSnapshot, datetime]:
    """Return the committed facts about a unit under the policy `by`, and the time of reading."""
    _expire_read_rows(scope)
    who, author = _resolve_author(scope, unit, author)
    creator = who.creator
    wrote = who.writer
    media = media_facts.media_facts_of_unit(scope, unit)
    pointed = post_references.resolve_references(scope, unit)
    persons = media_facts.person_facts(scope, media_facts.people_named_in(media))
    principal = wrote.principal_id if wrote is not None else None
    # The time of the database must lie between two readings of the local clock, within `APART`.
    before = wall_now()
    # For the first part of a thread, the keys of the whole thread are locked already.
    read = _at_once(scope, unit, epochs.key_parameters(scope, unit))
    skewed = not before - APART <= read.machine <= wall_now() + APART
    heard, changed = _resolve_reviews(scope, unit, read)
    spoke = _reviewing_principals(heard, media, persons)
    same = who.same_humans & spoke
    shown = _depicted_reviewers(scope, media, spoke)
    said = _mark_own_reviews(heard, same.union(*shown.values()))
    above = live_copies.list_copies(scope, unit.subject) if unit.reply_to else []
    facts = EvidenceSnapshot(
        tenant_id=scope.tenant_id,
        author=author,
        author_principal=principal,
        adult_chat=wrote is not None and wrote.adult_chat,
        ceiling=Rating(creator.rating_ceiling) if creator is not None else Rating.G,
        creator_known=creator is not None,
        demo=who.demo,
        names=(creator.name, creator.slug) if creator is not None else (),
        media=_mark_media(media, principal, same, shown),
        persons=tuple(_of_person(one, same) for one in persons) if same else persons,
        viewer=_parse_viewer(read.viewer),
        references=pointed,
        remarks=received_comments.comment_facts(scope, unit),
        links=_list_link_facts(scope, unit, pointed),
        own_hosts=tuple(own_hosts) or urls.own_hosts(),
        stops=(*_stops_of_unit(unit, read.stops or ()), *_stops_of_creator(creator)),
        reviews=said,
        recent=text_windows.recent_texts(read.recent),
        windows=text_windows.windows_of_unit(unit, read.recent, read.public),
        initials=tuple(dict.fromkeys(letters for letters in read.initials or () if letters)),
        changed=changed,
        above_known=any(_is_parent(unit, one) for one in above),
        above_gone=any(one.removed_at is not None or one.recalled_at is not None for one in above),
        epochs=tuple(sorted((read.epochs or {}).items())),
        rules_fault=by.fault,
        limits=_parse_place_limits(read.limits),
        own_terms=parse_own_terms(read.own_terms),
        uncalibrated=bool(read.uncalibrated),
        again=unit_rule_verifications(scope, unit, by.bundle, read.now.date()),
        foreign=admission.find_third_party_rule(scope, unit, by.bundle),
        skewed=skewed,
        release=own_release_facts.own_release_facts(scope, unit, read.release),
        intake_down=not read.reached,
        unlocked=_unlocked_keys(read.needed, epochs.held_keys(scope)),
    )
    return facts, read.now


def _unlocked_keys(needed: Iterable[str], held: Collection[str]) -> tuple[str, ...]:
    """Return the epochs that a claim needs and has not locked; none for callers without locks."""
    return tuple(key for key in needed if key not in held) if held else ()


def _is_parent(unit: Unit, copy: live_copies.LiveCopy) -> bool:
    return unit.reply_to in copy.native_ids and copy.channel_id == unit.channel_id


_ELSEWHERE = f"""
SELECT house_now() AS now,
{_PLACED.format(digest="u.digest", place="u.place", subject="u.subject", kind="u.kind")}
FROM unnest(CAST(:digests AS text[]), CAST(:places AS text[]), CAST(:subjects AS uuid[]),
CAST(:kinds AS text[]))
  WITH ORDINALITY AS u (digest, place, subject, kind, n) ORDER BY u.n
"""  # noqa: S608 only constants


def snapshots_elsewhere(
    scope: Scope, facts: EvidenceSnapshot, units: Sequence[Unit], *, by: ActivePolicy
) -> list[EvidenceSnapshot]:
    """Return the facts about the same content on other public surfaces.

    Only facts that depend on the surface are read, in one statement. For previews only: nothing is
    published on facts that were read for another unit.
    """
    rows = scope.run(
        _ELSEWHERE,
        tenant=scope.tenant_id,
        digests=[unit.digest() for unit in units],
        places=[unit.place_id for unit in units],
        subjects=[unit.subject.id for unit in units],
        kinds=[unit.subject.kind for unit in units],
    ).all()
    return [
        _build_place_snapshot(scope, facts, unit, read, by=by)
        for unit, read in zip(units, rows, strict=True)
    ]


def _build_place_snapshot(
    scope: Scope, facts: EvidenceSnapshot, unit: Unit, read: Any, *, by: ActivePolicy
) -> EvidenceSnapshot:
    again = unit_rule_verifications(scope, unit, by.bundle, read.now.date())
    heard, changed = _resolve_reviews(scope, unit, read)
    spoke = _reviewing_principals(heard, (), ())
    shown = _depicted_reviewers(scope, facts.media, spoke)
    same = _author_principals(scope, facts.author_principal, spoke)
    reviews = _mark_own_reviews(heard, same.union(*shown.values()))
    inactive = (one for one in facts.stops if one.feature == INACTIVE_STOP)
    stops = (*_stops_of_unit(unit, read.stops or ()), *inactive)
    limits = _parse_place_limits(read.limits)
    said_there = admission.find_third_party_rule(scope, unit, by.bundle)
    pointed = post_references.resolve_references(scope, unit)
    own = own_release_facts.own_release_facts(scope, unit, read.release)
    found = replace(
        facts, stops=stops, reviews=reviews, changed=changed, limits=limits, again=again
    )
    return replace(found, references=pointed, foreign=said_there, release=own)


def _at_once(scope: Scope, unit: Unit, keys: Mapping[str, Any]) -> Any:
    asked = {
        "digest": unit.digest(),
        "place": unit.place_id,
        "least": MIN_AGREEMENT_PERMILLE,
        "kind": unit.subject.kind,
    }
    facts = _VIEWER_UNIT if unit.viewer else _PUBLIC_UNIT
    statement = f"WITH RECURSIVE {epochs.epoch_keys_sql(keys)} {facts}"
    return _load_unit_row(scope, unit, statement, **asked, **keys)


def _load_unit_row(scope: Scope, unit: Unit, statement: str, **more: Any) -> Any:
    """Run a statement about a unit, its viewer and the texts they received; return its row."""
    there = {
        "platform": unit.platform,
        "viewer": unit.viewer,
        "subject": unit.subject.id,
        **text_windows.window_params(unit),
    }
    return scope.run(statement, **{"tenant": scope.tenant_id, **there, **more}).one()


def _parse_place_limits(stored: Iterable[tuple[str, str]] | None) -> tuple[PlaceLimitFacts, ...]:
    return tuple(
        PlaceLimitFacts(Rating(rating), Verdict(verdict)) for rating, verdict in stored or ()
    )


def _parse_reviews(stored: Iterable[tuple[str, str, int, str]] | None) -> tuple[ReviewFacts, ...]:
    return tuple(
        ReviewFacts(UUID(principal), verdict == "approve", seen, datetime.fromisoformat(at))
        for principal, verdict, seen, at in stored or ()
    )


def _reviewing_principals(
    said: Iterable[ReviewFacts], media: Iterable[MediumFacts], persons: Iterable[PersonFacts]
) -> set[UUID]:
    """Return all principals whose statements count for content of other members only: reviews,
    rating reductions and face comparisons."""
    found = {review.principal for review in said}
    for medium in media:
        found |= {review.principal for review in medium.reviews} | set(medium.lowered_by)
        found |= {review.principal for one in medium.likeness.resembles for review in one.said}
        doubts = medium.answer.doubts if medium.answer is not None else ()
        found |= {review.principal for doubt in doubts for review in doubt.reviews}
    for person in persons:
        found |= {
            review.principal
            for one in (person.likeness or FaceComparisonFacts()).resembles
            for review in one.said
        }
    return found


def _depicted_reviewers(
    scope: Scope, media: Iterable[MediumFacts], spoke: set[UUID]
) -> dict[str, frozenset[UUID]]:
    """Return for each medium the reviewers who are depicted in it or are behind a synthetic person
    in it. Their statements count like the author's own."""
    if not spoke:
        return {}
    shown = depicted_principals(scope, [medium.sha256 for medium in media])
    return {sha256: own & spoke for sha256, own in shown.items() if own & spoke}


def _mark_media(
    media: Iterable[MediumFacts],
    author: UUID | None,
    same: frozenset[UUID],
    shown: Mapping[str, frozenset[UUID]],
) -> tuple[MediumFacts, ...]:
    """Return the media with the statements of the author and of depicted reviewers marked as their
    own."""
    return tuple(
        _of_medium(medium, author, same | shown.get(medium.sha256, frozenset())) for medium in media
    )


def _of_medium(medium: MediumFacts, author: UUID | None, same: frozenset[UUID]) -> MediumFacts:
    """Mark the statements of the author, and of those who count as the author, on a medium."""
    own = not {author, *same}.isdisjoint(medium.lowered_by)
    if not same and not own:
        return medium
    likeness = _of_likeness(medium.likeness, same)
    answer = _of_answer(medium.answer, same)
    return replace(
        medium,
        reviews=_mark_own_reviews(medium.reviews, same),
        likeness=likeness,
        lowered_own=own,
        answer=answer,
    )


def _of_answer(found: AnswerFacts | None, same: frozenset[UUID]) -> AnswerFacts | None:
    if found is None:
        return None
    doubts = (replace(one, reviews=_mark_own_reviews(one.reviews, same)) for one in found.doubts)
    return replace(found, doubts=tuple(doubts))


def _of_person(person: PersonFacts, same: frozenset[UUID]) -> PersonFacts:
    return (
        replace(person, likeness=_of_likeness(person.likeness, same))
        if person.likeness is not None
        else person
    )


def _of_likeness(found: FaceComparisonFacts, same: frozenset[UUID]) -> FaceComparisonFacts:
    return replace(
        found,
        resembles=tuple(
            replace(one, said=_mark_own_reviews(one.said, same)) for one in found.resembles
        ),
    )


def _author_principals(scope: Scope, author: UUID | None, spoke: set[UUID]) -> frozenset[UUID]:
    """Return the reviewers who count as the author: guests who were seen on the author's devices or
    network."""
    if author is None or not spoke - {author}:
        return frozenset()
    return device_fingerprints.same_humans(scope, author).get(author, frozenset()) & spoke


def _mark_own_reviews(
    reviews: tuple[ReviewFacts, ...], same: frozenset[UUID]
) -> tuple[ReviewFacts, ...]:
    return (
        tuple(replace(review, own=review.principal in same) for review in reviews)
        if same
        else reviews
    )


def _resolve_reviews(scope: Scope, unit: Unit, read: Any) -> tuple[tuple[ReviewFacts, ...], bool]:
    """Return the reviews that count for a unit, and True if other content was approved instead.

    An approval of a whole thread covers each of its parts, as long as the parts up to it are
    unchanged.
    """
    said = _parse_reviews(read.reviews)
    before = read.approved or ()
    if unit.service or any(review.approves for review in said):
        return said, False
    known = {digest: parse_unit(stored) for digest, stored in before if stored is not None}
    mine = unit.approved_content()
    begun = [
        digest
        for digest, one in known.items()
        if one.parts == unit.parts and one.approved_content()[: len(mine)] == mine
    ]
    wholes = [digest for digest in begun if len(known[digest].approved_content()) > len(mine)]
    more = (
        review
        for reviews in media_facts.review_facts(scope, "unit", wholes).values()
        for review in reviews
    )
    return (*said, *more), bool(before) and not begun


def gather_content_snapshot(scope: Scope, unit: Unit, rules: Bundle) -> EvidenceSnapshot:
    """Return the facts that determine the required marks: content, persons and links. They are not
    enough for a decision."""
    media = media_facts.media_facts_of_unit(scope, unit, to_decide=False)
    pointed = post_references.resolve_references(scope, unit)
    return EvidenceSnapshot(
        tenant_id=scope.tenant_id,
        author="",
        author_principal=None,
        ceiling=Rating.G,
        media=media,
        persons=media_facts.person_facts(scope, media_facts.people_named_in(media)),
        references=pointed,
        links=_list_link_facts(scope, unit, pointed),
        own_hosts=urls.own_hosts(),
        own_terms=parse_own_terms(_load_unit_row(scope, unit, f"SELECT {OWN_TERMS_SQL}").own_terms),
        recent=text_windows.recent_texts(
            _load_unit_row(scope, unit, f"SELECT {text_windows.RECENT_SQL}").recent
        )
        if unit.viewer
        else (),
        again=unit_rule_verifications(scope, unit, rules, scope.now.date()),
        foreign=admission.find_third_party_rule(scope, unit, rules),
    )


def _expire_read_rows(scope: Scope) -> None:
    """Expire rows read before the locks were granted, because they may be outdated."""
    scope.session.flush()
    for row in list(scope.session.identity_map.values()):
        if type(row).__module__.partition(".")[0] in ("gate", "tenants"):
            scope.session.expire(row)


def _resolve_author(scope: Scope, unit: Unit, author: str) -> tuple[Authorship, str]:
    """Return the authorship of the unit and its author, or "" for a member who is not known to the
    agency."""
    kind, _, key = author.partition(":")
    try:
        member = UUID(key) if kind == "member" else None
    except ValueError:
        member = None
    found = find_authorship(scope, unit.creator_id, member)
    return found, author if kind != "member" or found.writer is not None else ""


def viewer_facts(scope: Scope, unit: Unit) -> ViewerFacts | None:
    """Return the facts about the age of the single viewer of a unit."""
    return _parse_viewer(_load_unit_row(scope, unit, f"SELECT {_VIEWER}").viewer)


def _parse_viewer(stored: Sequence[Any] | None) -> ViewerFacts | None:
    if stored is None:
        return None
    state, level, over_18, method, jurisdiction, until, epoch = stored
    expires_at = until and datetime.fromisoformat(until).astimezone(UTC)
    known = {"level": level, "over_18": over_18, "jurisdiction": jurisdiction, "epoch": epoch}
    return ViewerFacts(
        state=AssuranceState(state),
        test=method == TEST_ASSURANCE_METHOD,
        card_check=is_card_check(method),
        expires_at=expires_at,
        **known,
    )


def _list_link_facts(
    scope: Scope, unit: Unit, pointed: Iterable[ReferenceFacts]
) -> tuple[LinkFacts, ...]:
    led = (url for lead in unit.leads for url in (lead.target, lead.opens))
    urls = link_readings.extract_links(
        (*unit.all_texts, *led, *(words for known in pointed for words in known.texts))
    )
    kept = {url: canonical_url(url) for url in sorted(urls)}
    if not any(kept.values()):
        return ()
    rows = scope.session.exec(
        select(LinkTarget).where(
            LinkTarget.tenant_id == scope.tenant_id,
            LinkTarget.creator_id == unit.creator_id,
            LinkTarget.state != "closed",
            col(LinkTarget.url).in_(set(kept.values())),
        )
    )
    known = {row.url: row for row in rows}
    return tuple(
        LinkFacts(url, row.adult, Rating(row.rating), row.state == "active", row.expires_at)
        for url, row in ((url, known.get(key)) for url, key in kept.items())
        if row is not None
    )


def _stops_of_creator(creator: Creator | None) -> tuple[StopFacts, ...]:
    """Return the stop of a creator who is deactivated or archived."""
    if creator is None or creator.is_active:
        return ()
    return (StopFacts("creator", INACTIVE_STOP),)


def _stops_of_unit(unit: Unit, closed: Iterable[tuple[str, str, str]]) -> tuple[StopFacts, ...]:
    """Return the active emergency stops that apply to the unit."""
    targets: Mapping[str, str] = {
        "global": "",
        "platform": unit.platform,
        "tenant": "",
        "creator": str(unit.creator_id),
        "channel": str(unit.channel_id),
        "chat": f"{unit.channel_id}:{unit.viewer}",
    }
    return tuple(
        StopFacts(where, feature)
        for where, target, feature in closed
        if targets.get(where) == target
    )
