"""Token renewal: before expiry, one at a time, and without losing a post or the account."""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from channels.accounts import credentials
from channels.accounts.states import ChannelState
from channels.connections.token_renewal import MAX_RENEWAL_DELAY
from channels.limits import send_limits
from connectors.contract.connector import RenewedTokens
from connectors.contract.outcomes import Published, Retry
from foundation.db.database import Database
from foundation.sealed import Sealed
from tests.channels.bluesky_builders import BlueskyWorld
from tests.channels.bluesky_builders import bluesky_world as made
from tests.channels.builders import Clockwork, Killed
from tests.fakes.bluesky.server import FakeBluesky, bluesky

AT_80_PERCENT = 0.8 * 7200 + 1
LEASE = credentials.RENEWAL_LEASE.total_seconds()


@pytest.fixture(scope="module")
def running() -> Iterator[FakeBluesky]:
    with bluesky() as server:
        yield server


@pytest.fixture
def server(running: FakeBluesky) -> Iterator[FakeBluesky]:
    yield running
    running.book.clear_faults()
    running.sessions.grace = timedelta(hours=2)


@pytest.fixture
def mia(database: Database, server: FakeBluesky) -> BlueskyWorld:
    return made(database, server)


def shown(mia: BlueskyWorld) -> Counter[str]:
    """Return how often each refresh token of the account was received."""
    known = mia.server.sessions.refresh
    return Counter(
        token
        for token in mia.server.sessions.shown
        if token in known and known[token].did == mia.repo.did
    )


def works(mia: BlueskyWorld, body: str) -> None:
    """Check that a post is published with the account's current state."""
    assert isinstance(mia.publish(mia.unit(body)), Published)
    assert mia.texts().count(body) == 1


def test_token_is_renewed_at_80_percent_of_its_lifetime(mia: BlueskyWorld) -> None:
    assert mia.due() == 0
    assert mia.renew() is None
    assert not shown(mia), "a row that is early does nothing"
    mia.pass_time(AT_80_PERCENT)
    assert mia.due() == mia.due() == 1
    assert len(mia.rows()) == 1, "repeated ticks write one row"
    before = mia.channel()
    assert mia.renew() is None
    after = mia.channel()
    assert (after.generation, after.state) == (before.generation + 1, ChannelState.ACTIVE)
    assert after.token != before.token
    assert after.refresh != before.refresh
    assert after.expires_at is not None
    assert before.expires_at is not None
    assert timedelta(minutes=90) < after.expires_at - before.expires_at < timedelta(minutes=97)
    assert mia.due() == 0
    works(mia, "after")


def test_refused_token_is_renewed_and_the_post_published(mia: BlueskyWorld) -> None:
    mia.connect(lifetime=timedelta(hours=9))  # longer than its real lifetime
    mia.pass_time(7300)
    unit = mia.unit("refused first")
    first = mia.publish(unit)
    assert isinstance(first, Retry)
    assert first.reason.code == "channel.renewing"
    assert len(mia.rows()) == 1
    waits = mia.publish(unit)
    assert isinstance(waits, send_limits.SendingBlock), (
        "nothing more is sent with a token known to be dead"
    )
    assert mia.renew() is None
    assert isinstance(mia.publish(unit), Published)
    assert mia.texts() == ["refused first"]
    assert mia.channel().state == ChannelState.ACTIVE


def test_expired_token_is_never_sent(mia: BlueskyWorld) -> None:
    mia.pass_time(7300)
    asked = len(mia.server.book.list_requests())
    assert isinstance(mia.publish(mia.unit("late")), send_limits.SendingBlock)
    assert len(mia.server.book.list_requests()) == asked
    assert mia.due() == 1
    assert mia.renew() is None
    works(mia, "late")


def test_refused_new_token_requires_reauthorization(mia: BlueskyWorld) -> None:
    mia.server.sessions.revoke(mia.repo.did)
    assert isinstance(mia.publish(mia.unit("revoked")), Retry)
    assert mia.renew() is None, "the refresh token is refused too"
    assert mia.channel().state == ChannelState.REAUTHORIZE
    mia.connect()
    works(mia, "again")


