"""Calibration: two members rate the same pictures blind. Below a kappa of 0.8, content above
General needs a review."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from gate.assets import viewings
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Unit
from gate.permits import issuance
from gate.ratings import ratings
from gate.reviews import calibration, content_reviews
from gate.reviews.calibration import (
    MIN_CALIBRATION_PICTURES,
    CalibrationRated,
    CalibrationReminderDue,
    cohen_kappa,
    final_rating,
)
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tests.gate.builders import World, picture, synthetic_person, unit, world
from tests.gate.reviews.test_rating_reductions import guest
from tests.tenants import totp_app

G, S, N, E = Rating.G, Rating.S, Rating.N, Rating.E


def rated(words: str) -> Mapping[str, Rating]:
    return {str(number): Rating(word) for number, word in enumerate(words)}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("GGSSNN", "GGSSNN", Fraction(1)),
        ("GGGG", "GGGG", Fraction(1)),
        ("GGSS", "SSGG", Fraction(-1)),
        ("GSGS", "GGSS", Fraction(0)),
        (
            "G" * 20 + "S" * 5 + "G" * 10 + "S" * 15,
            "G" * 20 + "G" * 5 + "S" * 10 + "S" * 15,
            Fraction(2, 5),
        ),
    ],
    ids=["same", "single rating", "opposite", "chance", "the textbook: 20, 5, 10, 15"],
)
def test_kappa_is_cohens_kappa(one: str, other: str, expected: Fraction) -> None:
    assert cohen_kappa(rated(one), rated(other)) == expected


@given(
    st.lists(st.tuples(st.sampled_from(Rating), st.sampled_from(Rating)), min_size=1, max_size=40)
)
def test_kappa_is_symmetric_and_at_most_one(
    pairs: list[tuple[Rating, Rating]],
) -> None:
    one = {str(at): a for at, (a, _) in enumerate(pairs)}
    other = {str(at): b for at, (_, b) in enumerate(pairs)}
    assert cohen_kappa(one, other) == cohen_kappa(other, one) <= 1
    assert (cohen_kappa(one, other) == 1) == (one == other)


def test_kappa_without_common_pictures_is_refused() -> None:
    with pytest.raises(BadInput):
        cohen_kappa({"a": G}, {"b": G})


@pytest.mark.parametrize(
    ("picked", "meant"),
    [((S,), S), ((N, S), S), ((S, N, S), N), ((S, N, S, G), N), ((S, S, S), S), ((E, S, N), E)],
)
def test_repeated_hesitation_counts_as_higher_rating(
    picked: tuple[Rating, ...], meant: Rating
) -> None:
    assert final_rating(picked) is meant


@pytest.fixture
def house(tenant: OpenScope) -> World:
    found = world(tenant, uuid7())
    with found.scope() as scope:
        for number in range(MIN_CALIBRATION_PICTURES + 5):
            picture(scope, found, (G, S, N)[number % 3])
    return found


def begin(house: World) -> UUID:
    with house.scope(f"member:{house.rob}") as scope:
        return calibration.begin_calibration(scope, {house.creator_id})


def look(house: World, member: UUID) -> calibration.OpenCalibration | None:
    with house.scope(f"member:{member}") as scope:
        return calibration.open_calibration_of_actor(scope)


def rate_all(house: World, member: UUID, word: Callable[[Rating], Rating]) -> None:
    """Rate all pictures as the member, each depending on its current rating."""
    found = look(house, member)
    assert found is not None
    with house.scope(f"member:{member}") as scope:
        for sha256 in found.left:
            known = ratings.effective_rating(scope, sha256)
            assert known is not None
            viewings.record_viewing(scope, queries.get_member(scope, member), sha256)
            calibration.rate_blind(scope, found.id, sha256, [word(known)])
    calibration.handle_calibration_rated(
        CalibrationRated(house.tenant_id, found.id), tenant=house.open
    )


def one_higher(rating: Rating) -> Rating:
    return {G: S, S: N, N: E}[rating]


def result(house: World) -> calibration.CalibrationSummary | None:
    with house.scope() as scope:
        return calibration.last_calibration(scope)


def suggestive(house: World) -> Unit:
    with house.scope() as scope:
        medium = picture(scope, house, S, person=synthetic_person(scope, house))
        return issuance.with_required_marks(scope, unit(house, media=(medium,)), line=str)


def reasons(house: World, whole: Unit) -> tuple[Reason, ...]:
    with house.scope() as scope:
        return tuple(issuance.judge_unit(scope, whole, author=f"member:{house.ann}").reasons)


def test_low_agreement_holds_suggestive_until_next_calibration(house: World) -> None:
    whole, general = suggestive(house), unit(house)
    assert reasons(house, whole) == (), "without a calibration, nothing changes"
    begin(house)
    rate_all(house, house.rob, lambda known: known)
    assert result(house) is None, "one member is not enough"
    rate_all(house, house.ann, one_higher)
    found = result(house)
    assert found is not None
    assert not found.is_sufficient
    assert reasons(house, whole) == (Reason.CALIBRATION_LOW,)
    assert reasons(house, general) == (), "General content is not held"
    with house.scope(f"member:{house.rob}") as scope:
        content_reviews.review_bytes(scope, whole.media[0].sha256, verdict="approve")
    assert reasons(house, whole) == (), "a review replaces the calibration"
    with house.scope() as scope:
        assert "calibration.low" in [one.message.code for one in list_open_notices(scope)]
    other = suggestive(house)
    begin(house)
    for member in (house.rob, house.ann):
        rate_all(house, member, lambda known: known)
    assert (found := result(house)) is not None
    assert (found.kappa, found.is_sufficient) == (1000, True)
    assert reasons(house, other) == ()
    with house.scope() as scope:
        assert "calibration.low" not in [one.message.code for one in list_open_notices(scope)]


def test_guest_who_is_owner_is_no_second_opinion(house: World) -> None:
    gus = guest(house, "gus")
    with house.scope() as scope:
        for each in (house.rob, gus):
            device_fingerprints.record_device(
                scope,
                totp_app.KEY,
                queries.get_member(scope, each),
                address="203.0.113.7",
                device="",
            )
    begin(house)
    for member in (house.rob, gus):
        rate_all(house, member, lambda known: known)
    assert result(house) is None
    rate_all(house, house.ann, lambda known: known)
    assert result(house) is not None


def test_calibration_rejects_repeated_unseen_and_foreign_ratings(house: World) -> None:
    row = begin(house)
    with pytest.raises(Conflict):
        begin(house)
    found = look(house, house.rob)
    assert found is not None
    with house.scope() as scope:
        stranger = picture(scope, house, S).sha256
        adult = next(one for one in found.left if ratings.effective_rating(scope, one) is N)
    with house.scope(f"member:{house.rob}") as scope:
        with pytest.raises(NotFound):
            calibration.rate_blind(scope, row, stranger, [S])
        with pytest.raises(Refused, match="unseen"):
            calibration.rate_blind(scope, row, adult, [S])
        plain = next(one for one in found.left if one != adult)
        viewings.record_viewing(scope, queries.get_member(scope, house.rob), plain)
        with pytest.raises(BadInput):
            calibration.rate_blind(scope, row, plain, [])
    with house.scope(f"member:{house.rob}") as scope:
        viewings.record_viewing(scope, queries.get_member(scope, house.rob), adult)
    with house.scope(f"member:{house.rob}") as scope:
        calibration.rate_blind(scope, row, adult, [S])
        with pytest.raises(Conflict):
            calibration.rate_blind(scope, row, adult, [N])
    with house.scope(f"member:{house.rob}") as scope:
        scope.run(
            "UPDATE members SET role = :role WHERE id = :id", role=str(Role.CREATOR), id=house.rob
        )
        scope.session.expire_all()
        with pytest.raises(Refused):
            calibration.open_calibration_of_actor(scope)


def test_calibration_requires_enough_pictures_of_tenant(house: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    with other.scope(f"member:{other.rob}") as scope, pytest.raises(BadInput):
        calibration.begin_calibration(scope, {other.creator_id, house.creator_id})
    row = begin(house)
    with other.scope(f"member:{other.rob}") as scope:
        assert calibration.open_calibration_of_actor(scope) is None
        with pytest.raises(Conflict):
            calibration.rate_blind(scope, row, "a" * 64, [S])


def test_frozen_picture_is_skipped(house: World) -> None:
    begin(house)
    first = look(house, house.rob)
    assert first is not None
    with house.scope() as scope:
        ratings.freeze_bytes(scope, first.left[0])
    after = look(house, house.rob)
    assert after is not None
    assert first.left[0] not in after.left
    for member in (house.rob, house.ann):
        rate_all(house, member, lambda known: known)
    assert result(house) is not None


def test_unfinished_calibration_expires_after_a_month(house: World) -> None:
    row = begin(house)
    with house.open(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=timedelta(days=32))
    assert look(house, house.rob) is None
    assert begin(house) != row
    with house.scope() as scope:
        assert scope.run("SELECT count(*) FROM calibrations").scalar_one() == 2


# ------------------------------------------------------------------ monthly reminder
def month(house: World) -> list[str]:
    """Run the daily task and return the causes of the calibration reminders."""
    calibration.send_calibration_reminders(
        CalibrationReminderDue(INSTALLATION_ID, INSTALLATION_ID), tenant=house.open
    )
    with house.scope() as scope:
        return [
            one.cause for one in list_open_notices(scope) if one.message.code == "calibration.month"
        ]


def later(house: World, days: int) -> None:
    with house.open(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=timedelta(days=days))


def test_reviewers_are_reminded_monthly_until_two_have_rated(house: World) -> None:
    (first,) = month(house)
    assert month(house) == [first]
    begin(house)
    rate_all(house, house.rob, lambda known: known)
    assert month(house) == [first], "one member is not enough"
    rate_all(house, house.ann, lambda known: known)
    assert month(house) == []
    later(house, 31)
    (second,) = month(house)
    assert second != first
    with house.scope(f"member:{house.ann}") as scope:
        notices.dismiss(scope, second, why="later")
    assert month(house) == [], "a dismissed reminder is not repeated"
    later(house, 31)
    (third,) = month(house)
    assert third not in (first, second)


def test_no_reminder_without_enough_pictures_or_members(house: World, tenant: OpenScope) -> None:
    empty = world(tenant, uuid7())
    general = world(tenant, uuid7())
    with general.scope() as scope:
        for _ in range(MIN_CALIBRATION_PICTURES):
            picture(scope, general, G)
    assert month(empty) == month(general) == []
    with general.scope() as scope:
        picture(scope, general, S)
        scope.run("UPDATE members SET role = 'chatter' WHERE tenant_id = :t AND id = :id",
                  t=general.tenant_id, id=general.ann)  # fmt: skip
    assert month(general) == [], "one member cannot calibrate"
    with general.scope() as scope:
        scope.run("UPDATE members SET role = 'manager' WHERE tenant_id = :t AND id = :id",
                  t=general.tenant_id, id=general.ann)  # fmt: skip
    assert len(month(general)) == 1
