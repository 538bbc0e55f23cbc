"""Uploads ahead of time: the platform has the pictures before the minute, and sees each of them
once."""

import pytest

from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency, create_sandbox_agency


def test_pictures_go_ahead_and_the_post_at_its_time(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("with a picture", media=(lea.photo(),), after=1800)
    lea.live(minutes=21)
    assert len(lea.asked(kind="files")) == 1
    assert lea.texts() == []
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    lea.live(minutes=10)
    assert lea.texts() == ["with a picture"]
    assert len(lea.asked(kind="files")) == 1, "what was uploaded is used"
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_an_upload_that_fails_ahead_is_made_again(lea: SandboxAgency) -> None:
    lea.fault("reset_before", on="files", times=2)
    delivery_id = lea.delivery("late picture", media=(lea.photo(),), after=1800)
    lea.live(minutes=31)
    assert lea.texts() == ["late picture"]
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_words_alone_are_not_staged(lea: SandboxAgency) -> None:
    lea.delivery("words", after=1800)
    assert lea.rows("delivery.stage") == []


@pytest.mark.heavy
def test_an_upload_that_died_ahead_is_over_once_its_post_is_cancelled(lea: SandboxAgency) -> None:
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


def test_a_cancelled_delivery_uploads_nothing(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("never", media=(lea.photo(),), after=1800)
    lea.act(deliveries.cancel_delivery, delivery_id)
    lea.live(minutes=31)
    assert lea.asked(kind="files") == []
    assert lea.texts() == []
