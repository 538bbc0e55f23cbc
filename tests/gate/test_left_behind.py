"""What each act of a member leaves behind: its entry in the audit, who is told, what is to be done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate import (
    admitting,
    binding,
    choosing,
    desk,
    events,
    inspecting,
    limits,
    lowering,
    naming,
    proposing,
    proving,
    ratings,
    recording,
    sampling,
    seals,
    showing,
    switches,
)
from gate.admitting import RowsWanted
from gate.binding import BindingWanted
from gate.desk import Tile
from gate.events import (
    LimitWanted,
    ProofWithdrawn,
    RatingWanted,
    RuleRead,
    SwitchWanted,
    ViewerConfirmed,
)
from gate.lowering import LoweringDue
from gate.naming import NamingWanted
from gate.proposing import PeopleProposed
from gate.proving import ProofNoted
from gate.sampling import SampleRead
from gate.seals import SealDue
from gate.units import Rating, Verdict
from tenants import agencies, reads
from tenants.roles import Role
from tests.gate.builders import World, asset_of, picture, world
from tests.gate.people_at_work import by
from tests.gate.written import Told, audited, due, told

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def chatter(here: World) -> str:
    with here.scope() as scope:
        one = agencies.add_member(
            scope, name="Cy", email=f"{uuid7()}@example.test", role=Role.CHATTER, language="en", zone="UTC"
        )
    return f"member:{one}"


def wishes(here: World, who: str) -> dict[str, tuple[Any, Callable[..., None], str]]:
    """What somebody without a right may have wished for, who does it, and what they are told."""
    one, now = uuid7(), "2026-01-01"
    with here.scope() as scope:
        at = scope.now - DAY

    def admit(event: RowsWanted, *, tenant: OpenScope) -> None:
        admitting.settle(event, tenant=tenant, documents=list)

    run, review = "role.forbidden.run", "role.forbidden.review"
    return {
        "binding": (BindingWanted(here.tenant_id, one, uuid7(), who), binding.settle, run),
        "proving": (ProofNoted(here.tenant_id, one, "C", "eid", at, None, None, "a" * 64, who), proving.settle, run),
        "proposing": (PeopleProposed(here.tenant_id, one, str(uuid7()), who), proposing.settle, run),
        "naming": (NamingWanted(here.tenant_id, one, str(uuid7()), "", who), naming.settle, review),
        "confirming": (ViewerConfirmed(here.tenant_id, one, "x", "u", "C", "why", who), events.confirm_viewer, review),
        "withdrawing": (ProofWithdrawn(here.tenant_id, one, "x", "u", who), events.withdraw_proof, review),
        "limiting": (LimitWanted(here.tenant_id, one, "x.post", "G", "H", "w", False, who), events.set_limit, run),
        "reading": (RuleRead(here.tenant_id, one, "x.post", "https://x", now, who), events.read_rule, ""),
        "rows": (RowsWanted(here.tenant_id, one, "acme", "", True, who), admit, run),
        "sample": (SampleRead(here.tenant_id, one, "", "", who), sampling.settle, "sample.unknown"),
    }


@pytest.mark.parametrize("name", [
    "binding", "proving", "proposing", "naming", "confirming", "withdrawing", "limiting", "reading", "rows", "sample",
])  # fmt: skip
def test_who_may_not_is_told_at_home_and_not_urgently(here: World, name: str) -> None:
    event, settle, code = wishes(here, chatter(here))[name]
    settle(event, tenant=here.open)
    with here.scope() as scope:
        found = told(scope, f"{event.kind}:{event.subject_id}")
        assert found is not None
        assert (found.urgent, found.open, found.creator) == (False, True, None)
        assert code in ("", found.code)
        assert len(scope.run("SELECT cause FROM notices WHERE tenant_id = :t", t=here.tenant_id).all()) == 1


def test_a_stop_is_in_the_audit_and_a_refused_end_of_it_is_told_at_once(here: World) -> None:
    def wanted(opens: bool, who: UUID, reason: str = "alarm") -> SwitchWanted:
        return SwitchWanted(here.tenant_id, uuid7(), "tenant", "", "sending", opens, f"member:{who}", reason)

    about = "switch:tenant::sending"
    events.set_switch(wanted(False, here.ann), tenant=here.open)
    events.set_switch(wanted(True, here.rob, "over"), tenant=here.open)
    with here.scope() as scope:
        found = told(scope, about)
        assert found is not None
        assert (found.urgent, found.open, found.creator) == (True, True, None)
        assert audited(scope, "switch.stopped") == [(f"member:{here.ann}", "switch.stopped", about, {})]
        assert audited(scope, events.ASKED) == [(f"member:{here.rob}", events.ASKED, about, {})]
        (stop,) = switches.stops(scope)
        assert (stop.where, stop.target, stop.feature) == ("tenant", "", "sending")
    with here.scope() as scope:
        owner = agencies.add_member(
            scope, name="Own", email=f"{uuid7()}@example.test", role=Role.OWNER, language="en", zone="UTC"
        )
    events.set_switch(wanted(True, owner, "over"), tenant=here.open)
    with here.scope() as scope:
        assert switches.stops(scope) == []
        assert audited(scope, "switch.reopened") == [(f"member:{owner}", "switch.reopened", about, {})]
        found = told(scope, about)
        assert found is not None
        assert not found.open


def test_who_may_not_end_a_stop_has_not_asked_for_it(here: World) -> None:
    who = chatter(here)
    with by(here, here.ann) as scope:
        switches.close(scope, "tenant", "", "sending", reason="alarm")
    events.set_switch(
        SwitchWanted(here.tenant_id, uuid7(), "tenant", "", "sending", True, who, "over"), tenant=here.open
    )
    with here.scope() as scope:
        assert audited(scope, events.ASKED) == []
        assert told(scope, "switch:tenant::sending") is not None


def test_a_rating_wished_for_is_done_soon_and_once(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here, Rating.S)
        asset = asset_of(scope, medium)
    with by(here, here.rob) as scope:
        for _ in range(2):
            desk.rate(scope, asset, medium.sha256, Rating.N)
        desk.rate(scope, asset, medium.sha256, Rating.X, minor=True)
        first, second = due(scope, RatingWanted.kind)
        assert (first.subject, first.priority, first.dedupe) == (asset, 1, f"rating:{medium.sha256}:N")
        assert first.args == {"sha256": medium.sha256, "rating": "N", "minor": False, "by": f"member:{here.rob}"}
        assert (second.args["minor"], second.args["rating"]) == (True, "X")
        with pytest.raises(NotFound, match=r"review\.unknown"):
            desk.rate(scope, asset, "0" * 64, Rating.N)
        with pytest.raises(Refused, match="RATING_LOWERING_INVALID"):
            desk.rate(scope, asset, medium.sha256, Rating.G)
        desk.rate(scope, asset, medium.sha256, Rating.S)  # what it is, is not lower


def test_a_sheet_is_judged_as_a_whole_or_not_at_all(here: World) -> None:
    with here.scope() as scope:
        shown = [picture(scope, here, Rating.S) for _ in range(3)]
        rob = reads.member(scope, here.rob)
    sheet, first = uuid7(), asset_of
    with by(here, here.rob) as scope:
        tiles = [Tile(first(scope, one), one.sha256, verdict="approve") for one in shown[:2]]
        third = Tile(first(scope, shown[2]), shown[2].sha256, rating=Rating.N)
        for one in shown[:2]:
            showing.note(scope, rob, one.sha256)
        for wrong, code, params in (
            ([], "review.set_size", {"most": desk.MOST}),
            ([tiles[0], tiles[0]], "review.set_size", {"most": desk.MOST}),
            ([Tile(first(scope, shown[0]), shown[0].sha256)], "review.set_unclear", {}),
            ([*tiles, third], "review.set_unseen", {"count": 1}),
            ([Tile(here.ann, "0" * 64, verdict="approve")], "review.unknown", {}),
        ):
            with pytest.raises(GreenroomError) as refused:
                desk.judge_set(scope, wrong, sheet=sheet)
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
    with by(here, here.rob) as scope:
        showing.note(scope, rob, shown[2].sha256)
    with by(here, here.rob) as scope:
        desk.judge_set(scope, [*tiles, third], sheet=sheet)
        rows = scope.run("SELECT about, digest, verdict, seen_percent, sheet, principal_id FROM human_reviews"
                         " WHERE tenant_id = :t ORDER BY id", t=here.tenant_id).all()  # fmt: skip
        assert [tuple(row) for row in rows] == [
            ("bytes", one.sha256, "approve", 100, sheet, rob.principal_id) for one in tiles
        ]
        assert [one.args["rating"] for one in due(scope, RatingWanted.kind)] == ["N"]


def test_what_a_classifier_finds_never_allowed_is_told_and_frozen_at_once(here: World) -> None:
    with here.scope() as scope:
        shown, minor = picture(scope, here, Rating.S), picture(scope, here, Rating.S)
        inspecting.record(scope, shown.sha256, source="classifier:one@1", rating=Rating.X, people=2, words=["a", "b"])
        inspecting.record(scope, shown.sha256, source="classifier:one@1", rating=Rating.G, people=1, words=["b", "c"])
        inspecting.record(scope, minor.sha256, source="classifier:one@1", rating=Rating.X, prohibited="minor")
        for one in (shown, minor):
            assert told(scope, f"picture:{asset_of(scope, one)}") == Told(
                "asset.suspected", {}, urgent=True, open=True, creator=None
            )
            assert recording.recorded(scope, one.sha256).state == "frozen"
        row = scope.run("SELECT people, words, source FROM inspections WHERE sha256 = :s", s=shown.sha256).one()
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
        assert seals.sealed(scope, [shown.sha256, minor.sha256]) == {minor.sha256}
        (task,) = due(scope, SealDue.kind)
        assert task.priority == 0
        with pytest.raises(BadInput) as refused:
            inspecting.record(scope, shown.sha256, source="member:x", rating=Rating.G)
        assert (refused.value.message.code, refused.value.message.params) == (
            "asset.bad_source",
            {"source": "member:x"},
        )
        with pytest.raises(NotFound):
            inspecting.record(scope, "0" * 64, source="classifier:one@1", rating=Rating.G)


def test_lowering_is_asked_with_a_reason_and_said_in_the_audit(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here, Rating.S)
        asset = asset_of(scope, medium)
        members = [reads.member(scope, one) for one in (here.ann, here.rob)]
    for member in members:
        with here.scope() as scope:
            showing.note(scope, member, medium.sha256)
    with by(here, here.ann) as scope:
        for wrong in ("", "  ", "x" * (lowering.LONGEST + 1)):
            with pytest.raises(BadInput) as refused:
                lowering.ask(scope, asset, medium.sha256, Rating.G, why=wrong, maker=None)
            assert refused.value.message.code == "lowering.no_reason"
            assert refused.value.message.params == {"most": lowering.LONGEST}
        with pytest.raises(NotFound, match=r"review\.unknown"):
            lowering.ask(scope, uuid7(), medium.sha256, Rating.G, why="x", maker=None)
        for same in (Rating.S, Rating.N):
            with pytest.raises(Refused, match="RATING_LOWERING_INVALID"):
                lowering.ask(scope, asset, medium.sha256, same, why="x", maker=None)
        wish = lowering.ask(scope, asset, medium.sha256, Rating.G, why=f" {'x' * lowering.LONGEST} ", maker=None)
        with pytest.raises(Conflict, match=r"lowering\.open"):
            lowering.ask(scope, asset, medium.sha256, Rating.G, why="again", maker=None)
    with by(here, here.rob) as scope:
        (one,) = lowering.waiting(scope, {here.creator_id})
        assert (one.id, one.asset_id, one.sha256, one.creator_id) == (wish, asset, medium.sha256, here.creator_id)
        assert (one.drawn, one.wanted, one.why) == (Rating.S, Rating.G, "x" * lowering.LONGEST)
        assert (one.by, one.agreed, one.needed, one.allowed) == (members[0].principal_id, 0, 1, {here.rob})
        assert lowering.waiting(scope, {uuid7()}) == []
        with pytest.raises(NotFound, match=r"lowering\.unknown"):
            lowering.say(scope, uuid7(), agree=True, why="yes")
        lowering.say(scope, wish, agree=True, why=" fine ")
        (task,) = due(scope, LoweringDue.kind)
        assert (task.subject, task.priority) == (wish, 1)
        row = scope.run("SELECT about, digest, verdict, reason, seen_percent FROM human_reviews WHERE tenant_id = :t",
                        t=here.tenant_id).one()  # fmt: skip
        assert (row.about, row.digest, row.verdict, row.seen_percent) == ("lowering", str(wish), "approve", 100)
        assert row.reason == {"code": "lowering.said", "params": {"words": "fine"}}
    lowering.settle(LoweringDue(here.tenant_id, wish), tenant=here.open)
    with here.scope() as scope:
        assert ratings.effective(scope, medium.sha256) is Rating.G
        assert lowering.waiting(scope, {here.creator_id}) == []
        assert audited(scope, "rating.lower_asked", "rating.lower_agreed", "rating.lowered") == [
            (f"member:{here.ann}", "rating.lower_asked", f"lowering:{wish}", {}),
            (f"member:{here.rob}", "rating.lower_agreed", f"lowering:{wish}", {}),
            (lowering.ACTOR, "rating.lowered", f"lowering:{wish}", {"before": "S", "after": "G"}),
        ]
    with by(here, here.rob) as scope, pytest.raises(Conflict, match=r"lowering\.over"):
        lowering.say(scope, wish, agree=True, why="again")


def test_a_no_to_a_lowering_is_in_the_audit_and_nothing_is_done(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here, Rating.S)
        asset = asset_of(scope, medium)
        for one in (here.ann, here.rob):
            showing.note(scope, reads.member(scope, one), medium.sha256)
    with by(here, here.ann) as scope:
        wish = lowering.ask(scope, asset, medium.sha256, Rating.G, why="x", maker=None)
    with by(here, here.rob) as scope:
        lowering.say(scope, wish, agree=False, why="no")
        assert due(scope, LoweringDue.kind) == []
        assert audited(scope, "rating.lower_refused") == [
            (f"member:{here.rob}", "rating.lower_refused", f"lowering:{wish}", {})
        ]
        assert lowering.waiting(scope, {here.creator_id}) == []


def test_what_an_agency_chooses_is_in_the_audit_and_kept_beside_each_other(here: World) -> None:
    with by(here, here.rob) as scope:
        assert choosing.choices(scope) == choosing.Choices(5, 2)
        choosing.name_officer(scope, here.ann)
        choosing.tighten(scope, suggestive_percent=5, words_percent=100)
        assert choosing.officer(scope).id == here.ann  # type: ignore[union-attr]  # ann was named
        assert choosing.choices(scope) == choosing.Choices(5, 100)
        choosing.tighten(scope, suggestive_percent=100, words_percent=2)
        choosing.name_officer(scope, here.rob)
        assert choosing.choices(scope) == choosing.Choices(100, 2)
        assert audited(scope, "desk.shares", "desk.officer") == [
            (f"member:{here.rob}", "desk.officer", f"member:{here.ann}", {}),
            (f"member:{here.rob}", "desk.shares", "desk:shares", {"suggestive": 5, "words": 100}),
            (f"member:{here.rob}", "desk.shares", "desk:shares", {"suggestive": 100, "words": 2}),
            (f"member:{here.rob}", "desk.officer", f"member:{here.rob}", {}),
        ]
        with pytest.raises(BadInput) as refused:
            choosing.tighten(scope, suggestive_percent=5, words_percent=101)
        assert refused.value.message.params == {"suggestive": 5, "words": 2}
        with pytest.raises(NotFound, match=r"member\.unknown"):
            choosing.name_officer(scope, UUID(chatter(here).removeprefix("member:")))
    with by(here, here.ann) as scope, pytest.raises(Refused):
        choosing.name_officer(scope, here.ann)


def test_a_limit_and_its_end_are_in_the_audit(here: World) -> None:
    with by(here, here.ann) as scope:
        limits.keep(scope, "sandbox.post", Rating.S, Verdict.B, why="  quiet ")
        (one,) = limits.kept(scope)
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
                limits.keep(scope, place, rating, verdict, why=why)
            assert refused.value.message.code == code
    with here.scope() as scope:
        owner = agencies.add_member(
            scope, name="Own", email=f"{uuid7()}@example.test", role=Role.OWNER, language="en", zone="UTC"
        )
    with by(here, here.rob) as scope:
        assert limits.end(scope, "sandbox.post", Rating.S, Verdict.B) is False
        assert limits.kept(scope)[0].ending
        with pytest.raises(NotFound, match=r"limit\.no_such_place"):
            limits.end(scope, "sandbox.post", Rating.G, Verdict.B)
    with by(here, owner) as scope:
        assert limits.end(scope, "sandbox.post", Rating.S, Verdict.B) is True
        assert limits.kept(scope) == []
        assert audited(scope, "place.limit", "place.limit_asked", "place.limit_ended") == [
            (f"member:{here.ann}", "place.limit", "place:sandbox.post", {"rating": "S", "verdict": "B"}),
            (f"member:{here.rob}", "place.limit_asked", "place:sandbox.post", {}),
            (f"member:{owner}", "place.limit_ended", "place:sandbox.post", {}),
        ]
