"""Rating reductions: the required number of other members, each a different human, and never for
prohibited content."""

from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.assets import viewings
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.permits import issuance
from gate.ratings import inspections, ratings
from gate.reviews import content_reviews, rating_reductions
from gate.reviews.rating_reductions import LoweringVoted
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints
from tests.gate.builders import KEY, Step, World, asset_of, picture, synthetic_person, unit, world
from tests.tenants import totp_app

WHY = "It is a swimsuit at the pool."
HOME = "203.0.113.7"


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def guest(house: World, name: str) -> UUID:
    with house.scope() as scope:
        return agencies.add_member(
            scope,
            name=name,
            email=f"{name}@example.test",
            role=Role.GUEST,
            language="en",
            zone="UTC",
            creators=("mia",),
        )


def shot(house: World, rating: Rating = Rating.N, **about: Any) -> Medium:
    with house.scope() as scope:
        return picture(scope, house, rating, person=synthetic_person(scope, house), **about)


def see(house: World, member: UUID, medium: Medium) -> None:
    with house.scope(f"member:{member}") as scope:
        viewings.record_viewing(scope, queries.get_member(scope, member), medium.sha256)


def ask(
    house: World, member: UUID, medium: Medium, wanted: Rating = Rating.S, maker: UUID | None = None
) -> UUID:
    see(house, member, medium)
    with house.scope(f"member:{member}") as scope:
        return rating_reductions.request_lowering(
            scope, asset_of(scope, medium), medium.sha256, wanted, why=WHY, maker=maker
        )


def say(house: World, member: UUID, medium: Medium, wish: UUID, *, agree: bool = True) -> None:
    see(house, member, medium)
    with house.scope(f"member:{member}") as scope:
        rating_reductions.vote_on_lowering(
            scope, wish, agree=agree, why="I agree: nothing is visible."
        )
    work(house, wish)


def work(house: World, wish: UUID) -> None:
    """Run the workers for this request."""
    rating_reductions.handle_lowering_vote(LoweringVoted(house.tenant_id, wish), tenant=house.open)


def rating(house: World, medium: Medium) -> Rating | None:
    with house.scope() as scope:
        return ratings.effective_rating(scope, medium.sha256)


def epoch(house: World, medium: Medium) -> int:
    with house.scope() as scope:
        key = f"{house.tenant_id}:asset:{asset_of(scope, medium)}"
        return int(
            scope.run(
                "SELECT coalesce(max(value), 0) FROM epochs WHERE key = :key", key=key
            ).scalar_one()
        )


def lowered(house: World, medium: Medium, wanted: Rating = Rating.S) -> UUID:
    """Request a reduction as Ann, with two guests who agree."""
    wish = ask(house, house.ann, medium, wanted)
    for name in ("gus", "eve"):
        say(house, guest(house, name), medium, wish)
    return wish


def test_two_members_lower_rating_and_history_remains(house: World) -> None:
    medium = shot(house)
    before = epoch(house, medium)
    wish = ask(house, house.ann, medium)
    say(house, guest(house, "gus"), medium, wish)
    assert rating(house, medium) is Rating.N, "one vote is not enough"
    say(house, guest(house, "eve"), medium, wish)
    assert rating(house, medium) is Rating.S
    assert epoch(house, medium) > before
    with house.scope() as scope:
        kept = scope.run(
            "SELECT count(*) FROM content_ratings WHERE sha256 = :s", s=medium.sha256
        ).scalar_one()
        said = (
            scope.run("SELECT reason FROM human_reviews WHERE about = 'lowering'").scalars().all()
        )
        whole = issuance.with_required_marks(scope, unit(house, media=(medium,)), line=str)
        assert issuance.judge_unit(scope, whole, author=f"member:{house.ann}").is_allowed, (
            "Suggestive content needs no review"
        )
        assert not rating_reductions.list_lowering_requests(scope, {house.creator_id})
    assert kept == 2
    assert [Message.from_json(one).params["words"] for one in said] == [
        "I agree: nothing is visible."
    ] * 2


