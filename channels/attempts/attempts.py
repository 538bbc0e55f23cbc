"""Rows of attempts.

Each step, response, outcome and resolution is written once, by compare-and-set.
"""

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.attempts import serialization
from connectors.contract.connector import Response, StepKind, StepNotSent, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Processing, Published, Uncertain
from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.contract.units import Subject, Unit

SENDING_KINDS = ("send", "stage")
ABSENT_RESULT = "absent"
_IN_DOUBT = (None, "uncertain", "processing")
_REFUSED = ("retry", "rejected", "reauthorize", "disconnected")


@dataclass(frozen=True)
class Attempt:
    """A row of `attempts`; `channels/attempts/models.py` documents the columns."""

    id: UUID
    channel_id: UUID
    subject_kind: str
    subject_id: UUID
    part: int
    n: int
    kind: str
    native_key: str
    armed_at: datetime
    deadline_at: datetime
    publish_armed_at: datetime | None
    unit: dict[str, Any]
    unit_digest: str
    steps: list[dict[str, Any]]
    outcome: str | None
    result: dict[str, Any]
    detail: dict[str, Any] | None
    resolution: dict[str, Any]
    resolved_by: str | None


_COLUMNS = ", ".join(column.name for column in fields(Attempt))
_IN_ORDER = "ORDER BY max(armed_at) OVER (PARTITION BY part, kind ORDER BY n), n, id"
# The columns are those of the dataclass.
_READ = f"SELECT {_COLUMNS} FROM attempts WHERE tenant_id = :tenant"  # noqa: S608  see above


def list_attempts(
    scope: Scope, subject: Subject, part: int | None = 0, kinds: Iterable[str] = SENDING_KINDS
) -> list[Attempt]:
    """Return the attempts of the given kinds of a subject's part (None: all parts), oldest first.

    Attempts of one kind are ordered by their numbers, so that a clock rollback does not make an old
    attempt the last.
    """
    found = scope.run(
        f"{_READ} AND subject_kind = :subject_kind AND subject_id = :subject AND kind = "
        "ANY(CAST(:kinds AS text[]))"
        " AND (CAST(:part AS int) IS NULL OR part = :part)"
        f" {_IN_ORDER}",
        tenant=scope.tenant_id,
        subject_kind=subject.kind,
        subject=subject.id,
        part=part,
        kinds=list(kinds),
    )
    return [Attempt(*row) for row in found]


def subjects_with_open_attempts(scope: Scope, subjects: Collection[Subject]) -> list[Subject]:
    """Return the subjects that have an attempt without an outcome. All subjects must be of one
    kind."""
    found = scope.run(
        "SELECT DISTINCT subject_kind, subject_id FROM attempts WHERE tenant_id = :tenant"
        " AND subject_kind = ANY(CAST(:kinds AS text[])) AND subject_id = ANY(:ids) AND kind = "
        "ANY(:carrying)"
        " AND outcome IS NULL",
        tenant=scope.tenant_id,
        kinds=sorted({one.kind for one in subjects}),
        ids=[one.id for one in subjects],
        carrying=list(SENDING_KINDS),
    )
    return [Subject(*row) for row in found]


def has_early_uploads(scope: Scope, subject: Subject) -> bool:
    """Return True if uploads of a subject began before its scheduled time."""
    found: bool = scope.run(
        "SELECT EXISTS (SELECT FROM attempts WHERE tenant_id = :tenant AND subject_kind = :kind"
        " AND subject_id = :subject AND kind = 'stage')",
        tenant=scope.tenant_id,
        kind=subject.kind,
        subject=subject.id,
    ).scalar_one()
    return found


def get_attempt(scope: Scope, attempt_id: UUID) -> Attempt:
    """Return an attempt by ID. Raises NotFound."""
    row = scope.run(f"{_READ} AND id = :id", tenant=scope.tenant_id, id=attempt_id).one_or_none()
    if row is None:
        raise NotFound("attempt.not_here")
    return Attempt(*row)


def stored_answers(row: Attempt) -> tuple[StepResult, ...]:
    """Return the responses of an attempt so far, in order."""
    return tuple(answer for _, answer in answered_steps(row))


def answered_steps(row: Attempt) -> list[tuple[str, StepResult]]:
    """Return the wire digests and responses of the completed steps of an attempt, in order."""
    done = (step for step in row.steps if step["answer"] is not None)
    return [(step["wire_digest"], serialization.answer_from_json(step["answer"])) for step in done]


