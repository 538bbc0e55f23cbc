"""A guest's look counts while they are nobody's other login; what is found out later undoes it."""

from typing import Any

import pytest

from foundation.database import OpenScope
from foundation.errors import Refused
from foundation.ids import uuid7
from gate import desk, inventing, log, minting, people
from gate.reasons import Reason
from gate.units import Rating
from tenants import reads, sightings
from tests.gate.builders import KEY, Step, World, invented, picture, unit, world
from tests.tenants import apps

HOME, CAFE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def house(tenant: OpenScope) -> World:
    """ann alone, and gus, seen in two places."""
    found = world(tenant, uuid7(), solo=True)
    seen(found, found.ann, HOME)
    seen(found, found.rob, CAFE)
    return found


def seen(house: World, member: Any, address: str) -> None:
    with house.scope() as scope:
        sightings.note(scope, apps.KEY, reads.member(scope, member), address=address, device="")


def nude(house: World) -> Any:
    with house.scope() as scope:
        medium = picture(scope, house, Rating.N, person=invented(scope, house))
        return minting.marked(scope, unit(house, media=(medium,)), line=str)


def judged(house: World, whole: Any) -> tuple[Reason, ...]:
    with house.scope() as scope:
        return tuple(minting.judge(scope, whole, author=f"member:{house.ann}").reasons)


@pytest.mark.parametrize("about", ["words", "bytes"])
def test_a_later_sighting_undoes_an_earlier_yes(house: World, about: str) -> None:
    whole = nude(house)
    assert judged(house, whole) == (Reason.REVIEW_MISSING,)
    with house.scope(f"member:{house.rob}") as scope:
        if about == "words":
            desk.review(scope, whole.digest(), verdict="approve")
        else:
            desk.review_bytes(scope, whole.media[0].sha256, verdict="approve")
    assert judged(house, whole) == ()
    seen(house, house.rob, HOME)
    assert judged(house, whole) == (Reason.REVIEWER_CONFLICT,)
    with house.scope() as scope, pytest.raises(minting.Denied):
        minting.mint(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")
    with house.scope() as scope:
        assert isinstance(log.verify(scope), log.Verified)


def test_a_guest_s_no_stays_a_no(house: World) -> None:
    whole = nude(house)
    judged(house, whole)
    with house.scope(f"member:{house.rob}") as scope:
        desk.review(scope, whole.digest(), verdict="refuse")
    seen(house, house.rob, HOME)
    assert Reason.REVIEW_REFUSED in judged(house, whole)


def test_nobody_declares_and_reviews_an_invention_with_two_logins(house: World) -> None:
    with house.scope() as scope:
        nova = people.add_person(scope, kind="synthetic", display_ref="Nova", creator_id=house.creator_id)
        principal = house.principal(scope, house.ann)
        declared = people.declare(scope, nova, source_digest="e" * 64, adult_licence=True, declared_by=principal)
    seen(house, house.rob, HOME)
    with house.scope(f"member:{house.rob}") as scope, pytest.raises(Refused, match=r"review\.own"):
        inventing.look(scope, nova, declared)
