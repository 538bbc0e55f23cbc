"""The logged history of a subject: its decisions with their inputs, a replay of each, and its
copies."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract import replacement_picture
from gate.contract.facts import EvidenceSnapshot, parse_snapshot, parse_unit
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Subject, Unit, Verdict
from gate.decision.decide import Decision, decide_unit
from gate.log.queries import explain_reasons
from gate.policy import active_policy
from gate.policy.bundle import Bundle


class ReplayOutcome(StrEnum):
    """The result of repeating a decision with its stored inputs."""

    SAME = "same"
    DIFFERENT = "different"
    OTHER_RULES = "other_rules"
    """The rules of the decision are no longer available, so there is no result."""
    NO_INPUTS = "no_inputs"
    """The inputs were deleted after their retention period."""
    INPUTS_CHANGED = "inputs_changed"
    """The stored inputs do not match the digests in the log."""


@dataclass(frozen=True)
class DecisionRecord:
    """A decision. `unit` and `facts` are its inputs, as long as they are stored."""

    id: UUID
    seq: int
    at: datetime
    stage: str
    author: str
    surface: str
    decision: Decision
    unit: Unit | None
    facts: EvidenceSnapshot | None
    replay: ReplayOutcome

    @property
    def reasons(self) -> tuple[Message, ...]:
        """Return a message for each reason."""
        return explain_reasons(self.decision.reasons)


_JUDGED = """
SELECT d.*, i.unit, i.snapshot FROM decisions d
LEFT JOIN decision_inputs i ON i.tenant_id = d.tenant_id AND i.id = d.id
WHERE d.tenant_id = :tenant AND d.subject_kind = :kind AND d.subject_id = :subject ORDER BY d.seq
"""


def list_decisions(
    scope: Scope, subject: Subject, *, bundles: Mapping[str, Bundle] | None = None
) -> list[DecisionRecord]:
    """Return every decision about a subject in order, each with the result of its replay.

    The rules are those of the decision's bundle, from the database or from `bundles`.
    """
    rows = scope.run(_JUDGED, tenant=scope.tenant_id, kind=subject.kind, subject=subject.id).all()
    if bundles is None:
        kept = {
            name: active_policy.find_bundle(scope, name)
            for name in sorted({row.bundle for row in rows})
        }
        bundles = {name: rules for name, rules in kept.items() if rules is not None}
    return [_decision_from_row(row, bundles) for row in rows]


def _decision_from_row(row: Any, bundles: Mapping[str, Bundle]) -> DecisionRecord:
    reasons = tuple(Reason(one) for one in row.reasons)
    made = Decision(Verdict(row.verdict), reasons, Rating(row.rating), tuple(row.flags), row.bundle)
    unit, facts, replay = _replay_decision(row, made, bundles)
    return DecisionRecord(
        id=row.id,
        seq=row.seq,
        at=row.decided_at,
        stage=row.stage,
        author=row.author,
        surface=row.surface,
        decision=made,
        unit=unit,
        facts=facts,
        replay=replay,
    )


def _replay_decision(
    row: Any, made: Decision, bundles: Mapping[str, Bundle]
) -> tuple[Unit | None, EvidenceSnapshot | None, ReplayOutcome]:
    if row.unit is None or row.snapshot is None:
        return None, None, ReplayOutcome.NO_INPUTS
    try:
        unit = parse_unit(row.unit)
        facts = parse_snapshot(row.snapshot)
    except ValidationError:
        return None, None, ReplayOutcome.INPUTS_CHANGED
    if (unit.digest(), hashlib.sha256(row.snapshot.encode()).hexdigest()) != (
        row.unit_digest,
        row.snapshot_digest,
    ):
        return unit, facts, ReplayOutcome.INPUTS_CHANGED
    rules = bundles.get(made.bundle)
    if rules is None:
        return unit, facts, ReplayOutcome.OTHER_RULES
    same = decide_unit(facts, unit, rules, row.decided_at).to_canonical() == made.to_canonical()
    return unit, facts, ReplayOutcome.SAME if same else ReplayOutcome.DIFFERENT


@dataclass(frozen=True)
class ReadBackRecord:
    """The result of a check of a published copy.

    `there` is True if the copy was visible. `missing` are the flags that it lacked.
    """

    at: datetime
    there: bool
    missing: tuple[str, ...]


@dataclass(frozen=True)
class PermitRecord:
    """A permit and its copy: not published if `void`, else visible until `gone_at`."""

    jti: UUID
    decision_id: UUID
    step: str
    minted_at: datetime
    void: bool
    native_ids: tuple[str, ...]
    visible_at: datetime | None
    recalled_at: datetime | None
    recalled_for: Message | None
    gone_at: datetime | None
    read_back: ReadBackRecord | None
    replaced_at: datetime | None
    """Time at which a replacement picture or service text replaced the content."""
    edits: UUID | None = None
    """The permit of the copy that this permit edited at `visible_at`.

    Without `visible_at`, the outcome of the edit is unknown.
    """


def list_permits(scope: Scope, subject: Subject) -> list[PermitRecord]:
    """Return every permit of a subject, oldest first."""
    rows = scope.run(
        "SELECT id, decision_id, step, minted_at, state, native_ids, visible_at, recalled_at, "
        "recall_reason, gone_at,"
        " readback, edits, (SELECT max(r.visible_at) FROM permits r WHERE r.tenant_id = p.tenant_id"
        " AND r.subject_kind = :instead AND r.subject_id = p.id) AS replaced_at"
        " FROM permits p WHERE tenant_id = :tenant AND subject_kind = :kind AND subject_id = "
        ":subject"
        " ORDER BY minted_at, id",
        instead=replacement_picture.REPLACEMENT_STEP,
        tenant=scope.tenant_id,
        kind=subject.kind,
        subject=subject.id,
    )
    return [
        PermitRecord(
            jti=row.id,
            decision_id=row.decision_id,
            step=row.step,
            minted_at=row.minted_at,
            void=row.state == "void",
            native_ids=tuple(row.native_ids),
            visible_at=row.visible_at,
            recalled_at=row.recalled_at,
            recalled_for=Message.from_json(row.recall_reason) if row.recall_reason else None,
            gone_at=row.gone_at,
            read_back=_read_back(row.readback),
            replaced_at=row.replaced_at,
            edits=row.edits,
        )
        for row in rows
    ]


def _read_back(stored: Mapping[str, Any] | None) -> ReadBackRecord | None:
    if stored is None:
        return None
    return ReadBackRecord(
        datetime.fromisoformat(stored["at"]), bool(stored["there"]), tuple(stored["missing"])
    )


def find_subjects(scope: Scope, low: UUID, high: UUID) -> list[Subject]:
    """Return the subjects with decisions whose IDs are between `low` and `high`, inclusive."""
    rows = scope.run(
        "SELECT DISTINCT subject_kind, subject_id FROM decisions"
        " WHERE tenant_id = :tenant AND subject_id BETWEEN :low AND :high ORDER BY subject_id",
        tenant=scope.tenant_id,
        low=low,
        high=high,
    )
    return [Subject(row.subject_kind, row.subject_id) for row in rows]


def person_names(scope: Scope, people: Collection[UUID]) -> dict[UUID, str]:
    """Return the display names of these people."""
    if not people:
        return {}
    rows = scope.run(
        "SELECT id, display_ref FROM persons WHERE tenant_id = :tenant AND id = ANY(:people)",
        tenant=scope.tenant_id,
        people=list(people),
    )
    return {row.id: row.display_ref for row in rows}
