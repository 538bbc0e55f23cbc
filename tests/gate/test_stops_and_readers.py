"""Stops and readers as they are kept: which row is meant, and from which instant."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, Refused
from foundation.ids import uuid7
from gate import (
    switches,
    viewers,
)
from gate.bundle import Bundle
from gate.states import AssuranceState
from gate.stating import SwitchClosed, ViewerChanged
from gate.switches import Stop
from gate.viewers import NOBODY, Assurance
from tests.gate.builders import World, world
from tests.gate.opening import opened
from tests.gate.people_at_work import by
from tests.gate.written import audited, due

DAY = timedelta(days=1)
A = AssuranceState
RULES: Bundle = opened()


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_where_a_feature_is_stopped_is_told_for_creators_and_accounts(here: World) -> None:
    creator, channel, chat = here.creator_id, uuid7(), f"{uuid7()}:fan"
    with by(here, here.ann) as scope:
        first = switches.close(scope, "creator", str(creator), "bot", reason="a")
        switches.close(scope, "channel", str(channel), "bot", reason="b")
        switches.close(scope, "chat", chat, "bot", reason="c")
        switches.close(scope, "tenant", "", "offers", reason="d")
        halt = switches.halt(scope, "bot")
        assert (halt.everywhere, halt.targets) == (False, {str(creator), str(channel)})
        assert (halt.reaches(creator), halt.reaches(uuid7(), channel), halt.reaches(uuid7())) == (True, True, False)
        assert switches.halt(scope, "offers").everywhere
        assert switches.halt(scope, "offers").reaches(uuid7())
        assert not switches.halt(scope, "sending").everywhere
        assert switches.closed(scope, "bot", creator=creator)
        assert switches.closed(scope, "bot", channel=channel)
        assert switches.closed(scope, "bot", chat=chat)
        assert not switches.closed(scope, "bot", creator=channel, channel=creator, chat=str(creator))
        assert not switches.closed(scope, "bot")
        assert switches.closed(scope, "offers")
        task = due(scope, SwitchClosed.kind)[0]
        assert (task.subject, task.args) == (
            first, {"scope": "creator", "target": str(creator), "feature": "bot"},
        )  # fmt: skip
        stop = next(each for each in switches.stops(scope) if each.where == "creator")
        assert stop == Stop("creator", str(creator), "bot", stop.since, f"member:{here.ann}", "a")
        assert timedelta() <= stop.since - scope.now < DAY


def test_stops_are_told_the_latest_first_and_only_while_they_hold(here: World) -> None:
    for feature in ("bot", "offers", "payments"):
        with by(here, here.ann) as scope:
            switches.close(scope, "creator", str(here.creator_id), feature, reason=f"why {feature}")
    with by(here, here.rob) as scope:
        switches.reopen(scope, "creator", str(here.creator_id), "offers", reason="over")
        assert [one.feature for one in switches.stops(scope)] == ["payments", "bot"]
        assert not switches.closed(scope, "offers", creator=here.creator_id)


@pytest.mark.parametrize(("where", "target", "feature"), [
    ("tenant", "x", "bot"), ("global", "x", "bot"), ("creator", "", "bot"), ("room", "x", "bot"), ("tenant", "", "fun"),
])  # fmt: skip
def test_an_unknown_switch_is_refused_by_its_name(here: World, where: str, target: str, feature: str) -> None:
    with by(here, here.ann) as scope, pytest.raises(BadInput) as refused:
        switches.close(scope, where, target, feature, reason="x")
    assert (refused.value.message.code, refused.value.message.params) == (
        "switch.unknown", {"scope": where, "feature": feature},
    )  # fmt: skip


def test_who_ends_a_stop_and_when(here: World) -> None:
    with by(here, here.ann) as scope:
        switches.close(scope, "tenant", "", "bot", reason="x")
        with pytest.raises(Refused, match=r"switch\.house_only"):
            switches.close(scope, "global", "", "bot", reason="x")
    with by(here, here.rob) as scope:
        for reason, code, params in ((" ", "switch.no_reason", {}), ("over", switches.TOO_EARLY, {"minutes": 15})):
            with pytest.raises(Refused) as refused:
                switches.reopen(scope, "tenant", "", "bot", reason=reason)
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
        with pytest.raises(Refused, match=switches.TOO_EARLY):
            switches.reopen(scope, "tenant", "", "bot", reason="over", second=here.rob)
    with here.scope() as scope, pytest.raises(Refused, match=r"switch\.people_only"):
        switches.reopen(scope, "tenant", "", "bot", reason="over")
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE switches SET updated_at = updated_at - interval '899 seconds' WHERE tenant_id = :t",
                  t=here.tenant_id)  # fmt: skip
    with by(here, here.rob) as scope:
        with pytest.raises(Refused, match=switches.TOO_EARLY):
            switches.reopen(scope, "tenant", "", "bot", reason="over")
        switches.reopen(scope, "tenant", "", "bot", reason="over", second=here.ann)
        assert switches.stops(scope) == []
    assert switches.signed_as("tenant", "", "bot", " over ") == switches.signed_as("tenant", "", "bot", "over")
    assert switches.signed_as("tenant", "", "bot", "over") != switches.signed_as("tenant", "", "bot", "else")


def assured(here: World, user: str, **changes: Any) -> Assurance:
    with here.scope() as scope:
        whole: dict[str, Any] = {
            "platform": "telegram", "user_id": user, "method": "eid", "assured_level": "L4", "over_18": True,
            "environment": "production", "jurisdiction": "FR",
        }  # fmt: skip
        return viewers.record_assurance(scope, **(whole | changes))


def test_what_a_provider_said_is_kept_to_the_last_field(here: World) -> None:
    found = assured(here, "u1")
    with here.scope() as scope:
        row = scope.run("SELECT * FROM age_assurances WHERE tenant_id = :t", t=here.tenant_id).mappings().one()
        assert (row["platform"], row["user_id"], row["state"], row["method"], row["level"]) == (
            "telegram", "u1", "assured", "eid", "L4",
        )  # fmt: skip
        assert (row["over_18"], row["jurisdiction"], row["epoch"]) == (True, "FR", 1)
        assert row["expires_at"] - row["assured_at"] == viewers.LIVES
        assert (row["custodian"], row["confirmed_by"], row["why"]) == ("", "", "")
        assert found == Assurance(A.ASSURED, True, "L4", "eid", row["expires_at"], 1)
        assert viewers.level(scope, "telegram", "u1") == found
        assert viewers.level(scope, "telegram", "u2") == viewers.level(scope, "x", "u1") == NOBODY
        assert found.welcome
        (task,) = due(scope, ViewerChanged.kind)
        assert (task.subject, task.args) == (
            row["id"], {"platform": "telegram", "user_id": "u1", "state": "assured"},
        )  # fmt: skip
        assert viewers.adults(scope, "telegram") == ["u1"]
        assert viewers.adults(scope, "x") == []


@pytest.mark.parametrize(("changes", "code"), [
    ({"assured_level": "L5"}, "viewer.bad_level"), ({"user": ""}, "viewer.bad_level"),
    ({"lives": timedelta()}, "viewer.bad_level"), ({"lives": viewers.LIVES + DAY}, "viewer.bad_level"),
    ({"method": "test"}, "viewer.test_only"), ({"method": "test", "environment": "demo"}, "viewer.test_only"),
    ({"method": "test", "platform": "sandbox"}, "viewer.test_only"),
])  # fmt: skip
def test_what_nobody_could_prove_is_refused(here: World, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(GreenroomError) as refused:
        assured(here, changes.pop("user", "u1"), **changes)
    assert refused.value.message.code == code
    if code == "viewer.bad_level":
        assert refused.value.message.params == {"level": changes.get("assured_level", "L4")}


def test_the_test_method_counts_on_test_networks_and_a_no_blocks(here: World) -> None:
    assert assured(here, "u1", method="test", environment="test", platform="sandbox").over_18
    assert assured(here, "u1", method="test", environment="demo", platform="sandbox").epoch == 2
    blocked = assured(here, "u2", over_18=False)
    assert (blocked.state, blocked.over_18, blocked.level, blocked.welcome) == (A.BLOCKED, False, "L0", False)
    with pytest.raises(Conflict):
        assured(here, "u2")
    with here.scope() as scope:
        assert viewers.adults(scope, "sandbox") == ["u1"]
        assert viewers.block(scope, "telegram", "u2") == viewers.level(scope, "telegram", "u2")


def test_it_ends_to_the_instant_and_a_low_level_is_not_enough(here: World) -> None:
    for user, level in (("b", "L4"), ("a", "L4"), ("low", "L3")):
        assured(here, user, assured_level=level)
    with here.scope() as scope:
        assert viewers.adults(scope, "telegram") == ["a", "b"]
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE age_assurances SET expires_at = house_now() WHERE user_id = 'a' AND tenant_id = :t",
                  t=here.tenant_id)  # fmt: skip
    with here.scope() as scope:
        ended = viewers.level(scope, "telegram", "a")
        assert (ended.state, ended.over_18, ended.level, ended.method, ended.welcome) == (
            A.EXPIRED, False, "L0", "eid", True,
        )  # fmt: skip
        assert viewers.adults(scope, "telegram") == ["b"]


def test_a_member_writes_down_what_somebody_outside_confirmed(here: World) -> None:
    with by(here, here.rob) as scope:
        found = viewers.confirm(scope, "x", "u1", custodian=" Maître  Roux ", why=" saw the card ")
        assert (found.state, found.level, found.method, found.over_18) == (A.ASSURED, "L4", "review", True)
        row = scope.run("SELECT * FROM age_assurances WHERE tenant_id = :t", t=here.tenant_id).mappings().one()
        assert (row["custodian"], row["confirmed_by"], row["why"]) == (
            "Maître Roux", f"member:{here.rob}", "saw the card",
        )  # fmt: skip
        assert row["expires_at"] - row["assured_at"] == viewers.LIVES
        assert audited(scope, "viewer.confirmed") == [
            (f"member:{here.rob}", "viewer.confirmed", f"viewer:{row['id']}", {"custodian": "Maître Roux"})
        ]
        for custodian, why, user, code in (
            ("ab", "why", "u", "viewer.no_witness"), ("x" * 81, "why", "u", "viewer.no_witness"),
            ("abc", "wh", "u", "viewer.no_witness"), ("abc", "w" * 201, "u", "viewer.no_witness"),
            ("abc", "why", "", "viewer.bad_level"),
        ):  # fmt: skip
            with pytest.raises(BadInput) as refused:
                viewers.confirm(scope, "x", user, custodian=custodian, why=why)
            assert refused.value.message.code == code
        assert refused.value.message.params == {"level": "L4"}
        assert viewers.witness("x" * 80, "member:a", "w" * 200) == viewers.Witness("x" * 80, "member:a", "w" * 200)
        viewers.witness("abc", "member:a", "why")
    with here.scope() as scope, pytest.raises(Refused, match=r"viewer\.person_decides"):
        viewers.confirm(scope, "x", "u1", custodian="abc", why="why")


def test_a_suspicion_is_cleared_by_a_person_alone(here: World) -> None:
    with here.scope() as scope:
        assert viewers.ask(scope, "x", "u1").state is A.PENDING
        assert viewers.suspect(scope, "x", "u1").epoch == 2
        assert viewers.suspect(scope, "x", "u1").epoch == 2, "once"
        with pytest.raises(Refused, match=r"viewer\.person_decides"):
            viewers.reset(scope, "x", "u1")
        assert viewers.reset(scope, "x", "nobody") == NOBODY
    with by(here, here.rob) as scope:
        assert viewers.reset(scope, "x", "u1").state is A.RESET
        assert viewers.reset(scope, "x", "u1").epoch == 3, "once"
        assert viewers.ask(scope, "x", "u1").state is A.PENDING
    known = assured(here, "u2")
    with here.scope() as scope:
        assert viewers.ask(scope, "telegram", "u2") == known, "who is assured is asked nothing"


def test_who_never_ended_a_check_is_forgotten_after_a_month_and_an_old_proof_after_three(here: World) -> None:
    with here.scope() as scope:
        for user in ("begun", "begun lately", "suspected"):
            viewers.ask(scope, "x", user)
        viewers.suspect(scope, "x", "suspected")
        viewers.block(scope, "x", "blocked")
    for user in ("ran out", "ran out lately"):
        assured(here, user)
    with here.scope() as scope, scope.acting_as("gate"):
        for user, column, days in (
            ("begun", "updated_at", 31), ("begun lately", "updated_at", 29), ("suspected", "updated_at", 400),
            ("blocked", "updated_at", 400), ("ran out", "expires_at", 91), ("ran out lately", "expires_at", 89),
        ):  # fmt: skip
            scope.run(
                f"UPDATE age_assurances SET {column} = house_now() - make_interval(days => :d) WHERE user_id = :u",
                d=days,
                u=user,
            )
    with here.scope() as scope:
        assert viewers.forget(scope) == 2
        assert viewers.forget(scope) == 0
        left = scope.run("SELECT user_id FROM age_assurances WHERE tenant_id = :t", t=here.tenant_id).scalars()
        assert set(left) == {"begun lately", "suspected", "blocked", "ran out lately"}
