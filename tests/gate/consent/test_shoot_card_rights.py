"""Rights on shoot cards: creation, signature, withdrawal and access, each by the right person and
agency."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate import journal
from gate.consent import asset_bindings, card_answers, queries, shoot_cards
from gate.consent.asset_bindings import CardBindingRequested
from gate.consent.card_answers import CardAnswerSubmitted
from gate.consent.grants import revoke_consent
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.copies import live_copies
from gate.decision.shoot_card_terms import CARD_DECLINED, CARD_SIGNED, CARD_WITHDRAWN, CardStatus
from gate.people import persons
from gate.permits import issuance
from gate.reviews import content_reviews
from tests.gate.builders import KEY, Step, World, asset_of, picture, unit, world
from tests.gate.shoot_card_builders import (
    add_card,
    add_signed_card,
    add_undated_picture,
    answer_card,
    bind_pictures,
    build_card_terms,
    judge_post,
    person,
)

TABLES = ("shoot_cards", "shoot_card_people", "shoot_card_answers", "shoot_card_assets")


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


@pytest.mark.parametrize("actor", ["member", "system:web", "guest"])
def test_person_must_sign_for_themselves(here: World, actor: str) -> None:
    mia, other = person(here), person(here)
    card = add_card(here, mia)
    who = f"{actor}:{here.ann}" if actor != "system:web" else actor
    with here.scope(who) as scope, pytest.raises(Refused, match=r"card\.own_hand"):
        card_answers.record_card_answer(
            scope, card, CARD_SIGNED, digest=queries.get_card_facts(scope, card).digest
        )
    with here.scope(f"person:{other}") as scope, pytest.raises(NotFound):
        card_answers.record_card_answer(
            scope, card, CARD_SIGNED, digest=queries.get_card_facts(scope, card).digest
        )
    row = (
        "INSERT INTO shoot_card_answers (tenant_id, id, card_id, person_id, said, digest, said_by)"
        " VALUES (:tenant, :id, :card, :person, 'signed', :digest, :by)"
    )
    with here.scope() as scope:
        digest = queries.get_card_facts(scope, card).digest
    values = {"tenant": here.tenant_id, "card": card, "person": mia, "digest": digest}
    for role, by in (("app", f"person:{mia}"), ("gate", f"member:{here.ann}"), ("gate", "")):
        with (
            pytest.raises(SQLAlchemyError),
            here.open(here.tenant_id, "system:x", role=role) as scope,
        ):
            scope.run(row, id=uuid7(), by=by, **values)


def test_answered_card_cannot_be_answered_again(here: World) -> None:
    mia = person(here)
    card = add_card(here, mia)
    with pytest.raises(Conflict, match=r"card\.not_now"):
        answer_card(here, card, mia, CARD_WITHDRAWN)
    with pytest.raises(Conflict, match=r"card\.changed"):
        answer_card(here, card, mia, digest="0" * 64)
    with pytest.raises(BadInput):
        answer_card(here, card, mia, "maybe")
    answer_card(here, card, mia, CARD_DECLINED)
    with pytest.raises(Conflict, match=r"card\.not_now"):
        answer_card(here, card, mia)


def test_repeated_answer_is_recorded_once(here: World) -> None:
    mia = person(here)
    card = add_card(here, mia)
    with here.scope(f"person:{mia}") as scope:
        digest = queries.get_card_facts(scope, card).digest
        for _ in range(2):
            card_answers.submit_card_answer(scope, card, CARD_SIGNED, digest=digest)
        assert scope.run("SELECT count(*) FROM outbox WHERE kind = 'card.answer'").scalar() == 1
    wanted = CardAnswerSubmitted(here.tenant_id, card, CARD_SIGNED, digest, f"person:{mia}")
    for _ in range(2):
        card_answers.handle_card_answer(wanted, tenant=here.open)
    with here.scope() as scope:
        assert scope.run("SELECT count(*) FROM shoot_card_answers").scalar() == 1
        assert scope.run("SELECT count(*) FROM consent_grants").scalar() == 2


def test_withdrawn_signature_recalls_copies_of_that_card(here: World) -> None:
    mia, shown = person(here, scopes=("depict", "publish")), add_undated_picture(here)
    card = add_signed_card(here, mia)
    bind_pictures(here, card, shown)
    with here.scope() as scope:
        other = picture(scope, here, Rating.E, person=mia)
    sent = []
    for medium in (shown, other):
        whole = unit(here, text="Hello", media=[medium])
        with here.scope() as scope:
            whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
            issuance.judge_unit(scope, whole, author=f"member:{here.ann}")
        with here.scope(f"member:{here.rob}") as scope:
            content_reviews.review_unit(scope, whole.digest(), verdict="approve")
        with here.scope() as scope:
            sent.append(
                issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}").jti
            )
    assert answer_card(here, card, mia, CARD_WITHDRAWN) == sent[:1]
    with here.scope() as scope:
        assert [
            found.recalled_at is not None
            for jti in sent
            if (found := live_copies.find_copy(scope, jti))
        ] == [
            True,
            False,
        ]
        assert (
            scope.run(
                "SELECT count(*) FROM notices WHERE cause LIKE :c", c=f"card:{card}%"
            ).scalar()
            == 1
        )
    assert Reason.PERSON_UNRESOLVED in judge_post(here, shown)[1]
    assert judge_post(here, other) == ("F", set())


def test_replayed_withdrawal_survives_restore(here: World) -> None:
    """The journal replays the withdrawal as `system:restore`; a second replay changes nothing."""
    mia, shown = person(here), add_undated_picture(here)
    card = add_signed_card(here, mia)
    bind_pictures(here, card, shown)
    with here.scope() as scope:
        assert scope.run("SELECT count(*) FROM outbox WHERE kind = 'journal.keep'").scalar() == 0
    for _ in range(2):
        with here.scope("system:restore") as scope, journal.replaying(scope):
            card_answers.withdraw_card_signature(scope, queries.get_card_facts(scope, card), mia)
    assert Reason.PERSON_UNRESOLVED in judge_post(here, shown)[1]
    with here.scope() as scope:
        answers = (
            scope.run("SELECT said FROM shoot_card_answers ORDER BY created_at, id").scalars().all()
        )
        assert answers == [CARD_SIGNED, CARD_WITHDRAWN]


def test_full_revocation_includes_shoot_cards(here: World) -> None:
    mia, shown = person(here), add_undated_picture(here)
    bind_pictures(here, add_signed_card(here, mia), shown)
    assert judge_post(here, shown) == ("F", set())
    with here.scope() as scope:
        revoke_consent(scope, mia)
    assert Reason.CONSENT_REVOKED in judge_post(here, shown)[1]


# ------------------------------------------------------------------ creation
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"days": -2}, "card.day_to_come"),
        ({"persons": ()}, "card.nobody"),
        ({"scopes": ("depict",)}, "card.invalid"),
        ({"scopes": ("depict", "publish", "ai_likeness")}, "card.invalid"),
        ({"surfaces": ()}, "card.invalid"),
        ({"max_rating": Rating.X}, "card.invalid"),
        ({"pictures": 0}, "card.invalid"),
        ({"pictures": 100_000}, "card.invalid"),
        ({"months": 25}, "card.invalid"),
        ({"zone": "Nowhere/Land"}, "card.invalid"),
        ({"zone": "../etc"}, "card.invalid"),
        ({"country": "france"}, "card.invalid"),
        ({"days": 900}, "card.over"),
    ],
)
def test_invalid_card_terms_are_rejected(here: World, changes: dict[str, Any], code: str) -> None:
    terms = {name: value for name, value in changes.items() if name != "persons"}
    with pytest.raises(GreenroomError) as refused:
        add_card(here, *changes.get("persons", (person(here),)), **terms)
    assert refused.value.message.code == code


def test_card_names_only_real_people_of_the_agency(here: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    stranger = person(other)
    with here.scope() as scope:
        invented = persons.add_person(scope, kind="synthetic", display_ref="N")
    with pytest.raises(NotFound):
        add_card(here, stranger)
    with pytest.raises(BadInput):
        add_card(here, invented)
    with pytest.raises(NotFound), here.scope() as scope:
        shoot_cards.create_card(scope, other.creator_id, build_card_terms(scope, person(here)))
    row = (
        "INSERT INTO shoot_card_people (tenant_id, id, card_id, person_id) VALUES (:t, :id, "
        ":card, :person)"
    )
    card = add_card(here, person(here))
    with pytest.raises(SQLAlchemyError, match="foreign key"), here.scope() as scope:
        scope.run(row, t=here.tenant_id, id=uuid7(), card=card, person=stranger)


def test_another_tenant_cannot_read_or_use_card(here: World, tenant: OpenScope) -> None:
    mia, shown = person(here), add_undated_picture(here)
    card = add_signed_card(here, mia)
    bind_pictures(here, card, shown)
    other = world(tenant, uuid7())
    with other.scope() as scope:
        assert [scope.run(f"SELECT count(*) FROM {name}").scalar() for name in TABLES] == [
            0,
            0,
            0,
            0,
        ]
        with pytest.raises(NotFound):
            queries.get_card_facts(scope, card)
        with pytest.raises(NotFound):
            asset_bindings.bind_asset(scope, asset_of(scope, add_undated_picture(other)), card)
    with here.scope() as scope:
        assert all(scope.run(f"SELECT count(*) FROM {name}").scalar() == 1 for name in TABLES)


@pytest.mark.parametrize("role", ["app", "gate"])
@pytest.mark.parametrize("name", TABLES)
def test_card_rows_cannot_be_changed_or_deleted(here: World, name: str, role: Any) -> None:
    for statement in (f"UPDATE {name} SET updated_at = created_at", f"DELETE FROM {name}"):
        with (
            pytest.raises(SQLAlchemyError, match="permission denied"),
            here.open(here.tenant_id, "system:x", role=role) as scope,
        ):
            scope.run(statement)


def test_unauthorized_binding_is_refused_and_notified(here: World, tenant: OpenScope) -> None:
    shown, card = add_undated_picture(here), add_signed_card(here, person(here))
    with here.scope() as scope:
        asset = asset_of(scope, shown)
    for by, bound in (("system:x", 0), (f"member:{uuid7()}", 0), (f"member:{here.ann}", 1)):
        asset_bindings.handle_binding(
            CardBindingRequested(here.tenant_id, asset, card, by), tenant=tenant
        )
        with here.scope() as scope:
            assert scope.run("SELECT count(*) FROM shoot_card_assets").scalar() == bound
    with here.scope() as scope:
        assert (
            scope.run("SELECT count(*) FROM notices WHERE cause LIKE 'card.bind:%'").scalar() == 1
        )
        told = shoot_cards.list_cards(scope, [here.creator_id])[0]
    assert (told.used, told.standing, [one.said for one in told.people]) == (
        1,
        CardStatus.SIGNED,
        [CARD_SIGNED],
    )
