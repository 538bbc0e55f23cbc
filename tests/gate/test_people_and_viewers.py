"""Age assurance of viewers, emergency stops, ratings, reviews, and the list of held posts."""

import hashlib
from datetime import timedelta

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import LANGUAGES, load_catalogue, render_message
from foundation.ids import uuid7
from gate.assets import asset_records
from gate.consent.grants import grant_consent, revoke_consent
from gate.contract.reasons import Reason
from gate.contract.states import AssuranceState
from gate.contract.units import Rating
from gate.log import queries
from gate.people import persons
from gate.permits import issuance
from gate.policy import emergency_stops
from gate.ratings import ratings
from gate.reviews import content_reviews, link_targets
from gate.viewers import age_assurance
from gate.viewers.events import AgeAssuranceWithdrawn, ViewerConfirmed
from gate.viewers.handlers import handle_age_assurance_withdrawn, handle_viewer_confirmed
from tests.gate.builders import (
    World,
    asset_of,
    message,
    picture,
    real_person,
    synthetic_person,
    unit,
    world,
)
from tests.gate.person_actions import add_custodian, member_scope


@pytest.fixture
def here(tenant: OpenScope, tenant_id) -> World:
    return world(tenant, tenant_id)


def assure(scope, user: str = "fan", **changes):
    given = {
        "platform": "sandbox",
        "method": "test",
        "assured_level": "L4",
        "over_18": True,
        "environment": "test",
    }
    return age_assurance.record_assurance(scope, user_id=user, **{**given, **changes})


def test_assurance_counts_on_test_network_only(here: World) -> None:
    with here.scope() as scope:
        assert age_assurance.get_assurance(scope, "sandbox", "fan") == age_assurance.UNKNOWN_VIEWER
        assert assure(scope).over_18
        assert age_assurance.get_assurance(scope, "telegram", "fan") == age_assurance.UNKNOWN_VIEWER
        for changes in (
            {"environment": "production"},
            {"platform": "telegram"},
            {"platform": "own_page"},
        ):
            with pytest.raises(Refused):
                assure(scope, **changes)


def test_assurance_expires(here: World) -> None:
    with here.scope() as scope:
        assure(scope, lives=timedelta(milliseconds=1))
    with here.scope() as scope:
        known = age_assurance.get_assurance(scope, "sandbox", "fan")
        assert (known.state, known.over_18) == (AssuranceState.EXPIRED, False)


def test_minor_remains_blocked(here: World) -> None:
    with here.scope() as scope:
        assure(scope)
        age_assurance.block_viewer(scope, "sandbox", "fan")
        age_assurance.mark_suspected_minor(scope, "sandbox", "fan")
        assert not age_assurance.get_assurance(scope, "sandbox", "fan").can_be_messaged
        with pytest.raises(Conflict):
            assure(scope)
        with pytest.raises(Conflict):
            age_assurance.reset_assurance(scope, "sandbox", "fan")
        assert (
            Reason.VIEWER_BLOCKED
            in issuance.preview_decision(
                scope, message(here, "fan"), author="system:persona"
            ).reasons
        )


def test_suspicion_is_cleared_by_member(here: World) -> None:
    with here.scope() as scope:
        age_assurance.mark_suspected_minor(scope, "sandbox", "fan")
        with pytest.raises(Conflict):
            assure(scope)
        with pytest.raises(Refused):
            age_assurance.reset_assurance(scope, "sandbox", "fan")
    with here.scope(f"member:{here.rob}") as scope:
        assert age_assurance.reset_assurance(scope, "sandbox", "fan").state is AssuranceState.RESET
        assert assure(scope).over_18
        assert age_assurance.block_viewer(scope, "sandbox", "fan").state is AssuranceState.BLOCKED


def test_negative_provider_result_blocks_viewer(here: World) -> None:
    with here.scope() as scope:
        assert assure(scope, over_18=False).state is AssuranceState.BLOCKED


