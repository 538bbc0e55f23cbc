"""Provider keys that are replaced or removed while the previous key is in use."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from channels.age_verification import age_checks, handlers
from channels.age_verification.events import AgeCheckResultDue, AgeProviderTestDue
from channels.age_verification.states import AgeProviderState
from connectors.contract.connector import StepResult, WireStep
from connectors.transport.transport import AccountTarget
from foundation.ops.clock import sleep
from foundation.outbox import outbox
from gate.contract.permit import Authority
from tenants.vault import sealed_intake
from tests.channels.age_check_builders import MASTER, PROVIDERS, AgeCheckDesk, read_form


@dataclass
class Overtaken:
    """The transport of a slow worker: something happens before its request arrives."""

    real: Any
    meanwhile: Callable[[], object]

    def send(self, step: WireStep, authority: Authority, *, account: AccountTarget) -> StepResult:
        self.meanwhile()
        answer: StepResult = self.real.send(step, authority, account=account)
        return answer


def typed(desk: AgeCheckDesk) -> None:
    """Enter the key, without the test by the workers."""
    form = {"sdk_id": desk.sdk_id, "api_key": desk.key}
    letter = sealed_intake.seal_form(
        sealed_intake.derive_public_key(MASTER), desk.house.tenant_id, form
    )
    with desk.house.scope() as scope:
        age_checks.connect_provider(scope, "yoti", letter, known=PROVIDERS)


def renewed(desk: AgeCheckDesk) -> None:
    """Create a new key at the provider and enter it."""
    desk.key = desk.running.world.customer(sdk_id=desk.sdk_id, key="key-of-today")[1]
    assert desk.connect().state is AgeProviderState.CONNECTED


def test_refusal_of_the_old_key_keeps_the_provider_connected(desk: AgeCheckDesk) -> None:
    """The request was in progress when the new key was entered."""
    check_id = desk.open_one()
    with pytest.raises(outbox.RetryLater):
        handlers.read_result(
            AgeCheckResultDue(desk.house.tenant_id, check_id),
            tenant=desk.house.tenant,
            transport=Overtaken(desk.house.transport(), lambda: renewed(desk)),
            providers=desk.providers,
        )
    assert desk.provider().state is AgeProviderState.CONNECTED
    desk.finish(check_id)
    desk.look(check_id)
    assert desk.age().over_18


def test_result_of_the_old_key_does_not_affect_the_new_one(desk: AgeCheckDesk) -> None:
    handlers.connect_provider_account(
        AgeProviderTestDue(desk.house.tenant_id, desk.provider().id),
        tenant=desk.house.tenant,
        transport=Overtaken(desk.house.transport(), lambda: renewed(desk)),
        providers=desk.providers,
        addresses={"yoti": desk.running.url},
        read_form=read_form,
    )
    assert desk.provider().state is AgeProviderState.CONNECTED
    assert desk.open_one()


def meets(desk: AgeCheckDesk, word: Callable[[Any], object]) -> None:
    """Run a member's action that is not committed yet when the workers store the result of their
    test."""
    provider_id = desk.provider().id
    worker = threading.Thread(target=desk.try_out, args=(provider_id,))
    with desk.house.scope() as scope:
        word(scope)
        scope.session.flush()
        worker.start()
        _waits(desk)
    worker.join()


def _waits(desk: AgeCheckDesk) -> None:
    """Wait until the worker waits for the row."""
    for _ in range(100):
        if desk.rows("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"):
            return
        sleep(0.05)
    raise AssertionError("the worker did not reach the row")


def test_provider_disconnected_during_its_test_stays_disconnected(desk: AgeCheckDesk) -> None:
    typed(desk)
    meets(desk, lambda scope: age_checks.end_provider(scope, desk.provider().id))
    assert desk.provider().state is AgeProviderState.OFF
    assert [
        row.box for row in desk.rows("SELECT box FROM age_providers WHERE tenant_id = :tenant")
    ] == [None]


def test_key_entered_during_a_test_is_tested_too(desk: AgeCheckDesk) -> None:
    typed(desk)
    letters = "UPDATE age_providers SET letter = 'another' WHERE tenant_id = :tenant"
    meets(desk, lambda scope: scope.run(letters, tenant=desk.house.tenant_id))
    assert desk.provider().state is AgeProviderState.WAITING
    assert [
        bytes(row.letter)
        for row in desk.rows("SELECT letter FROM age_providers WHERE tenant_id = :tenant")
    ] == [b"another"]
