"""The listener process: one thread per chat account, which stores updates before it acknowledges
them.

Payments are recorded and checkouts answered in this process at once; a queue would be too slow for
the limit of ten seconds.
"""

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError

from channels.accounts import account_connectors, lifecycle, queries
from channels.accounts.queries import Channel
from channels.listening import listener
from channels.listening.listener import ReceivedUpdates
from connectors.contract.chats import ChatConnector, ChatUpdate
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from tenants.notices import notices
from tenants.scope import list_tenant_ids
from workers.runtime import metrics

LISTENER_ACTOR = "system:listening"
REFRESH_SECONDS = 5.0
"""Minimum interval between two refreshes of the account list."""

REST_PER_REFRESH = 19
MAX_REST_SECONDS = 60.0
"""Maximum pause after a refresh. A refresh queries every agency, so the pause is `REST_PER_REFRESH`
times as long as the refresh took."""

FAILURE_PAUSE_SECONDS = 0.25
MAX_FAILURE_STEP = 7
"""Maximum number of times that the pause after a failed poll is doubled, up to 32 seconds."""

WAKE_SHARE = 4
"""Each request of the last poll delays an early poll by a quarter of the poll interval; after four
requests it waits for the whole interval. An account that is woken constantly therefore costs at
most four requests per interval, or as many as it costs without early polls."""

UPDATE_TRIES = 3
"""Attempts to store an update before it is skipped, so that it does not block its account."""

MONEY_UPDATES = ("payment", "refund")
"""Kinds of updates that are never skipped: members are notified, and storing is retried until it
succeeds."""

log = telemetry.get_logger("workers.listeners.polling")

StoreUpdate = Callable[[Scope, Channel, ChatUpdate], None]
"""Stores one update in the transaction that acknowledges it."""

AnswerAtOnce = Callable[[Channel, ChatUpdate], bool]
"""Responds to an update that cannot wait (a checkout), outside any transaction; returns True if it
was one."""


