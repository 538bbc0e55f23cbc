"""A fake platform in a separate process, with one account: `python -m tests.bench.fake_platforms
x`.

Client and platform do not share an interpreter. Each line on its standard input advances its clock,
so that no rate limit of the platform is reached; it responds with the numbers of requests and posts
accepted so far.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from connectors.conformance.fake_servers import AdjustableClock
from connectors.conformance.world import ConnectorWorld
from foundation.http.http_client import HttpClient
from foundation.ops.fault_injection import FaultBook
from foundation.sealed import Sealed
from tests.connectors.conformance.worlds import bluesky_world, mastodon_world, reddit_world, x_world
from tests.fakes.bluesky.server import bluesky
from tests.fakes.mastodon.server import mastodon
from tests.fakes.reddit.server import reddit
from tests.fakes.telegram import server as telegram_fake
from tests.fakes.x.server import x

ROOT = Path(__file__).parents[2]
PACE_SECONDS = 40.0
"""Seconds between posts on the platform's clock. Mastodon allows an account 300 posts in three
hours."""


@dataclass(frozen=True)
class PlatformAccount:
    """An account of the fake platform and the credentials with which a library signs in."""

    url: str
    account: str
    surface: str
    token: str
    refresh: str = ""
    destination: str = ""
    title: str = ""
    name: str = ""


@dataclass(frozen=True)
class ReceivedRequests:
    """Numbers of requests and posts accepted since the start."""

    requests: int
    posts: int


@dataclass(frozen=True)
class FakePlatform:
    """A running fake platform: its account, and a function that advances its clock."""

    place: PlatformAccount
    pass_time: Callable[[], ReceivedRequests]


@dataclass(frozen=True)
class LocalFakePlatform:
    """A fake platform inside its own process."""

    place: PlatformAccount
    clock: AdjustableClock
    book: FaultBook
    taken: Callable[[], list[tuple[str, str]]]


def _of(world: ConnectorWorld, book: FaultBook, name: str = "") -> LocalFakePlatform:
    account = world.account
    token, refresh = (_open(box) for box in (account.token, account.refresh))
    place = PlatformAccount(
        account.base_url,
        account.account,
        world.surface,
        token,
        refresh,
        world.destination,
        world.title,
        name,
    )
    return LocalFakePlatform(place, world.clock, book, world.fake.accepted_posts)


def _open(box: Sealed | None) -> str:
    return box.box.decode() if box is not None else ""


@contextmanager
def _x(http: HttpClient) -> Iterator[LocalFakePlatform]:
    with x() as fake:
        yield _of(x_world.create_world(fake, http), fake.book)


@contextmanager
def _telegram(_http: HttpClient) -> Iterator[LocalFakePlatform]:
    with telegram_fake.network() as fake:
        bot = fake.world.bot("bench_bot")
        channel = fake.world.channel("Bench", username="bench", post=bot)
        place = PlatformAccount(
            fake.url,
            bot.username,
            "telegram.public_channel",
            bot.token,
            destination=str(channel.id),
        )
        yield LocalFakePlatform(place, fake.clock, fake.book, lambda: bot.wire)


@contextmanager
def _mastodon(http: HttpClient) -> Iterator[LocalFakePlatform]:
    with mastodon() as fake:
        yield _of(mastodon_world.create_world(fake, http), fake.book)


@contextmanager
def _bluesky(http: HttpClient) -> Iterator[LocalFakePlatform]:
    with bluesky() as fake:
        world = bluesky_world.create_world(fake, http)
        yield _of(world, fake.book, fake.repos[world.account.account].handle)


@contextmanager
def _reddit(http: HttpClient) -> Iterator[LocalFakePlatform]:
    with reddit() as fake:
        fake.limits.most = 10**9  # praw waits between requests as the rate limit headers require
        yield _of(reddit_world.create_world(fake, http), fake.book)


NETWORKS: Mapping[str, Callable[[HttpClient], AbstractContextManager[LocalFakePlatform]]] = {
    "x": _x,
    "telegram": _telegram,
    "mastodon": _mastodon,
    "bluesky": _bluesky,
    "reddit": _reddit,
}


@contextmanager
def network(name: str) -> Iterator[FakePlatform]:
    """Run a platform with an account until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.fake_platforms", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        asked, told = process.stdin, process.stdout
        if asked is None or told is None:
            raise RuntimeError("no pipes")

        def pass_time() -> ReceivedRequests:
            asked.write("\n")
            asked.flush()
            return ReceivedRequests(**json.loads(told.readline()))

        place = PlatformAccount(**json.loads(told.readline()))
        try:
            yield FakePlatform(place, pass_time)
        finally:
            process.kill()  # it has no state that is read later


def serve(name: str) -> None:
    """Print the account, then the counts for each line of input, until the input ends."""
    with closing(HttpClient()) as http, NETWORKS[name](http) as standing:
        _tell(asdict(standing.place))
        requests = 0
        for _ in sys.stdin:
            requests += len(standing.book.list_requests(after=requests))
            _tell({"requests": requests, "posts": len(standing.taken())})
            standing.clock.advance(PACE_SECONDS)


def _tell(told: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
