"""Person dossiers: missing requirements agree with the gate; age proofs, proposals and expiry
reminders."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from gate.consent import expiry, subject_portal
from gate.consent.expiry import PaperReminderDue
from gate.consent.grants import revoke_consent
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.evidence import person_dossiers
from gate.people import age_proofs, persons
from gate.people.age_proofs import AgeProofSubmitted
from gate.reviews import depicted_people
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.gate import shoot_card_builders
from tests.gate.builders import (
    World,
    asset_of,
    picture,
    real_person,
    record_declaration_looks,
    world,
)
from tests.gate.person_actions import (
    add_custodian,
    add_offer,
    add_reference_pictures,
    add_unknown_person,
    answer_offer,
    build_age_confirmation,
    build_offer_terms,
    confirm_people,
    declare_person,
    member_scope,
    name_people,
    note_age_proof,
    request_age_proof,
    run_workers,
    unknown_principal,
)

DAY = timedelta(days=1)


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def lacks(here: World, person: UUID) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with here.scope() as scope:
        one = next(one for one in person_dossiers.list_dossiers(scope) if one.id == person)
        return one.general, one.adult


def signed(here: World, person: UUID, **changes: Any) -> None:
    answer_offer(here, add_offer(here, person, **changes))


def invent(here: World, *, adult: bool = True, looks: int = 2) -> UUID:
    person = add_unknown_person(here, "synthetic", display_ref="Nova", creator_id=here.creator_id)
    declared = declare_person(here, person, add_reference_pictures(here), adult=adult)
    with here.scope() as scope:
        record_declaration_looks(scope, declared, *(unknown_principal() for _ in range(looks)))
    return person


def double(here: World, *scopes: str) -> UUID:
    ida = add_unknown_person(here)
    note_age_proof(here, ida)
    signed(here, ida, scopes=("depict", "publish", *scopes))
    return add_unknown_person(
        here, "digital_twin", display_ref="Ida bis", twin_of=ida, creator_id=here.creator_id
    )


def blocked(here: World) -> UUID:
    ida = add_unknown_person(here)
    with here.scope() as scope:
        persons.block_person(scope, ida)
    return ida


def real(here: World, *, proof: timedelta | None = 90 * DAY, **asked: Any) -> UUID:
    ida = add_unknown_person(here)
    if proof is not None:
        note_age_proof(here, ida, ago=proof)
    signed(here, ida, **asked)
    return ida


def taken_back(here: World) -> UUID:
    ida = real(here)
    with here.scope() as scope:
        revoke_consent(scope, ida)
    return ida


def run_out(here: World) -> UUID:
    with here.scope() as scope:
        return real_person(scope, until=-DAY / 2, checked=200 * DAY)


CASES = {
    "nothing": (add_unknown_person, ("depict", "publish"), ("depict", "publish", "age")),
    "signed": (lambda here: real(here, proof=None), (), ("age",)),
    "whole": (real, (), ()),
    "lower": (lambda here: real(here, max_rating=Rating.G), (), ("depict_lower", "publish_lower")),
    "revoked": (taken_back, ("depict_taken", "publish_taken"), ("depict_taken", "publish_taken")),
    "expired": (run_out, ("depict_over", "publish_over"), ("depict_over", "publish_over")),
    "blocked": (blocked, ("blocked",), ("blocked",)),
    "undeclared": (
        lambda here: add_unknown_person(here, "synthetic"),
        ("declaration",),
        ("declaration",),
    ),
    "unreviewed": (lambda here: invent(here, looks=1), (), ("looks",)),
    "unlicensed": (lambda here: invent(here, adult=False), (), ("licence",)),
    "synthetic": (invent, (), ()),
    "double": (lambda here: double(here, "ai_likeness"), (), ()),
    "no likeness consent": (double, ("ai_likeness",), ("ai_likeness",)),
}


@pytest.mark.parametrize("case", list(CASES))
def test_dossier_requirements_agree_with_gate(house: World, case: str) -> None:
    """The page must show a person as ready exactly if the gate accepts them."""
    make, general, adult = CASES[case]
    person = make(house)
    assert lacks(house, person) == (general, adult)
    for rating, missing in ((Rating.G, general), (Rating.N, adult)):
        with house.scope() as scope:
            medium = picture(scope, house, rating, person=person)
        assert (shoot_card_builders.judge_post(house, medium)[0] in "AF") == (not missing), (
            rating,
            missing,
        )


def test_consent_of_shoot_card_is_no_general_consent(house: World) -> None:
    ida = add_unknown_person(house)
    shoot_card_builders.add_signed_card(house, ida)
    assert lacks(house, ida)[0] == ("depict", "publish")


def test_age_proof_stores_custodian_but_no_birth_date(house: World) -> None:
    ida = add_unknown_person(house)
    note_age_proof(house, ida, receipt="Dossier 12-7", valid_until=datetime(2999, 1, 1, tzinfo=UTC))
    with house.scope() as scope:
        proof = person_dossiers.list_dossiers(scope)[0].proofs[0]
        row = scope.run("SELECT * FROM identity_checks").mappings().one()
    assert (proof.custodian, proof.method, proof.noted_by) == (
        "Notaire Roux",
        "document",
        f"member:{add_custodian(house)}",
    )
    assert proof.stands
    assert "Dossier" not in str(dict(row))
    assert len(row["evidence_digest"]) == 64
    note_age_proof(house, ida, receipt="a" * 64)
    with house.scope() as scope:
        assert "a" * 64 in scope.run("SELECT evidence_digest FROM identity_checks").scalars().all()


@pytest.mark.parametrize("wrong", [
    {"method": ""}, {"method": "abc"}, {"receipt": "née le 3/4/2001"}, {"receipt": "x" * 201},
    {"receipt": "  "}, {"ago": -DAY}, {"valid_until": datetime(2020, 1, 1, tzinfo=UTC)},
    {"on_day": datetime(2999, 1, 1, tzinfo=UTC)},
])  # fmt: skip
def test_invalid_age_proof_is_rejected(house: World, wrong: dict[str, Any]) -> None:
    asked = request_age_proof(house, add_unknown_person(house))
    with member_scope(house, add_custodian(house)) as scope, pytest.raises(BadInput):
        age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope, **wrong))


def test_only_custodian_records_proof_of_real_person(house: World) -> None:
    ida, nova = add_unknown_person(house), add_unknown_person(house, "synthetic")
    with house.scope() as scope:
        gus = agencies.add_member(
            scope, name="Gus", email="g@example.test", role=Role.GUEST, language="en", zone="UTC"
        )
    asked = request_age_proof(house, ida)
    for member in (gus, house.ann, house.rob):
        with member_scope(house, member) as scope, pytest.raises(Refused):
            age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope))
    other = world(house.open, uuid7())
    with member_scope(other, add_custodian(other)) as scope, pytest.raises(NotFound):
        age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope))
    with pytest.raises(BadInput):
        request_age_proof(house, nova)
    # a member who lost the right in between, or a forged request
    with house.scope() as scope:
        event = AgeProofSubmitted(
            house.tenant_id, ida, "C", "document", scope.now, None, None, "a" * 64, f"member:{gus}"
        )
    age_proofs.handle_age_proof(event, tenant=house.open)
    with house.scope() as scope:
        assert scope.run("SELECT count(*) FROM identity_checks").scalar() == 0
        assert [one.message.code for one in list_open_notices(scope)] == ["role.forbidden.vouch"]
    for role in ("app",):
        with (
            pytest.raises(Exception, match="permission denied"),
            house.open(house.tenant_id, "x", role=role) as scope,
        ):
            scope.run(
                "INSERT INTO identity_checks (tenant_id, id) VALUES (:t, :i)",
                t=house.tenant_id,
                i=uuid7(),
            )


def test_age_proof_for_a_day_covers_later_pictures(house: World) -> None:
    ida = add_unknown_person(house)
    signed(house, ida)
    with house.scope() as scope:
        medium = picture(scope, house, Rating.N, person=ida, age=30 * DAY)
        day = scope.now - 60 * DAY
    note_age_proof(house, ida, ago=DAY)
    assert shoot_card_builders.judge_post(house, medium) == (
        "B",
        {Reason.IDENTITY_AFTER_PRODUCTION},
    )
    note_age_proof(house, ida, ago=DAY, on_day=day)
    assert shoot_card_builders.judge_post(house, medium)[0] == "F"


def test_person_is_named_by_one_member_and_confirmed_by_another(house: World) -> None:
    ida, tom = real(house), add_unknown_person(house, display_ref="Tom")
    with house.scope() as scope:
        medium = picture(scope, house, Rating.N, people_seen=1)
        asset = asset_of(scope, medium)
    assert shoot_card_builders.judge_post(house, medium) == ("B", {Reason.PERSON_UNRESOLVED})
    with member_scope(house, house.ann) as scope:
        depicted_people.propose_people(scope, asset, [ida, tom])
    run_workers(house)
    assert shoot_card_builders.judge_post(house, medium) == ("B", {Reason.PERSON_UNRESOLVED})
    with house.scope() as scope:
        assert [
            (one.people, one.proposed_by) for one in depicted_people.list_pending_proposals(scope)
        ] == [({ida: "Ida", tom: "Tom"}, {f"member:{house.ann}"})]
    for who in (house.ann,):
        with member_scope(house, who) as scope, pytest.raises(Refused, match=r"review\.own"):
            depicted_people.submit_people_confirmation(scope, asset, [ida], maker="")
    with member_scope(house, house.rob) as scope, pytest.raises(Refused, match=r"review\.own"):
        depicted_people.submit_people_confirmation(scope, asset, [ida], maker=f"member:{house.rob}")
    confirm_people(house, medium, ida)
    assert shoot_card_builders.judge_post(house, medium)[0] == "F", (
        "Tom was proposed by mistake and is not confirmed"
    )
    with house.scope() as scope:
        assert depicted_people.list_pending_proposals(scope) == []
    with member_scope(house, house.rob) as scope, pytest.raises(NotFound, match="unnamed"):
        depicted_people.submit_people_confirmation(scope, asset, [ida], maker="")


def test_picture_with_more_people_than_named_is_not_allowed(house: World) -> None:
    ida = real(house)
    for rating, verdict in ((Rating.G, "H"), (Rating.N, "B")):
        with house.scope() as scope:
            medium = picture(scope, house, rating, people_seen=2)
        name_people(house, medium, ida)
        assert shoot_card_builders.judge_post(house, medium) == (
            verdict,
            {Reason.PERSON_UNRESOLVED},
        )


def test_unknown_person_cannot_be_named(house: World) -> None:
    ida, other = add_unknown_person(house), world(house.open, uuid7())
    stranger_there = add_unknown_person(other)
    with house.scope() as scope:
        asset = asset_of(scope, picture(scope, house))
    with member_scope(house, house.ann) as scope:
        for wrong, error in (([], BadInput), ([stranger_there], NotFound), ([uuid7()], NotFound)):
            with pytest.raises(error):
                depicted_people.propose_people(scope, asset, wrong)
        with pytest.raises(NotFound):
            depicted_people.propose_people(scope, uuid7(), [ida])
    with member_scope(other, other.ann) as scope, pytest.raises(NotFound):
        depicted_people.propose_people(scope, asset, [stranger_there])
    with house.scope() as scope:
        assert list(depicted_people.list_nameable_people(scope).values()) == ["Ida"]


def told(here: World) -> list[tuple[str, str]]:
    expiry.send_expiry_reminders(PaperReminderDue(uuid7(), uuid7()), tenant=here.open)
    with here.scope() as scope:
        return sorted(
            (one.message.code, str(one.message.params["name"]))
            for one in list_open_notices(scope)
            if one.cause.startswith(expiry.CAUSE)
        )


def ending(here: World, name: str, days: float, **rest: Any) -> UUID:
    with here.scope() as scope:
        return real_person(
            scope, display_ref=name, until=days * DAY, scopes=("depict", "publish"), **rest
        )


def test_expiring_consent_is_announced_in_steps(house: World) -> None:
    for name, days in (
        ("Far", 31),
        ("A", 29.5),
        ("B", 13.5),
        ("C", 6.5),
        ("Gone", -0.5),
        ("Old", -0.5),
    ):
        ending(house, name, days)
    with house.scope() as scope:  # a newer consent of the same kinds
        old = next(one.id for one in person_dossiers.list_dossiers(scope) if one.name == "Old")
    signed(house, old)
    ends = [
        ("person.permission_ended", "Gone"),
        *(("person.permission_ends", name) for name in "ABC"),
    ]
    assert told(house) == ends
    assert told(house) == ends, "each reminder is sent once"
    with house.scope() as scope:
        causes = {
            one.cause.rsplit(":", 1)[1]
            for one in list_open_notices(scope)
            if "person-ends" in one.cause
        }
    assert causes == {"30", "14", "7", "-1"}
    with house.scope() as scope:
        gone = next(one.id for one in person_dossiers.list_dossiers(scope) if one.name == "A")
        persons.block_person(scope, gone)
    assert told(house) == [each for each in ends if each[1] != "A"]


def test_expiring_age_proof_is_announced(house: World) -> None:
    ida, tom = add_unknown_person(house), add_unknown_person(house, display_ref="Tom")
    with house.scope() as scope:
        soon = scope.now + 5 * DAY
    for person in (ida, tom):
        note_age_proof(house, person, valid_until=soon)
    assert told(house) == [("person.age_ends", "Ida"), ("person.age_ends", "Tom")]
    note_age_proof(house, tom)
    assert told(house) == [("person.age_ends", "Ida")]


def test_people_are_found_by_name_and_creator(house: World) -> None:
    for name in ("Ada", "adam", "Zoé"):
        add_unknown_person(house, display_ref=name)
    mia = add_unknown_person(house, display_ref="Mia", creator_id=house.creator_id)
    with house.scope() as scope:
        assert [one.name for one in person_dossiers.list_dossiers(scope, named=" AD ")] == [
            "Ada",
            "adam",
        ]
        assert [one.name for one in person_dossiers.list_dossiers(scope, limit=2)] == [
            "Ada",
            "adam",
        ]
        assert [
            one.id for one in person_dossiers.list_dossiers(scope, creators=[house.creator_id])
        ] == [mia]
        assert person_dossiers.list_dossiers(scope, creators=[]) == []
        assert person_dossiers.list_dossiers(scope, named="%") == []


def test_member_revokes_all_consents_for_person(house: World) -> None:
    ida = real(house)
    with member_scope(house, house.ann) as scope:
        subject_portal.create_portal_link(scope, ida)
        subject_portal.request_revocation(scope, ida, subject_portal.ALL_CONSENTS)
    with house.scope() as scope:
        assert subject_portal.last_revocation_request(scope, ida) is None, (
            "the subject portal shows requests of the person only"
        )
        row = scope.run("SELECT args FROM outbox WHERE kind = 'consent.revoke'").one()
    assert row.args["by"] == f"member:{house.ann}"


def test_offer_is_valid_for_its_period(house: World) -> None:
    ida = add_unknown_person(house)
    with house.scope() as scope:
        later = {"valid_from": scope.now + 5 * DAY, "valid_until": scope.now + 50 * DAY}
        assert build_offer_terms(scope, **later).valid_from > scope.now
    signed(house, ida, **later)
    assert lacks(house, ida)[0] == ("depict_later", "publish_later")
