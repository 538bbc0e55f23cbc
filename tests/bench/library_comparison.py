"""Compare a send with the same post by the platform's library: `python -m
tests.bench.library_comparison`.

A send is the path from a claimed post to its outcome, on the real connector and the real transport:
the connector builds each request, a permit for its bytes is signed, the transport verifies it and
sends, the secrets of the response are sealed, the log line is written, and the connector derives
the outcome. Not measured: the decision of the gate before it signs, the two transactions around the
send (`greenroom bench gate`, `publishing`), and the vault, since the token is not encrypted.
"""

import argparse
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, redirect_stderr
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median, quantiles
from tempfile import TemporaryFile

from benchmarks.measurement import BENCHMARK_SEED, Measurement, describe_machine
from connectors.conformance.world import (
    TEST_CREATOR,
    TEST_TENANT,
    conformance_permit,
    conformance_transport,
)
from connectors.contract.connector import Connector, Send, StepKind, StepResult, SupportsNativeKeys
from connectors.contract.outcomes import Published
from connectors.registry import loader
from connectors.transport import references
from connectors.transport.transport import AccountTarget, Transport
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, wall_now
from foundation.sealed import Sealed
from gate.contract.permit import ControlOrder
from gate.contract.units import Subject, Text, Unit
from tests.bench.fake_platforms import FakePlatform, PlatformAccount, ReceivedRequests, network
from tests.bench.platform_libraries import LIBRARIES, Post

ROUNDS, WARM = 400, 40
WORDS = "A quiet evening by the sea, and one more picture for those who asked. See you on Sunday!"
WAYS = ("send", "kept", "bare")
"""Greenroom; Greenroom on a kept-alive connection, as libraries use and Greenroom does not; the
library."""


@dataclass(frozen=True)
class BenchmarkSender:
    """An account, and the connector with which a process posts to it."""

    platform: str
    place: PlatformAccount
    connector: Connector
    account: AccountTarget

    def unit(self, text: str) -> Unit:
        """Return a new post with this text and a key in the platform's form."""
        key = str(uuid7())
        titles = (Text("title", self.place.title),) if self.place.title else ()
        return Unit(
            tenant_id=TEST_TENANT,
            creator_id=TEST_CREATOR,
            subject=Subject("delivery", uuid7()),
            platform=self.platform,
            surface=self.place.surface,
            channel_id=self.account.channel_id,
            account=self.account.account,
            audience="public",
            texts=(*titles, Text("body", text)),
            destination=self.place.destination,
            native_key=self.connector.native_key_for(key, wall_now())
            if isinstance(self.connector, SupportsNativeKeys)
            else key,
        )

    def post(self, door: Transport, text: str) -> None:
        """Publish one post step by step. Raises RuntimeError if the outcome is not Published."""
        unit, answers = self.unit(text), tuple[StepResult, ...]()
        while isinstance(turn := self.connector.next_step(unit, answers), Send):
            step, now = turn.step, wall_now()
            uploads = references.uploaded_references(
                step, self.platform, answers, above=unit.parent_id
            )
            asks = ControlOrder(TEST_TENANT, unit.channel_id, step.action)
            authority = (
                asks
                if step.kind is StepKind.CONTROL
                else conformance_permit(unit, step, now, uploads)
            )
            answers = (*answers, door.send(step, authority, account=self.account))
        if not isinstance(turn, Published):
            raise RuntimeError(f"not published: {turn}")


def measure_platforms(
    platforms: Sequence[str], *, rounds: int = ROUNDS, warm: int = WARM
) -> dict[str, float]:
    """Measure each platform separately; all of them take about a minute."""
    found: dict[str, float] = {}
    for platform in platforms:
        with network(platform) as there:
            found |= {
                f"{platform}_{name}": value
                for name, value in _of(platform, there, rounds, warm).items()
            }
    return found