def test_ratings_only_rise_and_follow_bytes(here: World) -> None:
    with here.scope() as scope:
        shown = picture(scope, here, Rating.N)
        ratings.record_rating(scope, shown.sha256, Rating.G, source="classifier@2")
        assert ratings.effective_rating(scope, shown.sha256) is Rating.N
        blurred = picture(scope, here, Rating.G, parent=asset_of(scope, shown))
        assert ratings.effective_rating(scope, blurred.sha256) is Rating.S
        unrated = picture(scope, here, None)
        assert ratings.effective_rating(scope, unrated.sha256) is None
        with pytest.raises(NotFound):
            ratings.record_rating(scope, "0" * 64, Rating.G, source="classifier@2")


def test_blurred_picture_keeps_people_and_date(here: World) -> None:
    with here.scope() as scope:
        who = real_person(scope)
        shown = picture(scope, here, Rating.N, person=who, age=timedelta(days=100))
        blurred = picture(
            scope, here, Rating.G, parent=asset_of(scope, shown), age=timedelta(days=1)
        )
        issuance.judge_unit(scope, unit(here, media=[blurred]), author="system:x")
        stored = scope.run(
            "SELECT made_at FROM assets WHERE id = :id", id=asset_of(scope, blurred)
        ).scalar_one()
        assert stored < scope.now - timedelta(days=99)
        revoke_consent(scope, who)
        decision = issuance.preview_decision(scope, unit(here, media=[blurred]), author="system:x")
        assert Reason.CONSENT_REVOKED in decision.reasons


def test_derivative_of_undated_picture_has_no_date(here: World) -> None:
    """Otherwise a derivative made today would prove that the depicted people were adults when the
    original was made."""
    with here.scope() as scope:
        who = real_person(scope)
        undated = asset_records.record_asset(
            scope,
            creator_id=here.creator_id,
            origin="upload",
            ai="none",
            engine="",
            made_at=None,
            source="form",
        )
        for ai in ("none", "generated"):
            repeated = picture(
                scope, here, Rating.N, person=who, parent=undated, age=timedelta(days=1), ai=ai
            )
            decision = issuance.preview_decision(
                scope, unit(here, media=[repeated]), author="system:x"
            )
            assert Reason.PRODUCTION_DATE_UNKNOWN in decision.reasons


@pytest.mark.parametrize("far", [False, True], ids=["from picture", "from crop"])
def test_upload_date_of_undated_picture_does_not_date_ai_derivatives(
    here: World, far: bool
) -> None:
    with here.scope() as scope:
        ida = real_person(scope, scopes=("depict", "publish", "ai_likeness"))
        undated = picture(
            scope, here, person=ida, source="ingest"
        )  # uploaded without a camera date
        of = (
            picture(scope, here, parent=asset_of(scope, undated), source="ingest")
            if far
            else undated
        )
        edited = picture(
            scope, here, Rating.N, ai="generated", source="ingest", parent=asset_of(scope, of)
        )
        dated = picture(scope, here, person=ida)
        fine = picture(
            scope, here, Rating.N, ai="generated", source="ingest", parent=asset_of(scope, dated)
        )
        drawn = picture(
            scope, here, Rating.N, person=ida, ai="generated", source="ingest"
        )  # made from text only
        again = picture(
            scope, here, Rating.N, ai="generated", source="ingest", parent=asset_of(scope, drawn)
        )
        missing = Reason.PRODUCTION_DATE_UNKNOWN
        for shown, unknown in (
            (undated, False),
            (edited, True),
            (fine, False),
            (drawn, False),
            (again, False),
        ):
            found = issuance.preview_decision(
                scope, unit(here, media=[shown]), author="system:x"
            ).reasons
            assert (missing in found) is unknown


