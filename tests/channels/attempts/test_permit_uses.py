"""A permit releases one request, whichever process uses it and whenever."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.accounts import queries
from channels.attempts.permit_uses import record_permit_use
from channels.sending.step_runner import PreparedStep
from connectors.contract.connector import Response, StepResult
from connectors.contract.outcomes import Retry, Uncertain
from connectors.transport.permit_record import PermitUse
from connectors.transport.transport import PermitExpired, PermitReplayed
from foundation.db.database import Database
from gate.contract.permit import PERMIT_TTL, Permit
from tests.channels.builders import World, world
from tests.connectors.conftest import PUBLISH, permit
from tests.fakes.sandbox import RunningSandbox


@pytest.fixture
def nova(database: Database, sandbox: RunningSandbox) -> World:
    return world(database, sandbox, "nova")


def fresh(nova: World, *, lives: timedelta = PERMIT_TTL) -> Permit:
    with nova.scope() as scope:
        return permit(
            PUBLISH, tenant_id=nova.tenant_id, minted_at=scope.now, expires_at=scope.now + lives
        )


def use(nova: World, which: Permit) -> PermitUse:
    return record_permit_use(which, tenant=nova.database.scope)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(waits=st.lists(st.integers(0, 120), min_size=1, max_size=4), processes=st.integers(1, 3))
def test_permit_is_used_once_within_its_lifetime(
    nova: World, waits: list[int], processes: int
) -> None:
    which = fresh(nova)
    passed = 0
    used = False
    for wait in waits:
        nova.pass_time(wait)
        passed += wait
        with ThreadPoolExecutor(processes) as pool:
            found = sorted(pool.map(lambda _: use(nova, which), range(processes)))
        first = not used and passed < PERMIT_TTL.total_seconds()
        used |= first
        other = PermitUse.REPLAYED if used else PermitUse.EXPIRED
        assert found == sorted([PermitUse.FIRST if first else other] + [other] * (processes - 1))


def send(nova: World, armed: PreparedStep) -> StepResult:
    """Send the step as any process does that holds it and its permit."""
    account = queries.transport_account(armed.channel)
    answer: StepResult = nova.transport().send(armed.step, armed.authority, account=account)
    return answer


def armed_post(nova: World) -> PreparedStep:
    armed = nova.arm(nova.unit())
    assert isinstance(armed, PreparedStep)
    return armed


def test_another_process_cannot_send_the_step_again(nova: World) -> None:
    """Neither at once nor an hour later."""
    armed = armed_post(nova)
    assert isinstance(send(nova, armed), Response)
    for wait in (0, 3600):
        nova.pass_time(wait)
        with pytest.raises(PermitReplayed):
            send(nova, armed)
    assert nova.posts() == ["hello"]


def test_expired_permit_sends_nothing(nova: World) -> None:
    armed = armed_post(nova)
    nova.pass_time(61)
    with pytest.raises(PermitExpired):
        send(nova, armed)
    assert nova.posts() == []


def test_replayed_permit_makes_the_outcome_uncertain(nova: World) -> None:
    """The first use may have published the post."""
    armed = armed_post(nova)
    send(nova, armed)
    assert isinstance(nova.carry(armed), Uncertain)
    assert nova.posts() == ["hello"]


def test_expired_permit_is_retried(nova: World) -> None:
    """Certainly nothing was published."""
    armed = armed_post(nova)
    nova.pass_time(61)
    assert isinstance(nova.carry(armed), Retry)
    assert nova.posts() == []
