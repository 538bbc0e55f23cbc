"""Consents of depicted people: storage, validation and revocation."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from gate.consent import subject_portal
from gate.consent.grants import grant_consent, revoke_consent
from gate.contract.facts import AgeProof
from gate.contract.units import Rating, Subject
from gate.copies import live_copies
from gate.evidence import media_facts
from gate.people import persons
from gate.ratings import ratings
from tests.gate.builders import World, asset_of, picture, real_person, synthetic_person, unit, world
from tests.gate.test_fact_records import DAY, publish_unit


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_revocation_of_all_consents_includes_digital_twin(here: World) -> None:
    with here.scope() as scope:
        real = real_person(scope)
        double = real_person_like(scope, real)
        assert list(persons.list_digital_twins(scope, real)) == [double]
        assert list(persons.list_digital_twins(scope, double)) == []
        one, other = picture(scope, here, person=real), picture(scope, here, person=double)
    mine, theirs = (
        publish_unit(here, unit(here, text="One", media=(one,)), "1"),
        publish_unit(here, unit(here, media=(other,)), "2"),
    )
    sold = unit(here, text="Sold", media=(one,), subject=Subject("fulfilment", uuid7()))
    pack = publish_unit(here, sold, "3")
    locked = publish_unit(
        here, unit(here, text="Locked", media=(one,), price=Money(500, "USD")), "4"
    )
    with here.scope() as scope:
        for number, jti in enumerate((mine, theirs, pack, locked)):
            live_copies.record_copy(scope, jti, f"n{number}", scope.now)
        assert [each.jti for each in live_copies.live_copies_of_person(scope, real)] == [
            mine,
            pack,
            locked,
        ]
        assert revoke_consent(scope, real, what="download_sell") == [pack, locked]
        assert set(revoke_consent(scope, real)) == {mine, theirs}
        live_copies.record_removed(scope, mine, "404")
        assert [each.jti for each in live_copies.live_copies_of_person(scope, real)] == [
            pack,
            locked,
        ]
        assert [each.jti for each in live_copies.all_copies_of_person(scope, real)] == [
            mine,
            pack,
            locked,
        ]
        (known,) = media_facts.person_facts(scope, [real])
        assert all(each.revoked for each in known.grants)


def test_blocked_person_includes_digital_twin(here: World) -> None:
    with here.scope() as scope:
        real = real_person(scope)
        double, other = real_person_like(scope, real), real_person(scope)
        shown = [picture(scope, here, person=one) for one in (real, double, other)]
    copied = [
        publish_unit(here, unit(here, text=str(n), media=(one,)), str(n))
        for n, one in enumerate(shown)
    ]
    with here.scope() as scope:
        assert persons.block_person(scope, real) == copied[:2]
        assert persons.block_person(scope, real) == [], "the second block recalls nothing"


def test_earlier_copies_are_recalled_after_person_is_named(here: World) -> None:
    with here.scope() as scope:
        first, other = picture(scope, here), picture(scope, here)
        cut = picture(scope, here, parent=asset_of(scope, first))
    whole, part = (
        publish_unit(here, unit(here, text=text, media=(of,)), text)
        for text, of in (("One", first), ("Two", cut))
    )
    apart = publish_unit(here, unit(here, text="Three", media=(other,)), "Three")
    with here.scope() as scope:
        for jti in (whole, part, apart):
            live_copies.record_copy(scope, jti, str(jti), scope.now)
        ida = persons.add_person(scope, kind="real", display_ref="Ida")
        ratings.record_depiction(
            scope, asset_of(scope, first), ida, how="face", confirmed_by=f"member:{here.rob}"
        )
        ratings.record_depiction(
            scope, asset_of(scope, other), ida, how="face"
        )  # proposed and not yet confirmed
        assert [each.jti for each in subject_portal.list_copies_of_subject(scope, ida)] == [
            whole,
            part,
        ], "the subject portal lists the copies"
    with here.scope(f"person:{ida}") as scope:
        subject_portal.request_revocation(scope, ida, subject_portal.ALL_CONSENTS)
    with here.scope() as scope:
        assert revoke_consent(scope, ida) == [whole, part]
        live_copies.record_removed(scope, whole, "404")
        assert [each.jti for each in live_copies.live_copies_of_person(scope, ida)] == [part]
        assert [each.jti for each in live_copies.all_copies_of_person(scope, ida)] == [whole, part]


def real_person_like(scope: Any, real: UUID) -> UUID:
    found = persons.add_person(scope, kind="digital_twin", display_ref="P2", twin_of=real)
    now = scope.now
    for what in ("depict", "publish", "download_sell", "ai_likeness"):
        grant_consent(
            scope, found, what=what, surfaces=("sandbox",), max_rating=Rating.E, valid_from=now - DAY,
            valid_until=now + DAY, evidence_digest="e" * 64, signed_by=found,
        )  # fmt: skip
    return found


def test_age_proof_for_a_day_is_stored_as_such(here: World) -> None:
    with here.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="P")
        asked: dict[str, Any] = {
            "custodian": "c",
            "method": "document",
            "evidence_digest": "e" * 64,
        }
        later = persons.record_age_proof(
            scope, person, **asked, verified_at=scope.now, valid_until=scope.now + DAY
        )
        earlier = persons.record_age_proof(
            scope, person, **asked, verified_at=scope.now - DAY, on_day=scope.now - 9 * DAY
        )
        rows = scope.run(
            "SELECT id, result FROM identity_checks WHERE person_id = :person", person=person
        ).all()
        assert {tuple(row) for row in rows} == {(later, "over_18"), (earlier, "over_18_on")}
        (known,) = media_facts.person_facts(scope, [person])
        assert known.identities == (
            AgeProof(scope.now - DAY, None, scope.now - 9 * DAY),
            AgeProof(scope.now, scope.now + DAY, None),
        )
        assert media_facts.person_facts(scope, []) == ()


def test_invalid_kind_of_person_is_rejected(here: World) -> None:
    asked: dict[str, Any] = {"custodian": "c", "method": "document", "evidence_digest": "e" * 64}
    with here.scope() as scope:
        real, nova, ann = (
            real_person(scope),
            synthetic_person(scope, here),
            here.principal(scope, here.ann),
        )
        for kind, twin in (("other", None), ("digital_twin", None), ("real", real)):
            with pytest.raises(BadInput, match=r"person\.bad_kind"):
                persons.add_person(scope, kind=kind, display_ref="P", twin_of=twin)
        with pytest.raises(BadInput, match=r"person\.bad_kind"):
            persons.record_age_proof(scope, nova, **asked, verified_at=scope.now)
        with pytest.raises(BadInput, match=r"person\.not_invented"):
            persons.record_declaration(
                scope, real, source_digest="d", adult_licence=True, declared_by=ann
            )
        with pytest.raises(NotFound, match=r"person\.unknown"):
            persons.block_person(scope, uuid7())
        medium = picture(scope, here, person=real)
    jti = publish_unit(here, unit(here, media=(medium,)))
    with here.scope() as scope:
        assert persons.block_person(scope, real) == [jti]
        assert persons.block_person(scope, real) == []
        assert (
            scope.run("SELECT state FROM persons WHERE id = :id", id=real).scalar_one() == "blocked"
        )
        reason = scope.run(
            "SELECT recall_reason ->> 'code' FROM permits WHERE id = :id", id=jti
        ).scalar_one()
        assert reason == "recall.person_blocked"


@pytest.mark.parametrize(
    "changed",
    [
        {"what": "everything"},
        {"surfaces": ()},
        {"signed_by": uuid7()},
        {"valid_until": timedelta()},
        {"valid_until": persons.MAX_CONSENT_PERIOD + DAY},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_invalid_consent_terms_are_rejected(here: World, changed: dict[str, Any]) -> None:
    with here.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="P")
        asked: dict[str, Any] = {
            "what": "publish", "surfaces": ["sandbox"], "max_rating": Rating.S, "valid_from": scope.now,
            "evidence_digest": "e" * 64, "signed_by": person, **changed,
        }  # fmt: skip
        until = scope.now + asked.pop("valid_until", persons.MAX_CONSENT_PERIOD)
        with pytest.raises(BadInput) as refused:
            grant_consent(scope, person, **asked, valid_until=until)
        assert refused.value.message == Message("consent.invalid", {"what": asked["what"]})
        longest = {**asked, "what": "publish", "surfaces": ["sandbox"], "signed_by": person}
        assert grant_consent(
            scope, person, **longest, valid_until=scope.now + persons.MAX_CONSENT_PERIOD
        )
