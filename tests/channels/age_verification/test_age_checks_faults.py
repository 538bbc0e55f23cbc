"""Age checks under faults: lost, late and duplicate responses, crashes, erasure and other tenants;
no personal data is stored."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from channels.age_verification import age_checks, handlers
from channels.age_verification.events import AgeRetentionDue
from channels.age_verification.states import AgeCheckState, AgeProviderState
from connectors.age_verification.yoti import Yoti
from connectors.contract.connector import Send
from foundation.errors import Conflict
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.states import AssuranceState
from gate.viewers import age_assurance
from tests.channels.age_check_builders import PAGE, AgeCheckDesk
from tests.channels.builders import Clockwork, Killed, world
from tests.fakes import yoti as fake
from tests.fakes.sandbox import RunningSandbox


def test_lost_response_to_begin_leads_to_one_session(desk: AgeCheckDesk) -> None:
    """The provider has two sessions after a reset; the viewer gets only the second."""
    check_id = desk.invite()
    with desk.house.scope() as scope:
        age_checks.begin_check(scope, check_id, page=PAGE)
    desk.running.world.lost = 1
    with pytest.raises(outbox.RetryLater):
        desk.open(check_id)
    desk.open(check_id)
    orphan, known = (
        one for one in desk.running.world.sessions.values() if one.asked.get("reference_id")
    )
    assert known.id in desk.check(check_id).address
    desk.running.world.finish(orphan)
    with pytest.raises(outbox.RetryLater):
        desk.look(check_id)
    assert not desk.age().over_18


class Hurried(Yoti):
    """A provider connector with a timeout of half a second instead of fifteen."""

    def read_result(self, native_id: str, reference: str, account: str, answers: Any) -> Any:
        turn = super().read_result(native_id, reference, account, answers)
        return Send(replace(turn.step, deadline=0.5)) if isinstance(turn, Send) else turn


def test_timeout_is_no_result(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    desk.finish(check_id)
    desk.running.world.hangs = 1
    desk.providers = {"yoti": Hurried()}
    with pytest.raises(outbox.RetryLater):
        desk.look(check_id)
    assert not desk.age().over_18
    desk.look(check_id)
    assert desk.age().over_18


def test_duplicate_and_foreign_callbacks_change_nothing(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    desk.finish(check_id)
    with desk.house.scope() as scope:
        handlers.schedule_result_read(scope, check_id)
        handlers.schedule_result_read(scope, check_id)
        handlers.schedule_result_read(scope, stranger := uuid7())
    assert (
        len(
            desk.rows(
                "SELECT 1 FROM outbox WHERE tenant_id = :tenant AND dedupe_key LIKE 'age_called:%'"
            )
        )
        == 2
    )
    for _ in range(3):
        desk.look(check_id, called=True)
    desk.look(stranger, called=True)
    assert desk.age().epoch == 2  # pending, then assured: reported three times, written once
    answered = desk.rows(
        "SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'age.answered'"
    )
    assert [row.args["state"] for row in answered] == ["passed"]


def test_four_concurrent_workers_write_one_proof(desk: AgeCheckDesk) -> None:
    """A poll and repeated callbacks coincide: each reads the same result, and the first to lock the
    viewer writes it."""
    check_id = desk.open_one()
    desk.finish(check_id)
    with ThreadPoolExecutor(4) as workers:
        for done in [
            workers.submit(desk.look, check_id, called=bool(number % 2)) for number in range(4)
        ]:
            done.result()
    assert (desk.age().state, desk.age().epoch) == (AssuranceState.ASSURED, 2)
    assert (
        len(desk.rows("SELECT 1 FROM outbox WHERE tenant_id = :tenant AND kind = 'age.answered'"))
        == 1
    )


def test_callback_before_a_result_reads_once(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    before = desk.running.world.requests
    desk.look(check_id, called=True)
    assert desk.running.world.requests == before + 1
    assert desk.check(check_id).state is AgeCheckState.OPEN


def test_deleted_session_does_not_revoke_the_proof(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    desk.finish(check_id)
    desk.look(check_id)
    # the provider deletes sessions after some time, which proves nothing
    desk.running.world.sessions.clear()
    desk.look(check_id, called=True)
    assert desk.age().over_18


def test_result_that_turns_negative_blocks_at_once(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    desk.finish(check_id)
    desk.look(check_id)
    desk.finish(check_id, "FAIL")
    desk.look(check_id)  # without a callback a valid proof is not checked again
    assert desk.age().over_18
    desk.look(check_id, called=True)
    assert (desk.age().state, desk.check(check_id).state) == (
        AssuranceState.BLOCKED,
        AgeCheckState.FAILED,
    )


def test_minor_declared_during_the_check_is_not_verified(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    with desk.house.scope() as scope:
        age_assurance.block_viewer(scope, "telegram", "fan")
    desk.finish(check_id)
    desk.look(check_id)
    assert (desk.age().state, desk.check(check_id).state) == (
        AssuranceState.BLOCKED,
        AgeCheckState.UNFIT,
    )


@pytest.mark.parametrize("point", range(9))
def test_crash_at_any_point_verifies_once(desk: AgeCheckDesk, point: int) -> None:
    """The process crashes at its n-th point, around and within each transaction and request."""
    check_id = desk.open_one()
    desk.finish(check_id)
    desk.house.clockwork = Clockwork(at=point)
    try:
        desk.look(check_id)
    except Killed:
        desk.house.clockwork = Clockwork()
        desk.look(check_id)
    else:
        desk.house.clockwork = Clockwork()
    assert (desk.age().state, desk.age().epoch) == (AssuranceState.ASSURED, 2)
    assert (
        len(desk.rows("SELECT 1 FROM outbox WHERE tenant_id = :tenant AND kind = 'age.answered'"))
        == 1
    )


@pytest.mark.parametrize("point", range(9))
def test_crash_while_opening_a_session_keeps_one_address(desk: AgeCheckDesk, point: int) -> None:
    check_id = desk.invite()
    with desk.house.scope() as scope:
        age_checks.begin_check(scope, check_id, page=PAGE)
    desk.house.clockwork = Clockwork(at=point)
    try:
        desk.open(check_id)
    except Killed:
        desk.house.clockwork = Clockwork()
        desk.open(check_id)
    else:
        desk.house.clockwork = Clockwork()
    known = desk.check(check_id)
    assert known.state is AgeCheckState.OPEN
    assert sum(one.id in known.address for one in desk.running.world.sessions.values()) == 1


def test_refused_key_is_reported_once_and_keeps_proofs(desk: AgeCheckDesk) -> None:
    proven, waiting = desk.open_one("proven"), desk.open_one("waiting")
    desk.finish(proven)
    desk.look(proven)
    desk.running.world.keys[desk.sdk_id] = "changed"
    for _ in range(2):
        with pytest.raises(outbox.RetryLater):
            desk.look(waiting)
    assert desk.provider().state is AgeProviderState.REFUSED
    told = desk.rows(
        "SELECT message FROM notices WHERE tenant_id = :tenant AND cause LIKE 'age_provider:%'"
    )
    assert [row.message["code"] for row in told] == ["age.notice_refused"]
    assert desk.age("proven").over_18
    with desk.house.scope() as scope:
        assert (
            age_checks.create_check_link(scope, "telegram", "new", channel_id=None, language="en")
            is None
        )
    desk.key = "changed"
    assert desk.connect().state is AgeProviderState.CONNECTED
    desk.finish(waiting)
    desk.look(waiting)
    assert desk.age("waiting").over_18


def test_disconnected_provider_receives_no_request(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    with desk.house.scope() as scope:
        age_checks.end_provider(scope, desk.provider().id)
    before = desk.running.world.requests
    with pytest.raises(outbox.RetryLater):
        desk.look(check_id)
    desk.try_out(desk.provider().id)
    assert (desk.running.world.requests, desk.provider().state) == (before, AgeProviderState.OFF)
    assert desk.rows("SELECT box FROM age_providers WHERE tenant_id = :tenant")[0].box is None


def test_callback_is_handled_only_while_the_provider_is_connected(desk: AgeCheckDesk) -> None:
    check_id = desk.open_one()
    desk.finish(check_id)
    desk.look(check_id)
    desk.finish(check_id, "FAIL")
    desk.running.world.broken = 1
    with pytest.raises(outbox.RetryLater):
        desk.look(check_id, called=True)
    with desk.house.scope() as scope:
        age_checks.end_provider(scope, desk.provider().id)
    desk.look(check_id, called=True)
    assert (
        desk.age().over_18
    )  # callbacks of a disconnected provider are ignored; a member can still revoke the proof


def test_another_tenant_cannot_read_or_settle_a_check(
    desk: AgeCheckDesk, sandbox: RunningSandbox
) -> None:
    check_id = desk.open_one()
    desk.finish(check_id)
    stranger = AgeCheckDesk(
        world(desk.house.database, sandbox, "mia"), desk.running, *desk.running.world.customer()
    )
    stranger.connect()
    stranger.look(
        check_id, called=True
    )  # as if a callback for our check had arrived at their address
    assert stranger.age() == age_assurance.UNKNOWN_VIEWER
    assert desk.check(check_id).state is AgeCheckState.OPEN
    with stranger.house.scope() as scope:
        for name in ("age_providers", "age_checks"):
            assert (
                scope.run(
                    f"SELECT count(*) FROM {name} WHERE tenant_id = :other",
                    other=desk.house.tenant_id,
                ).scalar()
                == 0
            )


def test_check_link_is_stored_as_digest_and_expires_after_a_day(desk: AgeCheckDesk) -> None:
    with desk.house.scope() as scope:
        token = age_checks.create_check_link(
            scope, "telegram", "fan", channel_id=None, language="fr"
        )
    assert token is not None
    for wrong in ("", "x", token[:-1], token + "A", "A" * 32, "../../etc"):
        assert age_checks.find_check(desk.house.database.scope, wrong) is None
    found = age_checks.find_check(desk.house.database.scope, token)
    assert found is not None
    assert not desk.rows(
        "SELECT 1 FROM age_checks WHERE tenant_id = :tenant AND digest = :token", token=token
    )
    with desk.house.scope() as scope:
        scope.run(
            "UPDATE age_checks SET created_at = house_now() - interval '25 hours' WHERE id = :id",
            id=found[1],
        )
    with desk.house.scope() as scope, pytest.raises(Conflict):
        age_checks.begin_check(scope, found[1], page=PAGE)


def test_expired_checks_are_deleted_but_blocks_stay(desk: AgeCheckDesk) -> None:
    pending, passed = desk.open_one("pending"), desk.open_one("passed")
    desk.finish(passed)
    desk.look(passed)
    with desk.house.scope() as scope:
        age_assurance.block_viewer(scope, "telegram", "minor")
        age_assurance.mark_suspected_minor(scope, "telegram", "perhaps")

    def later(days: int) -> None:
        with desk.house.scope() as scope:
            scope.run(
                "UPDATE age_checks SET created_at = created_at - make_interval(days => :days)",
                days=days,
            )
            with scope.acting_as("gate"):
                scope.run(
                    "UPDATE age_assurances SET updated_at = updated_at - make_interval(days => "
                    ":days),"
                    " expires_at = expires_at - make_interval(days => :days)",
                    days=days,
                )
        handlers.delete_expired_checks(
            AgeRetentionDue(desk.house.tenant_id, desk.house.tenant_id), tenant=desk.house.tenant
        )

    later(29)
    assert desk.age("pending").state is AssuranceState.PENDING
    later(2)
    assert desk.age("pending") == age_assurance.UNKNOWN_VIEWER
    assert [row.id for row in desk.rows("SELECT id FROM age_checks WHERE tenant_id = :tenant")] == [
        passed
    ]
    assert pending != passed
    later(340)
    assert desk.age("passed").state is AssuranceState.EXPIRED
    later(100)
    assert desk.age("passed") == age_assurance.UNKNOWN_VIEWER
    assert desk.age("minor").state is AssuranceState.BLOCKED
    assert desk.age("perhaps").state is AssuranceState.SUSPECTED


def test_no_personal_data_of_the_viewer_is_stored(desk: AgeCheckDesk) -> None:
    """The fake returns a birth date, a name, a document and a face with each result; the whole
    database is searched."""
    check_id = desk.open_one()
    desk.finish(check_id)
    desk.look(check_id)
    assert desk.age().over_18
    names = [
        row.relname
        for row in desk.rows(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
            "'public'::regnamespace"
        )
    ]
    with desk.house.scope() as scope:
        for name in set(names) - {"alembic_version", "house_clock"}:
            if not scope.run("SELECT has_table_privilege(:name, 'SELECT')", name=name).scalar():
                continue
            text = str(
                scope.run(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {name} t").scalar()
            )
            assert not [leak for leak in fake.LEAKS if leak in text], name