@pytest.mark.parametrize(("drawn", "wanted"), [(Rating.S, Rating.G)])
def test_one_vote_is_enough_from_suggestive(house: World, drawn: Rating, wanted: Rating) -> None:
    medium = shot(house, drawn)
    wish = ask(house, house.ann, medium, wanted)
    say(house, house.rob, medium, wish)
    assert rating(house, medium) is wanted


def test_requester_and_their_second_login_cannot_agree(house: World) -> None:
    medium = shot(house, Rating.S)
    wish = ask(house, house.ann, medium, Rating.G)
    with pytest.raises(Refused, match="LOWERING"):
        say(house, house.ann, medium, wish)
    with house.scope() as scope:
        member = queries.get_member(scope, house.ann)
        again = agencies.add_member(
            scope,
            name="ann",
            email="ann2@example.test",
            role=Role.MANAGER,
            language="en",
            zone="UTC",
        )
        scope.run(
            "UPDATE members SET principal_id = :p WHERE id = :id", p=member.principal_id, id=again
        )
    with pytest.raises(Refused, match="LOWERING"):
        say(house, again, medium, wish)
    assert rating(house, medium) is Rating.S


def test_same_human_votes_once(house: World) -> None:
    medium = shot(house)
    wish = ask(house, house.ann, medium)
    gus = guest(house, "gus")
    say(house, gus, medium, wish)
    with pytest.raises(Refused, match="LOWERING"):
        say(house, gus, medium, wish)
    with house.scope() as scope:  # written directly, as the app role may
        scope.run(
            "INSERT INTO human_reviews (tenant_id, id, about, digest, principal_id, verdict, "
            "seen_percent)"
            " VALUES (:tenant, :id, 'lowering', :wish, :principal, 'approve', 100)",
            tenant=house.tenant_id,
            id=uuid7(),
            wish=str(wish),
            principal=house.principal(scope, gus),
        )
    work(house, wish)
    assert rating(house, medium) is Rating.N
    say(house, house.rob, medium, wish)
    assert rating(house, medium) is Rating.S


@pytest.mark.parametrize("how", ["maker", "reviewed", "rated"])
def test_maker_reviewer_and_rater_cannot_agree(house: World, how: str) -> None:
    medium = shot(house, Rating.S)
    with house.scope() as scope:
        rob = house.principal(scope, house.rob)
    if how == "reviewed":
        with house.scope(f"member:{house.rob}") as scope:
            content_reviews.review_bytes(scope, medium.sha256, verdict="approve")
    if how == "rated":
        with house.scope() as scope:
            ratings.record_rating(scope, medium.sha256, Rating.S, source=f"member:{house.rob}")
    wish = ask(house, house.ann, medium, Rating.G, maker=rob if how == "maker" else None)
    with pytest.raises(Refused, match="LOWERING"):
        say(house, house.rob, medium, wish)
    say(house, guest(house, "eve"), medium, wish)
    assert rating(house, medium) is Rating.G


def met(house: World, one: UUID, other: UUID) -> None:
    with house.scope() as scope:
        for each in (one, other):
            device_fingerprints.record_device(
                scope, totp_app.KEY, queries.get_member(scope, each), address=HOME, device=""
            )


def test_guest_linked_to_requester_does_not_count(house: World) -> None:
    medium = shot(house)
    gus, eve, zoe = (guest(house, name) for name in ("gus", "eve", "zoe"))
    wish = ask(house, house.ann, medium)
    met(house, house.ann, zoe)
    with pytest.raises(Refused, match="LOWERING"):
        say(house, zoe, medium, wish)
    for each in (gus, eve):
        say(house, each, medium, wish)
    assert rating(house, medium) is Rating.S
    met(house, house.ann, gus)  # a later fingerprint invalidates the earlier vote
    assert rating(house, medium) is Rating.N