class AccountListener:
    """The thread of one account. It ends when the account may no longer listen or the process
    stops."""

    def __init__(
        self,
        channel: Channel,
        *,
        tenant: OpenScope,
        transport: Transport,
        connectors: Mapping[str, ChatConnector],
        hear: StoreUpdate,
        at_once: AnswerAtOnce,
    ) -> None:
        self.channel = channel
        self._tenant = tenant
        self._transport = transport
        self._connectors = connectors
        self._hear = hear
        self._at_once = at_once
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._failed: Counter[str] = Counter()
        self._thread = threading.Thread(
            target=self._listen_until_stopped, name=f"ear-{channel.account}", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread. A running poll ends by itself, and its updates are received again after
        the next start."""
        self._stop.set()
        self._woken.set()

    def poll_now(self) -> None:
        """Poll now instead of at the next interval. Repeated calls before the poll have no further
        effect."""
        self._woken.set()

    @property
    def is_alive(self) -> bool:
        """Return True while the thread runs."""
        return self._thread.is_alive()

    def _listen_until_stopped(self) -> None:
        deaf = 0
        asked = 1
        while not self._stop.is_set():
            try:
                heard = self.poll_once()
                asked = heard.asked if heard is not None else 1
                deaf = 0 if heard is None or heard.cursor is not None else deaf + 1
            except Exception as error:  # the thread must outlive a database restart
                deaf += 1
                log.error(
                    "listen.failed",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
            if deaf:
                self._stop.wait(FAILURE_PAUSE_SECONDS * 2 ** min(deaf, MAX_FAILURE_STEP))
            else:
                self._wait_for_poll(asked)
            self._woken.clear()  # cleared before the poll, so that a call during it is not lost

    def _wait_for_poll(self, asked: int) -> None:
        """Wait for the next interval or an early poll. The minimum wait grows with the number of
        requests of the last poll."""
        pace = account_connectors.connector_for(
            self._connectors, self.channel
        ).capabilities.poll_seconds
        least = pace * min(max(asked, 1), WAKE_SHARE) / WAKE_SHARE
        if not self._stop.wait(least):
            self._woken.wait(pace - least)

    def poll_once(self) -> ReceivedUpdates | None:
        """Poll once, store and acknowledge the updates. Return None if the account is paused; the
        thread stops if it may no longer listen."""
        channel, after = self._load_channel_and_cursor()
        if not lifecycle.is_listened_to(channel):
            self.stop()
            return None
        with self._tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
            if listener.is_polling_blocked(
                scope, channel, account_connectors.connector_for(self._connectors, channel)
            ):
                return listener.NOT_POLLED
            if listener.is_over_cost_cap(scope, channel):
                metrics.LISTENER_COLLECTOR.record_received(
                    channel.id, channel.platform
                )  # paused by the agency's cost cap, which is no failure
                return None
        heard = listener.poll_updates(
            channel,
            after,
            transport=self._transport,
            connectors=self._connectors,
            rest=self._stop.wait,
        )
        if (
            self._stop.is_set()
        ):  # stopped during the poll; the next listener receives the updates again
            return None
        if heard.updates and not lifecycle.is_listened_to(self._load_channel_and_cursor()[0]):
            # Paused during the poll; the updates are received again after the pause.
            self.stop()
            return None
        if heard.cursor is not None:
            metrics.LISTENER_COLLECTOR.record_received(channel.id, channel.platform)
        self.store_updates(channel, heard)
        return heard

    def store_updates(self, channel: Channel, heard: ReceivedUpdates) -> None:
        """Store the updates and the cursor. Raises if they must be received or stored again."""
        waiting = [update for update in heard.updates if not self._at_once(channel, update)]
        try:
            with self._tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
                for update in waiting:
                    self._hear(scope, channel, update)
                listener.acknowledge_updates(scope, channel, heard)
        except (OperationalError, InterfaceError):
            raise  # database unavailable or deadlock; all updates are received again
        except Exception as error:  # one of them cannot be stored; find out which
            log.warning(
                "listen.one_by_one",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )
            self._one_by_one(channel, waiting, heard)
        self._failed.clear()

    def _load_channel_and_cursor(self) -> tuple[Channel, str]:
        """Return the account's current state and its cursor."""
        with self._tenant(self.channel.tenant_id, LISTENER_ACTOR) as scope:
            channel = queries.get_channel(scope, self.channel.id)
            return channel, listener.inbox_cursor(
                scope, channel, account_connectors.connector_for(self._connectors, channel)
            )

    def _one_by_one(
        self, channel: Channel, updates: Sequence[ChatUpdate], heard: ReceivedUpdates
    ) -> None:
        """Store each update in a separate transaction, in order. One that fails for the third time
        is skipped, and the members are notified."""
        for update in updates:
            try:
                with self._tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
                    self._hear(scope, channel, update)
            except (OperationalError, InterfaceError):
                raise
            except Exception as error:
                self._failed[update.key] += 1
                if self._failed[update.key] < UPDATE_TRIES:
                    raise
                self._notify_skipped_update(channel, update, error)
                if update.kind in MONEY_UPDATES:
                    raise
        with self._tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
            listener.acknowledge_updates(scope, channel, heard)

    def _notify_skipped_update(
        self, channel: Channel, update: ChatUpdate, error: Exception
    ) -> None:
        log.error(
            "listen.put_aside",
            kind=update.kind,
            error=telemetry.describe_error(error),
            at=telemetry.error_location(error),
        )
        told = Message("listen.set_aside", {"account": channel.name})
        cause = f"update:{channel.id}:{update.key}"
        with self._tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
            notices.put(scope, told, cause=cause, urgent=True, creator_id=channel.creator_id)


class ListenerPool:
    """The listeners of all accounts, kept in sync with the database."""

    def __init__(
        self,
        make: Callable[[Channel], AccountListener],
        *,
        tenant: OpenScope,
        chatty: Callable[[Channel], bool],
        inbox: Callable[[Channel], Hashable] = lambda channel: channel.id,
        refresh_seconds: float = REFRESH_SECONDS,
        rests: int = REST_PER_REFRESH,
    ) -> None:
        """`inbox` identifies accounts that receive the same messages; the oldest of them listens
        for all."""
        self._make = make
        self._tenant = tenant
        self._chatty = chatty
        self._every = refresh_seconds
        self._rests = rests
        self._inbox = inbox
        self._ears: dict[UUID, AccountListener] = {}
        self._told: set[UUID] = set()
        self._stopping = threading.Event()

    def run(self, *, beat: Callable[[], None]) -> None:
        """Listen until `stop`. `beat` is called after each refresh of the accounts."""
        while not self._stopping.is_set():
            started = monotonic()
            rest = 0.0
            try:
                self._refresh_listeners()
                beat()
                rest = min((monotonic() - started) * self._rests, MAX_REST_SECONDS)
            except (
                Exception
            ) as error:  # known accounts continue to listen; the refresh is repeated soon
                log.error(
                    "listen.refresh_failed",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
            self._stopping.wait(max(self._every - (monotonic() - started), rest))
        for ear in self._ears.values():
            ear.stop()

    def stop(self) -> None:
        """End `run`."""
        self._stopping.set()

    def find_listener(self, channel_id: UUID) -> AccountListener | None:
        """Return the listener of an account, or None."""
        return self._ears.get(channel_id)

    def _refresh_listeners(self) -> None:
        newest_first = sorted(self._list_channels(), key=lambda channel: channel.id, reverse=True)
        inboxes: dict[Hashable, Channel] = {}
        for each in newest_first:
            try:
                inboxes[self._inbox(each)] = each
            # An account with an invalid name must not block the others.
            except Exception as error:
                self._notify_unreachable(each, error)
        wanted = {channel.id: channel for channel in inboxes.values()}
        for channel_id in list(self._ears):
            if channel_id not in wanted:
                self._ears.pop(channel_id).stop()
                metrics.LISTENER_COLLECTOR.remove_channel(channel_id)
        for channel_id, channel in wanted.items():
            if channel_id not in self._ears or not self._ears[channel_id].is_alive:
                try:
                    made = self._make(channel)
                except (
                    Exception
                ) as error:  # the others must not be affected; this one is tried again
                    self._notify_unreachable(channel, error)
                    continue
                self._ears[channel_id] = made
                metrics.LISTENER_COLLECTOR.record_received(channel_id, channel.platform)
                made.start()

    def _notify_unreachable(self, channel: Channel, error: Exception) -> None:
        """Notify members once that an account cannot listen."""
        if channel.id in self._told:
            return
        log.error(
            "listen.deaf", error=telemetry.describe_error(error), at=telemetry.error_location(error)
        )
        told = Message("listen.deaf", {"account": channel.name})
        with self._tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
            notices.put(
                scope, told, cause=f"deaf:{channel.id}", urgent=True, creator_id=channel.creator_id
            )
        self._told.add(channel.id)

    def _list_channels(self) -> list[Channel]:
        found: list[Channel] = []
        for tenant_id in list_tenant_ids(self._tenant):
            with self._tenant(tenant_id, LISTENER_ACTOR) as scope:
                found += [
                    channel for channel in queries.list_channels(scope) if self._chatty(channel)
                ]
        return found
