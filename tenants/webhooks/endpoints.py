"""Hooks: addresses of an agency's own systems, told of what happened. Rows here; `channels/notifications/webhooks.py` calls.

What is told is written with what happened, in one transaction, and called at least once: until it was taken, or for a
day. Only ids, states, times and links are told: whoever needs the words reads them with a key.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message, canonical_json
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.models import WebhookCallRow
from tenants.agencies.models import WebhookRow as HookRow
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

WEBHOOK_EVENTS = (
    "delivery.published",
    "delivery.failed",
    "delivery.held",
    "delivery.uncertain",
    "delivery.broken_off",
    "delivery.cancelled",
    "delivery.removed",
    "post.approved",
    "channel.reauthorize",
)
TEST_EVENT = "hook.test"
MAX_WEBHOOKS = 20
MAX_CREATORS = 200
"""Creators that one hook names."""

MAX_WEBHOOK_URL, MAX_WEBHOOK_NAME = 500, 60
BEFORE_LIVES = timedelta(hours=24)
"""So long after a change calls are signed with both secrets."""

CALL_RETRY_DELAYS = tuple(timedelta(seconds=one) for one in (10, 60, 300, 1800, 7200, 18_000, 28_800, 28_800))
"""Before each further try; together a little less than a day, after which it is given up."""

FAILING = timedelta(hours=1)
"""A hook that fails for so long is told to the members, once."""

WEBHOOK_SECRET_PREFIX = "whs_"  # noqa: S105  the prefix of a secret, not one
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that may be called without TLS; a house in production reaches none of them."""


@dataclass(frozen=True)
class WebhookCallDue:
    """Call a hook; the subject is the call."""

    kind: ClassVar[str] = "hook.send"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class WebhookCall:
    """One event told to a hook. `state` is waiting, taken, dead or dropped; `status` that of the last answer."""

    id: UUID
    event: str
    state: str
    tries: int
    status: int | None
    detail: str
    at: datetime
    tried_at: datetime | None


@dataclass(frozen=True)
class Webhook:
    """A hook as its owner sees it. `state` is active or paused."""

    id: UUID
    name: str
    url: str
    events: tuple[str, ...]
    creators: tuple[UUID, ...]
    state: str
    failing_since: datetime | None
    before_until: datetime | None


@dataclass(frozen=True)
class PendingCall:
    """A call that is due: where, signed with what, and the very event."""

    tenant_id: UUID
    call_id: UUID
    hook_id: UUID
    member_id: UUID
    url: str
    letters: tuple[Sealed, ...] = field(repr=False)
    """The secrets as they came through the letterbox: the newest first."""
    payload: Mapping[str, Any]
    tries: int
    at: datetime


def create_webhook_secret() -> str:
    """A secret of 256 random bits, to be shown once."""
    return WEBHOOK_SECRET_PREFIX + secrets.token_urlsafe(32)


def add_webhook(
    scope: Scope,
    *,
    hook_id: UUID,
    name: str,
    url: str,
    events: Collection[str],
    creators: Sequence[UUID],
    letter: bytes,
) -> bool:
    """Register an address once per id, as the owner; whether it is new. `letter` is the secret for the letterbox.

    Raises Refused for who is not the owner, BadInput for an address nobody may call, no event, or too many hooks.
    """
    member = queries.get_acting_member(scope, "key.members_only")
    require_right(member.role, Right.STAFF)
    name = name.strip()
    if not name or len(name) > MAX_WEBHOOK_NAME or "\x00" in name:
        raise BadInput("hook.name")
    _validate_url(url)
    if not events or not set(events) <= set(WEBHOOK_EVENTS):
        raise BadInput("hook.events")
    for creator_id in creators:
        queries.get_creator(scope, creator_id)
    lock_webhooks(scope)
    if scope.session.get(HookRow, (scope.tenant_id, hook_id)) is not None:
        return False
    if len(list_webhooks(scope)) >= MAX_WEBHOOKS:
        raise BadInput("hook.too_many", most=MAX_WEBHOOKS)
    row = HookRow(
        tenant_id=scope.tenant_id,
        id=hook_id,
        name=name,
        url=url,
        events=[one for one in WEBHOOK_EVENTS if one in events],
        creators=[str(one) for one in creators],
        member_id=member.id,
        secret=letter,
    )
    scope.add(row)
    audit.record(scope, "hook.added", f"hook:{hook_id}", hook=name)
    return True


def lock_webhooks(scope: Scope) -> None:
    """Nobody else adds or changes a hook of this agency until this transaction ends."""
    scope.lock(f"hooks:{scope.tenant_id}")


def _validate_url(url: str) -> None:
    """Raise BadInput for what is no address of a system: it is split as it will be called."""
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise BadInput("hook.address") from error
    if not known or len(url) > MAX_WEBHOOK_URL or not _is_plain_url(url, parts):
        raise BadInput("hook.address")