def test_void_reduction_is_reported_and_can_be_requested_again(house: World) -> None:
    medium = shot(house)
    gus, eve = guest(house, "gus"), guest(house, "eve")
    wish = ask(house, house.ann, medium)
    for each in (gus, eve):
        say(house, each, medium, wish)
    met(house, house.ann, gus)
    with house.scope() as scope:
        whole = issuance.with_required_marks(
            scope, unit(house, media=(medium,), surface="sandbox.profile"), line=str
        )
        assert (
            Reason.RATING_LOWERING_INVALID
            in issuance.judge_unit(scope, whole, author=f"member:{house.ann}").reasons
        )
    again = ask(house, house.ann, medium)
    for each in (house.rob, guest(house, "zoe")):
        say(house, each, medium, again)
    assert rating(house, medium) is Rating.S


def test_prohibited_rating_cannot_be_lowered(house: World) -> None:
    medium = shot(house, Rating.X)
    with pytest.raises(Refused, match="LOWERING"):
        ask(house, house.ann, medium)
    later = shot(house)
    wish = ask(house, house.ann, later)
    say(house, house.rob, later, wish)
    with house.scope() as scope:
        ratings.record_rating(
            scope, later.sha256, Rating.X, source="classifier@1", reason=Message("prohibited.minor")
        )
    with pytest.raises(Conflict):
        say(house, guest(house, "eve"), later, wish)
    work(house, wish)
    assert rating(house, later) is Rating.X


def test_prohibited_rating_ignores_stored_reduction(house: World) -> None:
    medium = shot(house)
    wish = lowered(house, medium)
    with house.scope() as scope:
        ratings.record_rating(scope, medium.sha256, Rating.X, source="classifier@1")
    with house.open(house.tenant_id, "system:test", role="gate") as scope:
        scope.run(
            "INSERT INTO lowered_ratings (tenant_id, id, rating_id, lowering_id)"
            " SELECT tenant_id, gen_random_uuid(), id, :wish FROM content_ratings WHERE rating = "
            "'X'",
            wish=wish,
        )
    assert rating(house, medium) is Rating.X


def test_classifier_above_lowered_rating_holds_once(house: World) -> None:
    medium = shot(house)
    lowered(house, medium)
    with house.scope() as scope:
        inspections.record_classifier_finding(
            scope, medium.sha256, source="classifier:one@1", rating=Rating.N
        )
    whole = unit(house, media=(medium,))

    def reasons() -> tuple[Reason, ...]:
        with house.scope() as scope:
            marked = issuance.with_required_marks(scope, whole, line=str)
            return tuple(issuance.judge_unit(scope, marked, author=f"member:{house.ann}").reasons)

    assert rating(house, medium) is Rating.N
    assert Reason.CLASSIFIER_CONFLICT in reasons()
    with house.scope(f"member:{house.rob}") as scope:
        content_reviews.review_bytes(scope, medium.sha256, verdict="approve")
    assert reasons() == ()
    with house.scope() as scope:  # a repeated finding of the same classifier is not reviewed again
        inspections.record_classifier_finding(
            scope, medium.sha256, source="classifier:one@1", rating=Rating.N
        )
    assert reasons() == ()


def test_voter_needs_review_to_publish_lowered_picture(house: World) -> None:
    medium = shot(house, Rating.S)
    wish = ask(house, house.ann, medium, Rating.G)
    say(house, house.rob, medium, wish)
    with house.scope() as scope:
        whole = issuance.with_required_marks(scope, unit(house, media=(medium,)), line=str)
        assert issuance.judge_unit(scope, whole, author=f"member:{house.rob}").reasons == (
            Reason.RATING_LOWERING_INVALID,
        )
    with house.scope(f"member:{guest(house, 'eve')}") as scope:
        content_reviews.review_unit(scope, whole.digest(), verdict="approve")
    with house.scope() as scope:
        assert issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.rob}")


