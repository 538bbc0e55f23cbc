"""Queries of pages: depicted people, last decisions, and reasons for holds, with every field."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from gate.consent import asset_bindings, grants
from gate.consent.asset_bindings import CardBindingRequested
from gate.consent.grants import grant_consent, revoke_consent
from gate.contract.units import Rating, Subject, Unit
from gate.copies import live_copies
from gate.evidence import person_dossiers
from gate.log import queries
from gate.log.queries import DecisionSummary, DepictedPerson, HeldUnit, MissingConsent
from gate.permits import issuance, watched_copies
from gate.policy import active_policy
from gate.ratings import ratings
from gate.removal import installation_reports, receipts
from gate.removal.events import ReportDue
from gate.removal.receipts import SubmittedForm
from gate.reviews import content_reviews
from tests.gate import shoot_card_builders
from tests.gate.builders import (
    KEY,
    Step,
    World,
    asset_of,
    message,
    picture,
    real_person,
    record_declaration_looks,
    synthetic_person,
    unit,
    world,
)
from tests.gate.person_actions import (
    add_reference_pictures,
    add_unknown_person,
    declare_person,
    unknown_principal,
)
from tests.gate.side_effects import list_stored_tasks

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def judge(here: World, whole: Unit) -> Any:
    with here.scope() as scope:
        return issuance.judge_unit(scope, whole, author=f"member:{here.ann}")


# ------------------------------------------------------------------ decisions
def test_held_units_are_listed_until_reviewed(here: World) -> None:
    with here.scope() as scope:
        began = scope.now - DAY
        nude = picture(scope, here, Rating.N, person=synthetic_person(scope, here))
    held, other, fine = (
        unit(here, media=(nude,)),
        unit(here, media=(nude,), text="Other"),
        unit(here),
    )
    held, other = (marked(here, one) for one in (held, other))
    for whole in (held, held, other, fine):
        judge(here, whole)
    with here.scope() as scope:
        found = queries.list_held_units(scope, since=began)
        assert [one.subject for one in found] == [held.subject, other.subject]
        assert found[0] == HeldUnit(
            subject=held.subject, creator_id=here.creator_id, channel_id=here.channel_id, surface="sandbox.post",
            unit_digest=held.digest(), rating=Rating.N, reasons=found[0].reasons, since=found[0].since,
        )  # fmt: skip
        assert [str(reason) for reason in found[0].reasons] == ["REVIEW_MISSING"]
        assert found[0].since <= found[1].since
        assert queries.list_held_units(scope, since=scope.now + DAY) == []
        assert [one.subject for one in queries.list_held_units(scope, since=began, limit=1)] == [
            held.subject
        ]
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, held.digest(), verdict="refuse")
        assert [one.subject for one in queries.list_held_units(scope, since=began)] == [
            other.subject
        ]


def marked(here: World, whole: Unit) -> Unit:
    with here.scope() as scope:
        return issuance.with_required_marks(scope, whole, line=str)


def test_last_decision_is_returned_for_judged_subjects(here: World) -> None:
    with here.scope() as scope:
        nude = picture(scope, here, Rating.N, person=synthetic_person(scope, here))
    held, fine, chat = marked(here, unit(here, media=(nude,))), unit(here), message(here, "fan")
    decision = judge(here, held)
    for whole in (held, fine, chat):
        judge(here, whole)
    wanted = (Message("gate.REVIEW_MISSING"),)
    assert queries.explain_decision(decision) == wanted
    with here.scope() as scope:
        found = queries.last_decisions(
            scope, "delivery", [held.subject.id, fine.subject.id, chat.subject.id, uuid7()]
        )
        assert found == {
            held.subject.id: DecisionSummary(
                wanted, Rating.N, "sandbox.post", found[held.subject.id].at
            ),
            fine.subject.id: DecisionSummary(
                (), Rating.G, "sandbox.post", found[fine.subject.id].at
            ),
        }
        assert scope.now - found[held.subject.id].at < DAY
        assert queries.last_decisions(scope, "delivery", []) == {}
        assert list(queries.last_decisions(scope, "draft", [chat.subject.id])) == [chat.subject.id]
        assert queries.find_unit(scope, held.digest()) == held
        assert queries.find_unit(scope, "0" * 64) is None
        assert queries.last_decision_reasons(scope, held.subject) == wanted
        assert queries.last_decision_reasons(scope, fine.subject) == ()
        assert queries.last_decision_reasons(scope, Subject("draft", held.subject.id)) is None


def test_refusal_outweighs_approval_in_review_verdicts(here: World) -> None:
    with here.scope() as scope:
        one, two, three = (picture(scope, here).sha256 for _ in range(3))
    for member, sha256, verdict in (
        (here.ann, one, "refuse"), (here.rob, one, "approve"), (here.ann, two, "refuse"), (here.ann, two, "approve"),
    ):  # fmt: skip
        with here.scope(f"member:{member}") as scope:
            content_reviews.review_bytes(scope, sha256, verdict=verdict)
    with here.scope() as scope:
        assert queries.review_verdicts(scope, [one, two, three]) == {one: "refuse", two: "approve"}
        assert queries.review_verdicts(scope, []) == {}


# ------------------------------------------------------------------ people in pictures
def test_depicted_people_are_listed_with_end_of_consent(here: World) -> None:
    with here.scope() as scope:
        zoe, ada = (
            real_person(scope, display_ref="Zoe"),
            real_person(scope, display_ref="Ada", scopes=()),
        )
        nova = synthetic_person(scope, here)
        medium, apart = picture(scope, here, person=zoe), picture(scope, here, person=nova)
        ratings.record_depiction(scope, asset_of(scope, medium), ada, how="mark")
        grant_consent(
            scope, zoe, what="depict", surfaces=["sandbox"], max_rating=Rating.E, valid_from=scope.now,
            valid_until=scope.now + 500 * DAY, evidence_digest="e" * 64, signed_by=zoe,
        )  # fmt: skip
        until = scope.now + 300 * DAY
    with here.scope() as scope:
        assert queries.list_depicted_people(scope, [medium.sha256]) == [
            DepictedPerson("Ada", "real", None), DepictedPerson("Zoe", "real", until),
        ]  # fmt: skip
        assert queries.list_depicted_people(scope, [medium.sha256, apart.sha256])[
            1
        ] == DepictedPerson("Nova", "synthetic", None)
        assert queries.list_depicted_people(scope, []) == []


def test_missing_consents_are_listed_by_picture_and_name(here: World) -> None:
    with here.scope() as scope:
        fine, none = (
            real_person(scope, display_ref="Fine"),
            real_person(scope, display_ref="None", scopes=()),
        )
        gone, nova = real_person(scope, display_ref="Gone"), synthetic_person(scope, here)
        medium = picture(scope, here, person=fine)
        asset = asset_of(scope, medium)
        for each in (gone, nova):
            ratings.record_depiction(scope, asset, each, how="face", confirmed_by="member:rob")
        ratings.record_depiction(scope, asset, none, how="face")
        other = asset_of(scope, picture(scope, here, person=gone))
        revoke_consent(scope, gone)
    with here.scope() as scope:
        found = queries.list_missing_consents(scope, [asset, other])
        at = next(one.revoked_at for one in found if one.name == "Gone")
        assert at is not None
        assert [one for one in found if one.asset_id == asset] == [
            MissingConsent(asset, "Gone", named=True, revoked_at=at, shown=4),
            MissingConsent(asset, "None", named=False, revoked_at=None, shown=4),
        ]
        assert [one for one in found if one.asset_id == other] == [
            MissingConsent(other, "Gone", True, at, 1)
        ]
        assert queries.list_missing_consents(scope, []) == []


def test_declaration_is_pending_review_with_enough_references(
    here: World,
) -> None:
    few, enough = (
        add_unknown_person(here, "synthetic", display_ref=name) for name in ("Few", "Enough")
    )
    real, bare = add_unknown_person(here), add_unknown_person(here, "synthetic", display_ref="Bare")
    declare_person(here, few, add_reference_pictures(here, 11))
    declared = declare_person(here, enough, add_reference_pictures(here, 12))

    def waits() -> set[UUID]:
        with here.scope() as scope:
            return {
                one.id
                for one in person_dossiers.list_dossiers(scope)
                if person_dossiers.needs_declaration_review(one)
            }

    assert waits() == {enough}
    assert {real, bare} & waits() == set()
    with here.scope() as scope:
        record_declaration_looks(scope, declared, unknown_principal())
    assert waits() == {enough}
    with here.scope() as scope:
        record_declaration_looks(scope, declared, unknown_principal())
    assert waits() == set()


def test_lost_reference_ends_declaration_review(here: World) -> None:
    person, shown = add_unknown_person(here, "synthetic"), add_reference_pictures(here)
    declare_person(here, person, shown)
    with here.scope() as scope:
        ratings.freeze_bytes(scope, shown[0])
    with here.scope() as scope:
        assert not any(
            person_dossiers.needs_declaration_review(one)
            for one in person_dossiers.list_dossiers(scope)
        )


# ------------------------------------------------------------------ import and restore
def test_imported_revocations_keep_their_time(here: World) -> None:
    with here.scope() as scope:
        gone, stays = real_person(scope), real_person(scope)
        first, later = scope.now - 9 * DAY, scope.now - 3 * DAY
    with here.scope() as scope:
        assert grants.import_revocation(scope, gone, at=first) == 3
        assert grants.import_revocation(scope, gone, at=later) == 0
        rows = scope.run(
            "SELECT person_id, revoked_at FROM consent_grants WHERE tenant_id = :t",
            t=here.tenant_id,
        )
        assert {tuple(row) for row in rows} == {(gone, first), (stays, None)}


# ------------------------------------------------------------------ reports, cards, destinations
def test_report_stores_digest_of_form(tenant: OpenScope) -> None:
    receipt, form = f"{uuid7()}"[-14:], f"form-{uuid7()}"
    given = SubmittedForm(address="https://x.example/1", words="me", by_house=True, form=form)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        said = {
            "pin_hash": "hash",
            "category": "other",
            "given": given,
            "looks": ("a5" * 8,),
            "source": str(uuid7()),
        }
        assert installation_reports.receive_report(scope, receipt=receipt, **said) == receipt
        assert installation_reports.receive_report(scope, receipt="another", **said) == receipt, (
            "a form sent twice is one report"
        )
    with tenant(INSTALLATION_ID, "system:test") as scope:
        found = installation_reports.find_report_by_receipt(scope, receipt)
        assert installation_reports.report_form_digest(scope, receipt) == receipts.form_digest(form)
        assert installation_reports.report_form_digest(scope, "3333-3333-3333") is None
        assert installation_reports.report_code_hash(scope, receipt) == "hash"
        assert installation_reports.report_code_hash(scope, "3333-3333-3333") is None
        assert (found.receipt, found.category, found.looks) == (receipt, "other", ("a5" * 8,))
        assert found.given == SubmittedForm(
            address="https://x.example/1", words="me", by_house=True
        )
        assert (found.source, found.sought_at, found.found) == (said["source"], None, ())
        assert scope.now - found.at < DAY
        (task,) = [
            one for one in list_stored_tasks(scope, ReportDue.kind) if one.subject == found.id
        ]
        assert task.priority == 0
        assert found not in installation_reports.list_unmatched_reports(scope)
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            installation_reports.get_report(scope, uuid7())
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            installation_reports.find_report_by_receipt(scope, "3333-3333-3333")
    with tenant(INSTALLATION_ID, "system:test") as scope:
        installation_reports.record_found_requests(scope, found.id, [])
    with tenant(INSTALLATION_ID, "system:test") as scope:
        assert installation_reports.list_unmatched_reports(scope)[0].id == found.id
        installation_reports.record_found_requests(scope, found.id, [(found.id, "1234")])
    with tenant(INSTALLATION_ID, "system:test") as scope:
        again = installation_reports.get_report(scope, found.id)
        assert again.found == ((found.id, "1234"),)
        assert again.sought_at is not None
        assert found.id not in {
            one.id for one in installation_reports.list_unmatched_reports(scope)
        }


def test_sealed_contact_is_stored_once_per_form(tenant: OpenScope) -> None:
    form = f"form-{uuid7()}"
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        installation_reports.store_contact(scope, form, b"sealed")
        installation_reports.store_contact(scope, form, b"another")
    with tenant(INSTALLATION_ID, "system:test") as scope:
        assert (
            installation_reports.sealed_contact(scope, receipts.form_digest(form) or "")
            == b"sealed"
        )
        assert installation_reports.sealed_contact(scope, form) is None


def test_card_is_found_for_its_creator_only(here: World) -> None:
    card = shoot_card_builders.add_card(here, shoot_card_builders.person(here))
    with here.scope() as scope:
        assert asset_bindings.find_card_of_creator(scope, here.creator_id, str(card)) == card
        for creator, named in (
            (uuid7(), str(card)),
            (here.creator_id, str(uuid7())),
            (here.creator_id, "card"),
        ):
            with pytest.raises(NotFound, match=r"card\.unknown"):
                asset_bindings.find_card_of_creator(scope, creator, named)
        asset = uuid7()
        for _ in range(2):
            asset_bindings.request_binding(scope, asset, card, by=f"member:{here.ann}")
        (one,) = list_stored_tasks(scope, CardBindingRequested.kind)
        assert (one.subject, one.args) == (asset, {"card": str(card), "by": f"member:{here.ann}"})
        assert (one.priority, one.dedupe) == (0, f"card.bind:{asset}:{card}")


def test_watched_channels_are_those_with_live_copies_above_general(
    here: World,
) -> None:
    def outside(rating: Rating, **changes: Any) -> UUID:
        with here.scope() as scope:
            medium = picture(scope, here, rating, person=synthetic_person(scope, here))
            whole = issuance.with_required_marks(
                scope, unit(here, media=(medium,), **changes), line=str
            )
        judge(here, whole)
        with here.scope(f"member:{here.rob}") as scope:
            content_reviews.review_unit(scope, whole.digest(), verdict="approve")
        with here.scope() as scope:
            jti = issuance.mint_permit(
                scope, whole, Step(), key=KEY, author=f"member:{here.ann}"
            ).jti
        with here.scope() as scope:
            live_copies.record_copy(scope, jti, str(jti), scope.now)
            known = live_copies.find_copy(scope, jti)
            assert known is not None
            seen[watched_copies.is_watched_copy(scope, known)] = (
                seen.get(watched_copies.is_watched_copy(scope, known), 0) + 1
            )
        return jti

    seen: dict[bool, int] = {}
    with here.scope() as scope:
        row = active_policy.current_bundle(scope).row(
            "telegram", "telegram.private_channel", on=scope.now.date()
        )
    seen_there = tuple(probe.see for probe in row.probes)
    watched = {
        "platform": "telegram",
        "surface": "telegram.private_channel",
        "account": "mia",
        "seen": seen_there,
    }
    outside(Rating.G, channel_id=uuid7(), **watched)
    outside(Rating.S, channel_id=uuid7())
    with here.scope() as scope:
        assert watched_copies.list_watched_channels(scope) == []
    channels = sorted(uuid7() for _ in range(2))
    jtis = [outside(Rating.N, channel_id=each, **watched) for each in reversed(channels)]
    with here.scope() as scope:
        assert watched_copies.list_watched_channels(scope) == channels
        live_copies.record_removed(scope, jtis[0], "404")
        assert watched_copies.list_watched_channels(scope) == channels[:1]
        live_copies.mark_for_recall(scope, jtis[1], Message("recall.raised"))
        assert watched_copies.list_watched_channels(scope) == []
    assert seen[True] == 2
