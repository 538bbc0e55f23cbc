"""Side effects of members' operations: audit entries, notices and queued tasks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate.assets import asset_records, viewings
from gate.consent import asset_bindings
from gate.consent.asset_bindings import CardBindingRequested
from gate.contract.units import Rating, Verdict
from gate.people import age_proofs
from gate.people.age_proofs import AgeProofSubmitted
from gate.policy import admission, emergency_stops, review_settings
from gate.policy.admission import AdmissionRequested
from gate.policy.events import EmergencyStopRequested
from gate.policy.handlers import REOPENING_REQUESTED, handle_stop_request
from gate.ratings import inspections, ratings, seals
from gate.ratings.seals import SealDue
from gate.reviews import (
    content_reviews,
    depicted_people,
    place_limits,
    rating_reductions,
    spot_checks,
)
from gate.reviews.content_reviews import SheetVerdict
from gate.reviews.depicted_people import PeopleConfirmed, PeopleProposed
from gate.reviews.events import PlaceLimitRequested, PlatformRulesRead, RatingRequested
from gate.reviews.handlers import handle_place_limit, handle_rules_read
from gate.reviews.rating_reductions import LoweringVoted
from gate.reviews.spot_checks import SampleRead
from gate.viewers.events import AgeAssuranceWithdrawn, ViewerConfirmed
from gate.viewers.handlers import handle_age_assurance_withdrawn, handle_viewer_confirmed
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tests.gate.builders import World, asset_of, picture, world
from tests.gate.person_actions import member_scope
from tests.gate.side_effects import StoredNotice, find_notice, list_audit_entries, list_stored_tasks

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def chatter(here: World) -> str:
    with here.scope() as scope:
        one = agencies.add_member(
            scope,
            name="Cy",
            email=f"{uuid7()}@example.test",
            role=Role.CHATTER,
            language="en",
            zone="UTC",
        )
    return f"member:{one}"


def wishes(here: World, who: str) -> dict[str, tuple[Any, Callable[..., None], str]]:
    """Return requests a member without rights could submit, with their handlers and expected
    notices."""
    one, now = uuid7(), "2026-01-01"
    with here.scope() as scope:
        at = scope.now - DAY

    def admit(event: AdmissionRequested, *, tenant: OpenScope) -> None:
        admission.handle_admission_request(event, tenant=tenant, documents=list)

    run, review = "role.forbidden.run", "role.forbidden.review"
    return {
        "binding": (
            CardBindingRequested(here.tenant_id, one, uuid7(), who),
            asset_bindings.handle_binding,
            run,
        ),
        "proving": (
            AgeProofSubmitted(here.tenant_id, one, "C", "eid", at, None, None, "a" * 64, who),
            age_proofs.handle_age_proof,
            "role.forbidden.vouch",
        ),
        "proposing": (
            PeopleProposed(here.tenant_id, one, str(uuid7()), who),
            depicted_people.handle_people_proposed,
            run,
        ),
        "naming": (
            PeopleConfirmed(here.tenant_id, one, str(uuid7()), "", who),
            depicted_people.handle_people_confirmed,
            review,
        ),
        "confirming": (
            ViewerConfirmed(here.tenant_id, one, "x", "u", "C", "why", who),
            handle_viewer_confirmed,
            "role.forbidden.vouch",
        ),
        "withdrawing": (
            AgeAssuranceWithdrawn(here.tenant_id, one, "x", "u", who),
            handle_age_assurance_withdrawn,
            review,
        ),
        "limiting": (
            PlaceLimitRequested(here.tenant_id, one, "x.post", "G", "H", "w", False, who),
            handle_place_limit,
            run,
        ),
        "reading": (
            PlatformRulesRead(here.tenant_id, one, "x", "https://x", now, who),
            handle_rules_read,
            "role.forbidden.rules",
        ),
        "rows": (AdmissionRequested(here.tenant_id, one, "acme", "", True, who), admit, run),
        "sample": (
            SampleRead(here.tenant_id, one, "", "", who),
            spot_checks.handle_sample_read,
            "sample.unknown",
        ),
    }


@pytest.mark.parametrize("name", [
    "binding", "proving", "proposing", "naming", "confirming", "withdrawing", "limiting", "reading", "rows", "sample",
])  # fmt: skip
def test_unauthorized_request_is_reported_without_urgency(here: World, name: str) -> None:
    event, settle, code = wishes(here, chatter(here))[name]
    settle(event, tenant=here.open)
    with here.scope() as scope:
        found = find_notice(scope, f"{event.kind}:{event.subject_id}")
        assert found is not None
        assert (found.urgent, found.open, found.creator) == (False, True, None)
        assert code in ("", found.code)
        assert (
            len(scope.run("SELECT cause FROM notices WHERE tenant_id = :t", t=here.tenant_id).all())
            == 1
        )


def test_stop_is_audited_and_refused_end_is_reported(here: World) -> None:
    def wanted(opens: bool, who: UUID, reason: str = "alarm") -> EmergencyStopRequested:
        return EmergencyStopRequested(
            here.tenant_id, uuid7(), "tenant", "", "sending", opens, f"member:{who}", reason
        )

    about = "switch:tenant::sending"
    handle_stop_request(wanted(False, here.ann), tenant=here.open)
    handle_stop_request(wanted(True, here.rob, "over"), tenant=here.open)
    with here.scope() as scope:
        found = find_notice(scope, about)
        assert found is not None
        assert (found.urgent, found.open, found.creator) == (True, True, None)
        assert list_audit_entries(scope, "switch.stopped") == [
            (f"member:{here.ann}", "switch.stopped", about, {})
        ]
        assert list_audit_entries(scope, REOPENING_REQUESTED) == [
            (f"member:{here.rob}", REOPENING_REQUESTED, about, {})
        ]
        (stop,) = emergency_stops.list_stops(scope)
        assert (stop.where, stop.target, stop.feature) == ("tenant", "", "sending")
    with here.scope() as scope:
        owner = agencies.add_member(
            scope,
            name="Own",
            email=f"{uuid7()}@example.test",
            role=Role.OWNER,
            language="en",
            zone="UTC",
        )
    handle_stop_request(wanted(True, owner, "over"), tenant=here.open)
    with here.scope() as scope:
        assert emergency_stops.list_stops(scope) == []
        assert list_audit_entries(scope, "switch.reopened") == [
            (f"member:{owner}", "switch.reopened", about, {})
        ]
        found = find_notice(scope, about)
        assert found is not None
        assert not found.open


def test_unauthorized_end_of_stop_is_no_request(here: World) -> None:
    who = chatter(here)
    with member_scope(here, here.ann) as scope:
        emergency_stops.close_switch(scope, "tenant", "", "sending", reason="alarm")
    handle_stop_request(
        EmergencyStopRequested(here.tenant_id, uuid7(), "tenant", "", "sending", True, who, "over"),
        tenant=here.open,
    )
    with here.scope() as scope:
        assert list_audit_entries(scope, REOPENING_REQUESTED) == []
        assert find_notice(scope, "switch:tenant::sending") is not None


def test_rating_is_queued_once_with_priority(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here, Rating.S)
        asset = asset_of(scope, medium)
    with member_scope(here, here.rob) as scope:
        for _ in range(2):
            content_reviews.submit_rating(scope, asset, medium.sha256, Rating.N)
        content_reviews.submit_rating(scope, asset, medium.sha256, Rating.X, minor=True)
        first, second = list_stored_tasks(scope, RatingRequested.kind)
        assert (first.subject, first.priority, first.dedupe) == (
            asset,
            1,
            f"rating:{medium.sha256}:N::member:{here.rob}",
        )
        assert first.args == {
            "sha256": medium.sha256,
            "rating": "N",
            "minor": False,
            "by": f"member:{here.rob}",
            "shown": "",
        }
        assert (second.args["minor"], second.args["rating"]) == (True, "X")
        with pytest.raises(NotFound, match=r"review\.unknown"):
            content_reviews.submit_rating(scope, asset, "0" * 64, Rating.N)
        with pytest.raises(Refused, match="RATING_LOWERING_INVALID"):
            content_reviews.submit_rating(scope, asset, medium.sha256, Rating.G)
        content_reviews.submit_rating(
            scope, asset, medium.sha256, Rating.S
        )  # the current rating is not a reduction


def test_sheet_is_recorded_completely_or_not_at_all(here: World) -> None:
    with here.scope() as scope:
        shown = [picture(scope, here, Rating.S) for _ in range(3)]
        rob = queries.get_member(scope, here.rob)
    sheet, first = uuid7(), asset_of
    with member_scope(here, here.rob) as scope:
        tiles = [
            SheetVerdict(first(scope, one), one.sha256, verdict="approve") for one in shown[:2]
        ]
        third = SheetVerdict(first(scope, shown[2]), shown[2].sha256, rating=Rating.N)
        for one in shown[:2]:
            viewings.record_viewing(scope, rob, one.sha256)
        for wrong, code, params in (
            ([], "review.set_size", {"most": content_reviews.MAX_SHEET_SIZE}),
            ([tiles[0], tiles[0]], "review.set_size", {"most": content_reviews.MAX_SHEET_SIZE}),
            ([SheetVerdict(first(scope, shown[0]), shown[0].sha256)], "review.set_unclear", {}),
            ([*tiles, third], "review.set_unseen", {"count": 1}),
            ([SheetVerdict(here.ann, "0" * 64, verdict="approve")], "review.unknown", {}),
        ):
            with pytest.raises(GreenroomError) as refused:
                content_reviews.record_sheet_verdicts(scope, wrong, sheet=sheet)
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
    with member_scope(here, here.rob) as scope:
        viewings.record_viewing(scope, rob, shown[2].sha256)
    with member_scope(here, here.rob) as scope:
        content_reviews.record_sheet_verdicts(scope, [*tiles, third], sheet=sheet)
        rows = scope.run("SELECT about, digest, verdict, seen_percent, sheet, principal_id FROM "
                         "human_reviews"
                         " WHERE tenant_id = :t ORDER BY id", t=here.tenant_id).all()  # fmt: skip
        assert [tuple(row) for row in rows] == [
            ("bytes", one.sha256, "approve", 100, sheet, rob.principal_id) for one in tiles
        ]
        assert [one.args["rating"] for one in list_stored_tasks(scope, RatingRequested.kind)] == [
            "N"
        ]


def test_prohibited_finding_is_reported_and_frozen(here: World) -> None:
    with here.scope() as scope:
        shown, minor = picture(scope, here, Rating.S), picture(scope, here, Rating.S)
        inspections.record_classifier_finding(
            scope,
            shown.sha256,
            source="classifier:one@1",
            rating=Rating.X,
            people=2,
            words=["a", "b"],
        )
        inspections.record_classifier_finding(
            scope,
            shown.sha256,
            source="classifier:one@1",
            rating=Rating.G,
            people=1,
            words=["b", "c"],
        )
        inspections.record_classifier_finding(
            scope, minor.sha256, source="classifier:one@1", rating=Rating.X, prohibited="minor"
        )
        for one in (shown, minor):
            assert find_notice(scope, f"picture:{asset_of(scope, one)}") == StoredNotice(
                "asset.suspected", {}, urgent=True, open=True, creator=None
            )
            assert asset_records.find_rendition_by_digest(scope, one.sha256).state == "frozen"
        row = scope.run(
            "SELECT people, words, source FROM inspections WHERE sha256 = :s"
            " AND starts_with(source, 'classifier:')",
            s=shown.sha256,
        ).one()
        assert (row.people, row.words, row.source) == (2, ["a", "b", "c"], "classifier:one@1")
        why = scope.run(
            "SELECT sha256, reason ->> 'code' AS code, source FROM content_ratings"
            " WHERE rating = 'X' AND tenant_id = :t",
            t=here.tenant_id,
        )
        assert {tuple(one) for one in why} == {
            (shown.sha256, "prohibited.category", "classifier:one@1"), (minor.sha256, "prohibited.minor",
                                                                       "classifier:one@1"),
        }  # fmt: skip
        assert seals.sealed_digests(scope, [shown.sha256, minor.sha256]) == {minor.sha256}
        (task,) = list_stored_tasks(scope, SealDue.kind)
        assert task.priority == 0
        with pytest.raises(BadInput) as refused:
            inspections.record_classifier_finding(
                scope, shown.sha256, source="member:x", rating=Rating.G
            )
        assert (refused.value.message.code, refused.value.message.params) == (
            "asset.bad_source",
            {"source": "member:x"},
        )
        with pytest.raises(NotFound):
            inspections.record_classifier_finding(
                scope, "0" * 64, source="classifier:one@1", rating=Rating.G
            )


def check_refused_lowerings(scope: Scope, asset: UUID, sha256: str) -> None:
    """Check that a reduction needs a reason, a known asset and a lower rating."""
    for wrong in ("", "  ", "x" * (rating_reductions.MAX_LOWERING_REASON + 1)):
        with pytest.raises(BadInput) as refused:
            rating_reductions.request_lowering(
                scope, asset, sha256, Rating.G, why=wrong, maker=None
            )
        assert refused.value.message.code == "lowering.no_reason"
        assert refused.value.message.params == {"most": rating_reductions.MAX_LOWERING_REASON}
    with pytest.raises(NotFound, match=r"review\.unknown"):
        rating_reductions.request_lowering(scope, uuid7(), sha256, Rating.G, why="x", maker=None)
    for same in (Rating.S, Rating.N):
        with pytest.raises(Refused, match="RATING_LOWERING_INVALID"):
            rating_reductions.request_lowering(scope, asset, sha256, same, why="x", maker=None)


def test_rating_reduction_is_stored_and_audited(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here, Rating.S)
        asset = asset_of(scope, medium)
        members = [queries.get_member(scope, one) for one in (here.ann, here.rob)]
    for member in members:
        with here.scope() as scope:
            viewings.record_viewing(scope, member, medium.sha256)
    with member_scope(here, here.ann) as scope:
        check_refused_lowerings(scope, asset, medium.sha256)
        wish = rating_reductions.request_lowering(
            scope,
            asset,
            medium.sha256,
            Rating.G,
            why=f" {'x' * rating_reductions.MAX_LOWERING_REASON} ",
            maker=None,
        )
        with pytest.raises(Conflict, match=r"lowering\.open"):
            rating_reductions.request_lowering(
                scope, asset, medium.sha256, Rating.G, why="again", maker=None
            )
    with member_scope(here, here.rob) as scope:
        (one,) = rating_reductions.list_lowering_requests(scope, {here.creator_id})
        assert (one.id, one.asset_id, one.creator_id) == (wish, asset, here.creator_id)
        assert (one.sha256, one.drawn, one.wanted) == (medium.sha256, Rating.S, Rating.G)
        assert one.why == "x" * rating_reductions.MAX_LOWERING_REASON
        assert (one.by, one.allowed) == (members[0].principal_id, {here.rob})
        assert (one.agreed, one.needed) == (0, 1)
        assert rating_reductions.list_lowering_requests(scope, {uuid7()}) == []
        with pytest.raises(NotFound, match=r"lowering\.unknown"):
            rating_reductions.vote_on_lowering(scope, uuid7(), agree=True, why="yes")
        rating_reductions.vote_on_lowering(scope, wish, agree=True, why=" fine ")
        (task,) = list_stored_tasks(scope, LoweringVoted.kind)
        assert (task.subject, task.priority) == (wish, 1)
        row = scope.run("SELECT about, digest, verdict, reason, seen_percent FROM human_reviews "
                        "WHERE tenant_id = :t",
                        t=here.tenant_id).one()  # fmt: skip
        assert (row.about, row.digest) == ("lowering", str(wish))
        assert (row.verdict, row.seen_percent) == ("approve", 100)
        assert row.reason == {"code": "lowering.said", "params": {"words": "fine"}}
    rating_reductions.handle_lowering_vote(LoweringVoted(here.tenant_id, wish), tenant=here.open)
    with here.scope() as scope:
        assert ratings.effective_rating(scope, medium.sha256) is Rating.G
        assert rating_reductions.list_lowering_requests(scope, {here.creator_id}) == []
        assert list_audit_entries(
            scope, "rating.lower_asked", "rating.lower_agreed", "rating.lowered"
        ) == [
            (f"member:{here.ann}", "rating.lower_asked", f"lowering:{wish}", {}),
            (f"member:{here.rob}", "rating.lower_agreed", f"lowering:{wish}", {}),
            (
                rating_reductions.ACTOR,
                "rating.lowered",
                f"lowering:{wish}",
                {"before": "S", "after": "G"},
            ),
        ]
    with member_scope(here, here.rob) as scope, pytest.raises(Conflict, match=r"lowering\.over"):
        rating_reductions.vote_on_lowering(scope, wish, agree=True, why="again")


def test_refused_reduction_is_audited_without_effect(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here, Rating.S)
        asset = asset_of(scope, medium)
        for one in (here.ann, here.rob):
            viewings.record_viewing(scope, queries.get_member(scope, one), medium.sha256)
    with member_scope(here, here.ann) as scope:
        wish = rating_reductions.request_lowering(
            scope, asset, medium.sha256, Rating.G, why="x", maker=None
        )
    with member_scope(here, here.rob) as scope:
        rating_reductions.vote_on_lowering(scope, wish, agree=False, why="no")
        assert list_stored_tasks(scope, LoweringVoted.kind) == []
        assert list_audit_entries(scope, "rating.lower_refused") == [
            (f"member:{here.rob}", "rating.lower_refused", f"lowering:{wish}", {})
        ]
        assert rating_reductions.list_lowering_requests(scope, {here.creator_id}) == []


def test_review_settings_are_audited_and_independent(here: World) -> None:
    with member_scope(here, here.rob) as scope:
        assert review_settings.sampling_shares(scope) == review_settings.SamplingShares(5, 2)
        review_settings.set_safety_officer(scope, here.ann)
        review_settings.raise_sampling_shares(scope, suggestive_percent=5, words_percent=100)
        # Ann was named above
        assert review_settings.safety_officer(scope).id == here.ann  # type: ignore[union-attr]  # see above
        assert review_settings.sampling_shares(scope) == review_settings.SamplingShares(5, 100)
        review_settings.raise_sampling_shares(scope, suggestive_percent=100, words_percent=2)
        review_settings.set_safety_officer(scope, here.rob)
        assert review_settings.sampling_shares(scope) == review_settings.SamplingShares(100, 2)
        assert list_audit_entries(scope, "desk.shares", "desk.officer") == [
            (f"member:{here.rob}", "desk.officer", f"member:{here.ann}", {}),
            (f"member:{here.rob}", "desk.shares", "desk:shares", {"suggestive": 5, "words": 100}),
            (f"member:{here.rob}", "desk.shares", "desk:shares", {"suggestive": 100, "words": 2}),
            (f"member:{here.rob}", "desk.officer", f"member:{here.rob}", {}),
        ]
        with pytest.raises(BadInput) as refused:
            review_settings.raise_sampling_shares(scope, suggestive_percent=5, words_percent=101)
        assert refused.value.message.params == {"suggestive": 5, "words": 2}
        with pytest.raises(NotFound, match=r"member\.unknown"):
            review_settings.set_safety_officer(scope, UUID(chatter(here).removeprefix("member:")))
    with member_scope(here, here.ann) as scope, pytest.raises(Refused):
        review_settings.set_safety_officer(scope, here.ann)


def test_limit_and_its_end_are_audited(here: World) -> None:
    with member_scope(here, here.ann) as scope:
        place_limits.set_place_limit(scope, "sandbox.post", Rating.S, Verdict.B, why="  quiet ")
        (one,) = place_limits.list_place_limits(scope)
        assert (one.place, one.rating, one.verdict, one.by, one.why, one.ending) == (
            "sandbox.post", "S", "B", f"member:{here.ann}", "quiet", False,
        )  # fmt: skip
        for place, rating, verdict, why, code in (
            ("nowhere.post", Rating.S, Verdict.B, "w", "limit.no_such_place"),
            ("sandbox.post", Rating.X, Verdict.B, "w", "limit.no_such_place"),
            ("sandbox.post", Rating.S, Verdict.F, "w", "limit.no_such_place"),
            ("sandbox.post", Rating.S, Verdict.H, " ", "limit.no_why"),
        ):
            with pytest.raises(BadInput) as refused:
                place_limits.set_place_limit(scope, place, rating, verdict, why=why)
            assert refused.value.message.code == code
    with here.scope() as scope:
        owner = agencies.add_member(
            scope,
            name="Own",
            email=f"{uuid7()}@example.test",
            role=Role.OWNER,
            language="en",
            zone="UTC",
        )
    with member_scope(here, here.rob) as scope:
        assert place_limits.end_place_limit(scope, "sandbox.post", Rating.S, Verdict.B) is False
        assert place_limits.list_place_limits(scope)[0].ending
        with pytest.raises(NotFound, match=r"limit\.no_such_place"):
            place_limits.end_place_limit(scope, "sandbox.post", Rating.G, Verdict.B)
    with member_scope(here, owner) as scope:
        assert place_limits.end_place_limit(scope, "sandbox.post", Rating.S, Verdict.B) is True
        assert place_limits.list_place_limits(scope) == []
        assert list_audit_entries(
            scope, "place.limit", "place.limit_asked", "place.limit_ended"
        ) == [
            (
                f"member:{here.ann}",
                "place.limit",
                "place:sandbox.post",
                {"rating": "S", "verdict": "B"},
            ),
            (f"member:{here.rob}", "place.limit_asked", "place:sandbox.post", {}),
            (f"member:{owner}", "place.limit_ended", "place:sandbox.post", {}),
        ]
