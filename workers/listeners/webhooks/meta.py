"""Webhooks of Meta for the whole installation: one URL, and accounts of several agencies in one
call.

The signature is verified before any database query. A caller with an application's secret can only
trigger reads that would happen anyway, at most every two minutes per account. The response does not
reveal which accounts exist or are paused.
"""

import hmac
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from channels.listening import webhook_subscriptions
from connectors.contract.app_webhooks import AppWebhookEvent
from connectors.platforms.meta import webhooks
from connectors.transport import signatures
from foundation.db.database import OpenScope, Scope
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from foundation.ops.settings import ConnectorsSettings
from tenants.scope import list_tenant_ids
from workers.listeners.polling import ListenerPool
from workers.listeners.webhooks import app_webhooks
from workers.listeners.webhooks.app_webhooks import (
    CACHE_SECONDS,
    STATUS_ACCEPTED,
    STATUS_UNAUTHORIZED,
    WEBHOOK_ACTOR,
    PollAccountNow,
)
from workers.wiring import Services, media_base_url

STATUS_RETRY = 503
"""The status that makes Meta repeat the call."""

META_PLATFORMS = ("instagram", "facebook", "threads")

log = telemetry.get_logger("workers.listeners.webhooks.meta")


class MetaWebhooks:
    """The accounts that Meta may call about, and the processing of calls."""

    def __init__(
        self,
        *,
        tenant: OpenScope,
        secrets: Sequence[str],
        word: str,
        wake: PollAccountNow,
        known_seconds: float = CACHE_SECONDS,
    ) -> None:
        """`secrets` are the secrets that may sign calls; without any, calls are refused. `word` is
        the verify token of the subscription."""
        self._tenant = tenant
        self._secrets = secrets
        self._word = word
        self._wake = wake
        self._every = known_seconds
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._known: Mapping[tuple[str, str], set[UUID]] = {}

    def answer_challenge(self, query: Mapping[str, str]) -> str:
        """Return the challenge of a subscription request with the right verify token, otherwise
        ""."""
        word, said = webhooks.verification_challenge(query)
        right = bool(self._secrets) and hmac.compare_digest(
            word.encode(errors="replace"), self._word.encode()
        )
        return said if right and word else ""

    def has_signature(self, shown: str) -> bool:
        """Return True if the header contains a signature, so that the body needs to be read."""
        return bool(self._secrets and webhooks.read_signature(shown))

    def accept_call(self, shown: str, body: bytes) -> int:
        """Process a call and return the response status.

        Each agency's part is stored in a separate transaction. If one fails, Meta repeats the call,
        and the stored parts are recognized.
        """
        if not self._is_theirs(webhooks.read_signature(shown), body):
            return STATUS_UNAUTHORIZED
        kept = True
        for tenant_id, told in self._by_agency(webhooks.parse_app_webhooks(body)).items():
            try:
                woken = self._request_reads(tenant_id, told)
            except Exception as error:  # the accounts of other agencies must not be affected
                log.error(
                    "hooks.call_not_kept",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
                kept = False
                continue
            for channel_id in woken:
                self._wake(channel_id)
        return STATUS_ACCEPTED if kept else STATUS_RETRY

    def _is_theirs(self, mark: str, body: bytes) -> bool:
        right = [signatures.sign_body(secret, body) for secret in self._secrets if mark]
        return any(
            [hmac.compare_digest(mark, one) for one in right]
        )  # a list, to compare all secrets in constant time

    def _by_agency(self, told: Sequence[AppWebhookEvent]) -> Mapping[UUID, list[AppWebhookEvent]]:
        found: defaultdict[UUID, list[AppWebhookEvent]] = defaultdict(list)
        known = self._load_accounts() if told else {}
        for one in told:
            for tenant_id in known.get((one.platform, one.account), ()):
                found[tenant_id].append(one)
        return found

    def _request_reads(self, tenant_id: UUID, told: Sequence[AppWebhookEvent]) -> list[UUID]:
        """Schedule the reads of an agency's accounts and return the accounts to poll now."""
        with self._tenant(tenant_id, WEBHOOK_ACTOR) as scope:
            return [channel_id for one in told for channel_id in _record_call(scope, one)]

    def _load_accounts(self) -> Mapping[tuple[str, str], set[UUID]]:
        """Return the agencies by account, from a short-lived cache. Only signed calls cause this
        query."""
        with self._lock:
            if monotonic() - self._at >= self._every:
                found: defaultdict[tuple[str, str], set[UUID]] = defaultdict(set)
                for tenant_id in list_tenant_ids(self._tenant):
                    with self._tenant(tenant_id, WEBHOOK_ACTOR) as scope:
                        for one in webhook_subscriptions.active_account_names(
                            scope, META_PLATFORMS
                        ):
                            found[one].add(tenant_id)
                self._known = dict(found)
                self._at = monotonic()
            return self._known


def _record_call(scope: Scope, told: AppWebhookEvent) -> list[UUID]:
    if told.at is not None and scope.now - told.at > webhooks.MAX_CALL_AGE:
        return []
    channel_id = webhook_subscriptions.record_call(scope, told.platform, told.account)
    return (
        app_webhooks.request_reads(scope, f"call:{channel_id}", [channel_id], told)
        if channel_id is not None
        else []
    )


def meta_secrets(own: ConnectorsSettings) -> tuple[str, ...]:
    """Return the secrets that sign Meta's calls; none without a verify token, since the webhook
    could not be set up."""
    typed = [one.strip() for one in own.meta_secrets.get_secret_value().split(",")]
    return tuple(filter(None, typed)) if own.meta_verify_token.get_secret_value() else ()


def can_receive_meta_webhooks(s: Services) -> bool:
    """Return True if the installation has a public URL and secrets of an application."""
    return bool(media_base_url(s.settings) and meta_secrets(s.settings.connectors))


def make_meta_webhooks(
    s: Services, ears: ListenerPool, *, known_seconds: float = CACHE_SECONDS
) -> MetaWebhooks:
    """Return the handler of Meta's webhooks for the listener process."""
    own = s.settings.connectors
    word = own.meta_verify_token.get_secret_value()
    secrets = meta_secrets(own)
    if not secrets and (word or own.meta_secrets.get_secret_value()):
        log.warning("hooks.meta_half_set_up")
    wake = app_webhooks.make_wake(ears)
    return MetaWebhooks(
        tenant=s.tenant, secrets=secrets, word=word, wake=wake, known_seconds=known_seconds
    )
