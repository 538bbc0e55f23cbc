"""Two phones with one task: one member opens it while the other opens or refuses it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from channels.manual_tasks import tasks
from foundation.errors import Conflict
from tests.channels.manual_task_builders import Phone
from tests.channels.manual_tasks.test_tasks import due, hand, lea  # noqa: F401  fixtures
from tests.conftest import WAITS_FOR_US, wait_until
from tests.schedules.builders import SandboxAgency
from tests.schedules.conftest import running, sandbox, services  # noqa: F401  fixtures


@pytest.mark.parametrize("meanwhile", [tasks.refuse_task, tasks.open_task])
def test_concurrent_opening_keeps_the_first_action(
    lea: SandboxAgency,  # noqa: F811  fixtures
    hand: Phone,  # noqa: F811  fixtures
    meanwhile: Callable[..., tasks.ManualTask],
) -> None:
    _, task = due(lea, hand)
    other = Phone(lea, lea.author)
    why = ("refused",) if meanwhile is tasks.refuse_task else ()
    with ThreadPoolExecutor() as pool:
        with hand.scope() as scope:
            meanwhile(scope, task.id, *why, creators=hand.creators)
            opened = pool.submit(other.open, task.id)
            wait_until(lambda: bool(scope.run(WAITS_FOR_US).scalar_one()))
        if why:
            with pytest.raises(Conflict):
                opened.result()
        else:
            assert opened.result().opened_by == hand.member
    with lea.scope() as scope:
        told = scope.run(
            "SELECT actor FROM audit_entries WHERE tenant_id = :tenant AND act = 'handover.open'",
            tenant=lea.tenant_id,
        )
        assert list(told.scalars()) == ([] if why else [f"member:{hand.member}"])