def reusable_uploads(
    rows: Iterable[Attempt], unit_digest: str, *, without: Set[str] = frozenset()
) -> tuple[StepResult, ...]:
    """Return successful uploads of attempts with the same content, which need not be repeated.

    `without` are digests of steps that the caller already has. Uploads before a response that
    declared them gone are left out.
    """
    kept: dict[str, StepResult] = {}
    for row in rows:
        if row.result.get("uploads_gone"):
            kept.clear()
            continue
        for step in row.steps if row.unit_digest == unit_digest else ():
            upload = step["kind"] == StepKind.STAGE and step["wire_digest"] not in without
            if upload and step["answer"] is not None:
                answer = serialization.answer_from_json(step["answer"])
                if isinstance(answer, Response) and answer.is_success:
                    kept.pop(step["wire_digest"], None)
                    kept[step["wire_digest"]] = answer
    return tuple(kept.values())


def publish_answer(row: Attempt) -> StepResult | None:
    """Return the response to the publishing step, or None if there is none yet."""
    return next(
        (
            serialization.answer_from_json(step["answer"])
            for step in row.steps
            if step["kind"] == StepKind.PUBLISH and step["answer"] is not None
        ),
        None,
    )


def publish_ended_at(row: Attempt) -> datetime:
    """Return the time (UTC-aware) at which the response to the publishing step was received or
    lost; the deadline of the attempt if it was not recorded."""
    answered = (step["answered_at"] for step in row.steps if step["kind"] == StepKind.PUBLISH)
    ended = next((at for at in answered if at is not None), None)
    return datetime.fromisoformat(ended) if ended is not None else row.deadline_at


def occupied_native_key(rows: Iterable[Attempt]) -> str:
    """Return the native key under which a send may have created something, or "" if all sends
    certainly created nothing.

    A refused send frees its key: some platforms read a time in the key, which must not be outdated.
    """
    tried = [row for row in rows if row.kind == "send" and row.publish_armed_at is not None]
    return next((row.native_key for row in reversed(tried) if row.outcome not in _REFUSED), "")


def publish_permit(row: Attempt) -> UUID | None:
    """Return the permit of the publishing step."""
    found = next(
        (step["permit_jti"] for step in row.steps if step["kind"] == StepKind.PUBLISH), None
    )
    return UUID(found) if found else None


def is_uncertain(row: Attempt) -> bool:
    """Return True if the publishing step may have taken effect, and nothing has confirmed or denied
    it yet."""
    armed = row.publish_armed_at is not None and row.resolved_by is None
    return armed and row.outcome in _IN_DOUBT and not isinstance(publish_answer(row), StepNotSent)


def binding_outcome(row: Attempt) -> Outcome | None:
    """Return the outcome that forbids a new attempt, or None if a new attempt may begin. Published,
    processing and an uncertain publishing step forbid one."""
    if row.resolved_by is not None:
        if row.resolution["outcome"] == "published":
            return serialization.outcome_from_json("published", row.resolution, None)
        return None
    if row.outcome in ("published", "processing"):
        return serialization.outcome_from_json(row.outcome, row.result, row.detail)
    if row.outcome == "uncertain" or (
        row.outcome is None and is_uncertain(row) and publish_answer(row) is None
    ):
        return Uncertain(
            Message.from_json(row.detail) if row.detail else Message("attempt.no_answer")
        )
    return None


def next_number(rows: Iterable[Attempt], kind: str) -> int:
    """Return the number of the next attempt of a kind, counted from 1."""
    return max((row.n for row in rows if row.kind == kind), default=0) + 1


def has_open_attempts(scope: Scope, channel_id: UUID) -> bool:
    """Return True if a request of an account may still be answered."""
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT 1 FROM attempts WHERE tenant_id = :tenant AND channel_id = "
            ":channel"
            " AND outcome IS NULL AND deadline_at > :now)",
            tenant=scope.tenant_id,
            channel=channel_id,
            now=scope.now,
        ).scalar()
    )


