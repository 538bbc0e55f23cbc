"""Stored stops and age assurances: scopes and exact times."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, Refused
from foundation.ids import uuid7
from gate.contract.states import AssuranceState
from gate.policy import emergency_stops
from gate.policy.bundle import Bundle
from gate.policy.emergency_stops import ActiveStop
from gate.policy.events import SwitchClosed
from gate.viewers import age_assurance
from gate.viewers.age_assurance import UNKNOWN_VIEWER, AgeAssuranceSummary
from gate.viewers.events import ViewerChanged
from tests.gate.builders import World, world
from tests.gate.own_release_builders import build_open_bundle
from tests.gate.person_actions import member_scope
from tests.gate.side_effects import list_stored_tasks

DAY = timedelta(days=1)
RULES: Bundle = build_open_bundle()


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_stopped_scope_covers_creators_and_accounts(here: World) -> None:
    creator, channel, chat = here.creator_id, uuid7(), f"{uuid7()}:fan"
    with member_scope(here, here.ann) as scope:
        first = emergency_stops.close_switch(scope, "creator", str(creator), "bot", reason="a")
        emergency_stops.close_switch(scope, "channel", str(channel), "bot", reason="b")
        emergency_stops.close_switch(scope, "chat", chat, "bot", reason="c")
        emergency_stops.close_switch(scope, "tenant", "", "offers", reason="d")
        halt = emergency_stops.stopped_scope(scope, "bot")
        assert (halt.everywhere, halt.targets) == (False, {str(creator), str(channel)})
        assert (halt.covers(creator), halt.covers(uuid7(), channel), halt.covers(uuid7())) == (
            True,
            True,
            False,
        )
        assert emergency_stops.stopped_scope(scope, "offers").everywhere
        assert emergency_stops.stopped_scope(scope, "offers").covers(uuid7())
        assert not emergency_stops.stopped_scope(scope, "sending").everywhere
        assert emergency_stops.is_stopped(scope, "bot", creator=creator)
        assert emergency_stops.is_stopped(scope, "bot", channel=channel)
        assert emergency_stops.is_stopped(scope, "bot", chat=chat)
        assert not emergency_stops.is_stopped(
            scope, "bot", creator=channel, channel=creator, chat=str(creator)
        )
        assert not emergency_stops.is_stopped(scope, "bot")
        assert emergency_stops.is_stopped(scope, "offers")
        task = list_stored_tasks(scope, SwitchClosed.kind)[0]
        assert (task.subject, task.args) == (
            first, {"scope": "creator", "target": str(creator), "feature": "bot"},
        )  # fmt: skip
        stop = next(each for each in emergency_stops.list_stops(scope) if each.where == "creator")
        assert stop == ActiveStop(
            "creator", str(creator), "bot", stop.since, f"member:{here.ann}", "a"
        )
        assert timedelta() <= stop.since - scope.now < DAY


def test_active_stops_are_listed_latest_first(here: World) -> None:
    for feature in ("bot", "offers", "payments"):
        with member_scope(here, here.ann) as scope:
            emergency_stops.close_switch(
                scope, "creator", str(here.creator_id), feature, reason=f"why {feature}"
            )
    with member_scope(here, here.rob) as scope:
        emergency_stops.reopen_switch(
            scope, "creator", str(here.creator_id), "offers", reason="over"
        )
        assert [one.feature for one in emergency_stops.list_stops(scope)] == ["payments", "bot"]
        assert not emergency_stops.is_stopped(scope, "offers", creator=here.creator_id)


@pytest.mark.parametrize(("where", "target", "feature"), [
    ("tenant", "x", "bot"), ("global", "x", "bot"), ("creator", "", "bot"), ("room", "x", "bot"), ("tenant", "", "fun"),
])  # fmt: skip
def test_unknown_switch_is_refused(here: World, where: str, target: str, feature: str) -> None:
    with member_scope(here, here.ann) as scope, pytest.raises(BadInput) as refused:
        emergency_stops.close_switch(scope, where, target, feature, reason="x")
    assert (refused.value.message.code, refused.value.message.params) == (
        "switch.unknown", {"scope": where, "feature": feature},
    )  # fmt: skip


def test_broad_stop_requires_reason_and_second_member_or_wait(here: World) -> None:
    with member_scope(here, here.ann) as scope:
        emergency_stops.close_switch(scope, "tenant", "", "bot", reason="x")
        with pytest.raises(Refused, match=r"switch\.house_only"):
            emergency_stops.close_switch(scope, "global", "", "bot", reason="x")
    with member_scope(here, here.rob) as scope:
        for reason, code, params in (
            (" ", "switch.no_reason", {}),
            ("over", emergency_stops.SOLO_TOO_EARLY, {"minutes": 15}),
        ):
            with pytest.raises(Refused) as refused:
                emergency_stops.reopen_switch(scope, "tenant", "", "bot", reason=reason)
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
        with pytest.raises(Refused, match=emergency_stops.SOLO_TOO_EARLY):
            emergency_stops.reopen_switch(
                scope, "tenant", "", "bot", reason="over", second=here.rob
            )
    with here.scope() as scope, pytest.raises(Refused, match=r"switch\.people_only"):
        emergency_stops.reopen_switch(scope, "tenant", "", "bot", reason="over")
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE switches SET updated_at = updated_at - interval '899 seconds' WHERE "
                  "tenant_id = :t",
                  t=here.tenant_id)  # fmt: skip
    with member_scope(here, here.rob) as scope:
        with pytest.raises(Refused, match=emergency_stops.SOLO_TOO_EARLY):
            emergency_stops.reopen_switch(scope, "tenant", "", "bot", reason="over")
        emergency_stops.reopen_switch(scope, "tenant", "", "bot", reason="over", second=here.ann)
        assert emergency_stops.list_stops(scope) == []
    assert emergency_stops.reopen_signing_text(
        "tenant", "", "bot", " over "
    ) == emergency_stops.reopen_signing_text("tenant", "", "bot", "over")
    assert emergency_stops.reopen_signing_text(
        "tenant", "", "bot", "over"
    ) != emergency_stops.reopen_signing_text("tenant", "", "bot", "else")


def assured(here: World, user: str, **changes: Any) -> AgeAssuranceSummary:
    with here.scope() as scope:
        whole: dict[str, Any] = {
            "platform": "telegram", "user_id": user, "method": "eid", "assured_level": "L4", "over_18": True,
            "environment": "production", "jurisdiction": "FR",
        }  # fmt: skip
        return age_assurance.record_assurance(scope, **(whole | changes))


def test_assurance_is_stored_completely(here: World) -> None:
    found = assured(here, "u1")
    with here.scope() as scope:
        row = (
            scope.run("SELECT * FROM age_assurances WHERE tenant_id = :t", t=here.tenant_id)
            .mappings()
            .one()
        )
        assert (row["platform"], row["user_id"], row["state"], row["method"], row["level"]) == (
            "telegram", "u1", "assured", "eid", "L4",
        )  # fmt: skip
        assert (row["over_18"], row["jurisdiction"], row["epoch"]) == (True, "FR", 1)
        assert row["expires_at"] - row["assured_at"] == age_assurance.ASSURANCE_LIFETIME
        assert (row["custodian"], row["confirmed_by"], row["why"]) == ("", "", "")
        assert found == AgeAssuranceSummary(
            AssuranceState.ASSURED, True, "L4", "eid", row["expires_at"], 1
        )
        assert age_assurance.get_assurance(scope, "telegram", "u1") == found
        assert (
            age_assurance.get_assurance(scope, "telegram", "u2")
            == age_assurance.get_assurance(scope, "x", "u1")
            == UNKNOWN_VIEWER
        )
        assert found.can_be_messaged
        (task,) = list_stored_tasks(scope, ViewerChanged.kind)
        assert (task.subject, task.args) == (
            row["id"], {"platform": "telegram", "user_id": "u1", "state": "assured"},
        )  # fmt: skip
        assert age_assurance.list_verified_adults(scope, "telegram") == ["u1"]
        assert age_assurance.list_verified_adults(scope, "x") == []


@pytest.mark.parametrize(("changes", "code"), [
    ({"assured_level": "L5"}, "viewer.bad_level"), ({"user": ""}, "viewer.bad_level"),
    ({"lives": timedelta()}, "viewer.bad_level"), ({"lives": age_assurance.ASSURANCE_LIFETIME + DAY}, "viewer.bad_level"),
    ({"method": "test"}, "viewer.test_only"), ({"method": "test", "environment": "demo"}, "viewer.test_only"),
    ({"method": "test", "platform": "sandbox"}, "viewer.test_only"),
])  # fmt: skip
def test_invalid_assurance_is_refused(here: World, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(GreenroomError) as refused:
        assured(here, changes.pop("user", "u1"), **changes)
    assert refused.value.message.code == code
    if code == "viewer.bad_level":
        assert refused.value.message.params == {"level": changes.get("assured_level", "L4")}


def test_method_counts_on_test_networks_and_refusal_blocks(here: World) -> None:
    assert assured(here, "u1", method="test", environment="test", platform="sandbox").over_18
    assert assured(here, "u1", method="test", environment="demo", platform="sandbox").epoch == 2
    blocked = assured(here, "u2", over_18=False)
    assert (blocked.state, blocked.over_18, blocked.level, blocked.can_be_messaged) == (
        AssuranceState.BLOCKED,
        False,
        "L0",
        False,
    )
    with pytest.raises(Conflict):
        assured(here, "u2")
    with here.scope() as scope:
        assert age_assurance.list_verified_adults(scope, "sandbox") == ["u1"]
        assert age_assurance.block_viewer(scope, "telegram", "u2") == age_assurance.get_assurance(
            scope, "telegram", "u2"
        )


def test_assurance_expires_exactly_and_low_level_is_insufficient(here: World) -> None:
    for user, level in (("b", "L4"), ("a", "L4"), ("low", "L3")):
        assured(here, user, assured_level=level)
    with here.scope() as scope:
        assert age_assurance.list_verified_adults(scope, "telegram") == ["a", "b"]
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE age_assurances SET expires_at = house_now() WHERE user_id = 'a' AND "
                  "tenant_id = :t",
                  t=here.tenant_id)  # fmt: skip
    with here.scope() as scope:
        ended = age_assurance.get_assurance(scope, "telegram", "a")
        assert (ended.state, ended.over_18, ended.level, ended.method, ended.can_be_messaged) == (
            AssuranceState.EXPIRED, False, "L0", "eid", True,
        )  # fmt: skip
        assert age_assurance.list_verified_adults(scope, "telegram") == ["b"]


def test_suspicion_is_cleared_by_member_only(here: World) -> None:
    with here.scope() as scope:
        assert age_assurance.begin_age_check(scope, "x", "u1").state is AssuranceState.PENDING
        assert age_assurance.mark_suspected_minor(scope, "x", "u1").epoch == 2
        assert age_assurance.mark_suspected_minor(scope, "x", "u1").epoch == 2, "once"
        with pytest.raises(Refused, match=r"viewer\.person_decides"):
            age_assurance.reset_assurance(scope, "x", "u1")
        assert age_assurance.reset_assurance(scope, "x", "nobody") == UNKNOWN_VIEWER
    with member_scope(here, here.rob) as scope:
        assert age_assurance.reset_assurance(scope, "x", "u1").state is AssuranceState.RESET
        assert age_assurance.reset_assurance(scope, "x", "u1").epoch == 3, "once"
        assert age_assurance.begin_age_check(scope, "x", "u1").state is AssuranceState.PENDING
    known = assured(here, "u2")
    with here.scope() as scope:
        assert age_assurance.begin_age_check(scope, "telegram", "u2") == known, (
            "an assured viewer needs no check"
        )


def test_abandoned_checks_and_expired_assurances_are_purged(
    here: World,
) -> None:
    with here.scope() as scope:
        for user in ("begun", "begun lately", "suspected"):
            age_assurance.begin_age_check(scope, "x", user)
        age_assurance.mark_suspected_minor(scope, "x", "suspected")
        age_assurance.block_viewer(scope, "x", "blocked")
    for user in ("ran out", "ran out lately"):
        assured(here, user)
    with here.scope() as scope, scope.acting_as("gate"):
        for user, column, days in (
            ("begun", "updated_at", 31), ("begun lately", "updated_at", 29), ("suspected", "updated_at", 400),
            ("blocked", "updated_at", 400), ("ran out", "expires_at", 91), ("ran out lately", "expires_at", 89),
        ):  # fmt: skip
            scope.run(
                f"UPDATE age_assurances SET {column} = house_now() - make_interval(days => :d) "
                "WHERE user_id = :u",
                d=days,
                u=user,
            )
    with here.scope() as scope:
        assert age_assurance.purge_expired_assurances(scope) == 2
        assert age_assurance.purge_expired_assurances(scope) == 0
        left = scope.run(
            "SELECT user_id FROM age_assurances WHERE tenant_id = :t", t=here.tenant_id
        ).scalars()
        assert set(left) == {"begun lately", "suspected", "blocked", "ran out lately"}