def _of(platform: str, there: FakePlatform, rounds: int, warm: int) -> dict[str, float]:
    place = there.place
    token, refresh = Sealed(place.token.encode()), Sealed(place.refresh.encode())
    account = AccountTarget(
        TEST_TENANT, uuid7(), place.account, place.url, token, refresh, platform=platform
    )
    house = BenchmarkSender(platform, place, loader.load_connectors()[platform], account)
    with (
        closing(HttpClient()) as fresh,
        closing(keep_connection()) as kept,
        LIBRARIES[platform][1](place) as library,
        TemporaryFile("w", encoding="utf-8") as log,
        redirect_stderr(log),
    ):
        ways: dict[str, Post] = {
            "send": partial(house.post, conformance_transport(fresh)),
            "kept": partial(house.post, conformance_transport(kept)),
            "bare": library,
        }
        texts = (f"{WORDS} {number:05}" for number in count(1))
        asked = {name: _requests(way, next(texts), there) for name, way in ways.items()}
        before = there.pass_time()
        taken = _in_turns(ways, warm + rounds, texts, there)
        after = there.pass_time()
    check_received_posts(before, after, asked, warm + rounds)
    return _told({name: seconds[warm:] for name, seconds in taken.items()}, asked)


def keep_connection() -> HttpClient:
    """Return Greenroom's client with a kept-alive connection, for this comparison only."""
    client = HttpClient()
    client._client._transport._pool._max_keepalive_connections = 1
    return client


def _requests(way: Post, text: str, there: FakePlatform) -> int:
    """Return the number of requests that one post takes."""
    before = there.pass_time()
    way(text)
    return there.pass_time().requests - before.requests


def _in_turns(
    ways: Mapping[str, Post], rounds: int, texts: Iterator[str], there: FakePlatform
) -> dict[str, list[float]]:
    """Return the seconds of each post by each way. The order rotates from round to round."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    names = deque(ways)
    for _ in range(rounds):
        for name in names:
            text = next(texts)
            there.pass_time()
            started = monotonic()
            ways[name](text)
            taken[name].append(monotonic() - started)
        names.rotate()
    return taken


def check_received_posts(
    before: ReceivedRequests, after: ReceivedRequests, asked: Mapping[str, int], rounds: int
) -> None:
    """Raise RuntimeError unless the platform accepted every post, with exactly the expected
    requests."""
    posts, requests = after.posts - before.posts, after.requests - before.requests
    if (posts, requests) != (len(asked) * rounds, sum(asked.values()) * rounds):
        raise RuntimeError(
            f"{posts} posts by {requests} requests, of {rounds} rounds of {dict(asked)}"
        )


def _told(taken: Mapping[str, Sequence[float]], asked: Mapping[str, int]) -> dict[str, float]:
    middle = {name: 1000 * median(seconds) for name, seconds in taken.items()}
    late = {name: 1000 * quantiles(seconds, n=20)[-1] for name, seconds in taken.items()}
    return {
        **{f"{name}_p50_ms": value for name, value in middle.items()},
        **{f"{name}_p95_ms": value for name, value in late.items()},
        "send_over_bare": middle["send"] / middle["bare"],
        "kept_over_bare": middle["kept"] / middle["bare"],
        "send_requests": float(asked["send"]),
        "bare_requests": float(asked["bare"]),
    }


def render_table(found: Mapping[str, float]) -> str:
    """Return the table of `docs/benchmarks.md`: milliseconds, p50 and p95."""
    lines = [
        "| library | send | kept | bare | send / bare | kept / bare | requests, send and bare |",
        "|---|---|---|---|---|---|---|",
    ]
    for platform, (library, _) in LIBRARIES.items():
        if f"{platform}_send_p50_ms" not in found:
            continue
        told = {key.removeprefix(f"{platform}_"): value for key, value in found.items()}
        times = (f"{told[f'{way}_p50_ms']:.2f}, {told[f'{way}_p95_ms']:.2f}" for way in WAYS)
        ratios = (f"{told[name]:.2f}" for name in ("send_over_bare", "kept_over_bare"))
        asked = f"{told['send_requests']:.0f}, {told['bare_requests']:.0f}"
        lines.append("| " + " | ".join([f"{library} ({platform})", *times, *ratios, asked]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, then print a table and one line of JSON as `greenroom bench NAME --json` does."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument(
        "platforms", nargs="*", metavar="PLATFORM", help=f"some of {', '.join(LIBRARIES)}"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    found = measure_platforms(chosen.platforms or tuple(LIBRARIES), rounds=chosen.rounds)
    told = Measurement("sends", found, describe_machine(), BENCHMARK_SEED).as_json()
    sys.stdout.write(f"{render_table(found)}\n\n{told}\n")


if __name__ == "__main__":
    main()
