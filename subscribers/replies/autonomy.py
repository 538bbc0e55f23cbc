"""Autonomy of a creator's bot: the levels, what each level may send without a member, the evidence
that a higher level requires, and the automatic fallback.

A level is earned by reviewed drafts. It falls back to `copilot` by itself; only a member raises it.
There are two exceptions: the owner chooses the first level of a new agency, because an agency of
one person may prefer a bot that answers from the start, and it falls like any other; and the
operator's brief of a scripted day changes the persona without lowering the level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Refused
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from subscribers.replies.models import AutonomyChange
from tenants import audit
from tenants.notices import notices

AutonomyLevel = Literal["off", "copilot", "supervised", "autopilot"]
"""Autonomy of a bot. `off`: members answer. `copilot`: a member approves each reply. `supervised`:
a confident reply without an offer is sent automatically. `autopilot`: replies and offers are."""

LEVELS: tuple[AutonomyLevel, ...] = ("off", "copilot", "supervised", "autopilot")
"""All levels, the lowest first."""

Fallback = Literal["safety", "complaints", "refusals", "model", "version"]
FALLBACKS: tuple[Fallback, ...] = ("safety", "complaints", "refusals", "model", "version")
"""Causes of an automatic fallback: a missed safety signal, complaints, refused drafts, a new model,
a new version of the persona."""

NEW_FALLBACKS = ("model", "version")

MIN_CONFIDENCE = 0.8
"""Confidence from which `supervised` sends a reply."""

REVIEWS_SUPERVISED = 200
REVIEWS_SUPERVISED_SMALL = 60
REVIEWS_AUTOPILOT = 1000
"""Reviewed drafts that a level requires; `REVIEWS_SUPERVISED_SMALL` below `SMALL_CHATS`."""

SMALL_CHATS = 20
"""Chats a day below which fewer reviews are required."""

REVIEWS_AFTER_NEW = 50
"""Reviewed drafts that a new model or a new version of the persona requires."""

MIN_UNCHANGED_PERCENT = 90
LIGHT_EDIT_PERCENT = 15
"""Share of drafts that must be sent unchanged or lightly edited, and the limit of a light edit."""

SAFETY_PERIOD = timedelta(days=14)
COMPLAINT_MESSAGES = 1000
MAX_COMPLAINTS = 3
COMPLAINT_CODES = ("chat.asks_money_back", "chat.handoff_upset")
"""`MAX_COMPLAINTS` among the last `COMPLAINT_MESSAGES` messages lower the level."""

REFUSAL_PERIOD = timedelta(hours=1)
MIN_REFUSALS = 3
MAX_REFUSAL_PERCENT = 5
"""Share of refused drafts of an hour that lowers the level, from `MIN_REFUSALS` on: one refusal in
a quiet hour is no trend."""

TEMPLATES = "templates/%"
"""Models of the template engine. Its texts were reviewed, so they never count as a new model."""


@dataclass(frozen=True)
class ReplyFindings:
    """The properties of a generated reply that decide whether a member must approve it."""

    confidence: float
    has_offer: bool
    rating: Rating
    is_held: bool
    """True if the gate holds the text for review."""


WaitingReason = Literal["off", "level", "offer", "confidence", "rating", "check"]


def waiting_reason(level: AutonomyLevel, found: ReplyFindings) -> WaitingReason | None:
    """Return the reason why a reply waits for a member at this level, or None if it is sent
    automatically."""
    if level == "off":
        return "off"
    if found.rating.rank > Rating.S.rank:
        return "rating"
    if found.is_held:
        return "check"
    if level == "copilot":
        return "level"
    if level == "supervised" and found.has_offer:
        return "offer"
    if level == "supervised" and found.confidence < MIN_CONFIDENCE:
        return "confidence"
    return None


def sending_level(found: ReplyFindings) -> AutonomyLevel | None:
    """Return the lowest level that sends this reply automatically, or None if every level waits."""
    return next((level for level in LEVELS if waiting_reason(level, found) is None), None)


def lower_of(*levels: AutonomyLevel) -> AutonomyLevel:
    """Return the lowest of these levels."""
    return min(levels, key=LEVELS.index)


def is_raise(before: AutonomyLevel, after: AutonomyLevel) -> bool:
    """Return True if the bot may send more at `after` than at `before`."""
    return LEVELS.index(after) > max(LEVELS.index(before), LEVELS.index("copilot"))


def parse_level(stored: str) -> AutonomyLevel:
    """Return the level of a stored value, `copilot` for an unknown one."""
    return next((level for level in LEVELS if level == stored), "copilot")


@dataclass(frozen=True)
class AutonomyEvidence:
    """The numbers that decide about a creator's autonomy."""

    reviewed: int
    """Reviewed drafts, at most the last `REVIEWS_AUTOPILOT`."""
    unchanged: int
    """Those of `reviewed` that were sent unchanged or lightly edited."""
    missed_safety: int
    """Safety signals that the bot missed within `SAFETY_PERIOD`."""
    chats_a_day: float
    since_new: int | None = None
    """Drafts reviewed since the level fell for a new model or version; None if it did not."""

    @property
    def unchanged_percent(self) -> int:
        """The share of drafts sent unchanged or lightly edited, rounded down; 0 without reviews."""
        return self.unchanged * 100 // self.reviewed if self.reviewed else 0

    def needed_reviews(self, level: AutonomyLevel) -> int:
        """Return the number of reviewed drafts that a level requires."""
        if level == "autopilot":
            return REVIEWS_AUTOPILOT
        if level != "supervised":
            return 0
        small = self.chats_a_day < SMALL_CHATS
        return REVIEWS_SUPERVISED_SMALL if small else REVIEWS_SUPERVISED


