"""Outgoing calls: record an event for each webhook, send it, retry, and give up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices
from tenants.webhooks.endpoints import (
    failing_webhook_cause,
    get_own_webhook,
    list_webhooks,
    lock_webhooks,
)
from tenants.webhooks.models import WebhookCallRow, WebhookRow

TEST_EVENT = "hook.test"


CALL_RETRY_DELAYS = tuple(
    timedelta(seconds=one) for one in (10, 60, 300, 1800, 7200, 18_000, 28_800, 28_800)
)
"""Delays before each retry, a little less than a day in total; after that the call fails."""


FAILING = timedelta(hours=1)
"""Time of continuous failure after which the members are notified once."""


@dataclass(frozen=True)
class WebhookCallDue:
    """Call a webhook; the subject is the call."""

    kind: ClassVar[str] = "hook.send"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class WebhookCall:
    """An event sent to a webhook. `state` is "waiting", "taken", "dead" or "dropped"; `status` is
    that of the last response."""

    id: UUID
    event: str
    state: str
    tries: int
    status: int | None
    detail: str
    at: datetime
    tried_at: datetime | None


@dataclass(frozen=True)
class PendingCall:
    """A call that is due: address, secrets and payload."""

    tenant_id: UUID
    call_id: UUID
    hook_id: UUID
    member_id: UUID
    url: str
    letters: tuple[Sealed, ...] = field(repr=False)
    """Sealed secrets, newest first."""
    payload: Mapping[str, Any]
    tries: int
    at: datetime


def send_test_event(scope: Scope, hook_id: UUID) -> UUID:
    """Queue an empty test event for a webhook and return the ID of the call. Raises Conflict if the
    webhook is paused."""
    row = get_own_webhook(scope, hook_id)
    if row.state != "active":
        raise Conflict("hook.paused")
    return _record_call(scope, row.id, TEST_EVENT, {})


def retry_call(scope: Scope, call_id: UUID, *, hook_id: UUID | None = None) -> None:
    """Retry a failed call; with `hook_id`, only of that webhook.

    Raises Refused for members other than the owner, NotFound, and Conflict for a call that has not
    failed or a paused webhook.
    """
    require_right(queries.get_acting_member(scope, "key.members_only").role, Right.STAFF)
    lock_webhooks(scope)
    row = scope.session.get(
        WebhookCallRow, (scope.tenant_id, call_id), with_for_update=True, populate_existing=True
    )
    if row is None or hook_id not in (None, row.hook_id):
        raise NotFound("hook.unknown")
    if row.state != "dead" or get_own_webhook(scope, row.hook_id).state != "active":
        raise Conflict("hook.not_dead")
    row.state = "waiting"
    row.tries = 0
    scope.add(row)
    _schedule_call(scope, row.hook_id, call_id)


def list_calls(scope: Scope, hook_id: UUID, *, limit: int = 10) -> list[WebhookCall]:
    """Return the last `limit` calls and the last `limit` failed calls of a webhook, newest first
    among each."""
    last = select(WebhookCallRow).where(
        WebhookCallRow.tenant_id == scope.tenant_id, WebhookCallRow.hook_id == hook_id
    )
    last = last.order_by(
        col(WebhookCallRow.created_at).desc(), col(WebhookCallRow.id).desc()
    ).limit(limit)
    rows: dict[UUID, WebhookCallRow] = {}
    for asked in (last, last.where(WebhookCallRow.state == "dead")):
        rows |= {
            row.id: row
            for row in scope.session.exec(asked, execution_options={"populate_existing": True})
        }
    return [
        WebhookCall(
            row.id,
            row.event,
            row.state,
            row.tries,
            row.status,
            row.detail,
            row.created_at or scope.now,
            row.tried_at,
        )
        for row in rows.values()
    ]


_HEARS = """
SELECT id FROM hooks WHERE tenant_id = :tenant AND state = 'active' AND events @> CAST(:event AS
jsonb)
  AND (creators = CAST('[]' AS jsonb) OR creators @> CAST(:creator AS jsonb)) ORDER BY id
