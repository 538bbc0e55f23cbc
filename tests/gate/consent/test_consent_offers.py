"""Consent offers: read and signed only by the person, unchanged, once, and in time."""

from datetime import timedelta
from typing import Any

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate.consent import consent_offers, subject_portal
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import CARD_DECLINED, CARD_SIGNED
from gate.people import persons
from gate.people.persons import MAX_CONSENT_PERIOD
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.auth import members
from tenants.notices.queries import list_open_notices
from tests.gate.builders import World, world
from tests.gate.log.test_signed_checkpoints import advance_clock
from tests.gate.person_actions import (
    add_offer,
    add_unknown_person,
    answer_offer,
    build_offer_terms,
    member_scope,
    run_workers,
)


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def granted(here: World, person: Any) -> list[tuple[str, tuple[str, ...], Rating]]:
    with here.scope() as scope:
        return [
            (one.what, one.surfaces, one.max_rating)
            for one in subject_portal.list_consents(scope, person)
            if one.stands
        ]


def test_signed_offer_grants_the_displayed_terms(house: World) -> None:
    ida = add_unknown_person(house)
    offer = add_offer(
        house,
        ida,
        scopes=("depict", "publish", "download_sell"),
        surfaces=("sandbox.post", "telegram"),
    )
    assert granted(house, ida) == []
    answer_offer(house, offer)
    places = ("sandbox.post", "telegram")
    assert granted(house, ida) == [
        (what, places, Rating.N) for what in ("depict", "publish", "download_sell")
    ]
    with house.scope() as scope:
        rows = scope.run("SELECT evidence_digest, signed_by, valid_until FROM consent_grants").all()
        known = consent_offers.list_consent_offers(scope, [ida])[0]
        told = [one.message.code for one in list_open_notices(scope)]
    assert {(row.evidence_digest, row.signed_by) for row in rows} == {(offer.digest, ida)}
    assert {row.valid_until for row in rows} == {offer.terms.valid_until}
    assert known.said == CARD_SIGNED
    assert told == ["asking.told_signed"]


def test_declined_offer_grants_nothing_and_is_notified(house: World) -> None:
    ida = add_unknown_person(house)
    answer_offer(house, add_offer(house, ida), CARD_DECLINED)
    assert granted(house, ida) == []
    with house.scope() as scope:
        assert [one.message.code for one in list_open_notices(scope)] == ["asking.told_declined"]


def test_agency_cannot_sign_for_person(house: World) -> None:
    ida, tom = add_unknown_person(house), add_unknown_person(house, display_ref="Tom")
    offer = add_offer(house, ida)
    with member_scope(house, house.ann) as scope, pytest.raises(Refused, match="own_hand"):
        consent_offers.record_offer_answer(scope, offer.id, CARD_SIGNED, digest=offer.digest)
    with house.scope(f"person:{tom}") as scope, pytest.raises(NotFound):
        consent_offers.submit_offer_answer(scope, offer.id, CARD_SIGNED, digest=offer.digest)
    row = {"t": house.tenant_id, "offer": offer.id, "person": ida, "by": f"member:{house.ann}"}
    for role in ("app", "gate"):
        with pytest.raises(Exception, match=r"consent_answers|permission denied"), house.open(
            house.tenant_id, f"member:{house.ann}", role=role
        ) as scope:  # fmt: skip
            scope.run(
                "INSERT INTO consent_answers (tenant_id, id, offer_id, person_id, said, digest, "
                "said_by)"
                " VALUES (:t, gen_random_uuid(), :offer, :person, 'signed', 'x', :by)",
                **row,
            )
    assert granted(house, ida) == []


def test_offer_must_be_signed_as_displayed(house: World) -> None:
    ida = add_unknown_person(house)
    offer = add_offer(house, ida)
    with house.scope(f"person:{ida}") as scope, pytest.raises(Conflict, match="changed"):
        consent_offers.submit_offer_answer(scope, offer.id, CARD_SIGNED, digest="0" * 64)
    with house.scope(f"person:{ida}") as scope, pytest.raises(BadInput):
        consent_offers.submit_offer_answer(scope, offer.id, "withdrawn", digest=offer.digest)


