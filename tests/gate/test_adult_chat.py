"""Adult texts in chats: sent immediately by trained members to verified adults, otherwise after a
review."""

from typing import Any

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Refused
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Unit
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import review_settings
from gate.reviews import content_reviews, duty_coverage, spot_checks
from gate.viewers import age_assurance
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.gate.builders import KEY, Step, World, message, picture, synthetic_person, unit, world

ADULT = "EXPLICIT-MARKER-A"


@pytest.fixture
def house(tenant: OpenScope) -> World:
    found = world(tenant, uuid7())
    with found.scope() as scope:
        age_assurance.record_assurance(
            scope,
            platform="sandbox",
            user_id="vok",
            method="test",
            assured_level="L4",
            over_18=True,
            environment="test",
        )
    return found


def trust(house: World, member: Any, *, adult_chat: bool = True) -> None:
    with house.scope(f"member:{house.rob}") as scope:
        members.set_adult_chat_training(scope, member, adult_chat=adult_chat)


def typed(
    house: World, text: str = f"{ADULT} for you", viewer: str = "vok", **changes: Any
) -> Unit:
    with house.scope() as scope:
        return issuance.with_required_marks(
            scope, message(house, viewer, text=text, **changes), line=str
        )


def reasons(house: World, whole: Unit, author: str = "") -> tuple[Reason, ...]:
    with house.scope() as scope:
        return tuple(
            issuance.preview_decision(scope, whole, author=author or f"member:{house.ann}").reasons
        )


def test_trained_member_sends_without_review(house: World) -> None:
    whole = typed(house)
    assert reasons(house, whole) == (Reason.REVIEW_MISSING,)
    trust(house, house.ann)
    assert reasons(house, whole) == ()
    assert reasons(house, whole, f"member:{house.rob}") == (Reason.REVIEW_MISSING,), (
        "the training belongs to a member, not to a role"
    )
    with house.scope() as scope:
        assert issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")


@pytest.mark.parametrize("author", ["system:chat", "", "fan:vok"])
def test_ai_and_unknown_authors_need_review(house: World, author: str) -> None:
    trust(house, house.ann)
    trust(house, house.rob)
    with house.scope() as scope:
        found = issuance.preview_decision(scope, typed(house), author=author)
    assert Reason.REVIEW_MISSING in found.reasons


def test_adult_text_requires_one_verified_adult(house: World) -> None:
    trust(house, house.ann)
    assert Reason.VIEWER_UNASSURED in reasons(house, typed(house, viewer="vun"))
    with house.scope() as scope:
        age_assurance.block_viewer(scope, "sandbox", "vok")
    assert Reason.VIEWER_BLOCKED in reasons(house, typed(house))
    with house.scope() as scope:
        post = issuance.with_required_marks(scope, unit(house, text=ADULT), line=str)
    assert Reason.REVIEW_MISSING in reasons(house, post), "posts are not chats"


def test_training_does_not_lift_other_rules(house: World) -> None:
    trust(house, house.ann)
    assert Reason.PROHIBITED_MINOR in reasons(house, typed(house, text="MINOR-P-A"))
    assert Reason.PROHIBITED_MINOR in reasons(house, typed(house, text=f"MINOR-C-A and {ADULT}"))
    assert reasons(house, typed(house, surface="sandbox.profile")) != ()


def test_pictures_in_chat_still_need_review(house: World) -> None:
    trust(house, house.ann)
    with house.scope() as scope:
        medium = picture(scope, house, Rating.N, person=synthetic_person(scope, house))
    whole = typed(house, media=(medium,))
    assert reasons(house, whole) == (Reason.REVIEW_MISSING,)
    with house.scope(f"member:{house.rob}") as scope:
        content_reviews.review_bytes(scope, medium.sha256, verdict="approve")
    assert reasons(house, whole) == ()


def test_owner_grants_training_which_ends_with_removal(house: World) -> None:
    with house.scope(f"member:{house.ann}") as scope, pytest.raises(Refused):
        members.set_adult_chat_training(scope, house.ann, adult_chat=True)
    with house.scope() as scope:
        kim = agencies.add_member(
            scope,
            name="kim",
            email="kim@example.test",
            role=Role.CREATOR,
            language="en",
            zone="UTC",
        )
    with pytest.raises(BadInput):
        trust(house, kim)
    trust(house, house.ann)
    with house.scope() as scope:
        acts = scope.run(
            "SELECT actor, act, about FROM audit_entries WHERE act LIKE 'member.adult%'"
        ).all()
    assert [tuple(one) for one in acts] == [
        (f"member:{house.rob}", "member.adult_chat", f"member:{house.ann}")
    ]
    with house.scope() as scope:
        members.change_member(scope, house.ann, role=Role.ACCOUNTANT, creators=())
        assert not queries.get_member(scope, house.ann).adult_chat
        members.change_member(scope, house.ann, role=Role.CHATTER, creators=())
        assert queries.get_member(scope, house.ann).adult_chat
        members.remove_member(scope, house.ann)
    with house.scope() as scope:
        assert not queries.get_member(scope, house.ann).adult_chat
    whole = typed(house)
    with house.scope() as scope, pytest.raises(PermitDenied):
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")


def test_unreviewed_adult_text_is_sampled(house: World) -> None:
    trust(house, house.ann)
    with house.scope(f"member:{house.rob}") as scope:
        review_settings.raise_sampling_shares(scope, suggestive_percent=5, words_percent=100)
    strange = typed(house, text=f"{ADULT} zzkq")
    for whole in (typed(house), strange):
        with house.scope() as scope:
            permit = issuance.mint_permit(
                scope, whole, Step(), key=KEY, author=f"member:{house.ann}"
            )
        with house.scope() as scope:
            issuance.record_copy(scope, permit.jti, "1", scope.now)
    with house.scope() as scope:
        found = {
            one.unit.text_of("body"): one.why
            for one in spot_checks.list_pending_samples(scope, {house.creator_id})
        }
    assert found[f"{ADULT} zzkq"] == spot_checks.WHY_FLAGGED, (
        "texts with unknown words are always sampled"
    )
    assert found[f"{ADULT} for you"] == spot_checks.WHY_SHARE


def test_duty_coverage_shows_training(house: World) -> None:
    def told() -> duty_coverage.DutyCoverage:
        with house.scope() as scope:
            return next(
                row for row in duty_coverage.agency_duty_coverage(scope) if row.act == "own_words"
            )

    assert told().state is duty_coverage.DutyStatus.NOW
    trust(house, house.ann)
    assert (told().state, told().by) == (duty_coverage.DutyStatus.ALONE, ("ann",))
    trust(house, house.ann, adult_chat=False)
    assert told().state is duty_coverage.DutyStatus.NOW


def test_training_in_another_tenant_does_not_count(house: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    trust(other, other.ann)
    assert Reason.REVIEW_MISSING in reasons(house, typed(house), f"member:{other.ann}")
