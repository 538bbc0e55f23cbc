"""Webhooks of an agency: registration, state and secrets. `channels/notifications/webhooks.py`
sends the calls.

Calls are written in the transaction of their event and delivered at least once, for up to a day.
They contain only IDs, states, times and links; texts are read through the API with a key.
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
"""Maximum number of creators of one webhook."""

MAX_WEBHOOK_URL = 500
MAX_WEBHOOK_NAME = 60
BEFORE_LIVES = timedelta(hours=24)
"""Time after a rotation during which calls are signed with both secrets."""


WEBHOOK_SECRET_PREFIX = "whs_"  # noqa: S105  the prefix of a secret, not one
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that may be called without TLS. A production installation never calls them."""


@dataclass(frozen=True)
class Webhook:
    """A webhook as its owner sees it. `state` is "active" or "paused"."""

    id: UUID
    name: str
    url: str
    events: tuple[str, ...]
    creators: tuple[UUID, ...]
    state: str
    failing_since: datetime | None
    before_until: datetime | None


def create_webhook_secret() -> str:
    """Return a new secret of 256 random bits."""
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
    """Register a webhook as the owner; return True, or False if `hook_id` exists. `letter` is the
    secret sealed for the workers.

    Raises Refused for members other than the owner, and BadInput for an invalid name or address, an
    unknown event, or too many webhooks.
    """
    member = queries.get_acting_member(scope, "key.members_only")
    require_right(member.role, Right.STAFF)
    name = name.strip()
    if not name or len(name) > MAX_WEBHOOK_NAME or "\x00" in name:
        raise BadInput("hook.name").about("name")
    _validate_url(url)
    if not events or not set(events) <= set(WEBHOOK_EVENTS):
        raise BadInput("hook.events").about("events")
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
    """Lock the webhooks of the agency until the end of the transaction."""
    scope.lock(f"hooks:{scope.tenant_id}")


def _validate_url(url: str) -> None:
    """Raise BadInput for an address that cannot be called. It is parsed the same way as for the
    call."""
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise BadInput("hook.address").about("url") from error
    if not known or len(url) > MAX_WEBHOOK_URL or not _is_plain_url(url, parts):
        raise BadInput("hook.address").about("url")


def _is_plain_url(url: str, parts: SplitResult) -> bool:
    here = parts.hostname in _HERE
    reached = parts.scheme == "https" or (parts.scheme == "http" and here)
    dots = bool({".", ".."} & set(parts.path.split("/"))) or parts.path.startswith("//")
    odd = dots or bool(
        parts.username or parts.password or parts.fragment or set(" {}\\") & set(url)
    )
    return reached and not odd and url.isascii() and url.isprintable()


def rotate_webhook_secret(scope: Scope, hook_id: UUID, *, letter: bytes) -> None:
    """Set a new secret. Calls are signed with both secrets for a day, so that the receiver can
    switch."""
    row = get_own_webhook(scope, hook_id)
    row.secret_before = row.secret
    row.before_until = scope.now + BEFORE_LIVES
    row.secret = letter
    scope.add(row)
    audit.record(scope, "hook.rotated", f"hook:{hook_id}", hook=row.name)


def set_webhook_state(
    scope: Scope, hook_id: UUID, *, state: Literal["active", "paused", "ended"]
) -> None:
    """Pause, resume or delete a webhook. Waiting calls of a webhook that is not active are dropped.

    Raises Refused for members other than the owner, and NotFound for a deleted webhook.
    """
    row = get_own_webhook(scope, hook_id)
    row.state = state
    row.failing_since = None
    row.told = False
    scope.add(row)
    if state != "active":  # drop now: a webhook resumed before the next attempt would send them
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
    """Return the active and paused webhooks, oldest first."""
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
    """Return the locked row of a webhook.

    Raises Refused for members other than the owner, and NotFound for an unknown or deleted webhook.
    """
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
