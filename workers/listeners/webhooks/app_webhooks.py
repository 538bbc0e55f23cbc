"""Calls of platforms for an application of an agency: who signed it is checked before anybody asks
the database.

A call is a nudge: nothing of it is believed. It makes us ask at once what would be asked later
anyway, so one that is forged by whoever has the secret, told twice, out of order or lost costs a
question, or a wait.
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
"""How old, or how far ahead, a signature may be:
https://api.fanvue.com/docs/webhooks/signature-verification"""

CACHE_SECONDS = 5.0
"""How long the agencies that were found are taken for all there are, and so are the applications of
each."""

STATUS_ACCEPTED = 200
STATUS_UNAUTHORIZED = 401

log = telemetry.get_logger("workers.listeners.webhooks.app_webhooks")

OpenSecret = Callable[[UUID, Sealed], str]
"""`(tenant, letter)` → the secret in it."""

PollAccountNow = Callable[[UUID], None]
"""Has an account listened to now, if anybody listens to it."""


class AppWebhooks:
    """The applications that platforms may call for, and what a call for one makes us do."""

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
        """The header in which a platform signs; "" for one that calls for no application."""
        connector = self._connectors.get(platform)
        return connector.call_header if isinstance(connector, SupportsAppWebhooks) else ""

    def accept_call(
        self, platform: str, tenant_id: UUID, application: UUID, shown: str, body: bytes
    ) -> int:
        """The status a call is answered with; whatever it made us write stands by then.

        Who is no application of ours, has no secret here, or signed with another one or too long
        ago, is told the same.
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
        """An application of the agency that is called for, from what was found lately: strangers do
        not make us look for each of their calls, nor at anybody else's."""
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
    """Wakes an account that is listened to."""

    def wake(channel_id: UUID) -> None:
        ear = ears.find_listener(channel_id)
        if ear is not None:
            ear.poll_now()

    return wake


def make_app_webhooks(s: Services, ears: ListenerPool) -> AppWebhooks:
    """What the door does with them, in the process that listens."""

    def open_letter(tenant_id: UUID, letter: Sealed) -> str:
        return str(s.read_form(tenant_id, letter.box, frozenset())[CALL_SECRET_FIELD])

    return AppWebhooks(
        tenant=s.tenant, connectors=s.connectors, open_letter=open_letter, wake=make_wake(ears)
    )


def _is_whose(signed: WebhookSignature, secret: str, body: bytes) -> bool:
    right = signatures.sign_payload(secret, signed.timestamp, body)
    return any(
        [hmac.compare_digest(mark, right) for mark in signed.marks]
    )  # all of them: a list, no generator


def request_reads(
    scope: Scope, source: str, meant: Sequence[UUID], told: AppWebhookEvent
) -> list[UUID]:
    """Put what a call from `source` makes us read of the accounts that are meant, the first time it
    is told; those that are to be listened to."""
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