def find_obstacles(level: AutonomyLevel, found: AutonomyEvidence) -> tuple[Message, ...]:
    """Return the reasons why the level is not reached yet; empty if it is, and for levels that need
    no evidence."""
    if LEVELS.index(level) <= LEVELS.index("copilot"):
        return ()
    need = found.needed_reviews(level)
    missing = []
    if found.reviewed < need:
        missing.append(Message("autonomy.needs_reviews", {"count": found.reviewed, "need": need}))
    if found.reviewed and found.unchanged_percent < MIN_UNCHANGED_PERCENT:
        missing.append(
            Message(
                "autonomy.needs_unchanged",
                {"percent": found.unchanged_percent, "need": MIN_UNCHANGED_PERCENT},
            )
        )
    if found.missed_safety:
        missing.append(
            Message(
                "autonomy.needs_safety",
                {"count": found.missed_safety, "days": SAFETY_PERIOD.days},
            )
        )
    if found.since_new is not None and found.since_new < REVIEWS_AFTER_NEW:
        missing.append(
            Message(
                "autonomy.needs_new_reviews",
                {"count": found.since_new, "need": REVIEWS_AFTER_NEW},
            )
        )
    return tuple(missing)


@dataclass(frozen=True)
class AutonomyView:
    """The autonomy of a creator: the level of the active persona (None without one), the evidence,
    and the cause of the last fallback if no member has changed the level since."""

    level: AutonomyLevel | None
    version: int
    evidence: AutonomyEvidence
    fallback: Fallback | None
    changes: tuple["AutonomyStep", ...]

    def missing_for(self, level: AutonomyLevel) -> tuple[Message, ...]:
        """Return the reasons why a member cannot choose the level; empty if they can."""
        if self.level is None or not is_raise(self.level, level):
            return ()
        return find_obstacles(level, self.evidence)


@dataclass(frozen=True)
class AutonomyStep:
    """A change of autonomy, for display. `at` is UTC-aware."""

    before: AutonomyLevel
    after: AutonomyLevel
    reason: str
    by: str
    version: int
    at: datetime


