"""Shoot cards: what a signed one says is known, what anything else says is not; nobody signs for somebody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from foundation.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate import binding, cardfacts, cards, copies, desk, minting, people, ratings, signing
from gate.binding import BindingWanted
from gate.carded import DECLINED, SIGNED, WITHDRAWN, Standing
from gate.reasons import Reason
from gate.signing import AnswerWanted
from gate.units import Medium, Rating, Subject
from tests.gate.builders import KEY, Step, World, asset_of, picture, real_person, unit, world
from tests.gate.carding import make, put, say, signed, terms, undated

R = Reason
TABLES = ("shoot_cards", "shoot_card_people", "shoot_card_answers", "shoot_card_assets")


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def person(here: World, **papers: Any) -> UUID:
    """Somebody real, of age, who allowed nothing yet."""
    with here.scope() as scope:
        return real_person(scope, **{"scopes": (), **papers})


def judged(here: World, *media: Medium, **changes: Any) -> tuple[str, set[Reason]]:
    """What the check says of a post with these, once somebody looked."""
    whole = unit(here, text="Hello", media=media, **changes)
    author = f"member:{here.ann}"
    with here.scope() as scope:
        whole = replace(whole, flags=minting.flags(scope, whole))
        minting.judge(scope, whole, author=author)
    with here.scope(f"member:{here.rob}") as scope:
        desk.review(scope, whole.digest(), verdict="approve")
        found = minting.preview(scope, whole, author=author)
    return str(found.verdict), set(found.reasons)


def test_a_card_everybody_signed_says_when_who_and_what_for(here: World) -> None:
    mia, ida = person(here), person(here)
    shown = undated(here, people_seen=2)
    card = make(here, mia, ida)
    put(here, card, shown)
    assert judged(here, shown)[1] >= {R.PERSON_UNRESOLVED}
    say(here, card, mia)
    assert judged(here, shown)[1] >= {R.PERSON_UNRESOLVED}
    say(here, card, ida)
    assert judged(here, shown) == ("F", set())
    with here.scope() as scope:
        permitted = scope.run("SELECT scope, card_id, signed_by = person_id AS own FROM consent_grants").all()
    assert {(one.scope, one.card_id, one.own) for one in permitted} == {
        ("depict", card, True),
        ("publish", card, True),
    }


def test_what_was_signed_holds_for_the_pictures_of_that_card_alone(here: World) -> None:
    mia = person(here)
    signed(here, mia)
    with here.scope() as scope:
        other = picture(scope, here, Rating.E, person=mia, people_seen=1)  # dated by its camera, and on no card
    assert judged(here, other) == ("B", {R.CONSENT_MISSING})


Fault = Callable[[World, UUID, Medium], tuple[UUID, dict[str, Any]]]


def _unsigned(here: World, mia: UUID, _: Medium) -> Any:
    return make(here, mia), {}


def _half(here: World, mia: UUID, _: Medium) -> Any:
    return signed(here, mia, person(here), by=[mia]), {}


def _declined(here: World, mia: UUID, _: Medium) -> Any:
    card = make(here, mia)
    say(here, card, mia, DECLINED)
    return card, {}


def _withdrawn(here: World, mia: UUID, _: Medium) -> Any:
    card = signed(here, mia)
    say(here, card, mia, WITHDRAWN)
    return card, {}


def _over(here: World, mia: UUID, _: Medium) -> Any:
    return _rewritten(here, signed(here, mia), "valid_until = house_now() - interval '1 hour'"), {}


def _changed(here: World, mia: UUID, _: Medium) -> Any:
    return _rewritten(here, signed(here, mia), "day = day - 1"), {}


def _to_come(here: World, mia: UUID, _: Medium) -> Any:
    return _rewritten(here, make(here, mia), "day = day + 9"), {}


def _known_before(here: World, mia: UUID, shown: Medium) -> Any:
    card = signed(here, mia, days=0)
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE assets SET created_at = created_at - interval '2 days'")
    return card, {}


def _older_copy(here: World, mia: UUID, shown: Medium) -> Any:
    with here.scope() as scope:
        old = picture(scope, here, Rating.G, phash="00ff00ff00ff00f0", source="ingest")
        with scope.acting_as("gate"):
            scope.run("UPDATE assets SET created_at = house_now() - interval '9 days' WHERE id = :id",
                      id=asset_of(scope, old))  # fmt: skip
            scope.run("UPDATE renditions SET phash = '00ff00ff00ff00ff' WHERE sha256 = :sha", sha=shown.sha256)
    return signed(here, mia), {}


def _place(here: World, mia: UUID, _: Medium) -> Any:
    return signed(here, mia, surfaces=("x", "telegram")), {}


def _rating(here: World, mia: UUID, _: Medium) -> Any:
    return signed(here, mia, max_rating=Rating.S), {}


def _sold(here: World, mia: UUID, _: Medium) -> Any:
    return signed(here, mia), {"subject": Subject("fulfilment", uuid7())}


def _unchecked(here: World, mia: UUID, _: Medium) -> Any:
    """Checked afterwards, where people are checked before the shoot; a later answer about the day does not help."""
    late = person(here, checked=timedelta())
    with here.scope() as scope:
        facts = {"custodian": "c", "method": "m", "verified_at": scope.now, "evidence_digest": ""}
        people.record_identity(scope, late, on_day=scope.now - timedelta(days=30), **facts)
    return signed(here, late, country="US"), {}


def _rewritten(here: World, card: UUID, change: str) -> UUID:
    """Somebody with the database's own keys changes a card; nobody else can."""
    with here.scope() as scope:
        url = scope.session.info["connection"].engine.url
    engine = create_engine(url.set(username="postgres"))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE shoot_cards SET {change} WHERE id = :id"), {"id": card})
    engine.dispose()
    return card


