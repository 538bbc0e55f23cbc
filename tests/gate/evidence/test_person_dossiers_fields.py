"""All fields of a person dossier, and missing requirements at the exact time limits."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from gate.consent import subject_portal
from gate.contract.facts import AgeProof, ConsentFacts, DeclarationFacts, PersonFacts
from gate.contract.states import PersonState
from gate.contract.units import Rating
from gate.evidence import person_dossiers
from gate.evidence.person_dossiers import AgeProofSummary, missing_requirements
from gate.people.synthetic_person_declarations import MODEL_PART, REFERENCES_PART, LookResult
from gate.ratings import ratings
from tests.gate.builders import World, picture, record_declaration_looks, world
from tests.gate.decision.test_decide import BEFORE, GRANTS, NOW, REAL, SYNTHETIC, grant
from tests.gate.person_actions import (
    add_custodian,
    add_reference_pictures,
    add_unknown_person,
    confirm_contact_address,
    declare_person,
    member_scope,
    note_age_proof,
    unknown_principal,
)

MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_dossier_of_real_person_lists_newest_proof_first(here: World) -> None:
    ida = add_unknown_person(here, creator_id=here.creator_id)
    with here.scope() as scope:
        until, day = scope.now + 90 * DAY, scope.now - 400 * DAY
    note_age_proof(here, ida, ago=30 * DAY, valid_until=until)
    note_age_proof(here, ida, ago=60 * DAY, method="notary", on_day=day)
    with member_scope(here, here.ann) as scope:
        subject_portal.create_portal_link(scope, ida)
    with here.scope() as scope:
        (one,) = person_dossiers.list_dossiers(scope)
        newest, older = one.proofs
        assert (one.id, one.name, one.twin_of, one.creator_id) == (ida, "Ida", "", here.creator_id)
        assert (one.portal_used_at, one.declaration, one.active_consents) == (None, None, ())
        assert newest == AgeProofSummary(
            "Notaire Roux",
            "document",
            newest.verified_at,
            until,
            None,
            f"member:{add_custodian(here)}",
            stands=True,
            id=newest.id,
        )
        assert older == AgeProofSummary(
            "Notaire Roux",
            "notary",
            older.verified_at,
            None,
            day,
            f"member:{add_custodian(here)}",
            stands=True,
            id=older.id,
        )
        assert older.verified_at < newest.verified_at
        assert (one.general, one.adult) == (("depict", "publish"), ("depict", "publish"))
    twin = add_unknown_person(here, "digital_twin", display_ref="Bis", twin_of=ida)
    with here.scope() as scope:
        double = next(each for each in person_dossiers.list_dossiers(scope) if each.id == twin)
        assert (double.twin_of, double.proofs, double.portal_used_at) == ("Ida", one.proofs, None)
        assert double.general == ("depict", "publish", "ai_likeness")


def test_dossier_of_synthetic_person_shows_declaration_reviews(here: World) -> None:
    nova, shown = (
        add_unknown_person(here, "synthetic", display_ref="Nova"),
        add_reference_pictures(here),
    )
    declared = declare_person(here, nova, shown)
    with here.scope() as scope:
        bare = picture(scope, here, None, ai="generated").sha256
        (one,) = person_dossiers.list_dossiers(scope)
        found = one.declaration
        assert found is not None
        assert (found.id, found.declared_by, found.looks, found.lost) == (
            declared, here.principal(scope, here.ann), (), False,
        )  # fmt: skip
        assert [each["part"] for each in found.sources] == [MODEL_PART, REFERENCES_PART]
        assert [each[0] for each in found.references] == sorted(shown)
        assert {each[2] for each in found.references} == {"G"}
        assert (
            found.references[0][1]
            == scope.run(
                "SELECT asset_id FROM renditions WHERE sha256 = :s", s=sorted(shown)[0]
            ).scalar_one()
        )
        assert scope.now - found.at < DAY
        assert (found.has_doubts, found.kappa) == (False, None)
        assert (one.general, one.adult) == ((), ("looks",))
        first, second = unknown_principal(), unknown_principal()
        record_declaration_looks(scope, declared, first, second)
        after = person_dossiers.list_dossiers(scope)[0].declaration
        assert after is not None
        assert after.looks == (LookResult(first, False, (), 12), LookResult(second, False, (), 12))
        assert not after.has_doubts
        assert replace(after, looks=(LookResult(first, True, (), 12),)).has_doubts
        assert replace(after, looks=(LookResult(first, False, ("a",), 12),)).has_doubts
        assert (
            replace(
                after,
                looks=(LookResult(first, False, ("a",), 12), LookResult(second, False, ("a",), 12)),
            ).kappa
            == 1
        )
        ratings.record_rating(scope, sorted(shown)[0], Rating.S, source="rule:x")
        # checked above
        assert person_dossiers.list_dossiers(scope)[0].declaration.references[0][2] == "S"  # type: ignore[union-attr]  # see above
        assert bare not in {each[0] for each in after.references}


def changed(*grants: ConsentFacts, **more: object) -> object:
    return replace(REAL, grants=grants, **more)  # type: ignore[arg-type]  # fields of the facts


@pytest.mark.parametrize(("person", "general", "adult"), [
    (REAL, [], []),
    (replace(REAL, state=PersonState.BLOCKED), ["blocked"], ["blocked"]),
    (replace(REAL, identities=()), [], ["age"]),
    (replace(REAL, identities=(AgeProof(BEFORE, NOW, None),)), [], ["age_over"]),
    (replace(REAL, identities=(AgeProof(BEFORE, NOW + MOMENT, None),)), [], []),
    (changed(grant("publish")), ["depict"], ["depict"]),
    (changed(*GRANTS[:1], grant("publish", valid_until=NOW)), ["publish_over"], ["publish_over"]),
    (changed(*GRANTS[:1], grant("publish", valid_until=NOW + MOMENT)), [], []),
    (changed(*GRANTS[:1], grant("publish", valid_from=NOW)), [], []),
    (changed(*GRANTS[:1], grant("publish", valid_from=NOW + MOMENT)), ["publish_later"], ["publish_later"]),
    (changed(*GRANTS[:1], grant("publish", revoked=True)), ["publish_taken"], ["publish_taken"]),
    (changed(*GRANTS[:1], grant("publish", max_rating=Rating.S)), [], ["publish_lower"]),
    (changed(*GRANTS[:1], grant("publish", max_rating=Rating.N)), [], []),
    (changed(*GRANTS[:1], grant("publish", card=REAL.id)), ["publish"], ["publish"]),
    (changed(*GRANTS[:1], grant("publish", revoked=True), grant("publish", valid_until=NOW)),
     ["publish_over"], ["publish_over"]),
    (changed(*GRANTS[:2], kind="digital_twin"), ["ai_likeness"], ["ai_likeness"]),
    (changed(*GRANTS, kind="digital_twin"), [], []),
    (SYNTHETIC, [], []),
    (replace(SYNTHETIC, declaration=None), ["declaration"], ["declaration"]),
    (replace(SYNTHETIC, declaration=DeclarationFacts(False, True)), [], ["licence"]),
    (replace(SYNTHETIC, declaration=DeclarationFacts(True, False)), [], ["looks"]),
    (replace(SYNTHETIC, declaration=DeclarationFacts(False, False)), [], ["licence", "looks"]),
])  # fmt: skip
def test_missing_requirements_are_ordered_and_exact(
    person: PersonFacts, general: list[str], adult: list[str]
) -> None:
    assert list(missing_requirements(person, Rating.G, NOW)) == general
    assert list(missing_requirements(person, Rating.N, NOW)) == adult


@pytest.mark.parametrize("acts", ["confirms", "revokes", "both", ""])
def test_portal_counts_as_used_once_its_person_acted_in_it(here: World, acts: str) -> None:
    ida = add_unknown_person(here, creator_id=here.creator_id)
    with member_scope(here, here.ann) as scope:
        subject_portal.create_portal_link(scope, ida)
    with here.scope() as scope:
        if acts in ("confirms", "both"):
            confirm_contact_address(scope, ida)
        if acts in ("revokes", "both"):
            scope.run(
                "UPDATE person_links SET asked_at = house_now() WHERE person_id = :id", id=ida
            )
    with member_scope(here, here.ann) as scope:
        subject_portal.create_portal_link(scope, ida)  # a new link changes nothing of this
    with here.scope() as scope:
        (one,) = person_dossiers.list_dossiers(scope)
    assert (one.portal_used_at is not None) is bool(acts)
