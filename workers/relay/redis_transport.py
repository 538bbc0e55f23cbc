"""Redis as the house needs it: messages are handed over and forgotten.

Kombu keeps every message in Redis a second time until it is acknowledged, and hands it out again
after an hour: two round trips and a client object each, for a promise that leases keep already (a
lost message costs one lease, a repeated one finds another token). Without them the sending process
took 32.1 ms a post instead of 34.0, one after the other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from kombu.transport import redis, virtual

TRANSPORT_PATH = "workers.relay.redis_transport:RedisTransport"


class UnacknowledgedQoS(virtual.QoS):
    """Counts what is in hand, so that a worker takes no more than its threads; keeps no copy
    anywhere."""

    restore_at_shutdown = False

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Let a message go; its row comes back with its lease."""
        self.ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu is untyped in part

    def restore_visible(self, **_: Any) -> None:
        """There is nothing to hand out again."""


class SingleClientChannel(redis.Channel):
    """One client for all its commands: a new one for each costs more than the command."""

    # kombu says which class it uses, not which it takes
    QoS = UnacknowledgedQoS  # type: ignore[assignment]  # see above

    @cached_property
    def redis_client(self) -> Any:
        """The client; its pool opens a connection for each thread that needs one."""
        return self._create_client()  # type: ignore[no-untyped-call]  # as above

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """The client a command is sent with."""
        yield client or self.redis_client


class RedisTransport(redis.Transport):
    """Kombu's own for Redis, but for its channel."""

    Channel = SingleClientChannel
