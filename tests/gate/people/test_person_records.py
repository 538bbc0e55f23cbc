"""Stored records of people and shoot cards: every field, limit and refusal."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.consent import asset_bindings, shoot_cards
from gate.consent.events import ConsentRevoked
from gate.consent.grants import FACE_CONSENT, grant_consent, revoke_consent
from gate.consent.shoot_cards import MAX_CARD_PEOPLE, MAX_CARD_PICTURES, CardSigner, ShootCardView
from gate.contract.units import Rating, Subject
from gate.decision.shoot_card_terms import CardStatus
from gate.faces import known_faces
from gate.journal import JournalDue
from gate.people import persons as people
from gate.people.synthetic_person_declarations import MODEL_PART, DeclaredSource
from gate.removal.events import TakedownOpened
from tests.gate import shoot_card_builders
from tests.gate.builders import (
    World,
    asset_of,
    picture,
    publish_unit,
    real_person,
    synthetic_person,
    unit,
    world,
)
from tests.gate.side_effects import list_stored_tasks

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_person_is_stored_with_trimmed_name(here: World) -> None:
    with here.scope() as scope:
        ida = people.add_person(
            scope, kind="real", display_ref="  Ida  ", creator_id=here.creator_id
        )
        twin = people.add_person(
            scope, kind="digital_twin", display_ref="x" * people.MAX_PERSON_NAME, twin_of=ida
        )
        row, double = people.get_person(scope, ida), people.get_person(scope, twin)
        assert (row.kind, row.display_ref, row.twin_of, row.creator_id, row.state) == (
            "real", "Ida", None, here.creator_id, "active",
        )  # fmt: skip
        assert (double.kind, double.twin_of, double.creator_id) == ("digital_twin", ida, None)
        assert list(people.list_digital_twins(scope, ida)) == [twin]
        assert list(people.list_digital_twins(scope, twin)) == []
        for changes, code, params in (
            ({"kind": "robot"}, "person.bad_kind", {"kind": "robot"}),
            ({"kind": "digital_twin"}, "person.bad_kind", {"kind": "digital_twin"}),
            ({"twin_of": ida}, "person.bad_kind", {"kind": "real"}),
            (
                {"kind": "digital_twin", "twin_of": twin},
                "person.bad_kind",
                {"kind": "digital_twin"},
            ),
            ({"kind": "digital_twin", "twin_of": uuid7()}, "person.unknown", {}),
            ({"display_ref": " "}, "person.bad_name", {"most": people.MAX_PERSON_NAME}),
            (
                {"display_ref": "x" * (people.MAX_PERSON_NAME + 1)},
                "person.bad_name",
                {"most": people.MAX_PERSON_NAME},
            ),
        ):
            whole: dict[str, Any] = {"kind": "real", "display_ref": "Ida", **changes}
            with pytest.raises(GreenroomError) as refused:
                people.add_person(scope, **whole)
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
        with pytest.raises(NotFound):
            people.add_person(scope, kind="real", display_ref="Ida", creator_id=uuid7())
        with pytest.raises(NotFound, match=r"person\.unknown"):
            people.get_person(scope, uuid7())


def test_consent_is_stored_completely_with_period(here: World) -> None:
    with here.scope() as scope:
        ida = people.add_person(scope, kind="real", display_ref="Ida")
        whole: dict[str, Any] = {
            "what": "publish", "surfaces": ("sandbox", "x"), "max_rating": Rating.N, "valid_from": scope.now,
            "valid_until": scope.now + people.MAX_CONSENT_PERIOD, "evidence_digest": "e" * 64, "signed_by": ida,
        }  # fmt: skip
        one = grant_consent(scope, ida, **whole)
        row = scope.run("SELECT * FROM consent_grants WHERE id = :i", i=one).mappings().one()
        assert (row["person_id"], row["scope"], row["surfaces"], row["max_rating"]) == (
            ida, "publish", ["sandbox", "x"], "N",
        )  # fmt: skip
        assert (row["valid_from"], row["valid_until"]) == (
            scope.now,
            scope.now + people.MAX_CONSENT_PERIOD,
        )
        assert (row["evidence_digest"], row["signed_by"], row["card_id"], row["revoked_at"]) == (
            "e" * 64, ida, None, None,
        )  # fmt: skip
        for changes in (
            {"what": "all"}, {"surfaces": ()}, {"signed_by": uuid7()}, {"valid_until": scope.now},
            {"valid_until": scope.now + people.MAX_CONSENT_PERIOD + timedelta(seconds=1)},
        ):  # fmt: skip
            with pytest.raises(BadInput) as refused:
                grant_consent(scope, ida, **(whole | changes))
            assert refused.value.message.code == "consent.invalid"
            assert refused.value.message.params == {"what": changes.get("what", "publish")}
        with pytest.raises(NotFound, match=r"person\.unknown"):
            grant_consent(scope, uuid7(), **whole)


def test_declaration_is_stored_with_sources_and_references(here: World) -> None:
    with here.scope() as scope:
        ida = people.add_person(scope, kind="real", display_ref="Ida")
        nova = people.add_person(scope, kind="synthetic", display_ref="Nova")
        source = DeclaredSource(MODEL_PART, "atelier", "a" * 64, "CC0", True)
        who = here.principal(scope, here.ann)
        whole: dict[str, Any] = {
            "source_digest": "d" * 64,
            "adult_licence": True,
            "declared_by": who,
        }
        one = people.record_declaration(
            scope, nova, **whole, sources=[source], references=("b" * 64,)
        )
        row = scope.run("SELECT * FROM declarations WHERE id = :i", i=one).mappings().one()
        assert (row["person_id"], row["source_digest"], row["adult_licence"], row["declared_by"]) == (
            nova, "d" * 64, True, who,
        )  # fmt: skip
        assert row["reference_set"] == ["b" * 64]
        assert row["sources"] == [
            {
                "part": "model",
                "name": "atelier",
                "digest": "a" * 64,
                "licence": "CC0",
                "adult": True,
            }
        ]
        for person, code in ((ida, "person.not_invented"), (uuid7(), "person.unknown")):
            with pytest.raises(GreenroomError) as refused:
                people.record_declaration(scope, person, **whole)
            assert refused.value.message.code == code


def test_age_proof_is_for_time_or_day(here: World) -> None:
    with here.scope() as scope:
        ida, nova = (
            people.add_person(scope, kind="real", display_ref="Ida"),
            synthetic_person(scope, here),
        )
        day = scope.now - 40 * DAY
        whole: dict[str, Any] = {
            "custodian": "C", "method": "eid", "verified_at": scope.now, "evidence_digest": "e" * 64,
        }  # fmt: skip
        ids = [
            people.record_age_proof(scope, ida, **whole),
            people.record_age_proof(
                scope, ida, **whole, on_day=day, valid_until=scope.now + DAY, noted_by="member:x"
            ),
        ]
        first, second = (
            scope.run("SELECT * FROM identity_checks WHERE id = :i", i=one).mappings().one()
            for one in ids
        )
        assert (first["custodian"], first["method"], first["result"], first["on_day"], first["valid_until"]) == (
            "C", "eid", "over_18", None, None,
        )  # fmt: skip
        assert (first["verified_at"], first["evidence_digest"], first["noted_by"]) == (
            scope.now,
            "e" * 64,
            "",
        )
        assert (second["result"], second["on_day"], second["valid_until"], second["noted_by"]) == (
            "over_18_on", day, scope.now + DAY, "member:x",
        )  # fmt: skip
        with pytest.raises(BadInput) as refused:
            people.record_age_proof(scope, nova, **whole)
        assert refused.value.message.params == {"kind": "synthetic"}
        with pytest.raises(NotFound):
            people.record_age_proof(scope, uuid7(), **whole)


@pytest.mark.parametrize(("what", "called"), [
    (None, {"post", "sold", "double"}), ("publish", {"post", "sold", "double"}), ("download_sell", {"sold"}),
    (FACE_CONSENT, set()),
])  # fmt: skip
def test_revocation_recalls_dependent_copies(
    here: World, what: str | None, called: set[str]
) -> None:
    with here.scope() as scope:
        ida = real_person(scope, scopes=("depict", "publish", "download_sell", "ai_likeness"))
        other = real_person(scope)
        twin = people.add_person(scope, kind="digital_twin", display_ref="T", twin_of=ida)
        shown = {
            "post": picture(scope, here, person=ida), "sold": picture(scope, here, person=ida),
            "double": picture(scope, here, person=twin), "other": picture(scope, here, person=other),
        }  # fmt: skip
    jtis = {}
    for name, medium in shown.items():
        subject = Subject("fulfilment" if name == "sold" else "delivery", uuid7())
        jtis[name] = publish_unit(here, unit(here, media=(medium,), subject=subject), native=name)
    with here.scope(f"person:{ida}") as scope:
        done = revoke_consent(scope, ida, what=what)
        assert set(done) == {jtis[name] for name in called}
        rows = scope.run(
            "SELECT scope, revoked_at FROM consent_grants WHERE person_id = :p", p=ida
        ).all()
        assert {row.scope for row in rows if row.revoked_at is not None} == (
            set() if what == FACE_CONSENT else {what} if what else {row.scope for row in rows}
        )
        (fact,) = list_stored_tasks(scope, ConsentRevoked.kind)
        assert (fact.subject, fact.args) == (ida, {"scope": what or ""})
        (kept,) = list_stored_tasks(scope, JournalDue.kind)
        assert (kept.args["act"], kept.args["about"], kept.args["more"]) == (
            "revoke",
            str(ida),
            what or "",
        )
        opened = {one.subject: one.args for one in list_stored_tasks(scope, TakedownOpened.kind)}
        assert opened == {jtis[name]: {"channel_id": str(here.channel_id)} for name in called}
        for name in called:
            why = scope.run(
                "SELECT recall_reason FROM permits WHERE id = :j", j=jtis[name]
            ).scalar_one()
            assert Message.from_json(why) == Message("recall.consent_revoked")
        assert revoke_consent(scope, ida, what=what) == []
        with pytest.raises(NotFound, match=r"person\.unknown"):
            revoke_consent(scope, uuid7())
        assert known_faces.find_face_consent(scope, ida) is None


def test_blocking_person_recalls_copies(here: World) -> None:
    with here.scope() as scope:
        ida = real_person(scope)
        medium = picture(scope, here, person=ida)
    jti = publish_unit(here, unit(here, media=(medium,)))
    with here.scope() as scope:
        assert people.block_person(scope, ida) == [jti]
        assert people.block_person(scope, ida) == []
        scope.session.expire_all()
        assert people.get_person(scope, ida).state == "blocked"
        why = scope.run("SELECT recall_reason FROM permits WHERE id = :j", j=jti).scalar_one()
        assert Message.from_json(why) == Message("recall.person_blocked")
        assert list_stored_tasks(scope, JournalDue.kind)[0].args["act"] == "block_person"
        with pytest.raises(NotFound):
            people.block_person(scope, uuid7())


def test_card_is_listed_completely(here: World) -> None:
    ida, tom = (shoot_card_builders.person(here, display_ref=name) for name in ("Tom", "Ida"))
    card = shoot_card_builders.add_card(
        here, ida, tom, ida, scopes=("publish", "depict"), surfaces=("x", "sandbox", "x")
    )
    shoot_card_builders.bind_pictures(
        here,
        card,
        shoot_card_builders.add_undated_picture(here),
        shoot_card_builders.add_undated_picture(here),
    )
    later = shoot_card_builders.add_card(here, ida, days=1)
    with here.scope() as scope:
        made = shoot_card_builders.build_card_terms(scope)
        newest, found = shoot_cards.list_cards(scope, [here.creator_id])
        assert found == ShootCardView(
            id=card, creator_id=here.creator_id, day=made.day, zone=made.zone, country="FR",
            scopes=("depict", "publish"), surfaces=("sandbox", "x"), max_rating=Rating.E, pictures=20, used=2,
            valid_until=found.valid_until, standing=CardStatus.OPEN,
            people=(CardSigner(tom, "Ida", "open"), CardSigner(ida, "Tom", "open")),
        )  # fmt: skip
        assert (newest.id, newest.used) == (later, 0)
        assert shoot_cards.list_cards(scope, []) == shoot_cards.list_cards(scope, [uuid7()]) == []
        assert [one.id for one in shoot_cards.list_cards(scope, [here.creator_id], limit=1)] == [
            later
        ]
    shoot_card_builders.answer_card(here, card, ida)
    with here.scope() as scope:
        found = shoot_cards.list_cards(scope, [here.creator_id])[1]
        assert [(one.name, one.said) for one in found.people] == [
            ("Ida", "open"),
            ("Tom", "signed"),
        ]
    shoot_card_builders.answer_card(here, card, tom, "declined")
    with here.scope() as scope:
        found = shoot_cards.list_cards(scope, [here.creator_id])[1]
        assert [(one.name, one.said) for one in found.people] == [
            ("Ida", "declined"),
            ("Tom", "signed"),
        ]
        assert found.standing is not CardStatus.OPEN


def test_invalid_card_is_rejected(here: World) -> None:
    with here.scope() as scope:
        crowd = [
            people.add_person(scope, kind="real", display_ref=str(n))
            for n in range(MAX_CARD_PEOPLE + 1)
        ]
        nova = synthetic_person(scope, here)
        gone = people.add_person(scope, kind="real", display_ref="Gone")
        people.block_person(scope, gone)
    with here.scope(f"member:{here.ann}") as scope:
        shoot_cards.create_card(
            scope,
            here.creator_id,
            shoot_card_builders.build_card_terms(
                scope, *crowd[:-1], pictures=MAX_CARD_PICTURES, country=""
            ),
        )
        shoot_cards.create_card(
            scope,
            here.creator_id,
            shoot_card_builders.build_card_terms(scope, crowd[0], pictures=1, months=24),
        )
        shoot_cards.create_card(
            scope,
            here.creator_id,
            shoot_card_builders.build_card_terms(scope, crowd[0], days=30, months=1),
        )
        for persons, changes, code, params in (
            (crowd, {}, "card.nobody", {"most": MAX_CARD_PEOPLE}),
            ([], {}, "card.nobody", {"most": MAX_CARD_PEOPLE}),
            ([crowd[0]], {"days": -2}, "card.day_to_come", {}),
            ([crowd[0]], {"days": 40, "months": 1}, "card.over", {}),
            ([crowd[0]], {"scopes": ("depict",)}, "card.invalid", {}),
            ([crowd[0]], {"scopes": ("depict", "publish", "all")}, "card.invalid", {}),
            ([crowd[0]], {"surfaces": ()}, "card.invalid", {}),
            ([crowd[0]], {"max_rating": Rating.X}, "card.invalid", {}),
            ([crowd[0]], {"pictures": 0}, "card.invalid", {}),
            ([crowd[0]], {"pictures": MAX_CARD_PICTURES + 1}, "card.invalid", {}),
            ([crowd[0]], {"months": 0}, "card.invalid", {}),
            ([crowd[0]], {"months": 25}, "card.invalid", {}),
            ([crowd[0]], {"country": "fr"}, "card.invalid", {}),
            ([crowd[0]], {"country": "FRA"}, "card.invalid", {}),
            ([crowd[0]], {"country": "ÉÉ"}, "card.invalid", {}),
            ([nova], {}, "card.invalid", {}),
            ([gone], {}, "card.invalid", {}),
            ([uuid7()], {}, "person.unknown", {}),
        ):
            with pytest.raises(GreenroomError) as refused:
                shoot_cards.create_card(
                    scope,
                    here.creator_id,
                    shoot_card_builders.build_card_terms(scope, *persons, **changes),
                )
            assert (refused.value.message.code, refused.value.message.params) == (code, params), (
                changes
            )
        with pytest.raises(NotFound):
            shoot_cards.create_card(
                scope, uuid7(), shoot_card_builders.build_card_terms(scope, crowd[0])
            )


def test_picture_is_bound_to_one_card_with_capacity(here: World) -> None:
    ida = shoot_card_builders.person(here)
    card, other = (
        shoot_card_builders.add_card(here, ida, pictures=1),
        shoot_card_builders.add_card(here, ida),
    )
    first, second = (
        shoot_card_builders.add_undated_picture(here),
        shoot_card_builders.add_undated_picture(here),
    )
    shoot_card_builders.bind_pictures(here, card, first, first)
    with here.scope(f"member:{here.ann}") as scope:
        asset = asset_of(scope, first)
        row = scope.run("SELECT card_id, asset_id, place, bound_by FROM shoot_card_assets WHERE "
                        "tenant_id = :t",
                        t=here.tenant_id).one()  # fmt: skip
        assert tuple(row) == (card, asset, 1, f"member:{here.ann}")
        for asset_id, which, code, params in (
            (asset, other, "card.on_another", {}), (asset_of(scope, second), card, "card.full", {"count": 1}),
            (uuid7(), card, "asset.unknown", {}), (asset, uuid7(), "card.unknown", {}),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as refused:
                asset_bindings.bind_asset(scope, asset_id, which)
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