def _is_plain_url(url: str, parts: SplitResult) -> bool:
    here = parts.hostname in _HERE
    reached = parts.scheme == "https" or (parts.scheme == "http" and here)
    dots = bool({".", ".."} & set(parts.path.split("/"))) or parts.path.startswith("//")
    odd = dots or bool(parts.username or parts.password or parts.fragment or set(" {}\\") & set(url))
    return reached and not odd and url.isascii() and url.isprintable()


def rotate_webhook_secret(scope: Scope, hook_id: UUID, *, letter: bytes) -> None:
    """A new secret; calls are signed with both for a day, so that the receiver changes over in between."""
    row = _get_own_webhook(scope, hook_id)
    row.secret_before, row.before_until, row.secret = row.secret, scope.now + BEFORE_LIVES, letter
    scope.add(row)
    audit.record(scope, "hook.rotated", f"hook:{hook_id}", hook=row.name)


def set_webhook_state(scope: Scope, hook_id: UUID, *, state: Literal["active", "paused", "ended"]) -> None:
    """Pause a hook, or take it up again, or end it: what still waits for one that is not active is dropped, not told.

    Raises NotFound for one that ended.
    """
    row = _get_own_webhook(scope, hook_id)
    row.state, row.failing_since, row.told = state, None, False
    scope.add(row)
    if state != "active":  # at once: taken up again before its next try, it would be told after all
        scope.run(
            "UPDATE hook_calls SET state = 'dropped', updated_at = house_now() WHERE tenant_id = :tenant"
            " AND hook_id = :hook AND state = 'waiting'",
            tenant=scope.tenant_id,
            hook=hook_id,
        )
    notices.close(scope, _notice_cause(hook_id))
    audit.record(scope, f"hook.{state}", f"hook:{hook_id}", hook=row.name)


def send_test_event(scope: Scope, hook_id: UUID) -> UUID:
    """Call a hook with an event that says nothing; the call's id. Raises Conflict for a paused one."""
    row = _get_own_webhook(scope, hook_id)
    if row.state != "active":
        raise Conflict("hook.paused")
    return _record_call(scope, row.id, TEST_EVENT, {})


def retry_call(scope: Scope, call_id: UUID, *, hook_id: UUID | None = None) -> None:
    """Tell once more what was given up, of that hook where one is said. Raises NotFound, and Conflict for a call that
    is not dead, or a paused hook."""
    require_right(queries.get_acting_member(scope, "key.members_only").role, Right.STAFF)
    lock_webhooks(scope)
    row = scope.session.get(WebhookCallRow, (scope.tenant_id, call_id), with_for_update=True, populate_existing=True)
    if row is None or hook_id not in (None, row.hook_id):
        raise NotFound("hook.unknown")
    if row.state != "dead" or _get_own_webhook(scope, row.hook_id).state != "active":
        raise Conflict("hook.not_dead")
    row.state, row.tries = "waiting", 0
    scope.add(row)
    _schedule_call(scope, row.hook_id, call_id)


def list_webhooks(scope: Scope) -> list[Webhook]:
    """The hooks that did not end, the oldest first."""
    rows = scope.session.exec(
        select(HookRow)
        .where(HookRow.tenant_id == scope.tenant_id, HookRow.state != "ended")
        .order_by(col(HookRow.id))
        .execution_options(populate_existing=True)
    )
    return [
        Webhook(
            row.id,
            row.name,
            row.url,
            tuple(row.events),
            tuple(UUID(one) for one in row.creators),
            row.state,
            row.failing_since,
            row.before_until if row.before_until and row.before_until > scope.now else None,
        )
        for row in rows
    ]


def list_calls(scope: Scope, hook_id: UUID, *, limit: int = 10) -> list[WebhookCall]:
    """The last calls of a hook, and the last that were given up and may be told once more; the newest first."""
    last = select(WebhookCallRow).where(WebhookCallRow.tenant_id == scope.tenant_id, WebhookCallRow.hook_id == hook_id)
    last = last.order_by(col(WebhookCallRow.created_at).desc(), col(WebhookCallRow.id).desc()).limit(limit)
    rows: dict[UUID, WebhookCallRow] = {}
    for asked in (last, last.where(WebhookCallRow.state == "dead")):
        rows |= {row.id: row for row in scope.session.exec(asked, execution_options={"populate_existing": True})}
    return [
        WebhookCall(
            row.id, row.event, row.state, row.tries, row.status, row.detail, row.created_at or scope.now, row.tried_at
        )
        for row in rows.values()
    ]


_HEARS = """
SELECT id FROM hooks WHERE tenant_id = :tenant AND state = 'active' AND events @> CAST(:event AS jsonb)
  AND (creators = CAST('[]' AS jsonb) OR creators @> CAST(:creator AS jsonb)) ORDER BY id
"""


def has_listener(scope: Scope, event: str) -> bool:
    """Whether any hook hears of an event, whoever's it is: asked once by who would tell of thousands."""
    return any(event in one.events and one.state == "active" for one in list_webhooks(scope))