def begin_attempt(
    scope: Scope,
    *,
    channel_id: UUID,
    subject: Subject,
    kind: str,
    deadline: datetime,
    part: int = 0,
    unit: Unit | None = None,
    native_key: str = "",
    n: int | None = None,
    first: tuple[WireStep, UUID | None] | None = None,
) -> UUID:
    """Write a new attempt, without steps or with its `first` step and the permit of that step.

    Raises Conflict if another worker began the same attempt. A caller that has read the attempts
    and decided on them passes `n`, the number that was free then, so that it conflicts with any
    attempt added since.
    """
    number = next_number(list_attempts(scope, subject, part, (kind,)), kind) if n is None else n
    attempt_id = scope.run(
        "INSERT INTO attempts (tenant_id, id, channel_id, subject_kind, subject_id, part, n, "
        "kind, native_key,"
        " armed_at, deadline_at, unit, unit_digest, steps, publish_armed_at, result, resolution) "
        "VALUES (:tenant, :id,"
        " :channel, :subject_kind, :subject_id, :part, :n, :kind, :native_key, :now, :deadline, "
        "CAST(:unit AS jsonb),"
        " :digest, CAST(:steps AS jsonb), :publish_armed_at, '{}', '{}')"
        " ON CONFLICT (tenant_id, subject_kind, subject_id, part, kind, n) DO NOTHING RETURNING id",
        tenant=scope.tenant_id,
        id=uuid7(),
        channel=channel_id,
        subject_kind=subject.kind,
        subject_id=subject.id,
        part=part,
        n=number,
        kind=kind,
        native_key=native_key,
        now=scope.now,
        deadline=deadline,
        unit=_to_json_text(serialization.unit_to_json(unit) if unit is not None else {}),
        digest=unit.digest() if unit is not None else "",
        steps=_to_json_text([_step_entry(scope, *first)] if first is not None else []),
        publish_armed_at=scope.now
        if first is not None and first[0].kind is StepKind.PUBLISH
        else None,
    ).scalar()
    if attempt_id is None:
        raise Conflict("attempt.taken")
    return UUID(str(attempt_id))


def add_step(
    scope: Scope, attempt_id: UUID, position: int, step: WireStep, permit_jti: UUID | None
) -> None:
    """Record a step before it is sent, as number `position` of its attempt (from 0).

    Raises Conflict if the attempt was closed or continued since: the step must then not be sent.
    """
    done = scope.run(
        "UPDATE attempts SET steps = steps || CAST(:entry AS jsonb), updated_at = house_now(), "
        "publish_armed_at ="
        " CASE WHEN :publishes THEN CAST(:now AS timestamptz) ELSE publish_armed_at END"
        " WHERE tenant_id = :tenant AND id = :id AND outcome IS NULL AND "
        "jsonb_array_length(steps) = :position"
        " AND NOT (:publishes AND publish_armed_at IS NOT NULL)",
        tenant=scope.tenant_id,
        id=attempt_id,
        entry=_to_json_text([_step_entry(scope, step, permit_jti)]),
        publishes=step.kind is StepKind.PUBLISH,
        now=scope.now,
        position=position,
    )
    if not done.rowcount:
        raise Conflict("attempt.superseded")


def _step_entry(scope: Scope, step: WireStep, permit_jti: UUID | None) -> serialization.StoredJson:
    return {
        "name": step.name,
        "kind": str(step.kind),
        "wire_digest": step.wire_digest(),
        "permit_jti": str(permit_jti) if permit_jti else None,
        "armed_at": scope.now.isoformat(),
        "answer": None,
        "answered_at": None,
    }


_RECORD = """
UPDATE attempts SET steps = jsonb_set(jsonb_set(steps, CAST(:answer_at AS text[]), CAST(:answer
AS jsonb)),
  CAST(:time_at AS text[]), CAST(:now AS jsonb)), http_status = coalesce(:status, http_status),
  updated_at = house_now() WHERE tenant_id = :tenant AND id = :id
  AND steps #> CAST(:answer_at AS text[]) = CAST('null' AS jsonb)
"""

_TOLD = f"""
WITH kept AS ({_RECORD} RETURNING {_COLUMNS})
SELECT {_COLUMNS} FROM (SELECT {_COLUMNS} FROM kept UNION ALL SELECT {_COLUMNS} FROM attempts a
  WHERE a.tenant_id = :tenant AND a.subject_kind = :subject_kind AND a.subject_id = :subject
  AND a.kind = ANY(CAST((SELECT CAST(:kinds AS text[])) AS text[])) AND a.id NOT IN (SELECT id
  FROM kept)) every
{_IN_ORDER}
"""  # noqa: S608  our own column names


def record_answer(scope: Scope, attempt_id: UUID, position: int, answer: StepResult) -> bool:
    """Record the response to step `position`.

    Return False if it was recorded already. Late responses are recorded too.
    """
    return bool(scope.run(_RECORD, **_answer_params(scope, attempt_id, position, answer)).rowcount)