def test_refused_renewal_requires_reauthorization(mia: BlueskyWorld) -> None:
    mia.server.sessions.revoke(mia.repo.did)
    mia.pass_time(AT_80_PERCENT)
    assert mia.renew() is None
    channel = mia.channel()
    assert channel.state == ChannelState.REAUTHORIZE
    assert channel.reason is not None
    assert mia.renew() is None
    assert mia.due() == 0, "a dead account is not renewed"


def test_account_taken_down_is_gone(mia: BlueskyWorld) -> None:
    mia.pass_time(AT_80_PERCENT)
    mia.repo.state = "takendown"
    assert mia.renew() is None
    assert mia.channel().state == ChannelState.GONE


@pytest.mark.parametrize("mode", ["reset_before", "status:503", "status:429", "status:502"])
def test_platform_fault_loses_no_account(mia: BlueskyWorld, mode: str) -> None:
    mia.pass_time(AT_80_PERCENT)
    mia.server.book.schedule_fault(mode, on="refreshes", times=3)
    for _ in range(3):
        again = mia.renew()
        assert again is not None
        mia.pass_time(again + 1)
    while (again := mia.renew()) is not None:
        mia.pass_time(again + 1)
    assert mia.channel().state == ChannelState.ACTIVE
    works(mia, mode)


@pytest.mark.parametrize("mode", ["reset_after", "garbage", "accept_then_hang"])
def test_lost_response_reuses_the_refresh_token_once(mia: BlueskyWorld, mode: str) -> None:
    """Within its grace period the server returns the same successor."""
    mia.pass_time(AT_80_PERCENT)
    mia.server.book.schedule_fault(mode, on="refreshes", seconds=0.2)
    assert mia.renew() == 10.0
    mia.pass_time(11)
    assert mia.renew() is None
    assert set(shown(mia).values()) == {2}
    assert mia.channel().state == ChannelState.ACTIVE
    works(mia, "found again")


def test_lost_response_without_grace_requires_reauthorization(mia: BlueskyWorld) -> None:
    mia.server.sessions.grace = timedelta(0)
    mia.pass_time(AT_80_PERCENT)
    mia.server.book.schedule_fault("reset_after", on="refreshes")
    assert mia.renew() == 10.0
    mia.pass_time(11)
    assert mia.renew() is None
    assert max(shown(mia).values()) == 2, "reused once, not repeatedly"
    assert mia.channel().state == ChannelState.REAUTHORIZE


