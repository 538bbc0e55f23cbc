"""Browsers of members that receive Web Push messages.

A browser names the address of its push service, which we call later; only the services of the
browsers' vendors are accepted, so that no other address can be entered.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from tenants.agencies import queries
from tenants.notices import member_messages
from tenants.notices.member_messages import PushSubscription
from tenants.notices.models import PushSubscriptionRow
from tenants.notices.preferences import Route

PUSH_SERVICES = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    "notify.windows.com",
)
"""Hosts of push services, or their parent domains."""

MAX_BROWSERS = 10
MAX_ENDPOINT_LENGTH = 1000
MAX_LABEL_LENGTH = 80
KEY_BYTES = 65
AUTH_BYTES = 16
"""Length of an uncompressed P-256 point and of the secret (RFC 8291)."""

_UNSHOWN = re.compile(r"[^\w .,/()-]")


@dataclass(frozen=True)
class Browser:
    """A browser in the list of a member."""

    id: UUID
    label: str
    since: datetime


def list_browsers(scope: Scope, member_id: UUID) -> list[Browser]:
    """Return the browsers of a member, oldest first."""
    rows = scope.session.exec(
        select(PushSubscriptionRow)
        .where(
            PushSubscriptionRow.tenant_id == scope.tenant_id,
            PushSubscriptionRow.member_id == member_id,
        )
        .order_by(col(PushSubscriptionRow.created_at), col(PushSubscriptionRow.id))
    )
    return [Browser(row.id, row.label, row.created_at or scope.now) for row in rows]


def add_browser(
    scope: Scope,
    member_id: UUID,
    given: PushSubscription,
    *,
    label: str,
    hosts: Collection[str] = PUSH_SERVICES,
) -> None:
    """Store a browser, or its new keys. A browser that another member used belongs to this member
    from now on.

    Raises BadInput for an unknown push service, for invalid keys and beyond `MAX_BROWSERS`.
    """
    queries.get_active_member(scope, member_id)
    _check_subscription(given, hosts)
    scope.lock(f"push:{member_id}")
    digest = hashlib.sha256(given.endpoint.encode()).hexdigest()
    row = scope.session.exec(
        select(PushSubscriptionRow).where(
            PushSubscriptionRow.tenant_id == scope.tenant_id,
            PushSubscriptionRow.endpoint_digest == digest,
        )
    ).first()
    if row is None and len(list_browsers(scope, member_id)) >= MAX_BROWSERS:
        raise BadInput("push.too_many", most=MAX_BROWSERS)
    row = row or PushSubscriptionRow(
        tenant_id=scope.tenant_id,
        member_id=member_id,
        endpoint=given.endpoint,
        endpoint_digest=digest,
        key="",
        auth="",
    )
    row.member_id = member_id
    row.key = given.key
    row.auth = given.auth
    row.label = _UNSHOWN.sub("", label)[:MAX_LABEL_LENGTH]
    scope.add(row)


def remove_browser(scope: Scope, member_id: UUID, browser_id: UUID) -> None:
    """Remove a browser of a member and drop its messages that are waiting. Raises NotFound."""
    row = scope.session.get(PushSubscriptionRow, (scope.tenant_id, browser_id))
    if row is None or row.member_id != member_id:
        raise NotFound("push.unknown")
    scope.session.delete(row)
    member_messages.drop_waiting_messages(scope, member_id, Route.PUSH, browser_id)


def _check_subscription(given: PushSubscription, hosts: Collection[str]) -> None:
    if len(given.endpoint) > MAX_ENDPOINT_LENGTH or not _is_push_service(given.endpoint, hosts):
        raise BadInput("push.service")
    key = _decode(given.key)
    auth = _decode(given.auth)
    if len(key) != KEY_BYTES or key[:1] != b"\x04" or len(auth) != AUTH_BYTES:
        raise BadInput("push.keys")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    except ValueError:
        raise BadInput("push.keys") from None


def _is_push_service(endpoint: str, hosts: Collection[str]) -> bool:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    known = any(host == one or host.endswith(f".{one}") for one in hosts)
    local = parts.scheme == "http" and hosts is not PUSH_SERVICES
    secure = parts.scheme == "https" and port in (None, 443)
    plain = not (parts.username or parts.password or parts.fragment)
    return endpoint.isascii() and known and (secure or local) and plain


def _decode(text: str) -> bytes:
    """Return the bytes of unpadded base64url, or b"" for other text."""
    try:
        if len(text) > 200 or not re.fullmatch(r"[A-Za-z0-9_-]+", text, re.ASCII):
            return b""
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""