def test_only_newest_offer_can_be_signed_once(house: World) -> None:
    ida = add_unknown_person(house)
    old, new = (
        add_offer(house, ida, max_rating=Rating.E),
        add_offer(house, ida, max_rating=Rating.S),
    )
    with house.scope(f"person:{ida}") as scope:
        assert [sheet.offer.id for sheet in consent_offers.list_offer_sheets(scope, ida)] == [
            new.id
        ]
        with pytest.raises(Conflict, match="not_now"):
            consent_offers.submit_offer_answer(scope, old.id, CARD_SIGNED, digest=old.digest)
    for _ in range(2):  # submitted twice before the workers run
        with house.scope(f"person:{ida}") as scope:
            consent_offers.submit_offer_answer(scope, new.id, CARD_SIGNED, digest=new.digest)
    assert run_workers(house) == ["offer.answer"]
    with house.scope(f"person:{ida}") as scope, pytest.raises(Conflict, match="not_now"):
        consent_offers.record_offer_answer(scope, new.id, CARD_DECLINED, digest=new.digest)
    assert granted(house, ida) == [(what, ("sandbox",), Rating.S) for what in ("depict", "publish")]


def test_offer_expires_after_thirty_days(house: World) -> None:
    ida = add_unknown_person(house)
    offer = add_offer(house, ida)
    advance_clock(house, timedelta(days=31))
    with house.scope(f"person:{ida}") as scope:
        assert consent_offers.list_offer_sheets(scope, ida) == []
        with pytest.raises(Conflict):
            consent_offers.record_offer_answer(scope, offer.id, CARD_SIGNED, digest=offer.digest)


@pytest.mark.parametrize("wrong", [
    {"scopes": ("publish",)}, {"scopes": ("depict", "publish", "everything")}, {"surfaces": ()},
    {"surfaces": tuple(f"p{n}" for n in range(41))}, {"max_rating": Rating.X},
])  # fmt: skip
def test_invalid_offer_terms_are_rejected(house: World, wrong: dict[str, Any]) -> None:
    ida = add_unknown_person(house)
    with member_scope(house, house.ann) as scope, pytest.raises(BadInput):
        consent_offers.create_consent_offer(scope, ida, build_offer_terms(scope, **wrong))


def test_offer_requires_limited_period_and_real_person(house: World) -> None:
    ida, nova = (
        add_unknown_person(house),
        add_unknown_person(house, "synthetic", display_ref="Nova"),
    )
    with member_scope(house, house.ann) as scope:
        for begins, ends in ((0, MAX_CONSENT_PERIOD.days + 1), (5, 5), (-10, -1)):
            days = {
                "valid_from": scope.now + timedelta(days=begins),
                "valid_until": scope.now + timedelta(days=ends),
            }
            with pytest.raises(BadInput, match="bad_days"):
                consent_offers.create_consent_offer(scope, ida, build_offer_terms(scope, **days))
        longest = {"valid_from": scope.now, "valid_until": scope.now + MAX_CONSENT_PERIOD}
        assert consent_offers.create_consent_offer(scope, ida, build_offer_terms(scope, **longest))
        with pytest.raises(BadInput, match="bad_kind"):
            consent_offers.create_consent_offer(scope, nova, build_offer_terms(scope))
        persons.block_person(scope, ida)
        scope.session.expire_all()
        with pytest.raises(BadInput, match="bad_kind"):
            consent_offers.create_consent_offer(scope, ida, build_offer_terms(scope))


def test_unauthorized_member_cannot_create_offer(house: World) -> None:
    ida = add_unknown_person(house)
    with house.scope() as scope:
        role = {"language": "en", "zone": "UTC", "creators": ()}
        members.invite_member(scope, name="Cara", email="c@example.test", role=Role.CHATTER, **role)
        cara = next(one.id for one in queries.list_members(scope) if one.name == "Cara")
    with member_scope(house, cara) as scope, pytest.raises(GreenroomError, match=r"forbidden\.run"):
        consent_offers.create_consent_offer(scope, ida, build_offer_terms(scope))
    with house.scope("system:x") as scope, pytest.raises(Refused):
        consent_offers.create_consent_offer(scope, ida, build_offer_terms(scope))
    other = world(house.open, uuid7())
    with member_scope(other, other.ann) as scope, pytest.raises(NotFound):
        consent_offers.create_consent_offer(scope, ida, build_offer_terms(scope))
    with other.scope(f"person:{ida}") as scope:
        assert consent_offers.list_offer_sheets(scope, ida) == []
