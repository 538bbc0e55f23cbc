"""The listening process: one thread for each chat account, hearing what fans do and keeping it before acknowledging.

Payments are recorded, checkouts answered at once and in this process: a queue would be too slow for ten seconds.
"""

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError

from channels import abilities, connecting, listening
from channels import reads as channel_reads
from channels.listening import Heard
from channels.reads import Channel
from connectors.contract import ChatConnector, Update
from connectors.transport import Transport
from foundation import telemetry
from foundation.clock import monotonic
from foundation.database import OpenScope, Scope
from foundation.words import Message
from tenants import notices
from tenants.scope import all_tenants
from workers import figures

LISTENING = "system:listening"
REFRESH_SECONDS = 5.0
"""How often accounts that were connected or lost meanwhile are looked for, where a look takes no time."""

RESTS, LONGEST_REST = 19, 60.0
"""A look asks every agency, and is followed by so many times as long without one, in seconds at most."""

DEAF_SECONDS = 0.25
DEAFEST = 7
"""Doublings of the wait after a poll that came to nothing: 32 s at most."""

AHEAD = 4
"""Requests of a poll after which nobody wakes an account before its turn; one is worth a quarter of the wait. So one
that is woken all the time costs no more than these in each turn, or what it costs anyway."""

TRIES = 3
"""How often one update is tried before it is put aside, so that it does not silence its account."""

MONEY = ("payment", "refund")
"""What is never put aside: it is told, and tried until it is kept."""

log = telemetry.log("workers.listeners")

Hear = Callable[[Scope, Channel, Update], None]
"""Keeps one update in its room, in the transaction that acknowledges it."""

AtOnce = Callable[[Channel, Update], bool]
"""Answers what cannot wait (a checkout), outside of any transaction; whether it was such an update."""


class Ear:
    """One account's thread. It ends when its account may no longer listen, or the process stops."""

    def __init__(
        self,
        channel: Channel,
        *,
        tenant: OpenScope,
        transport: Transport,
        connectors: Mapping[str, ChatConnector],
        hear: Hear,
        at_once: AtOnce,
    ) -> None:
        self.channel = channel
        self._tenant, self._transport, self._connectors = tenant, transport, connectors
        self._hear, self._at_once = hear, at_once
        self._stop, self._woken = threading.Event(), threading.Event()
        self._failed: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name=f"ear-{channel.account}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; the poll that is out ends by itself and is heard again after the next start."""
        self._stop.set()
        self._woken.set()

    def wake(self) -> None:
        """Ask now instead of at the next turn: somebody said that there is something. Told often, it is done once."""
        self._woken.set()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        deaf, asked = 0, 1
        while not self._stop.is_set():
            try:
                heard = self.once()
                asked = heard.asked if heard is not None else 1
                deaf = 0 if heard is None or heard.cursor is not None else deaf + 1
            except Exception as error:  # the thread must outlive a database restart
                deaf += 1
                log.error("listen.failed", error=telemetry.describe(error), at=telemetry.place(error))
            if deaf:
                self._stop.wait(DEAF_SECONDS * 2 ** min(deaf, DEAFEST))
            else:
                self._rest(asked)
            self._woken.clear()  # before it asks: who comes while it does so is not forgotten

    def _rest(self, asked: int) -> None:
        """Wait for the next turn, or for whoever wakes this account, the longer the more the last poll asked."""
        pace = abilities.of(self._connectors, self.channel).capabilities.poll_seconds
        least = pace * min(max(asked, 1), AHEAD) / AHEAD
        if not self._stop.wait(least):
            self._woken.wait(pace - least)

    def once(self) -> Heard | None:
        """One poll, kept and acknowledged; None where it rests and, the last, of one that may not listen any more."""
        channel, after = self._standing()
        if not connecting.is_heard(channel):
            self.stop()
            return None
        with self._tenant(channel.tenant_id, LISTENING) as scope:
            if listening.is_held(scope, channel, abilities.of(self._connectors, channel)):
                return listening.UNASKED
            if listening.is_too_dear(scope, channel):
                figures.HEARING.heard(channel.id, channel.platform)  # it rests as its agency said; nothing is wrong
                return None
        heard = listening.poll(
            channel, after, transport=self._transport, connectors=self._connectors, rest=self._stop.wait
        )
        if self._stop.is_set():  # stopped while the platform was asked: whoever listens next hears it again
            return None
        if heard.updates and not connecting.is_heard(self._standing()[0]):
            self.stop()  # paused while the platform was asked: all of it is heard again after the pause
            return None
        if heard.cursor is not None:
            figures.HEARING.heard(channel.id, channel.platform)
        self.keep(channel, heard)
        return heard

    def keep(self, channel: Channel, heard: Heard) -> None:
        """Keep what was heard and remember how far that is; raises where it must be heard, or kept, again."""
        waiting = [update for update in heard.updates if not self._at_once(channel, update)]
        try:
            with self._tenant(channel.tenant_id, LISTENING) as scope:
                for update in waiting:
                    self._hear(scope, channel, update)
                listening.acknowledge(scope, channel, heard)
        except (OperationalError, InterfaceError):
            raise  # the database is away, or two met in a lock: all is heard again
        except Exception as error:  # one of them cannot be kept; which one is found out
            log.warning("listen.one_by_one", error=telemetry.describe(error), at=telemetry.place(error))
            self._one_by_one(channel, waiting, heard)
        self._failed.clear()

    def _standing(self) -> tuple[Channel, str]:
        """The account as it is now, and how far it was heard."""
        with self._tenant(self.channel.tenant_id, LISTENING) as scope:
            channel = channel_reads.channel(scope, self.channel.id)
            return channel, listening.heard_to(scope, channel, abilities.of(self._connectors, channel))

    def _one_by_one(self, channel: Channel, updates: Sequence[Update], heard: Heard) -> None:
        """Keep each update by itself, in order; what fails for the third time is put aside and told to the members."""
        for update in updates:
            try:
                with self._tenant(channel.tenant_id, LISTENING) as scope:
                    self._hear(scope, channel, update)
            except (OperationalError, InterfaceError):
                raise
            except Exception as error:
                self._failed[update.key] += 1
                if self._failed[update.key] < TRIES:
                    raise
                self._put_aside(channel, update, error)
                if update.kind in MONEY:
                    raise
        with self._tenant(channel.tenant_id, LISTENING) as scope:
            listening.acknowledge(scope, channel, heard)

    def _put_aside(self, channel: Channel, update: Update, error: Exception) -> None:
        log.error("listen.put_aside", kind=update.kind, error=telemetry.describe(error), at=telemetry.place(error))
        told = Message("listen.set_aside", {"account": channel.name})
        cause = f"update:{channel.id}:{update.key}"
        with self._tenant(channel.tenant_id, LISTENING) as scope:
            notices.put(scope, told, cause=cause, urgent=True, creator_id=channel.creator_id)


