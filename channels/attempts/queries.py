"""Reads of attempts for display: every request of a subject and its response."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from channels.attempts.models import AttemptRow
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract.units import Subject


@dataclass(frozen=True)
class StepSummary:
    """A request with its name, its time and its response: `200`, `not_sent`, `lost`, or "" while it
    is open."""

    name: str
    kind: str
    armed_at: datetime
    answered: str


@dataclass(frozen=True)
class AttemptSummary:
    """An attempt for display. `outcome_text` is the sentence of its outcome."""

    kind: str
    part: int
    n: int
    channel_id: UUID
    armed_at: datetime
    closed_at: datetime | None
    outcome: str | None
    http_status: int | None
    outcome_text: Message
    detail: Message | None
    steps: tuple[StepSummary, ...]
    native_id: str
    url: str
    resolved_by: str | None


def list_attempts(scope: Scope, subject: Subject) -> list[AttemptSummary]:
    """Return all attempts of a subject, oldest first."""
    return list_attempts_by_subject(scope, [subject])[subject]


def list_attempts_by_subject(
    scope: Scope, subjects: Collection[Subject]
) -> dict[Subject, list[AttemptSummary]]:
    """Return all attempts of several subjects, oldest first, in one statement."""
    there = tuple_(col(AttemptRow.subject_kind), col(AttemptRow.subject_id))
    rows = scope.session.exec(
        select(AttemptRow)
        .where(
            AttemptRow.tenant_id == scope.tenant_id,
            there.in_([(one.kind, one.id) for one in subjects]),
        )
        .order_by(col(AttemptRow.armed_at), col(AttemptRow.id))
        .execution_options(populate_existing=True)
    ).all()
    found: dict[Subject, list[AttemptSummary]] = {subject: [] for subject in subjects}
    for row in rows:
        found[Subject(row.subject_kind, row.subject_id)].append(_attempt_summary(row))
    return found


def _attempt_summary(row: AttemptRow) -> AttemptSummary:
    proof = row.resolution or row.result
    return AttemptSummary(
        kind=row.kind,
        part=row.part,
        n=row.n,
        channel_id=row.channel_id,
        armed_at=row.armed_at,
        closed_at=row.closed_at,
        outcome=row.outcome,
        http_status=row.http_status,
        outcome_text=Message(f"attempt.{row.outcome or 'open'}"),
        detail=Message.from_json(row.detail) if row.detail else None,
        steps=_parse_step_summaries(row.steps),
        native_id=str(proof.get("native_id", "")),
        url=str(proof.get("url", "")),
        resolved_by=row.resolved_by,
    )


def _parse_step_summaries(stored: Sequence[Mapping[str, Any]]) -> tuple[StepSummary, ...]:
    return tuple(
        StepSummary(
            step["name"],
            step["kind"],
            datetime.fromisoformat(step["armed_at"]),
            _answer_status(step["answer"]),
        )
        for step in stored
    )


def _answer_status(answer: Mapping[str, Any] | None) -> str:
    if answer is None:
        return ""
    return str(answer["status"]) if answer["type"] == "response" else str(answer["type"])
