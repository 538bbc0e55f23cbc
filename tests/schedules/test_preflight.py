"""Ten minutes before: what would stop a post is said while there is time, and nothing else happens."""

from channels import connecting
from foundation.words import Message
from gate import ratings, switches
from gate.units import Rating
from schedules.states import DeliveryState as S
from studio import library
from tests.schedules.builders import Desk


def warning(lea: Desk, delivery_id: object) -> str | None:
    return lea.notices().get(f"delivery:{delivery_id}:preflight")


def test_a_post_that_will_leave_is_not_talked_about(lea: Desk) -> None:
    lea.delivery(after=3600, media=(lea.photo(),))
    lea.live(minutes=55)
    assert lea.notices() == {}


def test_a_picture_nobody_rated_is_told_and_the_post_leaves_once_somebody_does(lea: Desk) -> None:
    photo = lea.photo(rating=None)
    delivery_id = lea.delivery(after=3600, media=(photo,))
    lea.live(minutes=51)
    assert warning(lea, delivery_id) == "gate.RATING_MISSING"
    assert lea.state(delivery_id) is S.SCHEDULED
    assert lea.asked() == lea.asked(kind="files") == []
    with lea.scope(f"member:{lea.manager}") as scope:
        ratings.rate(scope, library.item(scope, photo).sha256, Rating.G, source=f"member:{lea.manager}")
    lea.live(minutes=10)
    assert lea.state(delivery_id) is S.PUBLISHED
    assert lea.notices() == {}


def test_an_account_that_cannot_post_is_told_by_its_name(lea: Desk) -> None:
    """Once, however many of its posts come near."""
    for number in range(3):
        lea.delivery(f"{number}", after=3600 + number)
    lea.act(connecting.pause, lea.channels["main"], Message("channel.is_paused", {"account": "main"}))
    lea.live(minutes=51)
    assert lea.notices() == {f"waits:{lea.channels['main']}": "waiting.paused"}


def test_an_emergency_stop_needs_no_warning(lea: Desk) -> None:
    """Whoever pressed it knows; the post waits on the calendar."""
    delivery_id = lea.delivery(after=3600)
    lea.act(switches.close, "creator", str(lea.creator_id), "sending", reason="test")
    lea.live(minutes=51)
    assert warning(lea, delivery_id) is None


def test_a_post_due_at_once_is_not_checked_ahead(lea: Desk) -> None:
    lea.delivery(after=300)
    assert lea.rows("delivery.preflight") == []
