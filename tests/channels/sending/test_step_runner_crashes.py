"""Crashes at every point: the platform accepts the post at most once, and finally exactly once."""

import random

import pytest

from connectors.contract.outcomes import Published
from foundation.db.database import Database
from tests.channels.builders import Clockwork, Killed, World, world
from tests.fakes.sandbox import RunningSandbox


def die_at(lea: World, at: int | None, body: str, pictures: int) -> None:
    """Publish with a crash at this point, then recover in a live process."""
    unit = lea.unit(body, pictures=pictures)
    lea.clockwork = Clockwork(at)
    try:
        lea.publish(unit)
    except Killed:
        assert lea.posts().count(body) <= 1
    lea.clockwork = Clockwork()
    assert isinstance(lea.recover(unit), Published)
    assert lea.posts().count(body) == 1


def points(lea: World, pictures: int) -> int:
    """Return the number of points in a whole publication."""
    lea.clockwork = Clockwork()
    lea.publish(lea.unit("counted", pictures=pictures))
    return lea.clockwork.passed


def test_crash_at_any_point_publishes_once(lea: World) -> None:
    total = points(lea, pictures=1)
    assert total >= 19
    for at in range(total):
        die_at(lea, at, f"died at {at}", pictures=1)


def test_crash_at_any_point_publishes_once_with_idempotency_keys(
    database: Database, sandbox: RunningSandbox
) -> None:
    lea = world(database, sandbox, "keys", keys=True)
    for at in range(points(lea, pictures=0)):
        die_at(lea, at, f"died at {at}", pictures=0)


@pytest.mark.parametrize("seed", range(12))
def test_random_crashes_and_faults_publish_once(lea: World, seed: int) -> None:
    """Several crashes of several workers while the platform loses responses, with lookups in
    between."""
    chance = random.Random(seed)
    unit = lea.unit(f"seed {seed}", pictures=chance.randrange(3))
    for _ in range(chance.randrange(1, 5)):
        mode = chance.choice(
            ["reset_after", "reset_before", "status:503", "status:503_after", "garbage", ""]
        )
        if mode:
            lea.network.fault(mode, account=lea.account, on=chance.choice(["posts", "files", "*"]))
        lea.clockwork = Clockwork(chance.randrange(26))
        try:
            lea.recover(unit) if chance.random() < 0.5 else lea.arm(unit, braked=True)
        except Killed:
            continue
    lea.network.clear()
    lea.clockwork = Clockwork()
    assert isinstance(lea.recover(unit), Published)
    assert lea.posts().count(f"seed {seed}") == 1
