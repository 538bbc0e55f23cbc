"""What the house decides about a delivery in the moment in which others end it or move it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.database import Scope
from schedules import approvals, forgotten, planning, publishing
from schedules.claiming import TOO_LATE, NotClaimable
from schedules.states import DeliveryState as S
from schedules.yeses import UNAPPROVED
from tests.conftest import WAITS_FOR_US, wait_until
from tests.schedules.builders import Desk, wall


def overdue(lea: Desk) -> UUID:
    """Its time has come and gone, and its row still waits."""
    delivery_id = lea.delivery("once", after=1)
    lea.pass_time(minutes=1)
    return delivery_id


def later(scope: Scope, delivery_id: UUID) -> None:
    planning.move_delivery(scope, delivery_id, at=wall(scope.now, 3600))


@pytest.mark.parametrize(("meanwhile", "state"), [(planning.cancel, S.CANCELLED), (later, S.SCHEDULED)])
def test_what_somebody_else_ends_or_moves_in_that_moment_is_no_orphan(
    lea: Desk, meanwhile: Callable[[Scope, UUID], None], state: S
) -> None:
    """The delivery is read, then its rows; in between both change. Waking it would take the row of somebody else."""
    delivery_id = overdue(lea)
    with ThreadPoolExecutor() as pool:
        with lea.scope() as scope:
            scope.run("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
            found = pool.submit(lea.act, forgotten.sweep)
            wait_until(lambda: bool(scope.run(WAITS_FOR_US).scalar_one()))
            meanwhile(scope, delivery_id)
        assert found.result() == 0
    assert lea.state(delivery_id) is state
    ahead = [row.available_at > lea.now() for row in lea.rows("delivery.publish")]
    assert ahead == ([True] if state is S.SCHEDULED else [])


def test_a_delivery_without_a_row_is_woken(lea: Desk) -> None:
    delivery_id = overdue(lea)
    with lea.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :tenant", tenant=lea.tenant_id)
    assert lea.act(forgotten.sweep) == 1
    assert lea.act(forgotten.sweep) == 0
    lea.run()
    assert lea.state(delivery_id) is S.PUBLISHED


@pytest.mark.parametrize("meanwhile", [planning.send_now, later])
def test_a_no_is_not_for_the_time_somebody_gave_meanwhile(lea: Desk, meanwhile: Callable[[Scope, UUID], None]) -> None:
    """Too late, said the claim; before that was written down, a person had chosen another time."""
    delivery_id = overdue(lea)
    too_late = NotClaimable("delivery.too_late", hold=TOO_LATE)
    lea.act(meanwhile, delivery_id)
    assert lea.act(publishing.put_off, delivery_id, too_late) == publishing.AT_ONCE
    assert lea.state(delivery_id) is S.SCHEDULED
    lea.live(hours=2)
    assert lea.texts() == ["once"]


def test_a_yes_between_the_no_and_its_being_written_down_counts(lea: Desk) -> None:
    """Due at once: its row comes before the yes, and says so after it."""
    post_id = lea.write("once")
    wish = lea.wish(post_id)
    unapproved = NotClaimable("delivery.unapproved", hold=UNAPPROVED)
    with ThreadPoolExecutor() as pool:
        with lea.scope(f"member:{lea.manager}") as scope:
            approvals.approve(scope, post_id, member_id=lea.manager)
            put_off = pool.submit(lea.act, publishing.put_off, wish, unapproved)
            wait_until(lambda: bool(scope.run(WAITS_FOR_US).scalar_one()))
        assert put_off.result() == publishing.AT_ONCE
    assert lea.act(publishing.put_off, wish, unapproved) == publishing.AT_ONCE
    lea.run()
    assert lea.state(wish) is S.PUBLISHED
    assert lea.notices() == {}
