"""Webhooks of an agency's applications. The signature is verified before any database query.

A call only triggers reads that would happen later anyway, and its content is not trusted. A call
that is forged with the secret, repeated, out of order or lost therefore costs only a request or a
delay.
"""

import hmac
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from channels.listening import app_webhooks
from channels.listening.app_webhooks import CALL_SECRET_FIELD, CalledApp
from connectors.contract.app_webhooks import AppWebhookEvent, SupportsAppWebhooks, WebhookSignature
from connectors.contract.connector import Connector
from connectors.transport import signatures
from foundation.db.database import OpenScope, Scope
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from foundation.outbox import inbox
from foundation.sealed import Sealed
from insights.metrics import followers
from subscribers.checkout import platform_earnings
from subscribers.comments import incoming_comments
from tenants.scope import list_tenant_ids
from workers.listeners.polling import ListenerPool
from workers.wiring import Services

WEBHOOK_ACTOR = "system:called"
SIGNATURE_TOLERANCE = timedelta(seconds=300)
"""Maximum difference between a signature's time and now:
https://api.fanvue.com/docs/webhooks/signature-verification"""

CACHE_SECONDS = 5.0
"""Seconds for which the agencies and their applications are cached."""

STATUS_ACCEPTED = 200
STATUS_UNAUTHORIZED = 401

log = telemetry.get_logger("workers.listeners.webhooks.app_webhooks")

OpenSecret = Callable[[UUID, Sealed], str]
"""Decrypts the sealed secret of a tenant."""

PollAccountNow = Callable[[UUID], None]
"""Polls an account now if it has a listener."""


class AppWebhooks:
    """The applications that platforms may call, and the processing of calls."""

    def __init__(
        self,
        *,
        tenant: OpenScope,
        connectors: Mapping[str, Connector],
        open_letter: OpenSecret,
        wake: PollAccountNow,
        known_seconds: float = CACHE_SECONDS,
    ) -> None:
        self._tenant = tenant
        self._connectors = connectors
        self._open = open_letter
        self._wake = wake
        self._every = known_seconds
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._agencies: frozenset[UUID] = frozenset()
        self._known: dict[UUID, Mapping[UUID, CalledApp]] = {}

    def signature_header(self, platform: str) -> str:
        """Return the header with the platform's signature, or "" if it does not call
        applications."""
        connector = self._connectors.get(platform)
        return connector.call_header if isinstance(connector, SupportsAppWebhooks) else ""

    def accept_call(
        self, platform: str, tenant_id: UUID, application: UUID, shown: str, body: bytes
    ) -> int:
        """Process a call and return the response status; its effects are stored by then.

        Unknown applications, missing secrets, wrong signatures and old ones receive the same
        response.
        """
        connector = self._connectors.get(platform)
        known = self._find_application(tenant_id, application)
        if (
            not isinstance(connector, SupportsAppWebhooks)
            or known is None
            or known.platform != platform
            or known.letter is None
        ):
            return STATUS_UNAUTHORIZED
        signed = connector.read_signature(shown)
        if signed is None or not _is_whose(signed, self._open(tenant_id, known.letter), body):
            return STATUS_UNAUTHORIZED
        with self._tenant(tenant_id, WEBHOOK_ACTOR) as scope:
            if (
                abs(scope.now - datetime.fromtimestamp(int(signed.timestamp), UTC))
                > SIGNATURE_TOLERANCE
            ):
                return STATUS_UNAUTHORIZED
            app_webhooks.record_call(scope, application)
            told = connector.parse_app_webhook(body)
            woken = list[UUID]()
            if told is not None:
                meant = app_webhooks.accounts_of_call(scope, application, told.account)
                woken = request_reads(scope, f"call:{application}", meant, told)
        for channel_id in woken:
            self._wake(channel_id)
        return STATUS_ACCEPTED

    def _find_application(self, tenant_id: UUID, application: UUID) -> CalledApp | None:
        """Return an application of the agency from a short-lived cache, so that calls by unknown
        senders do not cause database queries."""
        with self._lock:
            if monotonic() - self._at >= self._every:
                self._agencies = frozenset(list_tenant_ids(self._tenant))
                self._known = {}
                self._at = monotonic()
            if tenant_id not in self._agencies:
                return None
            if tenant_id not in self._known:
                self._known[tenant_id] = self._load_applications(tenant_id)
            return self._known[tenant_id].get(application)

    def _load_applications(self, tenant_id: UUID) -> Mapping[UUID, CalledApp]:
        with self._tenant(tenant_id, WEBHOOK_ACTOR) as scope:
            return {
                one.id: one
                for one in app_webhooks.list_applications(scope)
                if one.letter is not None
            }


def make_wake(ears: ListenerPool) -> PollAccountNow:
    """Return a function that polls an account now."""

    def wake(channel_id: UUID) -> None:
        ear = ears.find_listener(channel_id)
        if ear is not None:
            ear.poll_now()

    return wake


def make_app_webhooks(s: Services, ears: ListenerPool) -> AppWebhooks:
    """Return the handler of application webhooks for the listener process."""

    def open_letter(tenant_id: UUID, letter: Sealed) -> str:
        return str(s.read_form(tenant_id, letter.box, frozenset())[CALL_SECRET_FIELD])

    return AppWebhooks(
        tenant=s.tenant, connectors=s.connectors, open_letter=open_letter, wake=make_wake(ears)
    )


def _is_whose(signed: WebhookSignature, secret: str, body: bytes) -> bool:
    right = signatures.sign_payload(secret, signed.timestamp, body)
    return any(
        [hmac.compare_digest(mark, right) for mark in signed.marks]
    )  # a list, to compare all signatures in constant time


def request_reads(
    scope: Scope, source: str, meant: Sequence[UUID], told: AppWebhookEvent
) -> list[UUID]:
    """Schedule the reads that a call from `source` triggers, unless it is a repeat. Return the
    accounts to poll now."""
    kept = {"wakes": sorted(told.wakes)}
    if not meant or inbox.receive(scope, source, told.key, kept) is None:
        return []
    for channel_id in meant:
        if "earnings" in told.wakes:
            platform_earnings.expedite_earnings_reading(scope, channel_id)
        if "followers" in told.wakes:
            followers.expedite_follower_count(scope, channel_id)
        if "remarks" in told.wakes:
            incoming_comments.expedite_comment_reading(scope, channel_id)
    return list(meant) if "chats" in told.wakes else []
