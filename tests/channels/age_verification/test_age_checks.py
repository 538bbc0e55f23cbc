"""Age checks of a viewer at a provider: verification, uniqueness, and every failure."""

from datetime import timedelta

import pytest

from channels.age_verification import age_checks
from channels.age_verification.states import AgeCheckState, AgeProviderState
from foundation.errors import BadInput
from foundation.outbox import outbox
from gate.contract.states import AssuranceState
from gate.viewers import age_assurance
from tests.channels.age_check_builders import PAGE, PROVIDERS, AgeCheckDesk


def test_connecting_a_provider_stores_only_the_sealed_key(fresh: AgeCheckDesk) -> None:
    found = fresh.connect()
    assert (found.state, found.account, found.reason) == (
        AgeProviderState.CONNECTED,
        fresh.sdk_id,
        None,
    )
    assert found.tested_at is not None
    [row] = fresh.rows("SELECT letter, box FROM age_providers WHERE tenant_id = :tenant")
    assert (bytes(row.letter), bytes(row.box)) == (
        b"",
        fresh.key.encode(),
    )  # the test's seal leaves the secret readable


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"api_key": "wrong"}, "age.refused_key"), ({"sdk_id": "no id"}, "age.bad_form")],
)
def test_invalid_provider_form_is_refused_with_a_reason(
    fresh: AgeCheckDesk, changes: dict[str, str], code: str
) -> None:
    found = fresh.connect(**changes)
    assert found.state is AgeProviderState.REFUSED
    assert found.reason is not None
    assert found.reason.code == code
    with fresh.house.scope() as scope:
        assert (
            age_checks.create_check_link(scope, "telegram", "fan", channel_id=None, language="en")
            is None
        )
        with pytest.raises(BadInput):
            age_checks.connect_provider(scope, "nobody", b"", known=PROVIDERS)


def test_provider_check_during_an_outage_keeps_the_key(desk: AgeCheckDesk) -> None:
    desk.running.world.broken = 1
    with pytest.raises(outbox.RetryLater):
        desk.try_out(desk.provider().id)
    assert desk.provider().state is AgeProviderState.CONNECTED


def test_passed_check_verifies_one_viewer_on_one_platform(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    assert desk.check(check_id).address.startswith(f"{desk.running.url}?sessionId=")
    assert desk.age().state is AssuranceState.PENDING
    desk.finish(check_id)
    desk.look(check_id)
    known = desk.age()
    assert (known.state, known.over_18, known.level, known.method) == (
        AssuranceState.ASSURED,
        True,
        "L4",
        "yoti.doc_scan",
    )
    [row] = desk.rows(
        "SELECT jurisdiction, expires_at - assured_at AS lives FROM age_assurances WHERE "
        "tenant_id = :tenant"
    )
    assert (row.jurisdiction, row.lives <= timedelta(days=366)) == ("", True)
    for user, platform in (("other", "telegram"), ("fan", "discord"), ("fan", "own_page")):
        assert desk.age(user, platform=platform) == age_assurance.UNKNOWN_VIEWER
    assert desk.check(check_id).address == ""


def test_failed_check_blocks_permanently(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    desk.finish(check_id, "FAIL")
    desk.look(check_id)
    assert desk.check(check_id).state is AgeCheckState.FAILED
    assert desk.age().state is AssuranceState.BLOCKED
    again = desk.invite()
    assert desk.begin(again).state is AgeCheckState.AWAY
    assert desk.age().state is AssuranceState.BLOCKED


@pytest.mark.parametrize(
    ("status", "method"),
    [("COMPLETE", "AGE_ESTIMATION"), ("COMPLETE", "CREDIT_CARD"), ("COMPLETE", "NEW")],
)
def test_weaker_proof_is_refused_and_keeps_the_better_one(
    desk: AgeCheckDesk, status: str, method: str
) -> None:
    first = desk.open_one()
    desk.finish(first)
    desk.look(first)
    weak = desk.open_one()
    desk.finish(weak, status, method)
    desk.look(weak)
    assert desk.check(weak).state is AgeCheckState.UNFIT
    assert (desk.age().state, desk.age().level) == (AssuranceState.ASSURED, "L4")


def test_cancelled_check_can_be_started_again(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    desk.finish(check_id, "CANCELLED")
    desk.look(check_id)
    assert desk.check(check_id).state is AgeCheckState.ENDED
    assert desk.begin(check_id).state is AgeCheckState.OPEN
    desk.finish(check_id)
    desk.look(check_id)
    assert desk.age().over_18


def test_one_session_verifies_one_viewer(desk: AgeCheckDesk) -> None:
    """The provider answers two checks with the same session, as if one person had verified two
    accounts."""
    first = desk.open_one("one")
    desk.running.world.same_session = True
    second = desk.invite("two")
    assert desk.begin(second).state is AgeCheckState.AWAY
    desk.running.world.sessions[next(reversed(desk.running.world.sessions))].asked[
        "reference_id"
    ] = str(first)
    desk.finish(first)
    desk.look(first)
    desk.look(second)
    assert desk.age("one").over_18
    assert not desk.age("two").over_18


def test_result_for_another_check_is_refused(desk: AgeCheckDesk) -> None:
    one, two = desk.open_one("one"), desk.open_one("two")
    desk.finish(one)
    desk.running.world.swapped = str(two)
    desk.look(one)
    assert desk.check(one).state is AgeCheckState.UNFIT
    assert not desk.age("one").over_18
    assert not desk.age("two").over_18


def test_unreachable_provider_is_retried_and_then_reported(desk: AgeCheckDesk) -> None:
    check_id = desk.invite()
    with desk.house.scope() as scope:
        age_checks.begin_check(scope, check_id, page=PAGE)
    desk.running.world.broken = 1
    with pytest.raises(outbox.RetryLater):
        desk.open(check_id)
    assert desk.check(check_id).state is AgeCheckState.BEGINNING
    with desk.house.scope() as scope:
        scope.run(
            "UPDATE age_checks SET updated_at = house_now() - interval '2 minutes' WHERE id = :id",
            id=check_id,
        )
    desk.running.world.broken = 1
    desk.open(check_id)
    assert desk.check(check_id).state is AgeCheckState.AWAY
    assert desk.begin(check_id).state is AgeCheckState.OPEN


def test_provider_outage_keeps_existing_proofs(
    desk: AgeCheckDesk,
) -> None:
    proven, waiting = desk.open_one("proven"), desk.open_one("waiting")
    desk.finish(proven)
    desk.look(proven)
    desk.finish(waiting)
    desk.running.world.broken = 9
    with pytest.raises(outbox.RetryLater):
        desk.look(waiting)
    assert desk.age("proven").over_18
    assert not desk.age("waiting").over_18
    desk.running.world.broken = 0
    desk.look(waiting)
    assert desk.age("waiting").over_18


def test_late_result_is_awaited_until_the_check_expires(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    desk.finish(check_id)
    desk.running.world.slow = 2
    for _ in range(2):
        with pytest.raises(outbox.RetryLater):
            desk.look(check_id)
    desk.running.world.slow = 9
    with desk.house.scope() as scope:
        scope.run(
            "UPDATE age_checks SET until = house_now() - interval '2 hours' WHERE id = :id",
            id=check_id,
        )
    desk.look(check_id)
    assert desk.check(check_id).state is AgeCheckState.ENDED
    assert not desk.age().over_18