def record_and_list(
    scope: Scope, subject: Subject, attempt_id: UUID, position: int, answer: StepResult
) -> list[Attempt]:
    """Record a response, and return all sending attempts of the subject in the order of
    `list_attempts`, in one statement."""
    of_all = {"subject_kind": subject.kind, "subject": subject.id, "kinds": list(SENDING_KINDS)}
    found = scope.run(_TOLD, **_answer_params(scope, attempt_id, position, answer), **of_all)
    return [Attempt(*row) for row in found]


def _answer_params(
    scope: Scope, attempt_id: UUID, position: int, answer: StepResult
) -> dict[str, Any]:
    return {
        "tenant": scope.tenant_id,
        "id": attempt_id,
        "answer_at": [str(position), "answer"],
        "time_at": [str(position), "answered_at"],
        "answer": _to_json_text(serialization.answer_to_json(answer)),
        "now": _to_json_text(scope.now.isoformat()),
        "status": answer.status if isinstance(answer, Response) else None,
    }


_FINISH = f"""
UPDATE attempts SET outcome = :name, result = CAST(:result AS jsonb), detail = CAST(:detail AS
jsonb),
  closed_at = :now, updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND outcome
  IS NULL
RETURNING {_COLUMNS}
"""  # noqa: S608  our own column names


def finish_attempt(
    scope: Scope,
    attempt_id: UUID,
    name: str,
    result: serialization.StoredJson,
    detail: Message | None,
) -> Attempt | None:
    """Write the outcome of an attempt and return the updated row. Return None if it had one
    already."""
    detail_json = stored_message(detail)
    row = scope.run(
        _FINISH,
        tenant=scope.tenant_id,
        id=attempt_id,
        name=name,
        result=_to_json_text(result),
        detail=_to_json_text(detail_json) if detail_json is not None else None,
        now=scope.now,
    ).one_or_none()
    return Attempt(*row) if row is not None else None


def resolve_attempt(scope: Scope, row: Attempt, resolution: serialization.StoredJson) -> bool:
    """Resolve an uncertain attempt, once, by a lookup or by a member. An open attempt is closed as
    uncertain first."""
    if row.outcome is None:
        finish_attempt(scope, row.id, "uncertain", {}, Message("attempt.no_answer"))
    done = scope.run(
        "UPDATE attempts SET resolution = CAST(:resolution AS jsonb), resolved_by = :actor, "
        "updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND resolved_by IS NULL AND outcome IN "
        "('uncertain', 'processing')",
        tenant=scope.tenant_id,
        id=row.id,
        resolution=_to_json_text(resolution),
        actor=scope.actor,
    )
    return bool(done.rowcount)


def record_edit_verdict(scope: Scope, row: Attempt, resolution: serialization.StoredJson) -> None:
    """Record a member's statement about an edit with an uncertain outcome, once."""
    if row.outcome is None:
        finish_attempt(scope, row.id, "uncertain", {}, Message("attempt.no_answer"))
    scope.run(
        "UPDATE attempts SET resolution = CAST(:resolution AS jsonb), resolved_by = :actor, "
        "updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND resolved_by IS NULL",
        tenant=scope.tenant_id,
        id=row.id,
        resolution=_to_json_text(resolution),
        actor=scope.actor,
    )


def supersede_attempts(scope: Scope, subject: Subject, part: int, kinds: Sequence[str]) -> None:
    """Close open attempts whose publishing step was not prepared. A worker that still processes one
    cannot continue."""
    scope.run(
        "UPDATE attempts SET outcome = 'superseded', closed_at = :now, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND subject_kind = :subject_kind AND subject_id = :subject_id "
        "AND part = :part"
        " AND kind = ANY(:kinds) AND outcome IS NULL AND publish_armed_at IS NULL",
        tenant=scope.tenant_id,
        subject_kind=subject.kind,
        subject_id=subject.id,
        part=part,
        kinds=list(kinds),
        now=scope.now,
    )


def is_definite(outcome: Outcome) -> bool:
    """Return True if the outcome is certain."""
    return not isinstance(outcome, Uncertain | Processing)


def resolution_of(outcome: Outcome) -> serialization.StoredJson:
    """Return the resolution for an outcome: published with its IDs, or absent for any other
    definite outcome."""
    if isinstance(outcome, Published):
        return {"outcome": "published", **serialization.outcome_to_json(outcome)}
    return {"outcome": ABSENT_RESULT}


def _to_json_text(value: Any) -> str:
    return canonical_json(value).decode()