"""


def has_listener(scope: Scope, event: str) -> bool:
    """Return True if any active webhook receives the event, for any creator. Check it once before
    many events."""
    return any(event in one.events and one.state == "active" for one in list_webhooks(scope))


def record_webhook_event(
    scope: Scope, event: str, *, creator_id: UUID, **facts: UUID | str | datetime | None
) -> int:
    """Queue an event for each webhook that receives it and return their number. `facts` are IDs,
    states, times and links.

    The calls are sent when the transaction commits. Without a webhook, a single statement runs.
    """
    asked = {
        "event": canonical_json([event]).decode(),
        "creator": canonical_json([str(creator_id)]).decode(),
    }
    heard = scope.run(_HEARS, tenant=scope.tenant_id, **asked).scalars().all()
    said = {"creator_id": creator_id, **facts}
    for hook_id in heard:
        _record_call(scope, hook_id, event, said)
    return len(heard)


def _record_call(
    scope: Scope, hook_id: UUID, event: str, facts: Mapping[str, UUID | str | datetime | None]
) -> UUID:
    call_id = uuid7()
    payload = {
        "id": str(call_id),
        "type": event,
        "occurred_at": scope.now.isoformat(),
        "data": {name: _format_value(value) for name, value in facts.items()},
    }
    scope.add(
        WebhookCallRow(
            tenant_id=scope.tenant_id, id=call_id, hook_id=hook_id, event=event, payload=payload
        )
    )
    _schedule_call(scope, hook_id, call_id)
    return call_id


def _format_value(value: UUID | str | datetime | None) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)


def _schedule_call(scope: Scope, hook_id: UUID, call_id: UUID) -> None:
    """Queue the call in a lane of its webhook, so that a slow receiver delays only itself."""
    outbox.put(
        scope,
        WebhookCallDue(scope.tenant_id, call_id),
        lane=f"hook:{hook_id}",
        dedupe=f"hook:{call_id}",
    )


def start_call(scope: Scope, call_id: UUID) -> PendingCall | None:
    """Return the call to send, or None if it is finished or its webhook is inactive. A call of an
    inactive webhook is dropped."""
    call = scope.session.get(WebhookCallRow, (scope.tenant_id, call_id), populate_existing=True)
    row = (
        scope.session.get(WebhookRow, (scope.tenant_id, call.hook_id), populate_existing=True)
        if call
        else None
    )
    if call is None or row is None or call.state != "waiting":
        return None
    if row.state != "active":
        call.state = "dropped"
        scope.add(call)
        return None
    both = (
        row.secret_before is not None
        and row.before_until is not None
        and row.before_until > scope.now
    )
    letters = [row.secret, row.secret_before] if both else [row.secret]
    sealed = tuple(Sealed(one) for one in letters if one is not None)
    told = (scope.tenant_id, call_id, row.id, row.member_id)
    return PendingCall(*told, row.url, sealed, dict(call.payload), call.tries, scope.now)


# The condition on `tries` ignores the result of an attempt that another one has overtaken.
_SETTLE = """
UPDATE hook_calls SET state = :state, tries = tries + 1, status = :status, detail = :detail,
tried_at = :now,
  updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND state = 'waiting' AND tries
  = :tries
"""


_WORKS = """
UPDATE hooks SET failing_since = NULL, told = false, updated_at = house_now()
WHERE tenant_id = :tenant AND id = :id AND failing_since IS NOT NULL
"""


_FAILS = """
UPDATE hooks SET failing_since = coalesce(failing_since, :now), updated_at = house_now(),
  told = told OR coalesce(failing_since, :now) <= :since
WHERE tenant_id = :tenant AND id = :id AND state = 'active' RETURNING name, told
"""


def finish_call(
    scope: Scope, sent: PendingCall, *, status: int | None, detail: str = ""
) -> timedelta | None:
    """Record the result of an attempt; `status` is None without a response. Return the delay before
    the next attempt, or None."""
    taken = status is not None and 200 <= status < 300
    last = sent.tries >= len(CALL_RETRY_DELAYS)
    if taken:
        state = "taken"
    elif last:
        state = "dead"
    else:
        state = "waiting"
    which = {"tenant": scope.tenant_id, "id": sent.call_id, "tries": sent.tries, "now": scope.now}
    if not scope.run(_SETTLE, state=state, status=status, detail=detail[:60], **which).rowcount:
        return None
    if taken:
        if scope.run(_WORKS, tenant=scope.tenant_id, id=sent.hook_id).rowcount:
            notices.close(scope, failing_webhook_cause(sent.hook_id))
        return None
    _notify_if_failing(scope, sent.hook_id)
    return None if last else CALL_RETRY_DELAYS[sent.tries]


def _notify_if_failing(scope: Scope, hook_id: UUID) -> None:
    known = scope.session.get(WebhookRow, (scope.tenant_id, hook_id), populate_existing=True)
    since = {"now": scope.now, "since": scope.now - FAILING}
    row = scope.run(_FAILS, tenant=scope.tenant_id, id=hook_id, **since).first()
    if row is not None and row.told and not (known is not None and known.told):
        notices.put(
            scope, Message("hook.failing", {"hook": row.name}), cause=failing_webhook_cause(hook_id)
        )


def abandon_call(scope: Scope, call_id: UUID) -> None:
    """Mark a call as failed without further attempts, after an internal error."""
    scope.run(
        "UPDATE hook_calls SET state = 'dead', detail = 'bug', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND state = 'waiting'",
        tenant=scope.tenant_id,
        id=call_id,
    )
