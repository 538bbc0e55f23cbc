"""Reviews by guests count while the guest is a different human; later evidence invalidates them."""

from typing import Any

import pytest

from foundation.db.database import OpenScope
from foundation.errors import Refused
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.log import decision_log
from gate.people import persons
from gate.permits import issuance
from gate.reviews import content_reviews, synthetic_people
from tenants.agencies import queries
from tenants.auth import device_fingerprints
from tests.gate.builders import KEY, Step, World, picture, synthetic_person, unit, world
from tests.tenants import totp_app

HOME, CAFE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def house(tenant: OpenScope) -> World:
    """An agency of Ann alone and the guest Gus, seen in two networks."""
    found = world(tenant, uuid7(), solo=True)
    seen(found, found.ann, HOME)
    seen(found, found.rob, CAFE)
    return found


def seen(house: World, member: Any, address: str) -> None:
    with house.scope() as scope:
        device_fingerprints.record_device(
            scope, totp_app.KEY, queries.get_member(scope, member), address=address, device=""
        )


def nude(house: World) -> Any:
    with house.scope() as scope:
        medium = picture(scope, house, Rating.N, person=synthetic_person(scope, house))
        return issuance.with_required_marks(scope, unit(house, media=(medium,)), line=str)


def judged(house: World, whole: Any) -> tuple[Reason, ...]:
    with house.scope() as scope:
        return tuple(issuance.judge_unit(scope, whole, author=f"member:{house.ann}").reasons)


@pytest.mark.parametrize("about", ["words", "bytes"])
def test_later_fingerprint_invalidates_approval(house: World, about: str) -> None:
    whole = nude(house)
    assert judged(house, whole) == (Reason.REVIEW_MISSING,)
    with house.scope(f"member:{house.rob}") as scope:
        if about == "words":
            content_reviews.review_unit(scope, whole.digest(), verdict="approve")
        else:
            content_reviews.review_bytes(scope, whole.media[0].sha256, verdict="approve")
    assert judged(house, whole) == ()
    seen(house, house.rob, HOME)
    assert judged(house, whole) == (Reason.REVIEWER_CONFLICT,)
    with house.scope() as scope, pytest.raises(issuance.PermitDenied):
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")
    with house.scope() as scope:
        assert isinstance(decision_log.verify_chain(scope), decision_log.ChainIntact)


def test_refusal_by_guest_remains_valid(house: World) -> None:
    whole = nude(house)
    judged(house, whole)
    with house.scope(f"member:{house.rob}") as scope:
        content_reviews.review_unit(scope, whole.digest(), verdict="refuse")
    seen(house, house.rob, HOME)
    assert Reason.REVIEW_REFUSED in judged(house, whole)


def test_same_human_cannot_declare_and_review_person(house: World) -> None:
    with house.scope() as scope:
        nova = persons.add_person(
            scope, kind="synthetic", display_ref="Nova", creator_id=house.creator_id
        )
        principal = house.principal(scope, house.ann)
        declared = persons.record_declaration(
            scope, nova, source_digest="e" * 64, adult_licence=True, declared_by=principal
        )
    seen(house, house.rob, HOME)
    with house.scope(f"member:{house.rob}") as scope, pytest.raises(Refused, match=r"review\.own"):
        synthetic_people.review_declaration(scope, nova, declared)
