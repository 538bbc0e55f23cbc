"""Platform outages: requests become less frequent, and every post publishes after the outage."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.attempts import retry_delays
from connectors.shared.http_responses import SHORT_RETRY
from foundation.ids import uuid7
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.conftest import free_port
from tests.schedules.builders import SandboxAgency

pytestmark = pytest.mark.heavy

HOURS = timedelta(hours=4)


def tries(lea: SandboxAgency, *kinds: str) -> int:
    """Return the number of attempts of this agency."""
    with lea.scope() as scope:
        found: int = scope.run(
            "SELECT count(*) FROM attempts WHERE tenant_id = :tenant AND kind = ANY(CAST(:kinds "
            "AS text[]))",
            tenant=lea.tenant_id,
            kinds=list(kinds),
        ).scalar_one()
    return found


def moved(lea: SandboxAgency, url: str) -> None:
    """Change the base URL of the account. An empty `url` restores the sandbox."""
    lea.connect_to(
        "main",
        account=lea.accounts["main"],
        token=lea.network.tokens[lea.accounts["main"]],
        base_url=url,
    )


@pytest.mark.parametrize("picture", [False, True], ids=["text", "picture"])
def test_unreachable_platform_costs_few_attempts(lea: SandboxAgency, picture: bool) -> None:
    moved(lea, f"http://127.0.0.1:{free_port()}")
    media = (lea.photo(),) if picture else ()
    waiting = [
        lea.delivery(f"number {one}", media=media, after=one, late_ok=HOURS) for one in range(3)
    ]
    lea.live(minutes=15)
    assert {lea.state(one) for one in waiting} == {DeliveryState.SCHEDULED}
    assert tries(lea, "send", "stage") == 1
    moved(lea, "")
    lea.live(seconds=40)
    assert sorted(lea.texts()) == ["number 0", "number 1", "number 2"]


def test_failing_upload_is_retried_less_often(lea: SandboxAgency) -> None:
    lea.fault("status:503", on="files", times=1000)
    delivery_id = lea.delivery("with a picture", media=(lea.photo(),), late_ok=HOURS)
    lea.live(minutes=30)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    assert 8 < tries(lea, "send", "stage") < 40
    lea.network.clear()
    lea.live(minutes=6)
    assert (lea.state(delivery_id), lea.texts()) == (DeliveryState.PUBLISHED, ["with a picture"])


def test_failing_removal_is_retried_less_often(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("regret")
    lea.run()
    lea.act(post_removal.request_post_removal, delivery_id)
    moved(lea, f"http://127.0.0.1:{free_port()}")
    lea.live(minutes=30)
    assert lea.state(delivery_id) is DeliveryState.REMOVING
    assert 8 < tries(lea, "remove") < 40
    moved(lea, "")
    lea.live(minutes=6)
    assert lea.state(delivery_id) is DeliveryState.REMOVED


@given(st.integers(0, 10_000), st.uuids())
def test_retry_delay_grows_to_five_minutes_and_keeps_requested_delay(count: int, who: UUID) -> None:
    wait = retry_delays.retry_delay(SHORT_RETRY, count, who)
    assert (
        SHORT_RETRY
        <= wait
        <= min(retry_delays.MAX_RETRY_DELAY, max(SHORT_RETRY, SHORT_RETRY * 2 ** min(count, 10)))
    )
    assert retry_delays.retry_delay(SHORT_RETRY, count, who) == wait
    asked = SHORT_RETRY + timedelta(seconds=count + 1)
    assert retry_delays.retry_delay(asked, count, who) == asked


def test_retry_delays_are_spread() -> None:
    waits = sorted(
        retry_delays.retry_delay(SHORT_RETRY, 8, uuid7()).total_seconds() for _ in range(400)
    )
    assert waits[100] < 100
    assert waits[300] > 200
