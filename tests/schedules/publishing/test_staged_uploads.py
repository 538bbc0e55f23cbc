"""Staged uploads: the platform receives media ahead of time, and each file once."""

import pytest

from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency, create_sandbox_agency


def test_media_is_staged_before_post_is_due(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("with a picture", media=(lea.photo(),), after=1800)
    lea.live(minutes=21)
    assert len(lea.asked(kind="files")) == 1
    assert lea.texts() == []
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    lea.live(minutes=10)
    assert lea.texts() == ["with a picture"]
    assert len(lea.asked(kind="files")) == 1, "the staged upload is used"
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_failed_staged_upload_is_retried(lea: SandboxAgency) -> None:
    lea.fault("reset_before", on="files", times=2)
    delivery_id = lea.delivery("late picture", media=(lea.photo(),), after=1800)
    lea.live(minutes=31)
    assert lea.texts() == ["late picture"]
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_text_post_is_not_staged(lea: SandboxAgency) -> None:
    lea.delivery("words", after=1800)
    assert lea.rows("delivery.stage") == []


@pytest.mark.heavy
def test_killed_staged_upload_is_settled_after_cancellation(lea: SandboxAgency) -> None:
    open_ones = 0
    for at in range(2, 40, 2):
        mia = create_sandbox_agency(lea.services, lea.network)
        delivery_id = mia.delivery("never", media=(mia.photo(),), after=1800)
        mia.pass_time(minutes=20, seconds=1)
        died = mia.crash(at=at)
        open_ones += any(one.outcome is None for one in mia.attempts(delivery_id, "stage"))
        mia.act(deliveries.cancel_delivery, delivery_id)
        mia.live(minutes=15)
        assert all(one.outcome is not None for one in mia.attempts(delivery_id, "stage")), at
        assert mia.texts() == []
        if not died:
            break
    assert not died
    assert open_ones >= 1


def test_cancelled_delivery_uploads_nothing(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("never", media=(lea.photo(),), after=1800)
    lea.act(deliveries.cancel_delivery, delivery_id)
    lea.live(minutes=31)
    assert lea.asked(kind="files") == []
    assert lea.texts() == []
