"""Bulk approval: selected posts are decided one by one, and each result is shown."""

from foundation.i18n.translation import Message, render_message
from schedules.posts.states import DeliveryState
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import asked, state
from tests.dashboard.streamlit_client import Stream, stream


def word(code: str, **params: str | int) -> str:
    return render_message(Message(code, params), "fr")


def choose(page: Stream, *bodies: str) -> None:
    page.open("/approvals")
    page.check(word("approvals.several"))
    for body in bodies:
        page.check(word("approvals.several_mark", creator="Mia", post=body))


def test_several_posts_are_rejected_with_one_reason(door: Door, lumiere: Agency) -> None:
    _, first = asked(lumiere, "Première", minutes=60)
    _, second = asked(lumiere, "Deuxième", minutes=70)
    with stream(door.url, door.cookie(lumiere)) as page:
        choose(page, "Première", "Deuxième")
        assert word("approval.no_words") in page.press(word("approvals.reject_now"))
        page.type(word("approvals.note"), "Pas notre style", nth=1)
        text = page.press(word("approvals.reject_now"))
    assert word("approvals.several_reject_done", count=2) in text
    assert text.count(word("approvals.reject_one")) >= 2
    assert [state(lumiere, one) for one in (first, second)] == [DeliveryState.CANCELLED] * 2