def record_webhook_event(scope: Scope, event: str, *, creator_id: UUID, **facts: UUID | str | datetime | None) -> int:
    """Write down that something happened, for each hook that hears it; how many. `facts` are ids, states, times, links.

    It is told when this transaction stands, and not otherwise. One statement where nobody listens.
    """
    asked = {"event": canonical_json([event]).decode(), "creator": canonical_json([str(creator_id)]).decode()}
    heard = scope.run(_HEARS, tenant=scope.tenant_id, **asked).scalars().all()
    said = {"creator_id": creator_id, **facts}
    for hook_id in heard:
        _record_call(scope, hook_id, event, said)
    return len(heard)


def _record_call(scope: Scope, hook_id: UUID, event: str, facts: Mapping[str, UUID | str | datetime | None]) -> UUID:
    call_id = uuid7()
    payload = {
        "id": str(call_id),
        "type": event,
        "occurred_at": scope.now.isoformat(),
        "data": {name: _format_value(value) for name, value in facts.items()},
    }
    scope.add(WebhookCallRow(tenant_id=scope.tenant_id, id=call_id, hook_id=hook_id, event=event, payload=payload))
    _schedule_call(scope, hook_id, call_id)
    return call_id


def _format_value(value: UUID | str | datetime | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else None if value is None else str(value)


def _schedule_call(scope: Scope, hook_id: UUID, call_id: UUID) -> None:
    """One call of a hook at a time: a receiver that hangs holds up nobody else's."""
    outbox.put(scope, WebhookCallDue(scope.tenant_id, call_id), lane=f"hook:{hook_id}", dedupe=f"hook:{call_id}")


def start_call(scope: Scope, call_id: UUID) -> PendingCall | None:
    """What to send; None for a call that is over, and for a hook that is not active any more: that call is dropped."""
    call = scope.session.get(WebhookCallRow, (scope.tenant_id, call_id), populate_existing=True)
    row = scope.session.get(HookRow, (scope.tenant_id, call.hook_id), populate_existing=True) if call else None
    if call is None or row is None or call.state != "waiting":
        return None
    if row.state != "active":
        call.state = "dropped"
        scope.add(call)
        return None
    both = row.secret_before is not None and row.before_until is not None and row.before_until > scope.now
    letters = [row.secret, row.secret_before] if both else [row.secret]
    sealed = tuple(Sealed(one) for one in letters if one is not None)
    told = (scope.tenant_id, call_id, row.id, row.member_id)
    return PendingCall(*told, row.url, sealed, dict(call.payload), call.tries, scope.now)


_SETTLE = """
UPDATE hook_calls SET state = :state, tries = tries + 1, status = :status, detail = :detail, tried_at = :now,
  updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND state = 'waiting' AND tries = :tries
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


def finish_call(scope: Scope, sent: PendingCall, *, status: int | None, detail: str = "") -> timedelta | None:
    """Write what came of a try, `status` None where no answer came. When to try again; None when it is over."""
    taken = status is not None and 200 <= status < 300
    last = sent.tries >= len(CALL_RETRY_DELAYS)
    state = "taken" if taken else "dead" if last else "waiting"
    which = {"tenant": scope.tenant_id, "id": sent.call_id, "tries": sent.tries, "now": scope.now}
    if not scope.run(_SETTLE, state=state, status=status, detail=detail[:60], **which).rowcount:
        return None
    if taken:
        if scope.run(_WORKS, tenant=scope.tenant_id, id=sent.hook_id).rowcount:
            notices.close(scope, _notice_cause(sent.hook_id))
        return None
    _notify_if_failing(scope, sent.hook_id)
    return None if last else CALL_RETRY_DELAYS[sent.tries]


def _notify_if_failing(scope: Scope, hook_id: UUID) -> None:
    known = scope.session.get(HookRow, (scope.tenant_id, hook_id), populate_existing=True)
    since = {"now": scope.now, "since": scope.now - FAILING}
    row = scope.run(_FAILS, tenant=scope.tenant_id, id=hook_id, **since).first()
    if row is not None and row.told and not (known is not None and known.told):
        notices.put(scope, Message("hook.failing", {"hook": row.name}), cause=_notice_cause(hook_id))


def abandon_call(scope: Scope, call_id: UUID) -> None:
    """Nobody will try this call again: a fault of ours."""
    scope.run(
        "UPDATE hook_calls SET state = 'dead', detail = 'bug', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND state = 'waiting'",
        tenant=scope.tenant_id,
        id=call_id,
    )


def _get_own_webhook(scope: Scope, hook_id: UUID) -> HookRow:
    """Raises Refused for who is not the owner, NotFound for a hook that is not here, or ended."""
    require_right(queries.get_acting_member(scope, "key.members_only").role, Right.STAFF)
    lock_webhooks(scope)
    row = scope.session.get(HookRow, (scope.tenant_id, hook_id), with_for_update=True, populate_existing=True)
    if row is None or row.state == "ended":
        raise NotFound("hook.unknown")
    return row


def _notice_cause(hook_id: UUID) -> str:
    return f"hook:{hook_id}"
