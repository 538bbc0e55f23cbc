"""Direct messages of the fake X follow the published description and work with the common client
library."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.x.chats import CLOSED, DUPLICATE
from tests.fakes.x.client import ask, tweepy_client
from tests.fakes.x.server import FakeX, x
from tests.fakes.x.state import SCOPES, Member

ALL = (*SCOPES, "dm.read", "dm.write")
QUARTER, DAY = 15 * 60, 24 * 3600


@pytest.fixture(scope="module")
def running() -> Iterator[FakeX]:
    with x() as fake:
        yield fake
        assert fake.spec.refused == []


@pytest.fixture
def fake(running: FakeX) -> FakeX:
    running.events.clear()
    running.unasked.clear()
    running.same_message_after = timedelta(0)
    running.limits.windows.clear()
    return running


@pytest.fixture
def nova(fake: FakeX) -> Member:
    return fake.account("nova", scopes=ALL)


def dm(fake: FakeX, mine: Member, to: str, text: str) -> tuple[int, Any, Any]:
    return ask(fake, mine, "POST", f"/2/dm_conversations/with/{to}/messages", {"text": text})


def test_tweepy_reads_and_sends_messages(fake: FakeX, nova: Member) -> None:
    leo, ida = fake.account("leo"), fake.account("ida")
    first = fake.says(leo, nova, text="hello <you>")
    fake.says(leo, nova, ida, text="to both of you")
    api = tweepy_client(fake, nova.token)
    sent = api.create_direct_message(
        participant_id=leo.id, text="see https://example.com/a", user_auth=False
    ).data
    assert sent["dm_conversation_id"] == "-".join(sorted((leo.id, nova.id), key=int))
    fields = ["sender_id", "created_at", "dm_conversation_id", "event_type"]
    told = api.get_direct_message_events(dm_event_fields=fields, user_auth=False)
    assert [each.sender_id for each in told.data] == [int(nova.id), int(leo.id), int(leo.id)]
    assert ["-" in each.dm_conversation_id for each in told.data] == [True, False, True]
    pair = api.get_direct_message_events(
        participant_id=leo.id, expansions="sender_id", user_auth=False
    )
    assert [each.id for each in pair.data] == [int(sent["dm_event_id"]), int(first)]
    assert [each.username for each in pair.includes["users"]] == ["nova", "leo"]
    assert pair.data[1].text == "hello &lt;you&gt;"
    assert pair.data[0].text.startswith("see https://t.co/")
    one = api.get_direct_message_events(max_results=1, user_auth=False)
    then = api.get_direct_message_events(
        max_results=2, pagination_token=one.meta["next_token"], user_auth=False
    )
    assert [each.id for each in (*one.data, *then.data)] == [each.id for each in told.data]
    assert "next_token" not in then.meta
    assert fake.unasked == []


def test_read_and_write_scopes_are_separate(fake: FakeX) -> None:
    none, reads = fake.account("none"), fake.account("reads", scopes=(*SCOPES, "dm.read"))
    leo = fake.account("leo")
    for mine, status in ((none, 403), (reads, 200)):
        assert ask(fake, mine, "GET", "/2/dm_events")[0] == status
        refused = dm(fake, mine, leo.id, "hi")
        assert (refused[0], refused[1]["detail"]) == (403, "Forbidden")


def test_closed_inbox_is_refused_and_unsolicited_message_recorded(
    fake: FakeX, nova: Member
) -> None:
    leo = fake.account("leo")
    assert dm(fake, nova, leo.id, "unasked")[0] == 201
    assert fake.unasked == ["unasked"]
    fake.closed.add(leo.id)
    refused = dm(fake, nova, leo.id, "again")
    assert (refused[0], refused[1]["detail"]) == (403, CLOSED)
    assert dm(fake, nova, "77", "nobody")[0] == 404
    assert dm(fake, nova, leo.id, "x" * 10_001)[0] == 400
    assert [one.text for one in fake.between(nova, leo)] == ["unasked"]


def test_duplicate_is_refused_and_recipient_keeps_deleted_message(
    fake: FakeX, nova: Member
) -> None:
    leo = fake.account("leo", scopes=ALL)
    fake.says(leo, nova, text="hi")
    fake.same_message_after = timedelta(hours=1)
    number = dm(fake, nova, leo.id, "twice")[1]["data"]["dm_event_id"]
    refused = dm(fake, nova, leo.id, "twice")
    assert (refused[0], refused[1]["detail"]) == (403, DUPLICATE)
    assert ask(fake, nova, "DELETE", f"/2/dm_events/{number}")[1] == {"data": {"deleted": True}}
    seen = [
        [one["id"] for one in ask(fake, who, "GET", "/2/dm_events")[1]["data"]]
        for who in (nova, leo)
    ]
    assert [number in one for one in seen] == [False, True]


def test_rate_windows_and_history_end(fake: FakeX, nova: Member) -> None:
    leo = fake.account("leo")
    fake.says(leo, nova, text="long ago")
    for _ in range(15):
        assert ask(fake, nova, "GET", "/2/dm_events?max_results=1")[0] == 200
    status, _, headers = ask(fake, nova, "GET", "/2/dm_events?max_results=1")
    assert (status, headers["x-rate-limit-remaining"]) == (429, "0")
    fake.limits.most["messages/day"] = 1
    assert dm(fake, nova, leo.id, "one")[0] == 201
    assert dm(fake, nova, leo.id, "two")[2]["x-user-limit-24hour-remaining"] == "0"
    fake.limits.most["messages/day"] = 1_440
    fake.clock.advance(31 * DAY)
    told = ask(fake, nova, "GET", "/2/dm_events")[1]
    assert told == {"meta": {"result_count": 0}}, "X returns the last 30 days"


def test_message_is_billed_once_a_day(fake: FakeX, nova: Member) -> None:
    fake.says(fake.account("leo"), nova, text="hi")
    for _ in range(3):
        ask(fake, nova, "GET", "/2/dm_events")
    assert fake.bill[nova.id] == 1
    fake.clock.advance(DAY)
    ask(fake, nova, "GET", "/2/dm_events")
    assert fake.bill[nova.id] == 2