_ACTIVE = """
SELECT level, version FROM personas
WHERE tenant_id = :tenant AND creator_id = :creator AND state = 'active'
"""
_SET = """
UPDATE personas SET level = :level, updated_at = house_now()
WHERE tenant_id = :tenant AND creator_id = :creator AND state = 'active'
"""
_REVIEWED = """
SELECT count(*) AS reviewed,
  count(*) FILTER (WHERE approved_by LIKE 'member:%' AND CASE WHEN edit_percent IS NULL
    THEN original_text = '' ELSE edit_percent <= :light END) AS unchanged
FROM (
  SELECT approved_by, edit_percent, original_text FROM drafts
  WHERE tenant_id = :tenant AND creator_id = :creator AND origin = 'bot' AND kind = 'text'
    AND (approved_by LIKE 'member:%' OR state = 'rejected') AND updated_at > :since
  ORDER BY created_at DESC LIMIT :most
) reviewed
"""
_CHATS = """
SELECT count(DISTINCT (conversation_id, date_trunc('day', at))) FROM messages
WHERE tenant_id = :tenant AND creator_id = :creator AND direction = 'in' AND at > :since
"""
_MISSED = """
SELECT count(*) FROM safety_events
WHERE tenant_id = :tenant AND creator_id = :creator AND action = 'missed' AND created_at > :since
"""
_COMPLAINTS = """
SELECT count(*) FROM conversation_moves
WHERE tenant_id = :tenant AND creator_id = :creator AND reason ->> 'code' = ANY(:codes)
  AND created_at > greatest(:since, coalesce((
    SELECT min(at) FROM (
      SELECT at FROM messages
      WHERE tenant_id = :tenant AND creator_id = :creator AND direction = 'out' AND author = 'bot'
      ORDER BY at DESC LIMIT :messages
    ) latest), CAST(:since AS timestamptz)))
"""
_REFUSALS = """
SELECT count(*) AS written, count(*) FILTER (WHERE refused) AS refused FROM drafts
WHERE tenant_id = :tenant AND creator_id = :creator AND origin = 'bot' AND created_at > :since
"""
_LAST_MODEL = """
SELECT model FROM drafts
WHERE tenant_id = :tenant AND creator_id = :creator AND origin = 'bot' AND model <> ''
  AND model NOT LIKE :templates AND id <> :draft
ORDER BY created_at DESC LIMIT 1
"""
_REVIEWED_OF_MODEL = """
SELECT count(*) FROM (
  SELECT 1 FROM drafts
  WHERE tenant_id = :tenant AND creator_id = :creator AND origin = 'bot' AND kind = 'text'
    AND model = :model AND (approved_by LIKE 'member:%' OR state = 'rejected') LIMIT :most
) reviewed
"""
EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""Earlier than any row."""


def current_level(scope: Scope, creator_id: UUID) -> AutonomyLevel | None:
    """Return the level of the creator's active persona, or None without one."""
    row = scope.run(_ACTIVE, tenant=scope.tenant_id, creator=creator_id).one_or_none()
    return parse_level(row.level) if row is not None else None


def load_autonomy(scope: Scope, creator_id: UUID, *, limit: int = 10) -> AutonomyView:
    """Return the autonomy of a creator with its evidence and its last changes, newest first."""
    row = scope.run(_ACTIVE, tenant=scope.tenant_id, creator=creator_id).one_or_none()
    steps = _list_changes(scope, creator_id, limit=limit)
    last = steps[0].reason if steps else ""
    return AutonomyView(
        level=parse_level(row.level) if row is not None else None,
        version=row.version if row is not None else 0,
        evidence=load_evidence(scope, creator_id),
        fallback=next((cause for cause in FALLBACKS if cause == last), None),
        changes=tuple(steps),
    )


