"""The invariants find violations that are planted in a good day."""

import random
from urllib.parse import quote

import pytest

from foundation.db.database import Scope
from foundation.ids import uuid7
from tests.chaos.adversary import FaultInjector
from tests.chaos.conftest import SLOWEST_SECONDS, Rooms
from tests.chaos.invariants import fail_on_findings, find_violations
from tests.chaos.recovery import Recovery
from tests.chaos.world import World, build_world
from tests.conftest import Late


def say_again(world: World) -> str:
    """Post the text of one of our posts again from outside, and return it."""
    intent = next(one for one in world.intents if one.place.kind == "plain" and not one.media)
    body = {"key": intent.key, "text": intent.text}
    world.house.ask("POST", f"/api/{intent.place.account}/posts", body, token=intent.place.token)
    return intent.text


def write_to_a_fan(world: World) -> str:
    """Send a message without a draft and return its key."""
    fan = world.fans[0]
    path = f"/api/{quote(fan.place.account, safe='')}/chats/{fan.name}/messages"
    world.house.ask("POST", path, {"key": "nobody", "text": "coucou"}, token=fan.place.token)
    return "nobody"


def spoil(world: World, statement: str) -> str:
    """Change the database directly for the first delivery and return its ID."""
    intent = world.intents[0]

    def change(scope: Scope) -> None:
        scope.run(
            statement, **{"tenant": scope.tenant_id, "id": intent.delivery_id, "row": uuid7()}
        )

    world.house.read(intent.place.tenant_id, change)
    return str(intent.delivery_id)


pytestmark = pytest.mark.timeout(SLOWEST_SECONDS)


@pytest.mark.parametrize(("found", "came_back", "expected"), [
    ("lea: 'hello' is [], and known as []: delivery 1 publishing", False, Late),
    ("lea: 'hello' is [], and known as []: delivery 1 publishing", True, AssertionError),
    ("lea: 'hello' is ['p1', 'p2'], and known as ['p1']: delivery 1 published", False, AssertionError),
    ("draft 1 is uncertain, and arrived 0 times; told: []", False, Late),
    ("draft 1 is sent, and arrived 2 times; told: []", False, AssertionError),
    ("lea: nobody asked for p3", False, AssertionError),
])  # fmt: skip
def test_slow_recovery_raises_late_and_repeated_actions_fail(
    found: str, came_back: bool, expected: type[AssertionError]
) -> None:
    with pytest.raises(AssertionError) as failed:
        fail_on_findings([found], "the story", came_back=came_back)
    assert failed.type is expected


STUCK = "UPDATE deliveries SET state = 'publishing' WHERE tenant_id = :tenant AND id = :id"
DEAD = (
    "INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, holds_lane, "
    "priority, available_at,"
    " state, tries, trace_id) VALUES (:tenant, :row, 'planted', 1, :id, '{}', 'make', false, 5, "
    "house_now(), 'dead',"
    " 5, '')"
)
LOST = "UPDATE payments SET charge_id = charge_id || '-x' WHERE tenant_id = :tenant"


def test_planted_violations_are_found(in_house: Rooms) -> None:
    house = in_house()
    logged = dict(house.logs())
    world = build_world(house, 0, random.Random(0))
    Recovery(world, FaultInjector(house), ()).come()
    assert find_violations(world, logged) == []
    text, key = say_again(world), write_to_a_fan(world)
    stuck, _, _ = spoil(world, STUCK), spoil(world, DEAD), spoil(world, LOST)
    found = "\n".join(find_violations(world, logged))
    world.retire()
    for words in (
        f"{text!r} is [",
        "left 1 times under 0 permits",
        f"message {key} arrived 1 times",
        f"delivery {stuck} ends as publishing",
        "a row of planted is dead",
        "-x': 1",
    ):
        assert words in found, found