FAULTS = (
    *(_unsigned, _half, _declined, _withdrawn, _over, _changed, _to_come, _known_before, _older_copy),
    *(_place, _rating, _sold, _unchecked),
)


def _dated(here: World, fault: Fault) -> tuple[str, set[Reason]]:
    """A picture on such a card, of somebody else who allowed everything: its date alone is at stake."""
    mia, shown = person(here), undated(here)
    card, changes = fault(here, mia, shown)
    put(here, card, shown)
    with here.scope() as scope:
        other = real_person(scope)
        ratings.depict(scope, asset_of(scope, shown), other, how="face", confirmed_by=f"member:{here.rob}")
    return judged(here, shown, **changes)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_card_that_is_not_in_order_is_none(here: World, fault: Fault) -> None:
    assert _dated(here, fault) == ("B", {R.PRODUCTION_DATE_UNKNOWN})


@pytest.mark.parametrize("more", [{}, {"country": "US"}, {"country": ""}, {"max_rating": Rating.N}], ids=str)
def test_the_same_card_in_order_says_since_when(here: World, more: dict[str, Any]) -> None:
    rating = more.get("max_rating", Rating.E)
    mia, shown = person(here), undated(here, rating)
    put(here, signed(here, mia, **more), shown)
    assert judged(here, shown) == ("F", set())


@pytest.mark.parametrize("seen", [None, 0, 1, 3])
def test_one_more_one_fewer_or_not_counted_is_for_a_second_person(here: World, seen: int | None) -> None:
    card = signed(here, person(here), person(here))
    shown = undated(here, people_seen=seen)
    put(here, card, shown)
    verdict, reasons = judged(here, shown)
    assert verdict == "B"
    assert R.PERSON_UNRESOLVED in reasons


def test_somebody_else_in_the_picture_is_not_confirmed_by_the_card(here: World) -> None:
    mia, other = person(here), person(here)
    shown = undated(here)
    put(here, signed(here, mia), shown)
    with here.scope() as scope:
        ratings.depict(scope, asset_of(scope, shown), other, how="face")
    assert R.PERSON_UNRESOLVED in judged(here, shown)[1]


def test_earlier_evidence_wins_over_the_card(here: World) -> None:
    """The camera says last year: then nobody had checked her, and the card is of another set."""
    mia = person(here, checked=timedelta(days=100))
    with here.scope() as scope:
        shown = picture(scope, here, Rating.E, age=timedelta(days=300), people_seen=1)
        edit = picture(
            scope, here, Rating.E, source="ingest", age=timedelta(), people_seen=1, parent=asset_of(scope, shown)
        )
    put(here, signed(here, mia), edit)  # an edit is on the card of its original
    assert judged(here, shown)[1] >= {R.PERSON_UNRESOLVED}
    with here.scope() as scope:
        for one in (shown, edit):
            ratings.depict(scope, asset_of(scope, one), mia, how="face", confirmed_by=f"member:{here.rob}")
    for one in (shown, edit):
        assert judged(here, one)[1] >= {R.IDENTITY_AFTER_PRODUCTION}