def load_evidence(scope: Scope, creator_id: UUID) -> AutonomyEvidence:
    """Return the evidence about a creator's bot."""
    recent = scope.now - SAFETY_PERIOD
    ids = {"tenant": scope.tenant_id, "creator": creator_id}
    reviewed = _count_reviews(scope, creator_id, EPOCH)
    chats = scope.run(_CHATS, since=recent, **ids).scalar_one()
    missed = scope.run(_MISSED, since=recent, **ids).scalar_one()
    fell = _last_new_fallback(scope, creator_id)
    return AutonomyEvidence(
        reviewed=reviewed[0],
        unchanged=reviewed[1],
        missed_safety=missed,
        chats_a_day=chats / SAFETY_PERIOD.days,
        since_new=_count_reviews(scope, creator_id, fell)[0] if fell is not None else None,
    )


def _count_reviews(scope: Scope, creator_id: UUID, since: datetime) -> tuple[int, int]:
    row = scope.run(
        _REVIEWED,
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        light=LIGHT_EDIT_PERCENT,
        most=REVIEWS_AUTOPILOT,
    ).one()
    return row.reviewed, row.unchanged


def _list_changes(scope: Scope, creator_id: UUID, *, limit: int) -> Sequence[AutonomyStep]:
    rows = scope.session.exec(
        select(AutonomyChange)
        .where(AutonomyChange.tenant_id == scope.tenant_id, AutonomyChange.creator_id == creator_id)
        .order_by(col(AutonomyChange.created_at).desc(), col(AutonomyChange.id).desc())
        .limit(limit)
    )
    return [
        AutonomyStep(
            parse_level(row.before),
            parse_level(row.after),
            row.reason,
            row.by,
            row.version,
            row.created_at or scope.now,
        )
        for row in rows
    ]


def _last_new_fallback(scope: Scope, creator_id: UUID) -> datetime | None:
    """Return the time at which the level last fell for a new model or version, or None."""
    found: datetime | None = scope.run(
        "SELECT max(created_at) FROM autonomy_changes WHERE tenant_id = :tenant AND creator_id = "
        ":creator AND reason = ANY(:reasons)",
        tenant=scope.tenant_id,
        creator=creator_id,
        reasons=list(NEW_FALLBACKS),
    ).scalar()
    return found


def change_autonomy(scope: Scope, creator_id: UUID, level: str) -> Message:
    """Set the level of the active persona as a member's decision; return the confirmation.

    Lowering is always possible. Raises BadInput for an unknown level or without an active persona,
    and Refused with the first missing requirement of a higher level.
    """
    wanted = next((known for known in LEVELS if known == level), None)
    if wanted is None:
        raise BadInput("autonomy.unknown_level")
    _lock(scope, creator_id)
    before = current_level(scope, creator_id)
    if before is None:
        raise BadInput("autonomy.no_persona")
    missing = load_autonomy(scope, creator_id).missing_for(wanted)
    if missing:
        raise Refused(missing[0].code, **missing[0].params)
    if before != wanted:
        _set_level(scope, creator_id, before, wanted, reason="member")
        audit.record(
            scope, "autonomy.changed", f"creator:{creator_id}", before=before, after=wanted
        )
    return Message(f"autonomy.set_{wanted}")


def apply_fallback(
    scope: Scope, creator_id: UUID, *, model: str, draft_id: UUID
) -> AutonomyLevel | None:
    """Lower the level to `copilot` if the evidence requires it. Return the level that now applies,
    or None without an active persona.

    `model` is the model of the draft that was just written.
    """
    level = current_level(scope, creator_id)
    if level is None or not is_raise("copilot", level):
        return level
    cause = _find_fallback(scope, creator_id, model, draft_id)
    return level if cause is None else fall_back(scope, creator_id, cause)


