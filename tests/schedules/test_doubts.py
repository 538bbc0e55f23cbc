"""A person's word on a post in doubt, given on a page that may not write the gate's records."""

from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, GreenroomError, Refused
from schedules import doubts
from schedules.states import DeliveryState as S
from tenants.roles import Role
from tests.schedules.builders import Desk
from tests.schedules.test_approvals import member


def in_doubt(lea: Desk, mode: str = "accept_then_hang") -> UUID:
    lea.fault(mode)
    delivery_id = lea.delivery("once")
    lea.run()
    assert lea.state(delivery_id) is S.UNCERTAIN
    return delivery_id


def say(lea: Desk, delivery_id: UUID, url: str, who: UUID | None = None) -> None:
    who = who or lea.manager
    with lea.scope(f"member:{who}") as scope:
        doubts.end_doubt(scope, delivery_id, member_id=who, url=url)


def test_it_stands_where_its_link_says(lea: Desk) -> None:
    delivery_id = in_doubt(lea)
    native = lea.posts()[0]["id"]
    say(lea, delivery_id, f"https://example.test/p/{native}/")
    lea.run()
    entry = lea.entry(delivery_id)
    assert (entry.state, entry.native_id, entry.url) == (S.PUBLISHED, native, f"https://example.test/p/{native}/")
    assert len(lea.asked()) == 1
    with pytest.raises(Conflict):
        say(lea, delivery_id, "")


def test_it_is_not_there_and_leaves_again(lea: Desk) -> None:
    delivery_id = in_doubt(lea, "reset_before")
    say(lea, delivery_id, "")
    say(lea, delivery_id, "")  # pressed twice
    lea.live(minutes=1)
    assert lea.state(delivery_id) is S.PUBLISHED
    assert lea.texts() == ["once"]


def test_what_the_house_found_out_first_stays(lea: Desk) -> None:
    delivery_id = in_doubt(lea)
    say(lea, delivery_id, "")
    with lea.scope() as scope:  # the word waits, and the look is quicker
        scope.run("UPDATE outbox SET available_at = house_now() + interval '1 hour' WHERE kind = 'delivery.end_doubt'")
    lea.live(minutes=70)
    assert lea.state(delivery_id) is S.PUBLISHED
    assert lea.texts() == ["once"]


@pytest.mark.parametrize(
    "url", ["example.test/p/1", "javascript:alert(1)", "https://", "http://[", "https://x/" + "a" * 600]
)
def test_no_link_is_told(lea: Desk, url: str) -> None:
    with pytest.raises(BadInput):
        say(lea, in_doubt(lea), url)


def test_who_may_not_is_refused(lea: Desk) -> None:
    delivery_id = in_doubt(lea)
    for who in (member(lea, Role.CHATTER), member(lea, creators=("zoe",))):
        with pytest.raises(Refused):
            say(lea, delivery_id, "", who)


def test_only_what_is_in_doubt(lea: Desk) -> None:
    with pytest.raises(GreenroomError):
        say(lea, lea.delivery("later"), "")


def test_native_ids_are_read_off_links() -> None:
    assert doubts.native_of("https://t.me/c/12/345") == "345"
    assert doubts.native_of("https://example.test") == "https://example.test"
