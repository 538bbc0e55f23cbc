"""Stored records, audit entries and notices of samples, calibrations and releases."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from gate import journal
from gate.assets import viewings
from gate.contract.units import Medium, Rating
from gate.copies import live_copies
from gate.people import account_holders
from gate.permits import issuance
from gate.policy import emergency_stops, review_settings
from gate.policy.bundle import Bundle
from gate.ratings import inspections, ratings, seals
from gate.reviews import calibration as calibrating
from gate.reviews import own_releases, spot_checks
from gate.reviews.calibration import MIN_CALIBRATION_PICTURES, CalibrationRated
from gate.reviews.spot_checks import SampleRead
from tenants.agencies import queries
from tests.gate.builders import KEY, Step, World, picture, synthetic_person, unit, world
from tests.gate.own_release_builders import add_author, build_open_bundle
from tests.gate.person_actions import member_scope
from tests.gate.side_effects import StoredNotice, find_notice, list_audit_entries, list_stored_tasks

DAY = timedelta(days=1)
RULES: Bundle = build_open_bundle()


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_inspection_is_pending_for_missed_bytes_only(here: World) -> None:
    with here.scope() as scope:
        missed, other, sealed = (picture(scope, here).sha256 for _ in range(3))
        for one in (missed, sealed):
            inspections.record_classifier_missing(scope, one)
        assert inspections.needs_inspection(scope, missed)
        assert not inspections.needs_inspection(scope, other)
        seals.seal_bytes(scope, sealed, by="member:x")
        assert not inspections.needs_inspection(scope, sealed)
        inspections.record_classifier_finding(
            scope, missed, source="classifier:one@1", rating=Rating.S
        )
        assert not inspections.needs_inspection(scope, missed)
        reasons = scope.run("SELECT reason FROM content_ratings WHERE sha256 = :s AND source LIKE "
                            "'classifier:one%'",
                            s=missed).scalars().all()  # fmt: skip
        assert reasons == [None], "only prohibited findings have a reason"


def test_restrictions_are_queued_for_journal_in_order(here: World) -> None:
    with here.scope() as scope:
        journal.record_restriction(scope, journal.BLOCK, "a" * 64, more="shown", look="0" * 16)
        row = scope.run("SELECT args, lane, holds_lane, priority FROM outbox WHERE tenant_id = :t",
                        t=here.tenant_id).one()  # fmt: skip
        assert row.args == {
            "act": journal.BLOCK,
            "about": "a" * 64,
            "more": "shown",
            "look": "0" * 16,
        }
        assert (row.lane, row.holds_lane, row.priority) == ("journal", True, 0)
        with journal.replaying(scope):
            journal.record_restriction(scope, journal.BLOCK, "b" * 64)
        journal.record_restriction(scope, journal.FREEZE, "c" * 64)
        said = [one.args["about"] for one in list_stored_tasks(scope, journal.JournalDue.kind)]
        assert said == ["a" * 64, "c" * 64]


def drawn(here: World, rating: Rating = Rating.S) -> tuple[spot_checks.PendingSample, Medium]:
    with member_scope(here, here.rob) as scope:
        review_settings.raise_sampling_shares(scope, suggestive_percent=100, words_percent=100)
    with here.scope() as scope:
        medium = picture(scope, here, rating, person=synthetic_person(scope, here))
        whole = issuance.with_required_marks(scope, unit(here, media=(medium,)), line=str)
        jti = issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}").jti
    with here.scope() as scope:
        live_copies.record_copy(scope, jti, "1", scope.now)
        return spot_checks.list_pending_samples(scope, {here.creator_id})[-1], medium


def test_pending_sample_is_listed_completely(here: World) -> None:
    one, medium = drawn(here)
    with here.scope() as scope:
        assert (one.creator_id, one.rating, one.why, one.author) == (
            here.creator_id, Rating.S, "share", f"member:{here.ann}",
        )  # fmt: skip
        assert one.subject == one.unit.subject
        assert one.unit.media == (medium,)
        assert scope.now - one.at < DAY
        assert (
            spot_checks.list_pending_samples(scope, {uuid7()})
            == spot_checks.list_pending_samples(scope, set())
            == []
        )
        assert spot_checks.list_pending_samples(scope, {here.creator_id}, limit=0) == []
    with member_scope(here, here.rob) as scope:
        for _ in range(2):
            spot_checks.submit_sample_reading(scope, one.id, raised_to=Rating.N, what=medium.sha256)
        (task,) = list_stored_tasks(scope, SampleRead.kind)
        assert (task.subject, task.priority, task.dedupe) == (one.id, 1, f"sample:{one.id}")
        assert task.args == {"raised_to": "N", "what": medium.sha256, "by": f"member:{here.rob}"}
        for sample, raised, what, code in (
            (uuid7(), None, "", "sample.unknown"), (one.id, Rating.S, "", "gate.RATING_LOWERING_INVALID"),
            (one.id, Rating.N, "0" * 64, "sample.unknown"),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as refused:
                spot_checks.submit_sample_reading(scope, sample, raised_to=raised, what=what)
            assert refused.value.message.code == code


@pytest.mark.parametrize(("raised", "act"), [("", "sample.read"), ("N", "sample.raised")])
def test_reading_of_sample_is_audited(here: World, raised: str, act: str) -> None:
    one, medium = drawn(here)
    what = medium.sha256 if raised else ""
    event = SampleRead(here.tenant_id, one.id, raised, what, f"member:{here.rob}")
    for _ in range(2):
        spot_checks.handle_sample_read(event, tenant=here.open)
    with here.scope() as scope:
        row = scope.run(
            "SELECT read_at, reader_id, raised_to, why FROM samples WHERE id = :i", i=one.id
        ).one()
        assert row.read_at is not None
        assert (row.reader_id, row.raised_to, row.why) == (
            here.principal(scope, here.rob),
            raised or None,
            "share",
        )
        assert list_audit_entries(scope, "sample.read", "sample.raised") == [
            (f"member:{here.rob}", act, f"sample:{one.id}", {"why": "share"})
        ]
        assert ratings.effective_rating(scope, medium.sha256) is Rating(raised or "S")
    with member_scope(here, here.rob) as scope, pytest.raises(Conflict, match=r"sample\.read"):
        spot_checks.submit_sample_reading(scope, one.id)


def test_raised_text_of_sample_is_reported_and_recalled(here: World) -> None:
    one, _ = drawn(here)
    spot_checks.handle_sample_read(
        SampleRead(here.tenant_id, one.id, "X", "", f"member:{here.rob}"), tenant=here.open
    )
    with here.scope() as scope:
        assert find_notice(scope, f"sample:{one.id}") == StoredNotice(
            "sample.words_missed", {}, urgent=False, open=True, creator=here.creator_id
        )
        (copy,) = live_copies.list_copies(scope, one.subject)
        assert copy.recalled_at is not None
        why = scope.run("SELECT recall_reason FROM permits WHERE id = :j", j=copy.jti).scalar_one()
        assert Message.from_json(why) == Message("recall.raised")


def rate_calibration(
    here: World, member_id: UUID, calibration: UUID, pictures: Sequence[str], *, higher: bool
) -> None:
    """Rate each picture once as a member: with its rating, or one step `higher` as the second
    member."""
    with here.scope() as scope:
        for sha256 in pictures:
            viewings.record_viewing(scope, queries.get_member(scope, member_id), sha256)
    with member_scope(here, member_id) as scope:
        for count, sha256 in enumerate(pictures, 1):
            known = ratings.effective_rating(scope, sha256)
            said = Rating.E if higher else known
            assert said is not None
            calibrating.rate_blind(scope, calibration, sha256, [said])
            waits = list_stored_tasks(scope, CalibrationRated.kind)
            assert len(waits) == (1 if higher else 0) + (count == MIN_CALIBRATION_PICTURES)
        last = waits[-1]
        principal = here.principal(scope, member_id)
        assert (last.subject, last.dedupe) == (
            calibration,
            f"calibration:{calibration}:{principal}:{MIN_CALIBRATION_PICTURES - 1}",
        )
        assert calibrating.open_calibration_of_actor(scope) is None, (
            "no picture is left for the member"
        )
        with pytest.raises(Conflict, match=r"calibration\.said"):
            calibrating.rate_blind(scope, calibration, pictures[0], [Rating.S])


def test_calibration_is_started_rated_and_reported(here: World) -> None:
    with here.scope() as scope:
        for number in range(MIN_CALIBRATION_PICTURES):
            picture(scope, here, (Rating.G, Rating.S, Rating.N)[number % 3])
        frozen = picture(scope, here).sha256
        picture(scope, here, None)
        ratings.freeze_bytes(scope, frozen)
    with member_scope(here, here.rob) as scope:
        with pytest.raises(BadInput) as refused:
            calibrating.begin_calibration(scope, {uuid7()})
        assert refused.value.message == Message(
            "calibration.too_few", {"least": MIN_CALIBRATION_PICTURES}
        )
        row = calibrating.begin_calibration(scope, {here.creator_id})
        assert list_audit_entries(scope, "calibration.begun") == [
            (
                f"member:{here.rob}",
                "calibration.begun",
                f"calibration:{row}",
                {"count": MIN_CALIBRATION_PICTURES},
            )
        ]
        with pytest.raises(Conflict, match=r"calibration\.open"):
            calibrating.begin_calibration(scope, {here.creator_id})
        open_one = calibrating.open_calibration_of_actor(scope)
        assert open_one is not None
        assert (open_one.id, open_one.total) == (row, MIN_CALIBRATION_PICTURES)
        assert len(open_one.left) == MIN_CALIBRATION_PICTURES
        for calibration, sha256, code in (
            (uuid7(), open_one.left[0], "calibration.over"), (row, "0" * 64, "review.unknown"),
            (row, open_one.left[0], "review.set_unseen"),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as failed:
                calibrating.rate_blind(scope, calibration, sha256, [Rating.S])
            assert failed.value.message.code == code
        assert failed.value.message.params == {"count": 1}
        assert calibrating.last_calibration(scope) is None
    rate_calibration(here, here.rob, row, open_one.left, higher=False)
    rate_calibration(here, here.ann, row, open_one.left, higher=True)
    calibrating.handle_calibration_rated(CalibrationRated(here.tenant_id, row), tenant=here.open)
    with here.scope() as scope:
        found = calibrating.last_calibration(scope)
        assert found is not None
        assert (found.kappa, found.is_sufficient) == (0, False)
        assert list_audit_entries(scope, "calibration.done") == [
            (calibrating.ACTOR, "calibration.done", f"calibration:{row}", {"kappa": 0})
        ]
        assert find_notice(scope, calibrating.LOW_AGREEMENT_CAUSE) == StoredNotice(
            "calibration.low", {}, urgent=True, open=True, creator=None
        )


def test_release_is_stored_audited_and_retried_after_ten_minutes(tenant: OpenScope) -> None:
    one, other = add_author(tenant, rules=RULES), add_author(tenant, rules=RULES)
    with one.world.scope(one.actor) as scope:
        standing = own_releases.own_release_status(scope, one.digest, rules=RULES)
        assert (standing.unit, standing.lacks, standing.signed_at) == (one.whole, (), None)
        for digest in ("0" * 64, other.digest):
            with pytest.raises(NotFound, match=r"review\.unknown"):
                own_releases.own_release_status(scope, digest, rules=RULES)
    second = unit(one.world, text="Another")
    with one.world.scope() as scope:
        issuance.judge_unit(scope, second, author="", bundle=RULES)
    signed = one.signs()
    released = one.releases(signed)
    with one.world.scope(one.actor) as scope:
        row = scope.run("SELECT * FROM own_releases WHERE id = :i", i=released).mappings().one()
        assert (row["subject_kind"], row["subject_id"]) == (
            one.whole.subject.kind,
            one.whole.subject.id,
        )
        assert (row["unit_digest"], row["channel_id"], row["member_id"]) == (
            one.digest, one.whole.channel_id, one.world.ann,
        )  # fmt: skip
        assert (row["ask_id"], row["seen_percent"], row["ended_at"], row["ended_by"]) == (
            signed,
            100,
            None,
            "",
        )
        subject = one.whole.subject
        assert list_audit_entries(scope, "own.released") == [
            (one.actor, "own.released", f"{subject.kind}:{subject.id}", {})
        ]
        (ripe,) = list_stored_tasks(scope, own_releases.OwnReleaseMatured.kind)
        assert ripe.subject == subject.id
        assert (
            timedelta(minutes=9) < ripe.at - row["created_at"] <= timedelta(minutes=10, seconds=5)
        )
        standing = own_releases.own_release_status(scope, one.digest, rules=RULES)
        assert [str(lack) for lack in standing.lacks] == ["soon"]
        assert standing.signed_at == row["created_at"]
    with one.world.scope(one.actor) as scope:
        assert own_releases.withdraw_own_release(scope, subject.id) == 1
        assert own_releases.withdraw_own_release(scope, subject.id) == 0
        assert list_audit_entries(scope, "own.withdrawn") == [
            (one.actor, "own.withdrawn", f"delivery:{subject.id}", {})
        ]
        ended = scope.run(
            "SELECT ended_by FROM own_releases WHERE id = :i", i=released
        ).scalar_one()
        assert ended == one.actor


def test_failed_release_is_reported_urgently(
    tenant: OpenScope,
) -> None:
    one = add_author(tenant, rules=RULES)
    event = own_releases.OwnReleaseRequested(one.world.tenant_id, uuid7(), one.digest, one.actor)
    own_releases.handle_own_release(event, tenant=tenant)
    with one.world.scope() as scope:
        found = find_notice(scope, f"own:{one.digest}")
        assert found is not None
        assert (found.urgent, found.open, found.creator) == (True, True, None)
        assert list_audit_entries(scope, "own.released") == []


def test_account_holder_proof_ends_once(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=RULES)
    with one.world.scope(one.actor) as scope:
        row = (
            scope.run("SELECT * FROM account_holders WHERE id = :i", i=one.holder).mappings().one()
        )
        assert (row["person_id"], row["account"], row["custodian"]) == (
            one.person,
            "mia-sandbox",
            "custodian",
        )
        assert (row["channel_id"], row["evidence_digest"], row["valid_until"]) == (
            one.world.channel_id, "e" * 64, None,
        )  # fmt: skip
        assert row["principal_id"] == one.world.principal(scope, one.world.ann)
        account_holders.end_account_holder(scope, one.holder)
        with pytest.raises(NotFound, match=r"own\.no_holder"):
            account_holders.end_account_holder(scope, uuid7())
        ended = scope.run(
            "SELECT ended_by, ended_at FROM account_holders WHERE id = :i", i=one.holder
        ).one()
        assert (ended.ended_by, ended.ended_at is not None) == (one.actor, True)


def test_installation_stop_applies_to_all_agencies(tenant: OpenScope, here: World) -> None:
    with tenant(INSTALLATION_ID, "system:test") as scope:
        emergency_stops.close_switch(scope, "global", "", "campaigns", reason="x")
    try:
        with here.scope() as scope:
            assert emergency_stops.stopped_scope(scope, "campaigns").everywhere
            assert emergency_stops.is_stopped(scope, "campaigns", creator=here.creator_id)
            assert emergency_stops.list_stops(scope) == []
    finally:
        with tenant(INSTALLATION_ID, "system:test") as scope:
            emergency_stops.reopen_switch(scope, "global", "", "campaigns", reason="over")