def fall_back(scope: Scope, creator_id: UUID, cause: Fallback) -> AutonomyLevel | None:
    """Lower the level of the active persona to `copilot` and notify members. Return the level that
    now applies; a level that is not higher remains."""
    _lock(scope, creator_id)
    before = current_level(scope, creator_id)
    if before is None or not is_raise("copilot", before):
        return before
    _set_level(scope, creator_id, before, "copilot", reason=cause)
    report_fallback(scope, creator_id, before, cause)
    return "copilot"


def report_fallback(scope: Scope, creator_id: UUID, before: AutonomyLevel, cause: Fallback) -> None:
    """Notify members of a fallback and record it in the audit log."""
    audit.record(
        scope,
        "autonomy.lowered",
        f"creator:{creator_id}",
        before=before,
        after="copilot",
        reason=cause,
    )
    notices.put(
        scope,
        Message(f"autonomy.fell_{cause}"),
        cause=f"autonomy:{creator_id}",
        creator_id=creator_id,
    )


def _find_fallback(scope: Scope, creator_id: UUID, model: str, draft_id: UUID) -> Fallback | None:
    """Return the cause for which the level must fall. Events before the last change of the level
    were considered when it was changed."""
    ids = {"tenant": scope.tenant_id, "creator": creator_id}
    changed = scope.run(
        "SELECT max(created_at) FROM autonomy_changes WHERE tenant_id = :tenant AND creator_id = "
        ":creator",
        **ids,
    ).scalar()
    since = max(changed or EPOCH, scope.now - SAFETY_PERIOD)
    if scope.run(_MISSED, since=since, **ids).scalar_one():
        return "safety"
    complaints = scope.run(
        _COMPLAINTS, since=since, codes=list(COMPLAINT_CODES), messages=COMPLAINT_MESSAGES, **ids
    ).scalar_one()
    if complaints >= MAX_COMPLAINTS:
        return "complaints"
    hour = scope.run(_REFUSALS, since=max(since, scope.now - REFUSAL_PERIOD), **ids).one()
    if are_refusals_excessive(hour.written, hour.refused):
        return "refusals"
    return "model" if _is_new_model(scope, creator_id, model, draft_id) else None


def are_refusals_excessive(written: int, refused: int) -> bool:
    """Return True if so many of an hour's drafts were refused that the level must fall."""
    return refused >= MIN_REFUSALS and refused * 100 > written * MAX_REFUSAL_PERCENT


def _is_new_model(scope: Scope, creator_id: UUID, model: str, draft_id: UUID) -> bool:
    if not model or model.startswith(TEMPLATES.rstrip("%")):
        return False
    ids = {"tenant": scope.tenant_id, "creator": creator_id}
    last = scope.run(_LAST_MODEL, templates=TEMPLATES, draft=draft_id, **ids).scalar()
    if last is None or last == model:
        return False
    known = scope.run(_REVIEWED_OF_MODEL, model=model, most=REVIEWS_AFTER_NEW, **ids).scalar_one()
    return bool(known < REVIEWS_AFTER_NEW)


def record_change(
    scope: Scope,
    creator_id: UUID,
    before: AutonomyLevel,
    after: AutonomyLevel,
    *,
    reason: str,
    version: int,
) -> None:
    """Record a change of autonomy."""
    scope.add(
        AutonomyChange(
            tenant_id=scope.tenant_id,
            creator_id=creator_id,
            before=before,
            after=after,
            reason=reason,
            by=scope.actor,
            version=version,
            created_at=scope.now,
        )
    )


def _set_level(
    scope: Scope, creator_id: UUID, before: AutonomyLevel, after: AutonomyLevel, *, reason: str
) -> None:
    row = scope.run(_ACTIVE, tenant=scope.tenant_id, creator=creator_id).one()
    scope.run(_SET, tenant=scope.tenant_id, creator=creator_id, level=after)
    record_change(scope, creator_id, before, after, reason=reason, version=row.version)


def _lock(scope: Scope, creator_id: UUID) -> None:
    scope.lock(f"persona:{creator_id}")
