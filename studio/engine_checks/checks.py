"""Request, run and read checks of engines."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlmodel import select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, GreenroomError
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.ops.settings import GeneratorsSettings
from foundation.outbox import outbox
from generators.contract.engines import EngineMissing, EngineUnreachable
from generators.registry import ENGINES
from studio.engine_checks.events import EngineCheckDue
from studio.engine_checks.models import EngineCheckRow
from tenants import audit

CheckState = Literal["waiting", "passed", "failed"]
CheckEngine = Callable[[GeneratorsSettings, str], str]
"""Checks an engine and returns its model (`generators.registry.check_engine`)."""

_ACTOR = "system:engines"


@dataclass(frozen=True)
class EngineCheck:
    """The last check of an engine; `result` is one sentence, None while it waits."""

    engine: str
    state: CheckState
    result: Message | None
    checked_at: datetime | None


def list_engine_checks(scope: Scope) -> dict[str, EngineCheck]:
    """Return the last check of each engine, keyed by its name."""
    rows = scope.session.exec(
        select(EngineCheckRow)
        .where(EngineCheckRow.tenant_id == scope.tenant_id)
        .execution_options(populate_existing=True)
    )
    return {
        row.engine: EngineCheck(
            row.engine,
            cast(CheckState, row.state),
            Message.from_json(row.result) if row.result else None,
            row.checked_at,
        )
        for row in rows
    }


def request_engine_check(scope: Scope, press_id: UUID, engine: str) -> None:
    """Request a check of an engine by the workers. Raises BadInput for an unknown name."""
    if engine not in ENGINES:
        raise BadInput("engine.unknown")
    key = derived_uuid(scope.tenant_id, "engine check", engine)
    row = scope.session.get(EngineCheckRow, (scope.tenant_id, key)) or EngineCheckRow(
        tenant_id=scope.tenant_id, id=key, engine=engine, state="waiting"
    )
    row.state = "waiting"
    row.result = None
    scope.add(row)
    due = EngineCheckDue(scope.tenant_id, key, engine)
    outbox.put(scope, due, priority=1, dedupe=f"engine.check:{press_id}")
    audit.record(scope, "engine.checked", f"engine:{engine}")


def run_engine_check(
    event: EngineCheckDue, *, tenant: OpenScope, settings: GeneratorsSettings, check: CheckEngine
) -> None:
    """Check the engine outside any transaction and store the result."""
    try:
        result = Message("engine.check_passed", {"model": check(settings, event.engine)[:100]})
        state: CheckState = "passed"
    except GreenroomError as error:
        result = _describe_failure(error, event.engine)
        state = "failed"
    _store_result(event, state, result, tenant=tenant)


def fail_engine_check(event: EngineCheckDue, *, tenant: OpenScope) -> None:
    """Record that a check could not be completed."""
    result = Message("engine.check_failed", {"setting": ENGINES[event.engine].variable})
    _store_result(event, "failed", result, tenant=tenant)


def _describe_failure(error: GreenroomError, engine: str) -> Message:
    """Return the reason by the class of the error. Its own text may contain an address."""
    kind = "failed"
    if isinstance(error, EngineMissing):
        kind = "missing"
    elif isinstance(error, EngineUnreachable):
        kind = "unreachable"
    return Message(f"engine.check_{kind}", {"setting": ENGINES[engine].variable})


def _store_result(
    event: EngineCheckDue, state: CheckState, result: Message, *, tenant: OpenScope
) -> None:
    with tenant(event.tenant_id, _ACTOR) as scope:
        row = scope.session.get(EngineCheckRow, (scope.tenant_id, event.subject_id))
        if row is not None:
            row.state = state
            row.result = stored_message(result)
            row.checked_at = scope.now
            scope.add(row)