def test_an_edit_is_on_the_card_of_its_original(here: World) -> None:
    shown = undated(here)
    put(here, signed(here, person(here)), shown)
    with here.scope() as scope:
        edit = picture(
            scope, here, Rating.E, source="ingest", age=timedelta(), people_seen=1, parent=asset_of(scope, shown)
        )
    assert judged(here, edit) == ("F", set())


def test_more_pictures_than_were_signed_for_are_refused(here: World) -> None:
    card = signed(here, person(here), pictures=2)
    first, second, third = (undated(here) for _ in range(3))
    put(here, card, first, second, first)
    with pytest.raises(Conflict, match=r"card\.full"):
        put(here, card, third)
    with pytest.raises(Conflict, match=r"card\.on_another"):
        put(here, signed(here, person(here)), first)


# ------------------------------------------------------------------ who may say what
@pytest.mark.parametrize("actor", ["member", "system:web", "guest"])
def test_nobody_signs_for_somebody_else(here: World, actor: str) -> None:
    mia, other = person(here), person(here)
    card = make(here, mia)
    who = f"{actor}:{here.ann}" if actor != "system:web" else actor
    with here.scope(who) as scope, pytest.raises(Refused, match=r"card\.own_hand"):
        signing.answer(scope, card, SIGNED, digest=cardfacts.facts(scope, card).digest)
    with here.scope(f"person:{other}") as scope, pytest.raises(NotFound):
        signing.answer(scope, card, SIGNED, digest=cardfacts.facts(scope, card).digest)
    row = (
        "INSERT INTO shoot_card_answers (tenant_id, id, card_id, person_id, said, digest, said_by)"
        " VALUES (:tenant, :id, :card, :person, 'signed', :digest, :by)"
    )
    with here.scope() as scope:
        digest = cardfacts.facts(scope, card).digest
    values = {"tenant": here.tenant_id, "card": card, "person": mia, "digest": digest}
    for role, by in (("app", f"person:{mia}"), ("gate", f"member:{here.ann}"), ("gate", "")):
        with pytest.raises(SQLAlchemyError), here.open(here.tenant_id, "system:x", role=role) as scope:
            scope.run(row, id=uuid7(), by=by, **values)


def test_what_was_answered_otherwise_is_not_answered_again(here: World) -> None:
    mia = person(here)
    card = make(here, mia)
    with pytest.raises(Conflict, match=r"card\.not_now"):
        say(here, card, mia, WITHDRAWN)
    with pytest.raises(Conflict, match=r"card\.changed"):
        say(here, card, mia, digest="0" * 64)
    with pytest.raises(BadInput):
        say(here, card, mia, "maybe")
    say(here, card, mia, DECLINED)
    with pytest.raises(Conflict, match=r"card\.not_now"):
        say(here, card, mia)


def test_pressed_twice_and_handled_twice_is_once(here: World) -> None:
    mia = person(here)
    card = make(here, mia)
    with here.scope(f"person:{mia}") as scope:
        digest = cardfacts.facts(scope, card).digest
        for _ in range(2):
            signing.ask(scope, card, SIGNED, digest=digest)
        assert scope.run("SELECT count(*) FROM outbox WHERE kind = 'card.answer'").scalar() == 1
    wanted = AnswerWanted(here.tenant_id, card, SIGNED, digest, f"person:{mia}")
    for _ in range(2):
        signing.settle(wanted, tenant=here.open)
    with here.scope() as scope:
        assert scope.run("SELECT count(*) FROM shoot_card_answers").scalar() == 1
        assert scope.run("SELECT count(*) FROM consent_grants").scalar() == 2


