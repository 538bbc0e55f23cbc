"""Shoot cards: only a card signed by everyone named proves date, people and consent of a picture."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import OpenScope
from foundation.errors import Conflict, GreenroomError
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating, Subject
from gate.decision.shoot_card_terms import CARD_DECLINED, CARD_WITHDRAWN
from gate.people import persons
from gate.ratings import ratings
from gate.reviews import depicted_people
from gate.reviews.depicted_people import PeopleConfirmed
from tests.gate.builders import World, asset_of, picture, real_person, world
from tests.gate.shoot_card_builders import (
    add_card,
    add_signed_card,
    add_undated_picture,
    answer_card,
    bind_pictures,
    judge_post,
    person,
)


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def test_card_signed_by_all_proves_date_people_and_consent(here: World) -> None:
    mia, ida = person(here), person(here)
    shown = add_undated_picture(here, people_seen=2)
    card = add_card(here, mia, ida)
    bind_pictures(here, card, shown)
    assert judge_post(here, shown)[1] >= {Reason.PERSON_UNRESOLVED}
    answer_card(here, card, mia)
    assert judge_post(here, shown)[1] >= {Reason.PERSON_UNRESOLVED}
    answer_card(here, card, ida)
    assert judge_post(here, shown) == ("F", set())
    with here.scope() as scope:
        permitted = scope.run(
            "SELECT scope, card_id, signed_by = person_id AS own FROM consent_grants"
        ).all()
    assert {(one.scope, one.card_id, one.own) for one in permitted} == {
        ("depict", card, True),
        ("publish", card, True),
    }


def test_card_covers_only_its_own_pictures(here: World) -> None:
    mia = person(here)
    add_signed_card(here, mia)
    with here.scope() as scope:
        other = picture(
            scope, here, Rating.E, person=mia, people_seen=1
        )  # dated by its camera, and not on a card
    assert judge_post(here, other) == ("B", {Reason.CONSENT_MISSING})


Fault = Callable[[World, UUID, Medium], tuple[UUID, dict[str, Any]]]


def _unsigned(here: World, mia: UUID, _: Medium) -> Any:
    return add_card(here, mia), {}


def _half(here: World, mia: UUID, _: Medium) -> Any:
    return add_signed_card(here, mia, person(here), by=[mia]), {}


def _declined(here: World, mia: UUID, _: Medium) -> Any:
    card = add_card(here, mia)
    answer_card(here, card, mia, CARD_DECLINED)
    return card, {}


def _withdrawn(here: World, mia: UUID, _: Medium) -> Any:
    card = add_signed_card(here, mia)
    answer_card(here, card, mia, CARD_WITHDRAWN)
    return card, {}


def _over(here: World, mia: UUID, _: Medium) -> Any:
    return _rewritten(
        here, add_signed_card(here, mia), "valid_until = house_now() - interval '1 hour'"
    ), {}


def _changed(here: World, mia: UUID, _: Medium) -> Any:
    return _rewritten(here, add_signed_card(here, mia), "day = day - 1"), {}


def _to_come(here: World, mia: UUID, _: Medium) -> Any:
    return _rewritten(here, add_card(here, mia), "day = day + 9"), {}


def _known_before(here: World, mia: UUID, shown: Medium) -> Any:
    card = add_signed_card(here, mia, days=0)
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE assets SET created_at = created_at - interval '2 days'")
    return card, {}


def _older_copy(here: World, mia: UUID, shown: Medium) -> Any:
    with here.scope() as scope:
        old = picture(scope, here, Rating.G, phash="00ff00ff00ff00f0", source="ingest")
        with scope.acting_as("gate"):
            scope.run("UPDATE assets SET created_at = house_now() - interval '9 days' WHERE id = "
                      ":id",
                      id=asset_of(scope, old))  # fmt: skip
            scope.run(
                "UPDATE renditions SET phash = '00ff00ff00ff00ff' WHERE sha256 = :sha",
                sha=shown.sha256,
            )
    return add_signed_card(here, mia), {}


def _place(here: World, mia: UUID, _: Medium) -> Any:
    return add_signed_card(here, mia, surfaces=("x", "telegram")), {}


def _rating(here: World, mia: UUID, _: Medium) -> Any:
    return add_signed_card(here, mia, max_rating=Rating.S), {}


def _sold(here: World, mia: UUID, _: Medium) -> Any:
    return add_signed_card(here, mia), {"subject": Subject("fulfilment", uuid7())}


def _unchecked(here: World, mia: UUID, _: Medium) -> Any:
    """Use a person verified after a shoot in a country that requires verification before it. A
    later age proof for an earlier day does not help."""
    late = person(here, checked=timedelta())
    with here.scope() as scope:
        facts = {"custodian": "c", "method": "m", "verified_at": scope.now, "evidence_digest": ""}
        persons.record_age_proof(scope, late, on_day=scope.now - timedelta(days=30), **facts)
    return add_signed_card(here, late, country="US"), {}


def _rewritten(here: World, card: UUID, change: str) -> UUID:
    """Change a card as the database administrator; no other role can."""
    with here.scope() as scope:
        url = scope.session.info["connection"].engine.url
    engine = create_engine(url.set(username="postgres"))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE shoot_cards SET {change} WHERE id = :id"), {"id": card})
    engine.dispose()
    return card


FAULTS = (
    *(
        _unsigned,
        _half,
        _declined,
        _withdrawn,
        _over,
        _changed,
        _to_come,
        _known_before,
        _older_copy,
    ),
    *(_place, _rating, _sold, _unchecked),
)


def _dated(here: World, fault: Fault) -> tuple[str, set[Reason]]:
    """Judge a picture on such a card that depicts another person with all consents: only its date
    is in question."""
    mia, shown = person(here), add_undated_picture(here)
    card, changes = fault(here, mia, shown)
    bind_pictures(here, card, shown)
    with here.scope() as scope:
        other = real_person(scope)
        ratings.record_depiction(
            scope, asset_of(scope, shown), other, how="face", confirmed_by=f"member:{here.rob}"
        )
    return judge_post(here, shown, **changes)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_invalid_card_proves_no_date(here: World, fault: Fault) -> None:
    assert _dated(here, fault) == ("B", {Reason.PRODUCTION_DATE_UNKNOWN})


@pytest.mark.parametrize(
    "more", [{}, {"country": "US"}, {"country": ""}, {"max_rating": Rating.N}], ids=str
)
def test_valid_card_proves_date(here: World, more: dict[str, Any]) -> None:
    rating = more.get("max_rating", Rating.E)
    mia, shown = person(here), add_undated_picture(here, rating)
    bind_pictures(here, add_signed_card(here, mia, **more), shown)
    assert judge_post(here, shown) == ("F", set())


@pytest.mark.parametrize("seen", [None, 0, 1, 3])
def test_different_number_of_people_requires_confirmation(here: World, seen: int | None) -> None:
    card = add_signed_card(here, person(here), person(here))
    shown = add_undated_picture(here, people_seen=seen)
    bind_pictures(here, card, shown)
    verdict, reasons = judge_post(here, shown)
    assert verdict == "B"
    assert Reason.PERSON_UNRESOLVED in reasons


def test_second_member_confirms_depicted_people(here: World) -> None:
    mia, ida, stranger = person(here), person(here), person(here)
    shown = add_undated_picture(here, people_seen=None)
    bind_pictures(here, add_signed_card(here, mia, ida), shown)  # Ann binds the picture
    with here.scope() as scope:
        asset = asset_of(scope, shown)
    ann, rob = f"member:{here.ann}", f"member:{here.rob}"
    for by, maker, named in (
        (ann, "", [mia]),  # bound the picture to the card
        (rob, rob, [mia]),  # uploaded the picture
        (rob, ann, [mia, stranger]),
        (rob, ann, []),
        ("system:x", ann, [mia]),
    ):
        with pytest.raises(GreenroomError), here.scope(by) as scope:
            depicted_people.confirm_people(scope, asset, named, maker=maker)
    assert Reason.PERSON_UNRESOLVED in judge_post(here, shown)[1]
    with here.scope(rob) as scope:
        depicted_people.submit_people_confirmation(scope, asset, [mia], maker=ann)
        args = scope.run("SELECT args FROM outbox WHERE kind = 'card.name'").scalar_one()
    for _ in range(2):
        depicted_people.handle_people_confirmed(
            PeopleConfirmed(here.tenant_id, asset, **args), tenant=here.open
        )
    assert judge_post(here, shown) == ("F", set())


def test_card_does_not_confirm_person_it_does_not_name(here: World) -> None:
    mia, other = person(here), person(here)
    shown = add_undated_picture(here)
    bind_pictures(here, add_signed_card(here, mia), shown)
    with here.scope() as scope:
        ratings.record_depiction(scope, asset_of(scope, shown), other, how="face")
    assert Reason.PERSON_UNRESOLVED in judge_post(here, shown)[1]


def test_earlier_evidence_takes_precedence_over_card(here: World) -> None:
    """The camera date is in the past year: the person was not yet verified, and the card is of
    another shoot."""
    mia = person(here, checked=timedelta(days=100))
    with here.scope() as scope:
        shown = picture(scope, here, Rating.E, age=timedelta(days=300), people_seen=1)
        edit = picture(
            scope,
            here,
            Rating.E,
            source="ingest",
            age=timedelta(),
            people_seen=1,
            parent=asset_of(scope, shown),
        )
    # an edit belongs to the card of its original
    bind_pictures(here, add_signed_card(here, mia), edit)
    assert judge_post(here, shown)[1] >= {Reason.PERSON_UNRESOLVED}
    with here.scope() as scope:
        for one in (shown, edit):
            ratings.record_depiction(
                scope, asset_of(scope, one), mia, how="face", confirmed_by=f"member:{here.rob}"
            )
    for one in (shown, edit):
        assert judge_post(here, one)[1] >= {Reason.IDENTITY_AFTER_PRODUCTION}


def test_edit_belongs_to_card_of_its_original(here: World) -> None:
    shown = add_undated_picture(here)
    bind_pictures(here, add_signed_card(here, person(here)), shown)
    with here.scope() as scope:
        edit = picture(
            scope,
            here,
            Rating.E,
            source="ingest",
            age=timedelta(),
            people_seen=1,
            parent=asset_of(scope, shown),
        )
    assert judge_post(here, edit) == ("F", set())


def test_card_accepts_no_more_pictures_than_signed(here: World) -> None:
    card = add_signed_card(here, person(here), pictures=2)
    first, second, third = (add_undated_picture(here) for _ in range(3))
    bind_pictures(here, card, first, second, first)
    with pytest.raises(Conflict, match=r"card\.full"):
        bind_pictures(here, card, third)
    with pytest.raises(Conflict, match=r"card\.on_another"):
        bind_pictures(here, add_signed_card(here, person(here)), first)