def test_concurrent_workers_renew_once(mia: BlueskyWorld) -> None:
    mia.pass_time(AT_80_PERCENT)
    mia.server.book.schedule_fault("drip", on="refreshes", seconds=0.4)
    ends: list[float | None] = []
    threads = [threading.Thread(target=lambda: ends.append(mia.renew())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ends) == 6
    assert sum(shown(mia).values()) == 1
    assert mia.channel().generation == 2
    works(mia, "once")


def test_crashed_renewal_is_taken_over_after_its_lease(mia: BlueskyWorld) -> None:
    """Crash at every point: the account stays active, and a post is published."""
    mia.pass_time(AT_80_PERCENT)
    mia.clockwork = Clockwork()
    mia.renew()
    for at in range(mia.clockwork.passed):
        mia.clockwork = Clockwork()
        mia.connect()
        mia.pass_time(AT_80_PERCENT)
        mia.clockwork = Clockwork(at)
        with pytest.raises(Killed):
            mia.renew()
        mia.clockwork = Clockwork()
        again = mia.renew()
        if again is not None:
            assert again <= LEASE
            mia.pass_time(again + 1)
            assert mia.renew() is None
        assert mia.channel().state == ChannelState.ACTIVE
        works(mia, f"died at {at}")
    assert max(shown(mia).values()) == 2


def test_reconnection_during_renewal_wins(mia: BlueskyWorld) -> None:
    mia.pass_time(AT_80_PERCENT)
    with mia.scope() as scope:
        claim = credentials.claim_renewal(scope, mia.channel_id)
        assert claim is not None
        assert credentials.claim_renewal(scope, mia.channel_id) is None
    mia.connect()
    late = RenewedTokens(Sealed(b"too late"), Sealed(b"too late"), timedelta(hours=2))
    with mia.scope() as scope:
        assert credentials.release_renewal(scope, claim) is None
        assert not credentials.store_renewed_tokens(scope, claim, late)
    assert mia.channel().generation == 2
    works(mia, "mine")


def test_each_vanished_worker_counts_as_a_failed_renewal(mia: BlueskyWorld) -> None:
    """It may have used the refresh token, but only the platform's answer proves that."""
    mia.pass_time(AT_80_PERCENT)
    counts = []
    for _ in range(4):
        with mia.scope() as scope:
            claim = credentials.claim_renewal(scope, mia.channel_id)
            assert claim is not None
            counts.append(claim.failures)
        mia.pass_time(LEASE + 1)
    assert counts == [0, 1, 2, 3]
    assert mia.renew() is None
    assert mia.channel().state == ChannelState.ACTIVE
    works(mia, "renewed at last")


def test_delays_grow_up_to_five_minutes_and_the_connection_outlasts_an_outage(
    mia: BlueskyWorld,
) -> None:
    """Five hours without the token server. The delays start again after a success."""
    mia.pass_time(AT_80_PERCENT)
    mia.server.book.schedule_fault("status:503", on="refreshes", times=60)
    delays = []
    for _ in range(60):
        again = mia.renew()
        assert again is not None
        delays.append(again)
        mia.pass_time(again)
    assert delays == sorted(delays)
    assert delays[-1] == MAX_RENEWAL_DELAY.total_seconds()
    assert mia.renew() is None
    assert mia.channel().state == ChannelState.ACTIVE
    works(mia, "after the outage")


def test_token_refused_before_a_crash_is_renewed(mia: BlueskyWorld) -> None:
    """The refusal was stored, but the worker crashed before acting on it; at every point of a
    publication."""
    for at in range(12):
        mia.connect(lifetime=timedelta(hours=9))  # longer than its real lifetime
        mia.pass_time(7300)
        unit = mia.unit(f"refused and killed at {at}")
        mia.clockwork = Clockwork(at)
        with contextlib.suppress(Killed):
            mia.publish(unit)
        mia.clockwork = Clockwork()
        ends = []
        for _ in range(5):
            mia.pass_time(61)
            mia.look(unit)
            mia.renew()
            ends.append(mia.publish(unit))
        assert isinstance(ends[-1], Published), ends
        assert mia.texts().count(unit.text_of("body")) == 1
    assert mia.channel().state == ChannelState.ACTIVE


@pytest.mark.parametrize("seed", range(16))
def test_random_faults_crashes_and_workers_lose_nothing(mia: BlueskyWorld, seed: int) -> None:
    """In the end the account is active, its stored tokens work, and each post is published once."""
    chance = random.Random(seed)
    posts = [mia.unit(f"{seed}.{number}") for number in range(3)]
    for _ in range(chance.randrange(6, 14)):
        match chance.randrange(5):
            case 0:
                mia.pass_time(chance.choice([3, 50, 600, 5000]))
            case 1:
                mode = chance.choice(
                    ["reset_after", "reset_before", "garbage", "status:503", "status:503_after"]
                )
                mia.server.book.schedule_fault(mode, on="refreshes")
            case 2:
                mia.due()
            case 3:
                mia.clockwork = Clockwork(chance.randrange(9) if chance.random() < 0.5 else None)
                with contextlib.suppress(Killed):
                    mia.renew()
                mia.clockwork = Clockwork()
            case 4:
                mia.publish(chance.choice(posts))
    mia.server.book.clear_faults()
    for post in posts:
        for _ in range(6):
            if isinstance(mia.publish(post), Published):
                break
            again = mia.renew()
            mia.pass_time((again or 2) + 1)
    assert mia.channel().state == ChannelState.ACTIVE
    assert sorted(mia.texts()) == sorted(post.text_of("body") for post in posts)