def test_same_bytes_are_one_rendition(here: World) -> None:
    with here.scope() as scope:
        shown = picture(scope, here, Rating.E, ai="generated")
        again = asset_records.record_asset(
            scope,
            creator_id=here.creator_id,
            origin="upload",
            ai="none",
            engine="",
            made_at=None,
            source="form",
        )
        known = asset_records.record_rendition(
            scope,
            again,
            sha256=shown.sha256,
            mime=shown.mime,
            size=1000,
            width=1,
            height=1,
            profile="post",
        )
        assert (
            known
            == scope.run("SELECT id FROM renditions WHERE sha256 = :s", s=shown.sha256).scalar_one()
        )
        stored = asset_records.newest_rendition(scope, again, "post")
        assert stored is not None
        assert (stored.sha256, stored.ai) == (shown.sha256, "generated")
        assert asset_records.newest_rendition(scope, uuid7(), "post") is None


def test_near_copies_of_blocked_picture_are_found(here: World) -> None:
    from gate.removal import recall

    with here.scope() as scope:
        recall.block_bytes(
            scope, hashlib.sha256(b"gone").hexdigest(), category="ncii", phash="ff00ff00ff00ff00"
        )
        for phash, verdict in (
            ("ff00ff00ff00ff03", "B"),
            ("ff00ff00ff0f0f00", "B"),
            ("ff00ff00ff0ff0f0", "H"),
            ("0" * 16, "A"),
        ):
            shown = picture(scope, here, phash=phash)
            assert (
                issuance.preview_decision(
                    scope, unit(here, media=[shown]), author="system:x"
                ).verdict
                == verdict
            ), phash


def test_consents_are_signed_by_person_and_end(here: World) -> None:
    with here.scope() as scope:
        who = real_person(scope, scopes=())
        rest = {
            "surfaces": ["sandbox"],
            "max_rating": Rating.S,
            "evidence_digest": "e" * 64,
            "valid_from": scope.now,
        }
        day = timedelta(days=1)
        for changes in (
            {"signed_by": uuid7(), "valid_until": scope.now + day, "what": "publish"},
            {"signed_by": who, "valid_until": scope.now + 800 * day, "what": "publish"},
            {"signed_by": who, "valid_until": scope.now, "what": "publish"},
            {"signed_by": who, "valid_until": scope.now + day, "what": "everything"},
            {"signed_by": who, "valid_until": scope.now + day, "what": "publish", "surfaces": []},
        ):
            with pytest.raises(BadInput):
                grant_consent(scope, who, **{**rest, **changes})
        with pytest.raises(BadInput):
            persons.add_person(scope, kind="digital_twin", display_ref="T")
        with pytest.raises(BadInput):
            persons.record_declaration(
                scope, who, source_digest="d", adult_licence=True, declared_by=uuid7()
            )


def test_digital_twin_requires_consents_of_real_person(here: World) -> None:
    with here.scope() as scope:
        who = real_person(scope, scopes=("depict", "publish", "ai_likeness"))
        twin = persons.add_person(scope, kind="digital_twin", display_ref="T", twin_of=who)
        whole = unit(here, media=[picture(scope, here, Rating.S, person=twin)])
        assert issuance.preview_decision(scope, whole, author="system:x").is_allowed
        revoke_consent(scope, who, what="ai_likeness")
        assert (
            Reason.CONSENT_REVOKED
            in issuance.preview_decision(scope, whole, author="system:x").reasons
        )


def test_synthetic_person_needs_two_reviews_above_suggestive(here: World) -> None:
    with here.scope() as scope:
        nova = synthetic_person(scope, here, reviewed=False)
        whole = unit(here, media=[picture(scope, here, Rating.S, person=nova)])
        assert issuance.preview_decision(scope, whole, author="system:x").is_allowed
        more = unit(here, media=[picture(scope, here, Rating.N, person=nova)])
        assert (
            Reason.SYNTHETIC_DECLARATION_MISSING
            in issuance.preview_decision(scope, more, author="system:x").reasons
        )


