"""Accounts of one application in two agencies wait together and reveal nothing to each other."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import ProgrammingError

from channels.limits import send_limits
from channels.limits.send_limits import SendingBlock
from connectors.contract.connector import Response, StepNotSent
from connectors.contract.outcomes import Published, Retry, Uncertain
from connectors.shared.http_responses import is_app_wide_limit
from foundation.db.database import Database
from foundation.ids import INSTALLATION_ID, uuid7
from tests.channels.builders import World, world
from tests.fakes.sandbox import RunningSandbox


@pytest.fixture
def app() -> str:
    """An application that no other test uses."""
    return f"studio{uuid7().hex[-8:]}"


@pytest.fixture
def anna(database: Database, sandbox: RunningSandbox, app: str) -> World:
    return world(database, sandbox, "anna", app=app)


@pytest.fixture
def bo(database: Database, sandbox: RunningSandbox, app: str) -> World:
    """An account of another agency in the same application."""
    return world(database, sandbox, "bo", app=app)


def blocked(one: World) -> SendingBlock | None:
    with one.scope() as scope:
        return send_limits.claim_send_slot(scope, one.channel())


def wait(one: World) -> int:
    """Return the seconds until the account may send."""
    with one.scope() as scope:
        held = send_limits.claim_send_slot(scope, one.channel())
        return 0 if held is None else round((held.until - scope.now).total_seconds())


def note(
    one: World, status: int, body: Any = None, *, creates: bool = True, **headers: str
) -> None:
    with one.scope() as scope:
        answer = Response("publish", status, headers, {} if status < 300 else body)
        send_limits.record_answer(scope, one.channel_id, answer, creates=creates)


def asked(one: World) -> list[datetime]:
    """Return the times of the network's requests from this account, by the network's clock."""
    found = one.network.json("GET", f"/control/record?account={one.account}")[1]["record"]
    return [datetime.fromisoformat(each["at"]) for each in found]


LIMITED = {"error": "application_limited"}


# rate limits of the platform


def test_whole_application_waits_for_its_retry_after(
    anna: World, bo: World, lea: World, app: str
) -> None:
    anna.network.fault("status:429", account=f"*-of-{app}", on="posts", retry_after=45)
    outcome = anna.publish(anna.unit())
    assert isinstance(outcome, Retry)
    assert (outcome.scope, outcome.after) == ("app", timedelta(seconds=45))
    assert [wait(anna), wait(bo), wait(lea)] == [45, 45, 0]
    held = blocked(bo)
    assert held is not None
    assert held.reason.code == "channel.app_limited"
    assert asked(bo) == []
    assert isinstance(lea.publish(lea.unit()), Published)
    bo.pass_time(46)
    assert isinstance(bo.publish(bo.unit()), Published)
    assert isinstance(anna.publish(anna.unit()), Published)


def test_reads_and_probes_wait_for_the_application_too(anna: World, bo: World) -> None:
    note(bo, 503)
    note(anna, 429, LIMITED, **{"retry-after": "50"})
    assert bo.probe() == 50
    assert asked(bo) == []


def test_account_limit_affects_one_account(anna: World, bo: World, app: str) -> None:
    anna.network.fault("status:429", account=anna.account, on="posts", retry_after=45)
    outcome = anna.publish(anna.unit())
    assert isinstance(outcome, Retry)
    assert outcome.scope == "account"
    assert [wait(anna), wait(bo)] == [45, 0]


def test_app_limit_without_a_delay_doubles_for_all_accounts(anna: World, bo: World) -> None:
    waits = []
    for one in (anna, bo, anna, bo):
        note(one, 429, LIMITED)
        waits.append(max(wait(anna), wait(bo)))
        anna.pass_time(waits[-1])
    assert waits == [60, 120, 240, 480]
    note(bo, 200)
    note(anna, 429, LIMITED)
    assert wait(bo) == 60


def test_success_does_not_shorten_an_app_limit(anna: World, bo: World) -> None:
    note(anna, 429, LIMITED, **{"retry-after": "100"})
    note(bo, 200)
    assert wait(bo) == 100


@pytest.mark.parametrize(
    ("status", "headers", "body", "whole"),
    [
        (429, {}, {"global": True}, True),
        (429, {"x-ratelimit-scope": "global"}, None, True),
        (429, {"x-ratelimit-scope": "shared"}, {"global": False}, False),
        (429, {"ratelimit-policy": "3000;w=300"}, {"error": "RateLimitExceeded"}, True),
        (429, {"ratelimit-policy": "30;w=300"}, {}, False),
        (400, {}, {"error": {"code": 4}}, True),
        (400, {}, {"error": {"code": 17}}, False),
        (403, {}, {"error": "application_limited"}, False),
        (200, {}, {"error": {"code": 4}}, False),
        (429, {}, ["global"], False),
    ],
)
def test_app_wide_limits_are_recognized(
    status: int, headers: dict[str, str], body: Any, whole: bool
) -> None:
    assert is_app_wide_limit(Response("publish", status, headers, body)) is whole


# the brake


def test_two_accounts_failing_together_brake_the_application(
    anna: World, bo: World, database: Database, sandbox: RunningSandbox, app: str
) -> None:
    carl = world(database, sandbox, "carl", app=app)
    sandbox.fault("status:503", account=f"*-of-{app}", on="*", times=3)
    assert isinstance(anna.publish(anna.unit()), Uncertain)
    assert blocked(carl) is None
    assert isinstance(bo.publish(bo.unit()), Uncertain)
    held = blocked(carl)
    assert held is not None
    assert held.reason.code == "channel.platform_down"
    assert asked(carl) == []
    assert anna.probe() == 5
    assert blocked(carl) is not None
    assert bo.probe() == 0
    assert blocked(carl) is None
    assert blocked(anna) is not None, "the account has its own brake"
    assert isinstance(carl.publish(carl.unit()), Published)


def test_one_failing_account_does_not_brake_the_application(anna: World, bo: World) -> None:
    for _ in range(4):
        note(anna, 503)
    assert blocked(bo) is None


def test_failures_half_a_minute_apart_do_not_brake_the_application(
    anna: World, bo: World, database: Database, sandbox: RunningSandbox, app: str
) -> None:
    carl = world(database, sandbox, "carl", app=app)
    note(anna, 503)
    anna.pass_time(31)
    note(bo, 503)
    assert blocked(carl) is None


def test_brake_without_failing_probes_expires(
    anna: World, bo: World, database: Database, sandbox: RunningSandbox, app: str
) -> None:
    carl = world(database, sandbox, "carl", app=app)
    note(anna, 503)
    note(bo, 503)
    assert blocked(carl) is not None
    carl.pass_time(30)
    note(bo, 503, creates=False)  # a probe
    carl.pass_time(30)
    assert blocked(carl) is not None
    carl.pass_time(60)
    assert blocked(carl) is None


def test_accounts_without_an_application_write_no_app_limits(
    lea: World, database: Database
) -> None:
    def rows() -> int:
        with database.scope(INSTALLATION_ID, "system:test", role="relay") as scope:
            return int(scope.run("SELECT count(*) FROM app_limits").scalar_one())

    before = rows()
    note(lea, 429, LIMITED)
    note(lea, 503)
    note(lea, 200)
    assert rows() == before


# visibility between agencies


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT failed_by FROM app_limits",
        "SELECT * FROM app_limits",
        "UPDATE app_limits SET blocked_until = NULL",
        "DELETE FROM app_limits",
        "INSERT INTO app_limits (tenant_id, id, refusals) VALUES (:tenant, :tenant, 0)",
    ],
)
def test_agency_can_read_only_the_end_of_an_app_limit(anna: World, statement: str) -> None:
    params = {"tenant": anna.tenant_id} if ":tenant" in statement else {}
    with pytest.raises(ProgrammingError, match="permission denied"), anna.scope() as scope:
        scope.run(statement, **params)


def test_app_key_is_a_digest(anna: World, bo: World, app: str) -> None:
    keys = set()
    for one in (anna, bo):
        with one.scope() as scope:
            keys.add(
                scope.run(
                    "SELECT app_key FROM channels WHERE id = :id", id=one.channel_id
                ).scalar_one()
            )
    assert len(keys) == 1
    assert app not in str(keys)


def test_two_unreachable_accounts_brake_the_application(anna: World, bo: World) -> None:
    for one in (anna, bo):
        with one.scope() as scope:
            send_limits.record_answer(
                scope, one.channel_id, StepNotSent("publish", "ConnectTimeout"), creates=True
            )
    with bo.scope() as scope:
        send_limits.release_brake(scope, bo.channel_id)
        held = send_limits.send_block(scope, bo.channel_id, brake=True)
    assert held is not None
    assert anna.probe() == 0
    assert wait(bo) == 0
