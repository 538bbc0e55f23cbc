"""Side effects of operations on people: age proofs, names, declarations, consents, cards and links."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.consent import card_answers, consent_offers, face_consent, queries, subject_portal
from gate.consent.card_answers import CardAnswerSubmitted
from gate.consent.consent_offers import OfferAnswerSubmitted
from gate.consent.events import RevocationRequested
from gate.consent.grants import CONSENT_SCOPES, FACE_CONSENT
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import CARD_DECLINED, CARD_SIGNED, CARD_WITHDRAWN
from gate.evidence import media_facts
from gate.faces import known_faces
from gate.faces.known_faces import ReferenceComparisonDue
from gate.people import age_proofs, depiction_bans, persons
from gate.people.age_proofs import AgeProofSubmitted
from gate.people.synthetic_person_declarations import DeclaredSource, LookResult
from gate.policy import agency_lexicon
from gate.reviews import depicted_people, synthetic_people
from gate.reviews.depicted_people import PeopleConfirmed, PeopleProposed
from gate.reviews.synthetic_people import DeclarationDraft
from gate.text.text_rating import rate_texts
from tests.gate import shoot_card_builders
from tests.gate.builders import World, asset_of, picture, real_person, synthetic_person, world
from tests.gate.person_actions import (
    add_custodian,
    add_offer,
    add_reference_pictures,
    add_unknown_person,
    answer_offer,
    build_age_confirmation,
    build_declaration,
    build_offer_terms,
    declare_person,
    member_scope,
    request_age_proof,
    run_workers,
)
from tests.gate.side_effects import StoredNotice, find_notice, list_audit_entries, list_stored_tasks

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def quietly(code: str, **params: Any) -> StoredNotice:
    return StoredNotice(code, params, urgent=False, open=True, creator=None)


def test_age_proof_is_queued_with_normalized_receipt(here: World) -> None:
    ida = add_unknown_person(here)
    asked = request_age_proof(here, ida)
    roux = add_custodian(here)
    with member_scope(here, roux) as scope:
        for wrong, code in (
            ({"method": ""}, "proof.bad_method"),
            ({"method": "abc"}, "proof.bad_method"),
            ({"receipt": " "}, "proof.no_receipt"),
            ({"valid_until": scope.now}, "proof.bad_time"),
            ({"on_day": scope.now + timedelta(seconds=1)}, "proof.bad_time"),
        ):
            with pytest.raises(BadInput) as refused:
                age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope, **wrong))
            assert (refused.value.message.code, refused.value.message.params) == (code, {})
        said = build_age_confirmation(scope, receipt=" dossier  12 ")
        age_proofs.submit_age_proof(scope, asked, said)
        (first,) = list_stored_tasks(scope, AgeProofSubmitted.kind)
        assert (first.subject, first.priority, first.args["custodian"]) == (ida, 0, "Notaire Roux")
        assert (first.args["method"], first.args["by"]) == ("document", f"member:{roux}")
        assert (first.args["valid_until"], first.args["on_day"]) == (None, None)
        assert first.args["digest"] == hashlib.sha256(b"dossier 12").hexdigest()
        with pytest.raises(NotFound):
            age_proofs.submit_age_proof(scope, asked, said)
    nova = add_unknown_person(here, "synthetic")
    with pytest.raises(BadInput) as refused:
        request_age_proof(here, nova)
    assert refused.value.message.params == {"kind": "synthetic"}
    run_workers(here)
    with here.scope() as scope:
        row = scope.run("SELECT custodian, method, noted_by, custodian_id, verified_at FROM "
                        "identity_checks WHERE person_id = :p", p=ida).one()  # fmt: skip
        assert (row.custodian, row.method, row.noted_by, row.custodian_id) == (
            "Notaire Roux",
            "document",
            f"member:{roux}",
            roux,
        )
        assert row.verified_at == said.verified_at
        assert list_audit_entries(scope, "person.proved")[0] == (
            f"member:{roux}",
            "person.proved",
            f"person:{ida}",
            {},
        )


def check_refused_proposals(scope: Scope, asset: UUID, person: UUID, blocked: UUID) -> None:
    """Check that a proposal needs a known asset and 1 to 20 known people who are not blocked."""
    for asset_id, wanted, code, params in (
        (uuid7(), [person], "asset.unknown", {}),
        (asset, [], "person.nobody", {"most": 20}),
        (asset, [uuid7() for _ in range(21)], "person.nobody", {"most": 20}),
        (asset, [uuid7() for _ in range(20)], "person.unknown", {}),
        (asset, [blocked], "person.unknown", {}),
    ):
        with pytest.raises(GreenroomError) as refused:
            depicted_people.propose_people(scope, asset_id, wanted)
        assert (refused.value.message.code, refused.value.message.params) == (code, params)


def test_people_in_picture_are_proposed_confirmed_and_audited(here: World) -> None:
    ida, tom = add_unknown_person(here), add_unknown_person(here, display_ref="tom")
    with here.scope() as scope:
        asset = asset_of(scope, picture(scope, here))
        blocked = persons.add_person(scope, kind="real", display_ref="Gone")
        persons.block_person(scope, blocked)
    with member_scope(here, here.ann) as scope:
        for _ in range(2):
            depicted_people.propose_people(scope, asset, [tom, ida, tom])
        (one,) = list_stored_tasks(scope, PeopleProposed.kind)
        assert (one.subject, one.priority, one.dedupe) == (asset, 0, f"person.propose:{asset}")
        assert (set(one.args["people"].split()), one.args["by"]) == (
            {str(ida), str(tom)},
            f"member:{here.ann}",
        )
        check_refused_proposals(scope, asset, ida, blocked)
        assert list(depicted_people.list_nameable_people(scope).items()) == [
            (str(ida), "Ida"),
            (str(tom), "tom"),
        ]
    run_workers(here)
    with here.scope() as scope:
        (open_one,) = depicted_people.list_pending_proposals(scope)
        assert (open_one.asset_id, open_one.creator_id) == (asset, here.creator_id)
        assert open_one.people == {ida: "Ida", tom: "tom"}
        assert open_one.proposed_by == {f"member:{here.ann}"}
        assert (
            depicted_people.list_pending_proposals(scope, asset_id=asset)
            == depicted_people.list_pending_proposals(scope, creators=[here.creator_id])
            == [open_one]
        )
        assert (
            depicted_people.list_pending_proposals(scope, asset_id=uuid7())
            == depicted_people.list_pending_proposals(scope, creators=[uuid7()])
            == []
        )
        assert (
            depicted_people.list_pending_proposals(scope, creators=[])
            == depicted_people.list_pending_proposals(scope, limit=0)
            == []
        )
        assert list_audit_entries(scope, "person.proposed") == [
            (f"member:{here.ann}", "person.proposed", f"asset:{asset}", {})
        ]
    with member_scope(here, here.rob) as scope:
        depicted_people.submit_people_confirmation(scope, asset, [ida], maker=f"member:{here.ann}")
        (task,) = list_stored_tasks(scope, PeopleConfirmed.kind)
        assert (task.subject, task.priority, task.dedupe) == (asset, 1, None)
        sides = {"maker": f"member:{here.ann}", "by": f"member:{here.rob}"}
        assert task.args == {"people": str(ida)} | sides
    run_workers(here)
    with here.scope() as scope:
        assert list_audit_entries(scope, "card.named") == [
            (f"member:{here.rob}", "card.named", f"asset:{asset}", {})
        ]
        rows = scope.run(
            "SELECT person_id, state, confirmed_by FROM depictions WHERE asset_id = :a", a=asset
        ).all()
        assert [tuple(row) for row in rows] == [(ida, "confirmed", f"member:{here.rob}")]


def check_refused_declarations(scope: Scope, person: UUID, shown: tuple[str, ...]) -> None:
    """Check that a declaration needs one model with a name and a digest, and at most 40 known
    references."""
    sources = build_declaration(shown).sources
    another = DeclaredSource("else", "x", "", "", True)
    for wrong, code, params in (
        (
            build_declaration([f"{n:064x}" for n in range(41)]),
            "person.many_references",
            {"most": 40},
        ),
        (build_declaration(["0" * 64]), "person.bad_reference", {}),
        (build_declaration(shown, name=" "), "person.no_model", {}),
        (DeclarationDraft(sources * 2, shown), "person.no_model", {}),
        (DeclarationDraft(sources[1:], shown), "person.no_model", {}),
        (DeclarationDraft((*sources, another), shown), "person.no_model", {}),
        (build_declaration(shown, name="x" * 121), "person.no_model", {}),
        (build_declaration(shown, licence="x" * 121), "person.no_model", {}),
        (build_declaration(shown, digest="a" * 63), "person.bad_digest", {}),
        (build_declaration(shown, digest="g" * 64), "person.bad_digest", {}),
    ):
        with pytest.raises(BadInput) as refused:
            synthetic_people.declare_synthetic_person(scope, person, wrong)
        assert (refused.value.message.code, refused.value.message.params) == (code, params)


def test_declaration_compares_references_and_is_reviewed_once(here: World) -> None:
    person, shown = (
        add_unknown_person(here, "synthetic", display_ref="Nova"),
        add_reference_pictures(here),
    )
    declared = declare_person(here, person, (*shown, shown[0]))
    with here.scope() as scope:
        (task,) = list_stored_tasks(scope, ReferenceComparisonDue.kind)
        assert (task.subject, task.args) == (person, {"digests": " ".join(shown)})
    face_consent.handle_reference_comparison(
        outbox.rebuild_event(ReferenceComparisonDue, here.tenant_id, person, task.args),
        tenant=here.open,
    )
    with here.scope() as scope:
        after = known_faces.find_face_consent(scope, person)
        assert after is not None
        assert after.pictures == sorted(shown), "the workers compare the submitted references"
        assert list_audit_entries(scope, "person.declared") == [
            (f"member:{here.ann}", "person.declared", f"person:{person}", {})
        ]
    with member_scope(here, here.rob) as scope:
        synthetic_people.review_declaration(
            scope, person, declared, doubts=[shown[2], shown[1]], resembles=False
        )
        row = scope.run("SELECT principal_id, resembles, doubts, tiles FROM invented_looks WHERE "
                        "tenant_id = :t",
                        t=here.tenant_id).one()  # fmt: skip
        assert (row.principal_id, row.resembles, row.tiles) == (
            here.principal(scope, here.rob),
            False,
            12,
        )
        assert row.doubts == sorted(shown[1:3])
        assert list_audit_entries(scope, "person.looked_at") == [
            (f"member:{here.rob}", "person.looked_at", f"person:{person}", {})
        ]
        with pytest.raises(Conflict, match=r"person\.looked_before"):
            synthetic_people.record_declaration_look(
                scope, declared, LookResult(row.principal_id, True, (), 12)
            )
    with member_scope(here, here.ann) as scope:
        check_refused_declarations(scope, person, shown)
        synthetic_people.declare_synthetic_person(
            scope, person, build_declaration((), name="x" * 120, licence="y" * 120, digest="")
        )
        synthetic_people.declare_synthetic_person(scope, person, build_declaration((), name="x"))
        assert len(list_stored_tasks(scope, ReferenceComparisonDue.kind)) == 1, (
            "no references to compare"
        )


def test_consent_offer_and_answer_are_stored_and_reported(here: World) -> None:
    ida = add_unknown_person(here)
    offer = add_offer(here, ida)
    with here.scope(f"person:{ida}") as scope:
        assert list_audit_entries(scope, "consent.offered") == [
            (f"member:{here.ann}", "consent.offered", f"person:{ida}", {})
        ]
        (sheet,) = consent_offers.list_offer_sheets(scope, ida)
        assert (sheet.offer, sheet.waits, sheet.may_answer) == (offer, False, True)
        for _ in range(2):
            consent_offers.submit_offer_answer(scope, offer.id, CARD_SIGNED, digest=offer.digest)
        (task,) = list_stored_tasks(scope, OfferAnswerSubmitted.kind)
        assert (task.subject, task.priority, task.dedupe) == (
            offer.id,
            0,
            f"offer.answer:{offer.id}",
        )
        assert datetime.fromisoformat(task.args.pop("at")) <= scope.now
        assert task.args == {"said": CARD_SIGNED, "digest": offer.digest, "by": f"person:{ida}"}
        (sheet,) = consent_offers.list_offer_sheets(scope, ida)
        assert (sheet.waits, sheet.may_answer) == (True, False)
    run_workers(here)
    with here.scope() as scope:
        assert find_notice(scope, f"offer:{offer.id}") == quietly("asking.told_signed", name="Ida")
        (done,) = consent_offers.list_consent_offers(scope, [ida])
        assert (done.said, done.is_open, done.said_at is not None, done.late) == (
            CARD_SIGNED,
            False,
            True,
            False,
        )
        row = scope.run("SELECT person_id, said, digest, said_by FROM consent_answers WHERE "
                        "tenant_id = :t",
                        t=here.tenant_id).one()  # fmt: skip
        assert tuple(row) == (ida, CARD_SIGNED, offer.digest, f"person:{ida}")
        grants = scope.run(
            "SELECT scope, surfaces, max_rating, valid_until, signed_by, "
            "evidence_digest"
            " FROM consent_grants WHERE person_id = :p ORDER BY scope",
            p=ida,
        ).all()
        assert [tuple(one) for one in grants] == [
            (what, ["sandbox"], "N", offer.terms.valid_until, ida, offer.digest)
            for what in ("depict", "publish")
        ]
    again = add_offer(here, ida)
    answer_offer(here, again, CARD_DECLINED)
    with here.scope() as scope:
        assert find_notice(scope, f"offer:{again.id}") == quietly(
            "asking.told_declined", name="Ida"
        )


def test_consent_offer_is_validated_to_the_day(here: World) -> None:
    ida = add_unknown_person(here)
    with member_scope(here, here.ann) as scope:
        longest = persons.MAX_CONSENT_PERIOD
        for changes, code in (
            ({"scopes": ("depict",)}, "asking.bad_scopes"),
            ({"scopes": ("depict", "publish", "all")}, "asking.bad_scopes"),
            ({"surfaces": ()}, "asking.no_place"),
            ({"surfaces": tuple(str(n) for n in range(41))}, "asking.no_place"),
            ({"max_rating": Rating.X}, "asking.invalid"),
            ({"valid_from": scope.now, "valid_until": scope.now}, "asking.bad_days"),
            (
                {"valid_from": scope.now, "valid_until": scope.now + longest + DAY},
                "asking.bad_days",
            ),
            ({"valid_from": scope.now - DAY, "valid_until": scope.now}, "asking.bad_days"),
        ):
            with pytest.raises(BadInput) as refused:
                consent_offers.create_consent_offer(scope, ida, build_offer_terms(scope, **changes))
            assert refused.value.message.code == code, changes
        consent_offers.create_consent_offer(
            scope,
            ida,
            build_offer_terms(
                scope,
                surfaces=tuple(str(n) for n in range(40)),
                valid_from=scope.now,
                valid_until=scope.now + longest,
            ),
        )
        consent_offers.create_consent_offer(
            scope,
            ida,
            build_offer_terms(scope, scopes=("publish", "depict"), surfaces=("x", "sandbox", "x")),
        )
        newest, older = consent_offers.list_consent_offers(scope, [ida])
        assert (newest.terms.scopes, newest.terms.surfaces) == (
            ("depict", "publish"),
            ("sandbox", "x"),
        )
        assert (newest.is_open, older.is_open, older.late) == (True, False, True)
        assert consent_offers.list_consent_offers(scope, []) == []
    with here.scope(f"person:{ida}") as scope:
        for offer_id, said, digest, code in (
            (newest.id, "maybe", newest.digest, "card.bad_answer"),
            (uuid7(), CARD_SIGNED, newest.digest, "asking.unknown"),
            (newest.id, CARD_SIGNED, older.digest, "asking.changed"),
            (older.id, CARD_SIGNED, older.digest, "asking.not_now"),
        ):
            with pytest.raises(GreenroomError) as failed:
                consent_offers.submit_offer_answer(scope, offer_id, said, digest=digest)
            assert failed.value.message.code == code
    with member_scope(here, here.ann) as scope, pytest.raises(Refused, match=r"card\.own_hand"):
        consent_offers.submit_offer_answer(scope, newest.id, CARD_SIGNED, digest=newest.digest)


def names_banned_person(scope: Scope, words: str) -> bool:
    return rate_texts(
        [words], lexicon=agency_lexicon.current_lexicon(scope), today=scope.now.date()
    ).banned


def test_depiction_bans_are_managed_by_two_members(here: World) -> None:
    with member_scope(here, here.ann) as scope:
        pictures = [
            asset_of(scope, picture(scope, here, phash=look))
            for look in ("00" * 8, "ff" * 8, "00" * 8)
        ]
        bare = asset_of(scope, picture(scope, here))
        one = depiction_bans.add_depiction_ban(scope, "  Ada   Love ", pictures=[*pictures, bare])
        two = depiction_bans.add_depiction_ban(scope, "abe")
        for wrong in ("ab", "x" * 81, "  ", "a-b!"):
            with pytest.raises(BadInput) as refused:
                depiction_bans.add_depiction_ban(scope, wrong)
            assert (refused.value.message.code, refused.value.message.params) == (
                "never.bad_name", {"least": 3, "most": 80},
            )  # fmt: skip
        depiction_bans.add_depiction_ban(scope, "x" * 80)
        abe, ada = depiction_bans.list_depiction_bans(scope)[:2]
        assert abe == depiction_bans.DepictionBanSummary(
            two, "abe", 0, f"member:{here.ann}", abe.since
        )
        assert ada == depiction_bans.DepictionBanSummary(
            one, "Ada Love", 2, f"member:{here.ann}", ada.since
        )
        with pytest.raises(Refused, match=r"never\.another_ends"):
            depiction_bans.end_depiction_ban(scope, one)
        for words in ("a portrait of ADA, love", "ada-love", "Ada\tLove!", "#adalove"):
            assert names_banned_person(scope, words), words
        for words in ("Ada Lovelace", "love Ada", ""):
            assert not names_banned_person(scope, words), words
    with member_scope(here, here.rob) as scope:
        depiction_bans.end_depiction_ban(scope, one)
        with pytest.raises(NotFound, match=r"person\.unknown"):
            depiction_bans.end_depiction_ban(scope, one)
        assert not names_banned_person(scope, "Ada Love")
        assert one not in {each.id for each in depiction_bans.list_depiction_bans(scope)}
        assert list_audit_entries(scope, "never.ended") == [
            (f"member:{here.rob}", "never.ended", f"never:{one}", {})
        ]
        assert list_audit_entries(scope, "never.noted")[:2] == [
            (f"member:{here.ann}", "never.noted", f"never:{each}", {}) for each in (one, two)
        ]
        ended = scope.run("SELECT ended_by FROM never_depicted WHERE id = :i", i=one).scalar_one()
        assert ended == f"member:{here.rob}"


@pytest.mark.parametrize(("bits", "refuses"), [(8, True), (9, False)])
def test_picture_within_hash_distance_of_ban_is_refused(
    here: World, bits: int, refuses: bool
) -> None:
    with member_scope(here, here.ann) as scope:
        known = asset_of(scope, picture(scope, here, phash="0" * 16))
        depiction_bans.add_depiction_ban(scope, "Ada Love", pictures=[known])
        shown = picture(scope, here, phash=f"{(1 << bits) - 1:016x}").sha256
        [medium] = media_facts.media_facts_of_bytes(scope, [shown])
        assert medium.banned is refuses


def test_card_binding_and_answers_are_stored_and_reported(here: World) -> None:
    ida, tom = (shoot_card_builders.person(here, display_ref=name) for name in ("Ida", "Tom"))
    card = shoot_card_builders.add_card(here, ida, tom)
    medium = shoot_card_builders.add_undated_picture(here)
    shoot_card_builders.bind_pictures(here, card, medium)
    with here.scope() as scope:
        asset = asset_of(scope, medium)
        facts = queries.get_card_facts(scope, card)
        assert list_audit_entries(scope, "card.made") == [
            (f"member:{here.ann}", "card.made", f"card:{card}", {})
        ]
        assert list_audit_entries(scope, "card.bound") == [
            (f"member:{here.ann}", "card.bound", f"asset:{asset}", {})
        ]
    with here.scope(f"person:{ida}") as scope:
        for _ in range(2):
            card_answers.submit_card_answer(scope, card, CARD_SIGNED, digest=facts.digest)
        (task,) = list_stored_tasks(scope, CardAnswerSubmitted.kind)
        assert (task.subject, task.priority) == (card, 0)
        assert task.dedupe == f"card.answer:{card}:{ida}:{CARD_SIGNED}"
        assert datetime.fromisoformat(task.args.pop("at")) <= scope.now
        assert task.args == {"said": CARD_SIGNED, "digest": facts.digest, "by": f"person:{ida}"}
        for said, digest, code in (
            ("maybe", facts.digest, "card.bad_answer"), (CARD_SIGNED, "0" * 64, "card.changed"),
            (CARD_WITHDRAWN, facts.digest, "card.not_now"),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as refused:
                card_answers.submit_card_answer(scope, card, said, digest=digest)
            assert refused.value.message.code == code
    shoot_card_builders.answer_card(here, card, ida)
    shoot_card_builders.answer_card(here, card, tom, CARD_DECLINED)
    with here.scope() as scope:
        assert find_notice(scope, f"card:{card}:{ida}:{CARD_SIGNED}") is None
        assert find_notice(scope, f"card:{card}:{tom}:{CARD_DECLINED}") == StoredNotice(
            "card.told_declined",
            {"day": str(facts.day)},
            urgent=False,
            open=True,
            creator=here.creator_id,
        )
    shoot_card_builders.answer_card(here, card, ida, CARD_WITHDRAWN)
    with here.scope() as scope:
        assert find_notice(scope, f"card:{card}:{ida}:{CARD_WITHDRAWN}") == StoredNotice(
            "card.told_withdrawn",
            {"day": str(facts.day)},
            urgent=False,
            open=True,
            creator=here.creator_id,
        )


def test_portal_link_is_audited_and_revocation_has_priority(here: World) -> None:
    with member_scope(here, here.ann) as scope:
        ida = real_person(scope, display_ref="Ida")
        nova = synthetic_person(scope, here)
        first = subject_portal.create_portal_link(scope, ida)
        assert subject_portal.last_revocation_request(scope, ida) is None
        with pytest.raises(BadInput) as refused:
            subject_portal.create_portal_link(scope, nova)
        assert (refused.value.message.code, refused.value.message.params) == (
            "person.bad_kind",
            {"kind": "synthetic"},
        )
        with pytest.raises(NotFound, match=r"person\.unknown"):
            subject_portal.create_portal_link(scope, uuid7())
        assert list_audit_entries(scope, "person.link") == [
            (f"member:{here.ann}", "person.link", f"person:{ida}", {})
        ]
    assert subject_portal.find_portal_person(here.open, first) == (here.tenant_id, ida)
    with member_scope(here, here.ann) as scope:
        second = subject_portal.create_portal_link(scope, ida)
    assert (
        subject_portal.find_portal_person(here.open, first),
        subject_portal.find_portal_person(here.open, second),
    ) == (None, (here.tenant_id, ida))
    assert subject_portal.find_portal_person(here.open, "x") is None
    with here.scope(f"person:{ida}") as scope:
        for _ in range(2):
            subject_portal.request_revocation(scope, ida, "publish")
        (task,) = list_stored_tasks(scope, RevocationRequested.kind)
        assert (task.subject, task.priority, task.dedupe) == (ida, 0, f"revoke:{ida}:publish")
        assert task.args == {"scope": "publish", "by": f"person:{ida}"}
        found = subject_portal.last_revocation_request(scope, ida)
        assert found is not None
        assert (found[0], scope.now - found[1] < DAY) == ("publish", True)
        with pytest.raises(BadInput, match=r"person\.bad_scope"):
            subject_portal.request_revocation(scope, ida, "everything")
        with pytest.raises(Conflict, match=r"person\.nothing_left"):
            subject_portal.request_revocation(scope, ida, "ai_likeness")
        with pytest.raises(Conflict, match=r"person\.nothing_left"):
            subject_portal.request_revocation(scope, ida, FACE_CONSENT)
    with here.scope() as scope:
        (one,) = [
            each for each in subject_portal.list_linkable_people(scope) if each.person_id == ida
        ]
        assert one.name == "Ida"
        assert nova not in {each.person_id for each in subject_portal.list_linkable_people(scope)}
        assert {each.what for each in subject_portal.list_consents(scope, ida)} == {
            "depict",
            "publish",
            "download_sell",
        }
        assert subject_portal.active_consent_kinds(
            subject_portal.list_consents(scope, ida)
        ) == tuple(
            what for what in CONSENT_SCOPES if what in ("depict", "publish", "download_sell")
        )
