"""Spot checks: a share of the content that passed without review is read later by another human,
who can raise its rating."""

from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.units import Rating, Unit
from gate.permits import issuance
from gate.policy import review_settings
from gate.ratings import ratings
from gate.reviews import content_reviews, spot_checks
from gate.reviews.spot_checks import SampleRead
from tenants.agencies import queries
from tenants.auth import device_fingerprints
from tenants.notices.queries import list_open_notices
from tests.gate.builders import Step, World, picture, synthetic_person, unit, world
from tests.tenants import totp_app

KEY = Ed25519PrivateKey.from_private_bytes(b"7" * 32)
ALL, NONE = 100, 0


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def everything(house: World) -> None:
    """Set the sampling shares of the agency to 100 %."""
    with house.scope(f"member:{house.rob}") as scope:
        review_settings.raise_sampling_shares(scope, suggestive_percent=ALL, words_percent=ALL)


def post(house: World, rating: Rating = Rating.S, **changes: Any) -> Unit:
    with house.scope() as scope:
        medium = picture(scope, house, rating, person=synthetic_person(scope, house))
        return issuance.with_required_marks(
            scope, unit(house, media=(medium,), **changes), line=str
        )


def sent(house: World, whole: Unit, *, seen: bool = True) -> None:
    with house.scope() as scope:
        permit = issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")
    if seen:
        with house.scope() as scope:
            issuance.record_copy(scope, permit.jti, "1", scope.now)


def waiting(house: World) -> list[spot_checks.PendingSample]:
    with house.scope() as scope:
        return spot_checks.list_pending_samples(scope, {house.creator_id})


def work(
    house: World, drawn: spot_checks.PendingSample, rating: Rating | None = None, what: str = ""
) -> None:
    with house.scope(f"member:{house.rob}") as scope:
        spot_checks.submit_sample_reading(scope, drawn.id, raised_to=rating, what=what)
    event = SampleRead(house.tenant_id, drawn.id, str(rating or ""), what, f"member:{house.rob}")
    spot_checks.handle_sample_read(event, tenant=house.open)


def test_five_percent_are_drawn_deterministically_by_secret_key(house: World) -> None:
    units = [unit(house, text=f"Post {number}") for number in range(2000)]
    first = [spot_checks.is_drawn(KEY, one, 5) for one in units]
    assert first == [spot_checks.is_drawn(KEY, one, 5) for one in units]
    assert 60 <= sum(first) <= 145
    other = Ed25519PrivateKey.from_private_bytes(b"8" * 32)
    assert first != [spot_checks.is_drawn(other, one, 5) for one in units], (
        "the draw cannot be predicted without the key"
    )
    assert all(spot_checks.is_drawn(KEY, one, ALL) for one in units[:20])
    assert not any(spot_checks.is_drawn(KEY, one, NONE) for one in units[:20])
    assert all(
        spot_checks.is_drawn(KEY, one, 9) for one, is_in in zip(units, first, strict=True) if is_in
    ), "a larger share contains the smaller one"


def test_published_suggestive_content_is_sampled(house: World) -> None:
    everything(house)
    general, suggestive = post(house, Rating.G), post(house)
    sent(house, general)
    sent(house, suggestive, seen=False)
    assert not waiting(house), "not published yet"
    sent(house, suggestive)
    (found,) = waiting(house)
    assert (found.unit, found.rating, found.why) == (suggestive, Rating.S, spot_checks.WHY_SHARE)
    work(house, found)
    assert not waiting(house)
    with pytest.raises(Conflict):
        work(house, found)


def test_reviewed_content_is_not_sampled(house: World) -> None:
    everything(house)
    by_unit, by_bytes, own = post(house), post(house), post(house)
    for whole in (by_unit, own):
        with house.scope() as scope:
            issuance.judge_unit(scope, whole, author=f"member:{house.ann}")
    with house.scope(f"member:{house.rob}") as scope:
        content_reviews.review_unit(scope, by_unit.digest(), verdict="approve")
        content_reviews.review_bytes(scope, by_bytes.media[0].sha256, verdict="approve")
    with house.scope(f"member:{house.ann}") as scope, pytest.raises(Refused, match="depicted"):
        content_reviews.review_bytes(scope, own.media[0].sha256, verdict="approve")
    for whole in (by_unit, by_bytes, own):
        sent(house, whole)
    assert [one.unit for one in waiting(house)] == [own], "a review of an own post does not count"


