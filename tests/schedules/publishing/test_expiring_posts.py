"""Posts that the platform deletes after a fixed time: they expire then, but not while their outcome
is unknown."""

from datetime import timedelta
from uuid import UUID

import pytest

from foundation.outbox import outbox
from gate.contract.units import Subject
from gate.copies import live_copies
from schedules.posts.states import DeliveryState
from schedules.publishing import expiring_posts
from schedules.publishing.events import ExpiryDue
from tests.schedules.builders import SandboxAgency


def ended(lea: SandboxAgency, delivery_id: UUID) -> timedelta | None:
    """Expire the delivery. Return the delay until the next try, or None if it is done."""
    try:
        expiring_posts.expire_delivery(
            ExpiryDue(lea.tenant_id, delivery_id), tenant=lea.services.tenant
        )
    except outbox.RetryLater as later:
        return later.after
    return None


def left(lea: SandboxAgency, delivery_id: UUID) -> bool:
    with lea.scope() as scope:
        return any(
            one.removed_at is None
            for one in live_copies.list_copies(scope, Subject("delivery", delivery_id))
        )


def written(lea: SandboxAgency, delivery_id: UUID, **columns: object) -> None:
    said = ", ".join(f"{name} = :{name}" for name in columns)
    with lea.scope() as scope:
        scope.run(f"UPDATE deliveries SET {said} WHERE id = :id", id=delivery_id, **columns)


@pytest.mark.parametrize("state", [DeliveryState.PUBLISHED, DeliveryState.REMOVING])
def test_post_expires_after_its_lifetime(lea: SandboxAgency, state: DeliveryState) -> None:
    sent = lea.delivery()
    lea.live(minutes=1)
    assert lea.states(sent)[-1] == "published"
    assert ended(lea, sent) is None, "a permanent post does not expire"
    assert left(lea, sent)
    written(lea, sent, state=str(state), lasts_hours=24)
    assert ended(lea, sent) == pytest.approx(timedelta(hours=24), abs=timedelta(minutes=2))
    assert left(lea, sent)
    written(lea, sent, settled_at=lea.now() - timedelta(hours=25))
    assert ended(lea, sent) is None
    assert not left(lea, sent)
    lea.live(seconds=1)
    assert lea.state(sent) is (
        DeliveryState.PUBLISHED if state is DeliveryState.PUBLISHED else DeliveryState.REMOVED
    )


def test_uncertain_post_expires_later_and_failed_post_never(lea: SandboxAgency) -> None:
    sent = lea.delivery()
    lea.live(minutes=1)
    long_ago = lea.now() - timedelta(hours=30)
    for state, again in (
        (DeliveryState.UNCERTAIN, expiring_posts.AGAIN),
        (DeliveryState.PROCESSING, expiring_posts.AGAIN),
        (DeliveryState.FAILED, None),
    ):
        written(
            lea, sent, state=str(state), lasts_hours=24, settled_at=long_ago, deadline_at=long_ago
        )
        assert ended(lea, sent) == again
        assert left(lea, sent)
