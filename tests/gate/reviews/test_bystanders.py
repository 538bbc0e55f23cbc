"""Unrecognizable bystanders: proposed by one member, confirmed by another, never for the depicted
person."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.reviews import bystanders
from gate.reviews.bystanders import BystanderCount, BystandersJudged, BystandersProposed
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate import shoot_card_builders
from tests.gate.builders import World, asset_of, picture, real_person, world
from tests.gate.person_actions import member_scope, name_people, run_workers

WAITS = ("H", {Reason.PERSON_UNRESOLVED})


@pytest.fixture
def house(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def street(house: World, rating: Rating = Rating.G, *, seen: int = 2) -> tuple[Medium, UUID]:
    """Record a picture in which a classifier counted people."""
    with house.scope() as scope:
        medium = picture(scope, house, rating, people_seen=seen)
        return medium, asset_of(scope, medium)


def say(house: World, asset: UUID, count: int, *, member: UUID | None = None) -> None:
    with member_scope(house, member or house.ann) as scope:
        bystanders.propose_bystanders(scope, asset, count)
    run_workers(house)


def judge(
    house: World, asset: UUID, count: int, *, member: UUID | None = None, maker: str = ""
) -> None:
    with member_scope(house, member or house.rob) as scope:
        bystanders.confirm_bystanders(scope, asset, count, maker=maker)
    run_workers(house)


def test_confirmed_bystanders_allow_picture(house: World) -> None:
    medium, asset = street(house)
    assert shoot_card_builders.judge_post(house, medium) == WAITS
    say(house, asset, 2)
    assert shoot_card_builders.judge_post(house, medium) == WAITS, "one member is not enough"
    with house.scope() as scope:
        assert bystanders.list_pending_bystanders(scope, [house.creator_id]) == [
            BystanderCount(asset, house.creator_id, 2, f"member:{house.ann}", 0)
        ]
        assert bystanders.list_pending_bystanders(scope, [uuid7()]) == []
    judge(house, asset, 2)
    assert shoot_card_builders.judge_post(house, medium)[0] == "A"
    with house.scope() as scope:
        assert bystanders.list_pending_bystanders(scope, [house.creator_id]) == []
        assert bystanders.find_bystanders(scope, asset) == BystanderCount(
            asset, house.creator_id, 0, "", 2
        )


@pytest.mark.parametrize(
    ("rating", "verdict"), [(Rating.G, "A"), (Rating.S, "A"), (Rating.N, "B"), (Rating.E, "B")]
)
def test_bystanders_next_to_named_person_are_allowed_up_to_suggestive(
    house: World, rating: Rating, verdict: str
) -> None:
    medium, asset = street(house, rating)
    with house.scope() as scope:
        ida = real_person(scope)
    name_people(house, medium, ida)
    assert shoot_card_builders.judge_post(house, medium) == (
        "B" if rating.rank >= Rating.N.rank else "H",
        {Reason.PERSON_UNRESOLVED},
    )
    say(house, asset, 1)
    judge(house, asset, 1)
    found = shoot_card_builders.judge_post(house, medium)
    assert found[0] == verdict
    assert (Reason.PERSON_UNRESOLVED in found[1]) == (verdict == "B")


def test_suggestive_picture_requires_named_person(house: World) -> None:
    medium, asset = street(house, Rating.S, seen=1)
    say(house, asset, 1)
    judge(house, asset, 1)
    assert Reason.PERSON_UNRESOLVED in shoot_card_builders.judge_post(house, medium)[1], (
        "a suggestive picture depicts a person"
    )


def test_fewer_bystanders_than_counted_hold_picture(house: World) -> None:
    medium, asset = street(house, seen=3)
    say(house, asset, 2)
    judge(house, asset, 2)
    assert shoot_card_builders.judge_post(house, medium) == WAITS


def test_proposer_and_uploader_cannot_confirm_bystanders(house: World) -> None:
    _, asset = street(house)
    say(house, asset, 1)
    for member, maker in ((house.ann, ""), (house.rob, f"member:{house.rob}")):
        with member_scope(house, member) as scope, pytest.raises(Refused, match=r"review\.own"):
            bystanders.confirm_bystanders(scope, asset, 1, maker=maker)
    with house.scope("system:test") as scope, pytest.raises(Refused, match="people_only"):
        bystanders.confirm_bystanders(scope, asset, 1, maker="")
    with member_scope(house, house.rob) as scope, pytest.raises(BadInput, match="changed"):
        bystanders.confirm_bystanders(scope, asset, 2, maker="")


def test_recognized_bystander_withdraws_confirmation(house: World) -> None:
    medium, asset = street(house)
    for count in (2, 0):
        say(house, asset, 2)
        judge(house, asset, count)
    assert shoot_card_builders.judge_post(house, medium) == WAITS, (
        "the earlier confirmation no longer counts"
    )
    with member_scope(house, house.rob) as scope, pytest.raises(NotFound, match="unnamed"):
        bystanders.confirm_bystanders(scope, asset, 0, maker="")


def test_invalid_bystander_proposal_is_refused(house: World) -> None:
    _, asset = street(house)
    other = world(house.open, uuid7())
    for count in (0, -1, bystanders.MAX_BYSTANDERS + 1):
        with (
            member_scope(house, house.ann) as scope,
            pytest.raises(BadInput, match=r"bystanders\.count"),
        ):
            bystanders.propose_bystanders(scope, asset, count)
    with member_scope(other, other.ann) as scope, pytest.raises(NotFound):
        bystanders.propose_bystanders(scope, asset, 1)
    with house.scope() as scope:
        about = {"name": "Léo", "email": "leo@example.test", "language": "en", "zone": "UTC"}
        leo = agencies.add_member(scope, role=Role.CHATTER, **about)
    for ask in (
        lambda s: bystanders.propose_bystanders(s, asset, 1),
        lambda s: bystanders.confirm_bystanders(s, asset, 1, maker=""),
    ):
        with member_scope(house, leo) as scope, pytest.raises(Refused):
            ask(scope)


def test_failed_bystander_tasks_are_reported(house: World) -> None:
    """A member loses the right before the worker runs, or another member was faster."""
    medium, asset = street(house)
    say(house, asset, 2)
    once = BystandersJudged(house.tenant_id, asset, 2, "", f"member:{house.rob}")
    for _ in range(2):
        bystanders.handle_bystanders_judged(once, tenant=house.open)
    bystanders.handle_bystanders_proposed(
        BystandersProposed(house.tenant_id, uuid7(), 2, f"member:{house.ann}"), tenant=house.open
    )
    assert shoot_card_builders.judge_post(house, medium)[0] == "A", (
        "the second event changes nothing"
    )
    with house.scope() as scope:
        told = scope.run(
            "SELECT message ->> 'code' AS code FROM notices WHERE tenant_id = :t", t=house.tenant_id
        )
        assert sorted(told.scalars()) == ["asset.unknown", "person.unnamed"]