def test_broad_stop_is_ended_by_two_members(here: World, pages) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        emergency_stops.close_switch(scope, "tenant", "", "sending", reason="alarm")
        assert emergency_stops.is_stopped(scope, "sending")
        assert not emergency_stops.is_stopped(scope, "bot")
        for changes in ({}, {"second": here.rob}):
            with pytest.raises(Refused, match="alone"):
                emergency_stops.reopen_switch(
                    scope, "tenant", "", "sending", reason="over", **changes
                )
        with pytest.raises(Refused, match="reason"):
            emergency_stops.reopen_switch(scope, "tenant", "", "sending", reason=" ")
        emergency_stops.reopen_switch(
            scope, "tenant", "", "sending", reason="over", second=here.ann
        )
        assert not emergency_stops.is_stopped(scope, "sending")
    with here.scope() as scope:
        with pytest.raises(Refused):
            emergency_stops.close_switch(scope, "global", "", "sending", reason="x")
        with pytest.raises(BadInput):
            emergency_stops.close_switch(scope, "tenant", "", "weather", reason="x")
        with pytest.raises(Refused):
            emergency_stops.reopen_switch(scope, "creator", str(here.creator_id), "bot", reason="x")


def test_held_posts_are_listed_until_reviewed(here: World, pages) -> None:
    with here.scope() as scope:
        since = scope.now - timedelta(hours=1)
        waits = unit(
            here,
            media=[picture(scope, here, Rating.N, person=real_person(scope))],
            flags=("adult=true",),
        )
        issuance.judge_unit(scope, waits, author=f"member:{here.ann}")
        issuance.judge_unit(scope, unit(here), author=f"member:{here.ann}")
    with here.scope() as scope:
        (held,) = queries.list_held_units(scope, since=since)
        assert (held.subject, held.reasons) == (waits.subject, (Reason.REVIEW_MISSING,))
        assert [
            message.code for message in queries.last_decision_reasons(scope, waits.subject) or ()
        ] == ["gate.REVIEW_MISSING"]
    with pages.scope(
        here.tenant_id, f"member:{here.rob}"
    ) as scope:  # web processes may insert reviews
        content_reviews.review_unit(scope, held.unit_digest, verdict="refuse")
    with here.scope() as scope:
        assert queries.list_held_units(scope, since=since) == []
        decision = issuance.preview_decision(scope, waits, author=f"member:{here.ann}")
        assert Reason.REVIEW_REFUSED in decision.reasons
        with pytest.raises(NotFound):
            content_reviews.review_unit(_as(scope, here.rob), "0" * 64, verdict="approve")
        with pytest.raises(Refused):
            content_reviews.review_unit(scope, held.unit_digest, verdict="approve")


def _as(scope, member):
    from dataclasses import replace

    return replace(scope, actor=f"member:{member}")


def test_registered_link_is_allowed_until_changed(here: World) -> None:
    url = "https://shop.test/mia"
    with here.scope() as scope:
        whole = unit(here, text=f"my shop {url}")
        assert issuance.preview_decision(scope, whole, author="system:x").reasons == (
            Reason.LINK_UNREGISTERED,
        )
        assert issuance.preview_decision(
            scope, whole, author="system:x", own_hosts=["shop.test"]
        ).is_allowed
        link_targets.register_link_target(scope, here.creator_id, url, rating=Rating.G, adult=False)
        assert issuance.preview_decision(scope, whole, author="system:x").is_allowed
        link_targets.mark_link_target_changed(scope, url)
        assert issuance.preview_decision(scope, whole, author="system:x").reasons == (
            Reason.LINK_CHANGED,
        )
        with pytest.raises(BadInput):
            link_targets.register_link_target(
                scope, here.creator_id, "", rating=Rating.G, adult=False
            )


def test_every_reason_has_message() -> None:
    for language in LANGUAGES:
        assert {f"gate.{reason}" for reason in Reason} <= set(load_catalogue(language))
        assert all(render_message(message, language) for message in queries.explain_reasons(Reason))


CONFIRM = {"method": "document", "receipt": "dossier 12"}


