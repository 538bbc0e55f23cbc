"""The chat list of the fake Fanvue: last senders, unread counts, pages and required scopes."""

import pytest

# imported pytest fixtures and helpers
from tests.connectors.fakes.fanvue.test_server import ask, begun, fake, nova, rough, uploaded  # noqa: F401  see above
from tests.fakes.fanvue.server import FakeFanvue
from tests.fakes.fanvue.state import Member


# the parameters are the imported fixtures
def test_chats_are_ordered_by_their_last_message(fake: FakeFanvue, nova: Member) -> None:  # noqa: F811  see above
    leo, ida, max_ = (fake.fan(name, nova) for name in ("leo", "ida", "max"))
    for fan, text in ((leo, "one"), (ida, "two"), (leo, "three")):
        fake.says(fan, nova, text)
        fake.clock.advance(5)
    status, told, _ = ask(fake, nova, "GET", "/chats?page=1&size=2&sortBy=most_recent_messages")
    assert (status, told["pagination"]) == (200, {"page": 1, "size": 2, "hasMore": True})
    assert [each["user"]["uuid"] for each in told["data"]] == [leo.id, ida.id]
    assert [each["unreadMessagesCount"] for each in told["data"]] == [2, 1]
    first = told["data"][0]
    assert (first["lastMessage"]["text"], first["lastMessage"]["senderUuid"]) == ("three", leo.id)
    assert first["lastMessageAt"] == first["lastMessage"]["sentAt"]
    _, told, _ = ask(fake, nova, "GET", "/chats?page=2&size=2")
    assert [(each["user"]["uuid"], each["lastMessage"]) for each in told["data"]] == [
        (max_.id, None)
    ]
    fake.types(nova, leo, "answered over there")
    _, told, _ = ask(fake, nova, "GET", "/chats?size=1")
    assert (told["data"][0]["isRead"], told["data"][0]["lastMessage"]["senderUuid"]) == (
        True,
        nova.id,
    )


# the parameter is the imported fixture
def test_chat_list_requires_scope_and_described_query(rough: FakeFanvue) -> None:  # noqa: F811  see above
    nova = rough.account("nova")  # noqa: F811  may send invalid requests
    other = rough.account("other", scopes=("read:self",))
    assert ask(rough, other, "GET", "/chats")[0] == 403
    assert ask(rough, "wrong", "GET", "/chats")[0] == 401
    for query in ("size=51", "page=0", "sortBy=oldest", "filter=unread", "cursor=x"):
        assert ask(rough, nova, "GET", f"/chats?{query}")[0] == 400, query


# the parameter is the imported fixture
def test_priced_message_is_bought_once_and_then_undeletable(rough: FakeFanvue) -> None:  # noqa: F811  see above
    fake, nova = rough, rough.account("nova")  # noqa: F811  may send invalid requests
    leo = fake.fan("leo", nova)
    ready, path = uploaded(fake, nova), f"/chats/{leo.id}/message"
    for wrong in (
        {"price": 299, "mediaUuids": [ready]},
        {"price": 500},
        {"price": 3.5, "mediaUuids": [ready]},
    ):
        assert ask(fake, nova, "POST", path, {"text": "hello"} | wrong)[0] == 400, wrong
    unready, _ = begun(fake, nova)
    assert (
        ask(fake, nova, "POST", path, {"text": "hello", "price": 500, "mediaUuids": [unready]})[0]
        == 400
    )
    _, told, _ = ask(
        fake, nova, "POST", path, {"text": "hello", "price": 500, "mediaUuids": [ready]}
    )
    sent = told["messageUuid"]
    assert fake.buys(nova, sent).price == 500
    with pytest.raises(ValueError, match="nothing to buy"):
        fake.buys(nova, sent)
    _, told, _ = ask(fake, nova, "GET", f"/chats/{leo.id}/messages?markAsRead=false")
    opened, mine = told["data"]
    assert (opened["type"], opened["sender"]["uuid"]) == ("LOCKED_MESSAGE_UNLOCKED", leo.id)
    assert (mine["pricing"], bool(mine["purchasedAt"])) == ({"USD": {"price": 500}}, True)
    _, told, _ = ask(fake, nova, "GET", "/insights/earnings")
    (row,) = told["data"]
    assert (row["messageUuid"], row["gross"], row["source"], row["user"]["uuid"]) == (
        sent,
        500,
        "message",
        leo.id,
    )
    assert ask(fake, nova, "DELETE", f"/chats/{leo.id}/messages/{sent}")[0] == 400