def test_sampling_shares_can_be_raised_but_not_lowered(house: World) -> None:
    with house.scope(f"member:{house.rob}") as scope:
        for wrong in ((4, 2), (5, 1), (101, 2)):
            with pytest.raises(BadInput):
                review_settings.raise_sampling_shares(
                    scope, suggestive_percent=wrong[0], words_percent=wrong[1]
                )
        review_settings.raise_sampling_shares(scope, suggestive_percent=30, words_percent=20)
        assert review_settings.sampling_shares(scope) == review_settings.SamplingShares(30, 20)
        scope.run(
            "UPDATE desk_choices SET suggestive_percent = 0, words_percent = -5"
        )  # written directly
        scope.session.expire_all()
        assert review_settings.sampling_shares(scope) == review_settings.SamplingShares(5, 2)
    with house.scope(f"member:{house.ann}") as scope, pytest.raises(Refused):
        review_settings.raise_sampling_shares(scope, suggestive_percent=30, words_percent=20)


def test_author_and_linked_guest_cannot_read_sample(house: World) -> None:
    everything(house)
    sent(house, post(house))
    (found,) = waiting(house)
    with house.scope(f"member:{house.ann}") as scope, pytest.raises(Refused, match="own"):
        spot_checks.submit_sample_reading(scope, found.id)
    with house.scope() as scope:
        scope.run("UPDATE members SET role = 'guest' WHERE id = :id", id=house.rob)
    with house.scope() as scope:
        for each in (house.ann, house.rob):
            device_fingerprints.record_device(
                scope,
                totp_app.KEY,
                queries.get_member(scope, each),
                address="203.0.113.7",
                device="",
            )
    with house.scope(f"member:{house.rob}") as scope, pytest.raises(Refused, match="own"):
        spot_checks.submit_sample_reading(scope, found.id)


def test_raised_rating_applies_everywhere_and_recalls_copies(house: World) -> None:
    everything(house)
    whole = post(house)
    sent(house, whole)
    (found,) = waiting(house)
    sha256 = whole.media[0].sha256
    work(house, found, Rating.N, sha256)
    with house.scope() as scope:
        assert ratings.effective_rating(scope, sha256) is Rating.N
        recalled = scope.run(
            "SELECT recall_reason ->> 'code' FROM permits WHERE recalled_at IS NOT NULL"
        ).scalars()
        assert recalled.all() == ["recall.raised"]


def test_raised_text_is_recalled(house: World) -> None:
    everything(house)
    whole = post(house)
    sent(house, whole)
    (found,) = waiting(house)
    work(house, found, Rating.X)
    with house.scope() as scope:
        assert (
            scope.run("SELECT count(*) FROM permits WHERE recalled_at IS NOT NULL").scalar_one()
            == 1
        )
        assert "sample.words_missed" in [one.message.code for one in list_open_notices(scope)]


def test_sample_rating_cannot_be_lowered_or_name_other_bytes(house: World) -> None:
    everything(house)
    sent(house, post(house))
    other = post(house)
    (found,) = waiting(house)
    with house.scope(f"member:{house.rob}") as scope:
        for wrong in (Rating.S, Rating.G):
            with pytest.raises(Refused, match="LOWERING"):
                spot_checks.submit_sample_reading(
                    scope, found.id, raised_to=wrong, what=found.unit.media[0].sha256
                )
        with pytest.raises(NotFound):
            spot_checks.submit_sample_reading(
                scope, found.id, raised_to=Rating.N, what=other.media[0].sha256
            )


def test_another_tenant_cannot_read_samples(house: World, tenant: OpenScope) -> None:
    everything(house)
    sent(house, post(house))
    (found,) = waiting(house)
    other = world(tenant, uuid7())
    with other.scope(f"member:{other.rob}") as scope:
        assert not spot_checks.list_pending_samples(scope, {house.creator_id})
        with pytest.raises(NotFound):
            spot_checks.submit_sample_reading(scope, found.id)
    spot_checks.handle_sample_read(
        SampleRead(other.tenant_id, found.id, "", "", f"member:{other.rob}"), tenant=other.open
    )
    assert len(waiting(house)) == 1


def test_safety_officer_is_named_member_or_first_owner(house: World) -> None:
    with house.scope(f"member:{house.rob}") as scope:
        assert _id(review_settings.safety_officer(scope)) == house.rob, "the first owner"
        review_settings.set_safety_officer(scope, house.ann)
        assert _id(review_settings.safety_officer(scope)) == house.ann
        scope.run("UPDATE members SET role = 'chatter' WHERE id = :id", id=house.ann)
        scope.session.expire_all()
        assert _id(review_settings.safety_officer(scope)) == house.rob
        with pytest.raises(NotFound):
            review_settings.set_safety_officer(scope, house.ann)


def _id(member: queries.Member | None) -> UUID | None:
    return member.id if member is not None else None
