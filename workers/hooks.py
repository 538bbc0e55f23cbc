"""Being called instead of asking: the listening process takes in what a platform tells it, where it has an address.

The secret of a call is compared before a byte of it is read as anything; what came is kept, together with all it
caused, before the call is answered with 200. A call that comes again changes nothing.
"""

import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

from channels import abilities, connecting
from channels import reads as channel_reads
from channels.listening import Heard
from channels.reads import Channel
from connectors.contract import ChatConnector, Hookable, Response, StepNotSent, Update, WireStep
from foundation import inbox, telemetry
from foundation.clock import monotonic
from foundation.database import Scope
from foundation.sealed import Seal
from gate.permit import AuthOrder
from workers import figures
from workers.listeners import DEAF_SECONDS, DEAFEST, LISTENING, Ear

PULSE_SECONDS = 10.0
SAY_AGAIN_SECONDS = 3600.0
"""How often the platform is told again where to call: whoever took the account elsewhere meanwhile is found out."""

BUSY = 409
"""A poll of an account that the platform calls, or that somebody else polls."""

log = telemetry.log("workers.hooks")

AgeCalled = Callable[[UUID, UUID, str], bool]
"""Whether a call about a check (tenant, check, proof) bears its proof; then somebody looks."""


def secret_of(master_key: bytes, channel_id: UUID) -> str:
    """What the platform shows when it calls for an account: derived, so that nothing is kept."""
    return hmac.new(master_key, b"greenroom hook " + channel_id.bytes, hashlib.sha256).hexdigest()


def age_proof(master_key: bytes, tenant_id: UUID, check_id: UUID) -> str:
    """What a provider's call about one check of one tenant must bear in its address; derived, so that nothing is kept.

    A call under another's address does not pass, and nothing of its body is read: it makes us look, no more.
    """
    about = b"greenroom age call " + tenant_id.bytes + check_id.bytes
    return hmac.new(master_key, about, hashlib.sha256).hexdigest()


def hookable(connector: ChatConnector) -> bool:
    """Whether the platform can call."""
    return hasattr(connector, "subscribe")


class PolledEar(Ear):
    """An account that could be called, and is polled: before that the platform is told to call no more."""

    def once(self) -> Heard | None:
        """One poll; refused because the platform calls, it is told to stop."""
        heard = super().once()
        if heard is not None and isinstance(heard.answer, Response) and heard.answer.status == BUSY:
            self._ask(cast(Hookable, abilities.of(self._connectors, self.channel)).unsubscribe())
        return heard

    def _ask(self, step: WireStep) -> bool:
        channel = self._standing()[0]
        if not connecting.is_heard(channel):  # one that is being disconnected is not signed up anew
            return False
        order = AuthOrder(channel.tenant_id, channel.id)
        answer = self._transport.send(step, order, account=channel_reads.account(channel))
        return isinstance(answer, Response) and answer.ok


class CalledEar(PolledEar):
    """An account the platform calls: its thread says where, now and then, and takes in what comes."""

    def __init__(self, channel: Channel, *, address: str, secret: str, seal: Seal, **collaborators: Any) -> None:
        super().__init__(channel, **collaborators)
        self._address, self.secret, self._seal = address, secret, seal
        self._kept, self._one_at_a_time = self._hear, threading.Lock()
        self._hear = self._once_only
        self._body: Mapping[str, Any] = {}

    @property
    def connector(self) -> Hookable:
        """Of its platform."""
        return cast(Hookable, abilities.of(self._connectors, self.channel))

    def _run(self) -> None:
        deaf, due = 0, 0.0
        while not self._stop.is_set():
            try:
                if monotonic() >= due:
                    sealed = self._seal(self.channel.tenant_id, self.secret)
                    told = self._ask(self.connector.subscribe(self._address, sealed))
                    deaf, due = (0, monotonic() + SAY_AGAIN_SECONDS) if told else (deaf + 1, 0.0)
            except Exception as error:  # the thread must outlive a database restart
                deaf += 1
                log.error("hooks.failed", error=telemetry.describe(error), at=telemetry.place(error))
            if not deaf:
                figures.HEARING.heard(self.channel.id, self.channel.platform)
            self._stop.wait(DEAF_SECONDS * 2 ** min(deaf, DEAFEST) if deaf else PULSE_SECONDS)

    def take(self, body: Mapping[str, Any]) -> bool:
        """Keep what a call told; whether it is kept, so that the platform may forget it."""
        updates = self.connector.called(body)
        if updates is None:
            return True  # nobody will ever read it
        channel = self._standing()[0]
        if not connecting.is_heard(channel) or self._stop.is_set():
            return False
        with self._one_at_a_time:
            self._body = body
            fresh = tuple(update for update in updates if not self._known_checkout(channel, update))
            cursor = str(max((int(update.key) + 1 for update in updates if update.key.isdigit()), default=0))
            self.keep(channel, Heard(fresh, cursor, StepNotSent("called", "told")))
        return True

    def _known_checkout(self, channel: Channel, update: Update) -> bool:
        """A checkout is answered once: the second time it is told, its answer is on its way or too late."""
        if update.kind != "checkout":
            return False
        with self._tenant(channel.tenant_id, LISTENING) as scope:
            return inbox.receive(scope, _source(channel), update.key, dict(self._body)) is None

    def _once_only(self, scope: Scope, channel: Channel, update: Update) -> None:
        if inbox.receive(scope, _source(channel), update.key, dict(self._body)) is not None:
            self._kept(scope, channel, update)


def _source(channel: Channel) -> str:
    return f"hook:{channel.id}"
