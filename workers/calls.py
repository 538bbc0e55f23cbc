"""Calls of platforms for an application of an agency: who signed it is checked before anybody asks the database.

A call is a nudge: nothing of it is believed. It makes us ask at once what would be asked later anyway, so one that is
forged by whoever has the secret, told twice, out of order or lost costs a question, or a wait.
"""

import hmac
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from channels import calls
from channels.calls import SECRET, Called
from connectors import signing
from connectors.calling import Calling, Nudge, Signed
from connectors.contract import Connector
from foundation import inbox, telemetry
from foundation.clock import monotonic
from foundation.database import OpenScope, Scope
from foundation.sealed import Sealed
from insights import following
from subscribers import earning, remarks
from tenants.scope import all_tenants
from workers.listeners import Ears
from workers.wiring import Services

CALLED = "system:called"
FRESH = timedelta(seconds=300)
"""How old, or how far ahead, a signature may be: https://api.fanvue.com/docs/webhooks/signature-verification"""

KNOWN_SECONDS = 5.0
"""How long the agencies that were found are taken for all there are, and so are the applications of each."""

TAKEN, STRANGER = 200, 401

log = telemetry.log("workers.calls")

OpenLetter = Callable[[UUID, Sealed], str]
"""`(tenant, letter)` → the secret in it."""

Wake = Callable[[UUID], None]
"""Has an account listened to now, if anybody listens to it."""


class Calls:
    """The applications that platforms may call for, and what a call for one makes us do."""

    def __init__(
        self,
        *,
        tenant: OpenScope,
        connectors: Mapping[str, Connector],
        open_letter: OpenLetter,
        wake: Wake,
        known_seconds: float = KNOWN_SECONDS,
    ) -> None:
        self._tenant, self._connectors, self._open, self._wake = tenant, connectors, open_letter, wake
        self._every = known_seconds
        self._lock, self._at = threading.Lock(), float("-inf")
        self._agencies: frozenset[UUID] = frozenset()
        self._known: dict[UUID, Mapping[UUID, Called]] = {}

    def header(self, platform: str) -> str:
        """The header in which a platform signs; "" for one that calls for no application."""
        connector = self._connectors.get(platform)
        return connector.call_header if isinstance(connector, Calling) else ""

    def take(self, platform: str, tenant_id: UUID, application: UUID, shown: str, body: bytes) -> int:
        """The status a call is answered with; whatever it made us write stands by then.

        Who is no application of ours, has no secret here, or signed with another one or too long ago, is told the same.
        """
        connector, known = self._connectors.get(platform), self._find(tenant_id, application)
        if not isinstance(connector, Calling) or known is None or known.platform != platform or known.letter is None:
            return STRANGER
        signed = connector.signed(shown)
        if signed is None or not _is_whose(signed, self._open(tenant_id, known.letter), body):
            return STRANGER
        with self._tenant(tenant_id, CALLED) as scope:
            if abs(scope.now - datetime.fromtimestamp(int(signed.timestamp), UTC)) > FRESH:
                return STRANGER
            calls.note(scope, application)
            told = connector.nudge(body)
            woken = list[UUID]()
            if told is not None:
                meant = calls.meant(scope, application, told.account)
                woken = ask(scope, f"call:{application}", meant, told)
        for channel_id in woken:
            self._wake(channel_id)
        return TAKEN

    def _find(self, tenant_id: UUID, application: UUID) -> Called | None:
        """An application of the agency that is called for, from what was found lately: strangers do not make us look
        for each of their calls, nor at anybody else's."""
        with self._lock:
            if monotonic() - self._at >= self._every:
                self._agencies, self._known = frozenset(all_tenants(self._tenant)), {}
                self._at = monotonic()
            if tenant_id not in self._agencies:
                return None
            if tenant_id not in self._known:
                self._known[tenant_id] = self._look(tenant_id)
            return self._known[tenant_id].get(application)

    def _look(self, tenant_id: UUID) -> Mapping[UUID, Called]:
        with self._tenant(tenant_id, CALLED) as scope:
            return {one.id: one for one in calls.applications(scope) if one.letter is not None}


def waking(ears: Ears) -> Wake:
    """Wakes an account that is listened to."""

    def wake(channel_id: UUID) -> None:
        ear = ears.find(channel_id)
        if ear is not None:
            ear.wake()

    return wake


def taking(s: Services, ears: Ears) -> Calls:
    """What the door does with them, in the process that listens."""

    def open_letter(tenant_id: UUID, letter: Sealed) -> str:
        return str(s.read_form(tenant_id, letter.box, frozenset())[SECRET])

    return Calls(tenant=s.tenant, connectors=s.connectors, open_letter=open_letter, wake=waking(ears))


def _is_whose(signed: Signed, secret: str, body: bytes) -> bool:
    right = signing.signature(secret, signed.timestamp, body)
    return any([hmac.compare_digest(mark, right) for mark in signed.marks])  # all of them: a list, no generator


def ask(scope: Scope, source: str, meant: Sequence[UUID], told: Nudge) -> list[UUID]:
    """Put what a call from `source` makes us read of the accounts that are meant, the first time it is told; those that
    are to be listened to."""
    kept = {"wakes": sorted(told.wakes)}
    if not meant or inbox.receive(scope, source, told.key, kept) is None:
        return []
    for channel_id in meant:
        if "earnings" in told.wakes:
            earning.hurry(scope, channel_id)
        if "followers" in told.wakes:
            following.hurry(scope, channel_id)
        if "remarks" in told.wakes:
            remarks.hurry(scope, channel_id)
    return list(meant) if "chats" in told.wakes else []