def test_a_signature_taken_back_stops_and_calls_back_what_the_card_carried(here: World) -> None:
    mia, shown = person(here, scopes=("depict", "publish")), undated(here)
    card = signed(here, mia)
    put(here, card, shown)
    with here.scope() as scope:
        other = picture(scope, here, Rating.E, person=mia)
    sent = []
    for medium in (shown, other):
        whole = unit(here, text="Hello", media=[medium])
        with here.scope() as scope:
            whole = replace(whole, flags=minting.flags(scope, whole))
            minting.judge(scope, whole, author=f"member:{here.ann}")
        with here.scope(f"member:{here.rob}") as scope:
            desk.review(scope, whole.digest(), verdict="approve")
        with here.scope() as scope:
            sent.append(minting.mint(scope, whole, Step(), key=KEY, author=f"member:{here.ann}").jti)
    assert say(here, card, mia, WITHDRAWN) == sent[:1]
    with here.scope() as scope:
        assert [found.recalled_at is not None for jti in sent if (found := copies.copy(scope, jti))] == [True, False]
        assert scope.run("SELECT count(*) FROM notices WHERE cause LIKE :c", c=f"card:{card}%").scalar() == 1
    assert R.PERSON_UNRESOLVED in judged(here, shown)[1]
    assert judged(here, other) == ("F", set())


def test_taking_everything_back_ends_what_was_signed_on_cards_too(here: World) -> None:
    mia, shown = person(here), undated(here)
    put(here, signed(here, mia), shown)
    assert judged(here, shown) == ("F", set())
    with here.scope() as scope:
        people.revoke(scope, mia)
    assert R.CONSENT_REVOKED in judged(here, shown)[1]


# ------------------------------------------------------------------ making one
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
def test_what_nobody_could_sign_is_no_card(here: World, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(GreenroomError) as refused:
        make(here, *changes.pop("persons", (person(here),)), **changes)
    assert refused.value.message.code == code


def test_only_real_people_of_this_agency_are_named(here: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    stranger = person(other)
    with here.scope() as scope:
        invented = people.add_person(scope, kind="synthetic", display_ref="N")
    with pytest.raises(NotFound):
        make(here, stranger)
    with pytest.raises(BadInput):
        make(here, invented)
    with pytest.raises(NotFound), here.scope() as scope:
        cards.make(scope, other.creator_id, terms(scope, person(here)))
    row = "INSERT INTO shoot_card_people (tenant_id, id, card_id, person_id) VALUES (:t, :id, :card, :person)"
    card = make(here, person(here))
    with pytest.raises(SQLAlchemyError, match="foreign key"), here.scope() as scope:
        scope.run(row, t=here.tenant_id, id=uuid7(), card=card, person=stranger)


def test_another_tenant_sees_and_reaches_no_card(here: World, tenant: OpenScope) -> None:
    mia, shown = person(here), undated(here)
    card = signed(here, mia)
    put(here, card, shown)
    other = world(tenant, uuid7())
    with other.scope() as scope:
        assert [scope.run(f"SELECT count(*) FROM {name}").scalar() for name in TABLES] == [0, 0, 0, 0]
        with pytest.raises(NotFound):
            cardfacts.facts(scope, card)
        with pytest.raises(NotFound):
            binding.bind(scope, asset_of(scope, undated(other)), card)
    with here.scope() as scope:
        assert all(scope.run(f"SELECT count(*) FROM {name}").scalar() == 1 for name in TABLES)


@pytest.mark.parametrize("role", ["app", "gate"])
@pytest.mark.parametrize("name", TABLES)
def test_what_was_written_on_a_card_is_never_changed(here: World, name: str, role: Any) -> None:
    for statement in (f"UPDATE {name} SET updated_at = created_at", f"DELETE FROM {name}"):
        with (
            pytest.raises(SQLAlchemyError, match="permission denied"),
            here.open(here.tenant_id, "system:x", role=role) as scope,
        ):
            scope.run(statement)


def test_who_may_not_run_the_day_binds_nothing_and_is_told(here: World, tenant: OpenScope) -> None:
    shown, card = undated(here), signed(here, person(here))
    with here.scope() as scope:
        asset = asset_of(scope, shown)
    for by, bound in (("system:x", 0), (f"member:{uuid7()}", 0), (f"member:{here.ann}", 1)):
        binding.settle(BindingWanted(here.tenant_id, asset, card, by), tenant=tenant)
        with here.scope() as scope:
            assert scope.run("SELECT count(*) FROM shoot_card_assets").scalar() == bound
    with here.scope() as scope:
        assert scope.run("SELECT count(*) FROM notices WHERE cause LIKE 'card.bind:%'").scalar() == 1
        told = cards.of_creators(scope, [here.creator_id])[0]
    assert (told.used, told.standing, [one.said for one in told.people]) == (1, Standing.SIGNED, [SIGNED])
