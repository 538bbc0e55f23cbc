"""Hooks: addresses of an agency's own systems, told of what happened. Rows here;
`channels/notifications/webhooks.py` calls.

What is told is written with what happened, in one transaction, and called at least once: until it
was taken, or for a day. Only ids, states, times and links are told: whoever needs the words reads
them with a key.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices
from tenants.webhooks.models import WebhookRow

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
MAX_WEBHOOKS = 20
MAX_CREATORS = 200
"""Creators that one hook names."""

MAX_WEBHOOK_URL = 500
MAX_WEBHOOK_NAME = 60
BEFORE_LIVES = timedelta(hours=24)
"""So long after a change calls are signed with both secrets."""


WEBHOOK_SECRET_PREFIX = "whs_"  # noqa: S105  the prefix of a secret, not one
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that may be called without TLS; a house in production reaches none of them."""


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
    """Register an address once per id, as the owner; whether it is new. `letter` is the secret for
    the letterbox.

    Raises Refused for who is not the owner, BadInput for an address nobody may call, no event, or
    too many hooks.
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
    if scope.session.get(WebhookRow, (scope.tenant_id, hook_id)) is not None:
        return False
    if len(list_webhooks(scope)) >= MAX_WEBHOOKS:
        raise BadInput("hook.too_many", most=MAX_WEBHOOKS)
    row = WebhookRow(
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
    odd = dots or bool(
        parts.username or parts.password or parts.fragment or set(" {}\\") & set(url)
    )
    return reached and not odd and url.isascii() and url.isprintable()


def rotate_webhook_secret(scope: Scope, hook_id: UUID, *, letter: bytes) -> None:
    """A new secret; calls are signed with both for a day, so that the receiver changes over in
    between."""
    row = get_own_webhook(scope, hook_id)
    row.secret_before = row.secret
    row.before_until = scope.now + BEFORE_LIVES
    row.secret = letter
    scope.add(row)
    audit.record(scope, "hook.rotated", f"hook:{hook_id}", hook=row.name)


def set_webhook_state(
    scope: Scope, hook_id: UUID, *, state: Literal["active", "paused", "ended"]
) -> None:
    """Pause a hook, or take it up again, or end it: what still waits for one that is not active is
    dropped, not told.

    Raises NotFound for one that ended.
    """
    row = get_own_webhook(scope, hook_id)
    row.state = state
    row.failing_since = None
    row.told = False
    scope.add(row)
    if state != "active":  # at once: taken up again before its next try, it would be told after all
        scope.run(
            "UPDATE hook_calls SET state = 'dropped', updated_at = house_now() WHERE tenant_id = "
            ":tenant"
            " AND hook_id = :hook AND state = 'waiting'",
            tenant=scope.tenant_id,
            hook=hook_id,
        )
    notices.close(scope, failing_webhook_cause(hook_id))
    audit.record(scope, f"hook.{state}", f"hook:{hook_id}", hook=row.name)


def list_webhooks(scope: Scope) -> list[Webhook]:
    """The hooks that did not end, the oldest first."""
    rows = scope.session.exec(
        select(WebhookRow)
        .where(WebhookRow.tenant_id == scope.tenant_id, WebhookRow.state != "ended")
        .order_by(col(WebhookRow.id))
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


def get_own_webhook(scope: Scope, hook_id: UUID) -> WebhookRow:
    """Raises Refused for who is not the owner, NotFound for a hook that is not here, or ended."""
    require_right(queries.get_acting_member(scope, "key.members_only").role, Right.STAFF)
    lock_webhooks(scope)
    row = scope.session.get(
        WebhookRow, (scope.tenant_id, hook_id), with_for_update=True, populate_existing=True
    )
    if row is None or row.state == "ended":
        raise NotFound("hook.unknown")
    return row


def failing_webhook_cause(hook_id: UUID) -> str:
    return f"hook:{hook_id}"