def test_custodian_confirms_age_of_viewer(here: World) -> None:
    roux = add_custodian(here)
    with member_scope(here, roux) as scope:
        done = age_assurance.confirm_age(scope, "telegram", "fan", **CONFIRM)
        assert (done.over_18, done.level, done.method) == (True, "L4", "custodian.document")
        kept = scope.run(
            "SELECT custodian, confirmed_by, why FROM age_assurances WHERE user_id = 'fan'"
        ).one()
        digest = hashlib.sha256(b"dossier 12").hexdigest()
        assert tuple(kept) == ("Notaire Roux", f"member:{roux}", digest)
        assert (
            scope.run("SELECT count(*) FROM audit_entries WHERE act = 'viewer.confirmed'").scalar()
            == 1
        )
        assert age_assurance.get_assurance(scope, "discord", "fan") == age_assurance.UNKNOWN_VIEWER
    with here.scope(f"member:{here.ann}") as scope:
        age_assurance.reset_assurance(scope, "telegram", "fan")
        assert not age_assurance.get_assurance(scope, "telegram", "fan").over_18
        gone = scope.run(
            "SELECT custodian, confirmed_by, why FROM age_assurances WHERE user_id = 'fan'"
        ).one()
        assert tuple(gone) == ("", "", "")


def test_only_custodian_confirms_age_and_not_of_blocked_viewer(here: World) -> None:
    for actor in ("system:chat", "person:1", f"member:{here.ann}", f"member:{here.rob}"):
        with here.scope(actor) as scope, pytest.raises(Refused):
            age_assurance.confirm_age(scope, "telegram", "fan", **CONFIRM)
    with member_scope(here, add_custodian(here)) as scope:
        for broken in (
            {"method": "abc"},
            {"method": ""},
            {"receipt": " "},
            {"receipt": "1/2/2001"},
        ):
            with pytest.raises(BadInput):
                age_assurance.confirm_age(scope, "telegram", "fan", **{**CONFIRM, **broken})
        with pytest.raises(BadInput, match=r"viewer\.bad_level"):
            age_assurance.confirm_age(scope, "telegram", "", **CONFIRM)
        age_assurance.block_viewer(scope, "telegram", "minor")
        with pytest.raises(Conflict):
            age_assurance.confirm_age(scope, "telegram", "minor", **CONFIRM)


def test_handler_accepts_confirmation_of_custodian_only(here: World) -> None:
    def ask(user: str, by: str) -> bool:
        asked = ViewerConfirmed(
            here.tenant_id, uuid7(), "telegram", user, "Roux", "a" * 64, by, "document"
        )
        handle_viewer_confirmed(asked, tenant=here.open)
        with here.scope() as scope:
            return age_assurance.get_assurance(scope, "telegram", user).over_18

    assert ask("one", f"member:{add_custodian(here)}")
    assert not ask("two", f"member:{here.ann}")
    assert not ask("three", f"member:{uuid7()}")
    assert not ask("four", "system:chat")
    with here.scope() as scope:
        told = scope.run("SELECT message FROM notices WHERE cause LIKE 'viewer.confirm:%'").all()
    assert {row.message["code"] for row in told} == {"role.forbidden.vouch", "member.unknown"}


def test_reviewer_withdraws_assurance_immediately(here: World) -> None:
    with member_scope(here, add_custodian(here)) as scope:
        age_assurance.confirm_age(scope, "telegram", "fan", **CONFIRM)
        age_assurance.block_viewer(scope, "telegram", "minor")

    def ask(user: str, by: str) -> AssuranceState:
        handle_age_assurance_withdrawn(
            AgeAssuranceWithdrawn(here.tenant_id, uuid7(), "telegram", user, by), tenant=here.open
        )
        with here.scope() as scope:
            return age_assurance.get_assurance(scope, "telegram", user).state

    assert ask("fan", "system:chat") is AssuranceState.ASSURED
    assert ask("fan", f"member:{here.ann}") is AssuranceState.RESET
    assert ask("fan", f"member:{here.ann}") is AssuranceState.RESET
    assert ask("minor", f"member:{here.ann}") is AssuranceState.BLOCKED
    with here.scope() as scope:
        assert (
            scope.run("SELECT count(*) FROM audit_entries WHERE act = 'viewer.withdrawn'").scalar()
            == 1
        )
