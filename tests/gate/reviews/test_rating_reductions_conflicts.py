"""Rating reductions with other tenants, concurrent requests, later ratings, and related pictures."""

from contextlib import suppress
from threading import Barrier, Thread
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate.assets import asset_records
from gate.contract.facts import parse_snapshot
from gate.contract.units import Medium, Rating
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.ratings import ratings
from gate.reviews import rating_reductions
from tests.gate.builders import KEY, Step, World, asset_of, picture, synthetic_person, unit, world
from tests.gate.reviews.test_rating_reductions import (
    WHY,
    ask,
    guest,
    lowered,
    met,
    rating,
    say,
    see,
    shot,
    work,
)


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def test_another_tenant_cannot_see_or_lower_rating(house: World, tenant: OpenScope) -> None:
    other, medium = world(tenant, uuid7()), shot(house)
    wish = ask(house, house.ann, medium)
    with other.scope(f"member:{other.rob}") as scope:
        assert not rating_reductions.list_lowering_requests(scope, {house.creator_id})
        with pytest.raises(NotFound):
            rating_reductions.vote_on_lowering(scope, wish, agree=True, why=WHY)
    work(other, wish)
    with other.scope(f"member:{other.ann}") as scope, pytest.raises(NotFound):
        rating_reductions.request_lowering(
            scope, uuid7(), medium.sha256, Rating.S, why=WHY, maker=None
        )
    assert rating(house, medium) is Rating.N


def test_concurrent_requests_and_votes_apply_once(house: World) -> None:
    medium = shot(house)
    see(house, house.ann, medium)
    see(house, house.rob, medium)
    gate, got = Barrier(2), list[str]()

    def one(member: UUID, wanted: Rating) -> None:
        gate.wait()
        with suppress(GreenroomError):
            ask(house, member, medium, wanted)
            got.append(str(wanted))

    threads = [
        Thread(target=one, args=each) for each in ((house.ann, Rating.S), (house.rob, Rating.G))
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(got) == 1
    with house.scope() as scope:
        (wish,) = rating_reductions.list_lowering_requests(scope, {house.creator_id})
    gate_settled = Barrier(2)
    for name in ("gus", "eve"):
        see(house, found := guest(house, name), medium)
        with house.scope(f"member:{found}") as scope:
            rating_reductions.vote_on_lowering(scope, wish.id, agree=True, why=WHY)

    def settle() -> None:
        gate_settled.wait()
        work(house, wish.id)

    threads = [Thread(target=settle) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with house.scope() as scope:
        done = scope.run(
            "SELECT count(*) FROM content_ratings WHERE source LIKE 'lowering:%'"
        ).scalar_one()
    assert (done, str(rating(house, medium))) == (1, got[0])


def test_reduction_is_skipped_after_new_rating(house: World) -> None:
    medium = shot(house)
    wish = ask(house, house.ann, medium)
    gus, eve = guest(house, "gus"), guest(house, "eve")
    for each in (gus, eve):
        see(house, each, medium)
        with house.scope(f"member:{each}") as scope:
            rating_reductions.vote_on_lowering(scope, wish, agree=True, why=WHY)
    with house.scope() as scope:
        ratings.record_rating(scope, medium.sha256, Rating.E, source=f"member:{house.rob}")
    work(house, wish)
    assert rating(house, medium) is Rating.E


def test_derivatives_follow_lowered_source(house: World) -> None:
    source = shot(house)
    with house.scope() as scope:
        derived = picture(
            scope,
            house,
            Rating.G,
            parent=asset_of(scope, source),
            person=synthetic_person(scope, house),
        )
        sibling = Medium("5" * 64, "image/jpeg", 1000)
        asset_records.record_rendition(
            scope,
            asset_of(scope, source),
            sha256=sibling.sha256,
            mime="image/jpeg",
            size=1000,
            width=10,
            height=10,
            profile="other",
        )
        ratings.record_rating(scope, sibling.sha256, Rating.S, source="classifier@1")
    assert (rating(house, derived), rating(house, sibling)) == (Rating.S, Rating.N)
    with pytest.raises(Refused, match="family"):
        ask(house, house.ann, derived, Rating.G)
    lowered(house, source, Rating.G)
    assert (rating(house, source), rating(house, derived), rating(house, sibling)) == (
        Rating.S,
        Rating.S,
        Rating.S,
    )
    say(house, house.rob, sibling, ask(house, house.ann, sibling, Rating.G))
    assert (rating(house, source), rating(house, derived), rating(house, sibling)) == (
        Rating.G,
        Rating.G,
        Rating.G,
    )


def test_repeated_reductions_are_undone_step_by_step(house: World) -> None:
    medium = shot(house, Rating.E)
    lowered(house, medium, Rating.S)
    gus = guest(house, "zoe")
    say(house, gus, medium, ask(house, house.ann, medium, Rating.G))
    assert rating(house, medium) is Rating.G
    met(house, house.ann, gus)
    assert rating(house, medium) is Rating.S


def test_later_raise_counts_and_decision_replays(house: World) -> None:
    medium = shot(house)
    lowered(house, medium)
    with house.scope() as scope:
        whole = issuance.with_required_marks(scope, unit(house, media=(medium,)), line=str)
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")
    with house.scope() as scope:
        stored = scope.run(
            "SELECT snapshot FROM decision_inputs ORDER BY id DESC LIMIT 1"
        ).scalar_one()
        assert parse_snapshot(stored).media[0].rating is Rating.S
        assert len(parse_snapshot(stored).media[0].lowered_by) == 2
        ratings.record_rating(scope, medium.sha256, Rating.E, source=f"member:{house.rob}")
    assert rating(house, medium) is Rating.E
    with pytest.raises(PermitDenied), house.scope() as scope:
        issuance.mint_permit(
            scope, unit(house, media=(medium,)), Step(), key=KEY, author=f"member:{house.ann}"
        )


def test_reduction_request_is_listed_and_cannot_be_changed(house: World) -> None:
    medium = shot(house)
    wish = ask(house, house.ann, medium)
    with house.open(house.tenant_id, "system:test", role="app") as scope, suppress(Exception):
        scope.run("UPDATE lowerings SET drawn = 'S'")
    with house.scope() as scope:
        (found,) = rating_reductions.list_lowering_requests(scope, {house.creator_id})
    assert (found.drawn, found.agreed, found.needed, found.why) == (Rating.N, 0, 2, WHY)
    assert found.allowed == {house.rob}
    del wish
