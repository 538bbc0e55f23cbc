"""Duty coverage: the number of people each operation needs, for one member alone and with a second
one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import Database, OpenScope
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from foundation.ops.settings import Settings
from gate.contract.units import Rating
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import emergency_stops
from gate.reviews import content_reviews, duty_coverage
from gate.reviews.duty_coverage import DUTIES, DutyCoverage, DutyStatus, StaffMember
from tenants.agencies import queries
from tenants.agencies.rights import Right, Role, has_right
from tenants.auth import members
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, picture, synthetic_person, unit, world
from workers.doctor.duty_coverage import check_duty_coverage
from workers.doctor.findings import FindingLevel


def hand(name: str, role: Role, **changes: Any) -> StaffMember:
    rights = frozenset(right for right in Right if has_right(role, right))
    return StaffMember(name, changes.pop("principal", uuid7()), rights, **changes)


def rows(*hands: StaffMember) -> dict[str, DutyCoverage]:
    return {row.act: row for row in duty_coverage.duty_coverage(hands)}


def states(*hands: StaffMember) -> dict[str, str]:
    return {
        act: str(row.state)
        for act, row in rows(*hands).items()
        if row.state is not DutyStatus.CLOSED
    }


def test_single_member_publishes_up_to_suggestive() -> None:
    alone = hand("Sol", Role.OWNER)
    assert states(alone) == {
        "general": "now",
        "adult": "missing",
        "machine_words": "now",
        "own_words": "missing",
        "old_rule": "now",
        "appeal": "missing",
        "loosening": "missing",
        "reopen": "later",
        "lowering": "missing",
        "lowering_little": "missing",
        "invented": "missing",
    }
    assert rows(alone)["general"].by == ("Sol",)


def test_guest_covers_adult_content_and_appeals() -> None:
    alone, gus = hand("Sol", Role.OWNER), hand("Gus", Role.GUEST)
    found = rows(alone, gus)
    assert (found["adult"].state, found["adult"].by) == (DutyStatus.NOW, ("Gus",))
    assert found["old_rule"].state is DutyStatus.NOW
    assert found["appeal"].by == ("Gus",)
    assert found["invented"].state is DutyStatus.MISSING, "two other members must review"
    assert rows(alone, gus, hand("Ada", Role.GUEST))["invented"].by == ("Ada", "Gus")
    assert (found["own_words"].state, found["reopen"].state) == (
        DutyStatus.MISSING,
        DutyStatus.LATER,
    )


def test_guest_who_is_owner_does_not_count() -> None:
    alone = hand("Sol", Role.OWNER)
    gus = hand("Gus", Role.GUEST, counts_as=frozenset({alone.principal}))
    assert rows(alone, gus)["adult"].state is DutyStatus.MISSING
    second_login = hand("Sol again", Role.MANAGER, principal=alone.principal)
    assert rows(alone, second_login)["adult"].state is DutyStatus.MISSING


def test_two_members_review_each_other() -> None:
    found = rows(hand("Sol", Role.OWNER), hand("Ann", Role.MANAGER), hand("Cara", Role.CHATTER))
    assert found["adult"].by == ("Ann", "Sol")
    assert found["own_words"].by == ("Ann", "Sol")
    assert found["reopen"].state is DutyStatus.NOW


@pytest.mark.parametrize(
    "roles", [(), (Role.GUEST,), (Role.CHATTER, Role.ACCOUNTANT, Role.CREATOR)]
)
def test_member_without_rights_covers_nothing(roles: Sequence[Role]) -> None:
    found = states(*(hand(str(role), role) for role in roles))
    assert set(found.values()) == {"missing"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_duty_has_message_for_each_status(language: str) -> None:
    assert "Sol" in render_message(Message("needed.own_picture.now", {"by": "Sol"}), language)
    assert render_message(
        Message("needed.own_picture.missing"), language
    )  # an active policy may allow a closed duty
    for duty in DUTIES:
        ends = (
            [DutyStatus.CLOSED]
            if duty.closed
            else [DutyStatus.NOW, DutyStatus.MISSING]
            + [DutyStatus.LATER] * duty.waits
            + [DutyStatus.ALONE] * duty.trained
        )
        for state in ends:
            assert render_message(Message(f"needed.{duty.act}.{state}", {"by": "Sol"}), language)


def test_own_release_requires_policy_and_passkey() -> None:
    keyed, bare = hand("Sol", Role.OWNER, passkey=True), hand("Ann", Role.MANAGER)

    def own(
        *hands: StaffMember, opened: Sequence[str] = (duty_coverage.OWN_PICTURE,)
    ) -> DutyCoverage:
        return next(
            row
            for row in duty_coverage.duty_coverage(hands, opened=opened)
            if row.act == duty_coverage.OWN_PICTURE
        )

    assert own(keyed, bare) == DutyCoverage(duty_coverage.OWN_PICTURE, DutyStatus.NOW, ("Sol",))
    assert own(bare) == DutyCoverage(duty_coverage.OWN_PICTURE, DutyStatus.MISSING, ())
    assert own(hand("Cy", Role.CHATTER, passkey=True)).state is DutyStatus.MISSING
    assert (
        own(keyed, opened=())
        == own(keyed, opened=["campaign"])
        == DutyCoverage(duty_coverage.OWN_PICTURE, DutyStatus.CLOSED)
    )
    assert [row.act for row in duty_coverage.duty_coverage([keyed])] == [
        duty.act for duty in DUTIES
    ]


def test_trained_member_covers_adult_chat_alone() -> None:
    trained, other = hand("Sol", Role.OWNER, adult_chat=True), hand("Ann", Role.MANAGER)
    found = rows(trained, other)["own_words"]
    assert (found.state, found.by) == (DutyStatus.ALONE, ("Sol",))
    assert (
        rows(other, hand("Gus", Role.GUEST, adult_chat=True))["own_words"].state
        is DutyStatus.MISSING
    )


def test_two_other_members_must_be_different_humans() -> None:
    ann, bo, cy = hand("Ann", Role.MANAGER), hand("Bo", Role.MANAGER), hand("Cy", Role.MANAGER)
    twin = hand("Bo again", Role.MANAGER, principal=bo.principal)
    assert rows(ann, bo, twin)["lowering"] == DutyCoverage("lowering", DutyStatus.MISSING, ())
    assert rows(ann, bo, twin)["lowering_little"] == DutyCoverage(
        "lowering_little", DutyStatus.NOW, ("Ann", "Bo", "Bo again")
    )
    assert rows(ann, bo, cy)["lowering"] == DutyCoverage(
        "lowering", DutyStatus.NOW, ("Ann", "Bo", "Cy")
    )
    assert rows(ann)["reopen"] == DutyCoverage("reopen", DutyStatus.LATER, ("Ann",))
    assert rows(ann)["loosening"] == DutyCoverage("loosening", DutyStatus.MISSING, ())
    seen_there = hand("Gus", Role.GUEST, counts_as=frozenset({ann.principal}))
    assert (
        rows(seen_there, ann)["adult"]
        == rows(ann, seen_there)["adult"]
        == DutyCoverage("adult", DutyStatus.MISSING, ())
    )


def test_coverage_agrees_with_gate(tenant: OpenScope) -> None:
    """Content with a missing duty is held, and is allowed once the required guest has reviewed it."""
    house, gus = alone(tenant)
    with house.scope() as scope:
        person = synthetic_person(scope, house)
        nude = unit(house, media=(picture(scope, house, Rating.N, person=person),))
        told = {row.act: row.state for row in duty_coverage.agency_duty_coverage(scope)}
    ann = f"member:{house.ann}"
    assert told["adult"] is DutyStatus.MISSING  # Gus has no creator yet
    with house.scope() as scope:
        marked = issuance.with_required_marks(scope, nude, line=str)
        issuance.judge_unit(scope, marked, author=ann)
    with pytest.raises(PermitDenied), house.scope() as scope:
        issuance.mint_permit(scope, marked, Step(), key=KEY, author=ann)
    with house.scope() as scope:
        members.change_member(scope, gus, role=Role.GUEST, creators=("mia",))
    with house.scope(f"member:{gus}") as scope:
        content_reviews.review_unit(scope, marked.digest(), verdict="approve")
    with house.scope() as scope:
        assert {row.act: row.state for row in duty_coverage.agency_duty_coverage(scope)}[
            "adult"
        ] is DutyStatus.NOW
        assert issuance.mint_permit(scope, marked, Step(), key=KEY, author=ann)


def test_single_member_ends_stop_after_fifteen_minutes(tenant: OpenScope) -> None:
    house, _ = alone(tenant)
    with house.scope(f"member:{house.ann}") as scope:
        emergency_stops.close_switch(scope, "tenant", "", "sending", reason="alarm")
    with house.scope() as scope:
        assert {row.act: row.state for row in duty_coverage.agency_duty_coverage(scope)}[
            "reopen"
        ] is DutyStatus.LATER
    with (
        house.scope(f"member:{house.ann}") as scope,
        pytest.raises(Exception, match="alone_too_early"),
    ):
        emergency_stops.reopen_switch(scope, "tenant", "", "sending", reason="over")
    with house.open(house.tenant_id, "system:test", role="gate") as scope:
        scope.run("UPDATE switches SET updated_at = updated_at - interval '15 minutes'")
    with house.scope(f"member:{house.ann}") as scope:
        emergency_stops.reopen_switch(scope, "tenant", "", "sending", reason="over")


def test_doctor_reports_missing_duties(
    cluster: Cluster, database: Database, tenant: OpenScope
) -> None:
    house, _ = alone(tenant)
    url = cluster.url("greenroom_work", "house")
    settings = Settings.model_validate({"database": {"work_url": url}})
    part = f"people Agency {house.tenant_id}"
    told = {one.message.code: one for one in check_duty_coverage(settings) if one.part == part}
    assert told["needed.general.now"].level is FindingLevel.OK
    assert "ann" in render_message(told["needed.general.now"].message, "en")
    assert told["needed.adult.missing"].level is FindingLevel.WARN
    assert not list(check_duty_coverage(Settings.model_validate({"database": {"work_url": ""}})))


def alone(tenant: OpenScope) -> tuple[Any, UUID]:
    """Create an agency of one member, and a guest reviewer without assigned creators."""
    house = world(tenant, uuid7(), solo=True)
    with house.scope() as scope:
        members.change_member(scope, house.rob, role=Role.GUEST, creators=())
        assert {one.name for one in queries.list_members(scope)} == {"ann", "gus"}
    return house, house.rob