@pytest.mark.parametrize(
    "author", ["", "member:0198c0de-0000-7000-8000-00000000000a"], ids=["unknown", "missing member"]
)
def test_unknown_author_may_be_voter(house: World, author: str) -> None:
    medium = shot(house, Rating.S)
    say(house, house.rob, medium, ask(house, house.ann, medium, Rating.G))
    with house.scope() as scope:
        whole = issuance.with_required_marks(scope, unit(house, media=(medium,)), line=str)
        assert (
            Reason.RATING_LOWERING_INVALID
            in issuance.judge_unit(scope, whole, author=author).reasons
        )
        assert issuance.judge_unit(scope, whole, author="system:bot").is_allowed


def test_guest_linked_to_author_invalidates_reduction(house: World) -> None:
    medium = shot(house, Rating.S)
    gus = guest(house, "gus")
    say(house, gus, medium, ask(house, house.ann, medium, Rating.G))
    with house.scope() as scope:
        whole = issuance.with_required_marks(scope, unit(house, media=(medium,)), line=str)
        assert issuance.judge_unit(scope, whole, author=f"member:{house.rob}").is_allowed
    met(house, house.rob, gus)
    with house.scope() as scope:
        assert (
            Reason.RATING_LOWERING_INVALID
            in issuance.judge_unit(scope, whole, author=f"member:{house.rob}").reasons
        )


def test_refusal_ends_request_which_can_be_repeated(house: World) -> None:
    medium = shot(house)
    wish = ask(house, house.ann, medium)
    say(house, house.rob, medium, wish, agree=False)
    with pytest.raises(Conflict, match="over"):
        say(house, guest(house, "gus"), medium, wish)
    assert rating(house, medium) is Rating.N
    assert ask(house, house.ann, medium) != wish


def test_unviewed_unjustified_or_raising_request_is_refused(house: World) -> None:
    medium, ann = shot(house), f"member:{house.ann}"
    with house.scope() as scope:
        asset = asset_of(scope, medium)
    with house.scope(ann) as scope, pytest.raises(Refused, match="unseen"):
        rating_reductions.request_lowering(
            scope, asset, medium.sha256, Rating.S, why=WHY, maker=None
        )
    see(house, house.ann, medium)
    for why in ("  ", "x" * 501):
        with house.scope(ann) as scope, pytest.raises(BadInput):
            rating_reductions.request_lowering(
                scope, asset, medium.sha256, Rating.S, why=why, maker=None
            )
    for wanted in (Rating.N, Rating.E, Rating.X):
        with house.scope(ann) as scope, pytest.raises(Refused, match="LOWERING"):
            rating_reductions.request_lowering(
                scope, asset, medium.sha256, wanted, why=WHY, maker=None
            )
    wish = ask(house, house.ann, medium)
    with house.scope(f"member:{house.rob}") as scope, pytest.raises(Refused, match="unseen"):
        rating_reductions.vote_on_lowering(scope, wish, agree=True, why=WHY)
    see(house, house.rob, medium)
    with house.scope(f"member:{house.rob}") as scope, pytest.raises(BadInput):
        rating_reductions.vote_on_lowering(scope, wish, agree=True, why="")


def test_only_reviewers_request_and_vote(house: World) -> None:
    medium = shot(house)
    with house.scope() as scope:
        cara = agencies.add_member(
            scope,
            name="cara",
            email="cara@example.test",
            role=Role.CREATOR,
            language="en",
            zone="UTC",
        )
    with pytest.raises(Refused, match="forbidden"):
        ask(house, cara, medium)
    wish = ask(house, house.ann, medium)
    with pytest.raises(Refused, match="forbidden"):
        say(house, cara, medium, wish)
    with house.scope() as scope, pytest.raises(Refused, match="people_only"):
        rating_reductions.vote_on_lowering(scope, wish, agree=True, why=WHY)