class Ears:
    """All accounts that can be heard, kept in step with the database."""

    def __init__(
        self,
        make: Callable[[Channel], Ear],
        *,
        tenant: OpenScope,
        chatty: Callable[[Channel], bool],
        inbox: Callable[[Channel], Hashable] = lambda channel: channel.id,
        refresh_seconds: float = REFRESH_SECONDS,
        rests: int = RESTS,
    ) -> None:
        """`inbox` says which accounts hear the same messages: the oldest of them listens for all."""
        self._make, self._tenant, self._chatty = make, tenant, chatty
        self._every, self._rests = refresh_seconds, rests
        self._inbox = inbox
        self._ears: dict[UUID, Ear] = {}
        self._told: set[UUID] = set()
        self._stopping = threading.Event()

    def run(self, *, beat: Callable[[], None]) -> None:
        """Listen until `stop`; `beat` is called after each look at the accounts."""
        while not self._stopping.is_set():
            started, rest = monotonic(), 0.0
            try:
                self._refresh()
                beat()
                rest = min((monotonic() - started) * self._rests, LONGEST_REST)
            except Exception as error:  # the accounts already known go on being heard; it is tried again soon
                log.error("listen.refresh_failed", error=telemetry.describe(error), at=telemetry.place(error))
            self._stopping.wait(max(self._every - (monotonic() - started), rest))
        for ear in self._ears.values():
            ear.stop()

    def stop(self) -> None:
        """End the run."""
        self._stopping.set()

    def find(self, channel_id: UUID) -> Ear | None:
        """Who listens on an account, if anybody does."""
        return self._ears.get(channel_id)

    def _refresh(self) -> None:
        newest_first = sorted(self._channels(), key=lambda channel: channel.id, reverse=True)
        inboxes: dict[Hashable, Channel] = {}
        for each in newest_first:
            try:
                inboxes[self._inbox(each)] = each
            except Exception as error:  # an account whose name says nothing keeps itself from being heard, nobody else
                self._tell(each, error)
        wanted = {channel.id: channel for channel in inboxes.values()}
        for channel_id in list(self._ears):
            if channel_id not in wanted:
                self._ears.pop(channel_id).stop()
                figures.HEARING.forget(channel_id)
        for channel_id, channel in wanted.items():
            if channel_id not in self._ears or not self._ears[channel_id].alive:
                try:
                    made = self._make(channel)
                except Exception as error:  # the others are heard all the same; this one is tried again
                    self._tell(channel, error)
                    continue
                self._ears[channel_id] = made
                figures.HEARING.heard(channel_id, channel.platform)
                made.start()

    def _tell(self, channel: Channel, error: Exception) -> None:
        """Say, once, that an account cannot be heard, and what to do."""
        if channel.id in self._told:
            return
        log.error("listen.deaf", error=telemetry.describe(error), at=telemetry.place(error))
        told = Message("listen.deaf", {"account": channel.name})
        with self._tenant(channel.tenant_id, LISTENING) as scope:
            notices.put(scope, told, cause=f"deaf:{channel.id}", urgent=True, creator_id=channel.creator_id)
        self._told.add(channel.id)

    def _channels(self) -> list[Channel]:
        found: list[Channel] = []
        for tenant_id in all_tenants(self._tenant):
            with self._tenant(tenant_id, LISTENING) as scope:
                found += [channel for channel in channel_reads.every_channel(scope) if self._chatty(channel)]
        return found
