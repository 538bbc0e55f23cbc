"""Messages on Instagram and of Pages: received once and in order through failing polls, answered
within 24 hours, never sent twice."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract.chats import ChatUpdates
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.meta import errors, messages
from connectors.shared import reply_windows
from connectors.shared.http_responses import READER_GONE
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.contract.units import Button, Subject, Text, Unit
from tests.connectors.platforms.meta.message_simulation import (
    LONGEST,
    ME,
    PLATFORMS,
    SURFACES,
    MessageSimulation,
)
from tests.fakes.meta.chats import TOLD


@pytest.fixture(params=PLATFORMS)
def net(request: pytest.FixtureRequest) -> MessageSimulation:
    return MessageSimulation(request.param)


def test_old_messages_are_skipped_and_new_ones_received_once(
    net: MessageSimulation,
) -> None:
    net.says("leo", "long ago")
    words, cursor = net.heard("")
    assert words == []
    assert net.heard(cursor) == ([], cursor)
    assert len(net.asked) == 1, "an idle account costs one request"
    number = net.says("leo", "bonjour")
    news = net.poll(cursor)
    assert isinstance(news, ChatUpdates)
    (update,) = news.updates
    leo = net.chats.person("leo").person
    assert (update.kind, update.key, update.native_id, update.fan, update.handle) == (
        "message",
        number,
        number,
        leo,
        net.handle("leo"),
    )
    assert (update.text, update.at) == ("bonjour", net.clock().replace(microsecond=0))
    net.clock.move(2)
    settled = net.poll(
        news.cursor
    )  # read again, as it may have changed in the same second; its key is known
    assert isinstance(settled, ChatUpdates)
    assert [one.key for one in settled.updates] in ([], [number])
    assert net.heard(settled.cursor) == ([], settled.cursor)
    assert len(net.asked) == 1


def test_message_in_the_second_of_a_poll_is_received_by_the_next(
    net: MessageSimulation,
) -> None:
    _, cursor = net.heard("")
    net.says("ida", "one")
    first = net.poll(cursor)
    net.says("ida", "two", after=0)  # its conversation reports the same time as before
    net.clock.move(30)
    assert isinstance(first, ChatUpdates)
    second = net.poll(first.cursor)
    assert isinstance(second, ChatUpdates)
    known = {one.key for one in first.updates}
    assert [one.text for one in first.updates] == ["one"]
    assert [one.text for one in second.updates if one.key not in known] == ["two"]
    assert net.heard(second.cursor) == ([], second.cursor)
    assert len(net.asked) == 1, "then the account is idle"


def test_first_message_of_a_new_account_is_received(net: MessageSimulation) -> None:
    _, cursor = net.heard("")
    net.says("ida", "a first word")
    assert net.heard(cursor)[0] == ["a first word"]


def test_own_and_unsent_messages_are_ignored(
    net: MessageSimulation,
) -> None:
    _, cursor = net.heard("")
    net.chats.typed("leo", "typed in the app", net.clock())
    gone = net.says("leo", "take this back")
    net.says("leo", "to you")
    net.chats.unsend("leo", gone)
    assert net.heard(cursor)[0] == ["to you"]


ENCLOSED: list[tuple[str, dict[str, Any], str]] = [
    ("", {"attachments": {"data": [{"image_data": {"url": "https://evil.example/x"}}]}}, "picture"),
    (
        "",
        {"attachments": {"data": [{"mime_type": "audio/mp4", "file_url": "http://10.0.0.1/"}]}},
        "sound",
    ),
    ("", {"attachments": {"data": [{"video_data": {"url": "https://evil.example"}}]}}, "film"),
    ("", {"attachments": {"data": [{"name": "a.exe"}]}}, "file"),
    ("see", {"shares": {"data": [{"link": "https://evil.example"}]}}, "share"),
    ("", {"sticker": "https://evil.example/x"}, "picture"),
    ("so nice", {"story": {"reply_to": {"id": "1", "link": "https://evil.example"}}}, "story"),
    ("", {"story": {"mention": {"id": "2", "link": "https://evil.example"}}}, "mention"),
    ("", {}, "hidden"),
]


@pytest.mark.parametrize(
    ("net", "text", "more", "shows"),
    [
        (name, *one)
        for name in PLATFORMS
        for one in ENCLOSED
        if one[1].keys() <= PLATFORMS[name][1].fields
    ],
    indirect=["net"],
)
def test_enclosed_content_is_named_and_never_fetched(
    net: MessageSimulation, text: str, more: dict[str, Any], shows: str
) -> None:
    _, cursor = net.heard("")
    net.says("leo", text, **more)
    news = net.poll(cursor)
    assert isinstance(news, ChatUpdates)
    (update,) = news.updates
    assert (update.kind, update.text, update.shows) == ("unsupported", text, shows)
    assert not any("evil" in path for path in net.asked)
    assert "evil" not in repr(update), "no URL of the platform is stored"


def test_messages_beyond_the_list_limit_are_left_to_a_member(net: MessageSimulation) -> None:
    net.says("leo", "before")
    _, cursor = net.heard("")
    said = [f"word {number}" for number in range(TOLD + 5)]
    for text in said:
        net.says("leo", text)
    news = net.poll(cursor)
    assert isinstance(news, ChatUpdates)
    first, *others = news.updates
    assert (first.kind, first.shows, first.text) == ("unsupported", "more", "")
    assert [update.text for update in others] == said[-TOLD:]


def test_archived_conversation_does_not_stop_others(net: MessageSimulation) -> None:
    _, cursor = net.heard("")
    net.says("leo", "bye")
    net.says("ida", "hello")
    leo = net.chats.person("leo")
    answers: list[StepResult] = []
    while isinstance(turn := net.platform.listen(cursor, tuple(answers)), Send):
        answers.append(net.answer(turn))
        leo.shut = "archived"  # archived after it was listed
    assert isinstance(turn, ChatUpdates)
    assert [update.text for update in turn.updates] == ["hello"]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_message_is_received_exactly_once(data: st.DataObject) -> None:
    """Users write at any pace and polls fail anywhere; each message is received, those of one user
    in order."""
    net = MessageSimulation(data.draw(st.sampled_from([*PLATFORMS])))
    net.says("p0", "before anything")
    _, cursor = net.heard("")
    net.clock.move(1)
    said: dict[str, list[str]] = {}
    kept: dict[str, list[str]] = {}
    known: set[str] = set()

    def keep(news: ChatUpdates | Outcome, cursor: str) -> str:
        if not isinstance(news, ChatUpdates):
            return cursor
        for update in news.updates:
            if update.key not in known:
                known.add(update.key)
                kept.setdefault(update.handle, []).append(update.text)
        return news.cursor

    for turn in range(data.draw(st.integers(1, 5))):
        for number in range(data.draw(st.integers(0, 25))):
            name = f"p{data.draw(st.integers(0, 30))}"
            if len(said.get(net.handle(name), [])) < TOLD - 2:
                net.says(name, f"{turn}.{number}", after=data.draw(st.sampled_from([0, 0, 1, 40])))
                said.setdefault(net.handle(name), []).append(f"{turn}.{number}")
        cursor = keep(net.poll(cursor, lost=data.draw(st.integers(-1, 6))), cursor)
    for _ in range(6):
        net.clock.move(1)  # a conversation is read again until its second has passed
        cursor = keep(net.poll(cursor), cursor)
    assert kept == said
    assert net.heard(cursor) == ([], cursor)


def no(code: int, sub: int = 0, status: int = 400) -> Response:
    error = {"code": code, "message": "no"} | ({"error_subcode": sub} if sub else {})
    return Response("publish", status, {}, {"error": error})


REFUSALS = [
    (
        no(10, 2534022, 403),
        Rejected(Message(reply_windows.WINDOW_CLOSED, {"hours": 24}), permanent=False),
    ),
    (
        no(10, 2018278),
        Rejected(Message(reply_windows.WINDOW_CLOSED, {"hours": 24}), permanent=False),
    ),
    (no(551, 1545041), Rejected(Message(READER_GONE), permanent=True)),
    (no(100, 2534014), Rejected(Message(READER_GONE), permanent=True)),
    (no(100, 2534001), Rejected(Message("meta.archived"), permanent=False)),
    (no(368), Rejected(Message("meta.messages_stopped"), permanent=False)),
    (no(10), Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False)),
    (no(230), Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False)),
    (no(3), Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False)),
    (
        no(10, 2018028),
        Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False),
    ),  # an application without review by Meta
    (no(100, 2018001), Rejected(Message(READER_GONE), permanent=True)),
    (no(200, 1545041), Rejected(Message(READER_GONE), permanent=True)),
]


@pytest.mark.parametrize(("answer", "meant"), REFUSALS)
def test_message_error_maps_to_outcome(answer: Response, meant: Outcome) -> None:
    assert errors.message_failure_outcome(answer) == meant


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (no(190, 463), Reauthorize),
        (no(613), Retry),
        (no(80002), Retry),
        (no(80006), Retry),
        (no(4), Retry),
        (no(4, 2207051), Uncertain),
        (no(1, 1357046), Uncertain),  # reported for messages that arrived
        (no(1200), Uncertain),  # "temporary", without a statement about delivery
        (no(2), Uncertain),
        (no(2, status=500), Uncertain),
        (StepAnswerLost("publish", "ReadTimeout"), Uncertain),
        (Response("publish", 200, {}, {"recipient_id": "1"}), Uncertain),
        (no(100, 2534026), Rejected),
    ],
)
def test_possible_delivery_is_uncertain_and_rate_limit_is_not(
    net: MessageSimulation, answer: StepResult, meant: type
) -> None:
    assert isinstance(net.platform.next_step(unit(net, "1"), (answer,)), meant)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (no(10), Rejected),
        (no(190), Reauthorize),
        (no(4), Retry),
        (no(2, status=500), Retry),
        (no(1), Retry),
    ],
)
def test_refused_list_maps_to_outcome(
    net: MessageSimulation, answer: Response, meant: type
) -> None:
    """A token without the permission for messages must not disconnect an account that posts."""
    _, cursor = net.heard("")
    outcome = net.platform.listen(cursor, (replace(answer, step="updates"),))
    assert isinstance(outcome, meant)
    if isinstance(outcome, Rejected):
        assert outcome.reason.code == reply_windows.MESSAGES_NOT_ALLOWED


def unit(net: MessageSimulation, to: str, text: str = "Bonjour", **more: Any) -> Unit:
    made = Unit(
        uuid7(), uuid7(), Subject("draft", uuid7()), net.name, SURFACES[net.name], uuid7(), ME, "viewer",
        texts=(Text("body", text),), viewer=to, native_key="k",
    )  # fmt: skip
    return replace(made, **more)


@pytest.mark.parametrize(
    ("text", "more", "code"),
    [
        (" \n", {}, "meta.words_alone"),
        ("x" * 2001, {}, "connectors.text_too_long"),
        ("Oui", {"flags": ("is_ai_generated=true",)}, "connectors.mark_untold"),
        ("Oui", {"buttons": (Button("Yes", "buy", "1"),)}, "meta.words_alone"),
    ],
)
def test_invalid_message_is_rejected_without_request(
    net: MessageSimulation, text: str, more: dict[str, Any], code: str
) -> None:
    turn = net.platform.next_step(unit(net, "1", text, **more), ())
    assert isinstance(turn, Rejected)
    assert turn.reason.code == code


def test_message_over_the_maximum_length_is_rejected(net: MessageSimulation) -> None:
    turn = net.platform.next_step(unit(net, "1", LONGEST[net.name] + "é"), ())
    assert isinstance(turn, Rejected)
    heavy = net.name == "instagram"
    assert turn.reason.code == (
        "connectors.text_too_heavy" if heavy else "connectors.text_too_long"
    )


def test_message_after_the_24_hour_window_is_rejected(net: MessageSimulation) -> None:
    net.says("leo", "hello")
    mine = unit(net, net.chats.person("leo").person, LONGEST[net.name])
    send = net.platform.next_step(mine, ())
    assert isinstance(send, Send)
    net.clock.move(24 * 3600 - 1)
    assert isinstance(net.platform.next_step(mine, (net.answer(send),)), Published)
    net.clock.move(1)
    closed = net.platform.next_step(mine, (net.answer(send),))
    assert closed == Rejected(Message(reply_windows.WINDOW_CLOSED, {"hours": 24}), permanent=False)
    now, can = net.clock(), net.platform.capabilities
    assert (
        reply_windows.closed_window_reason(can, now - timedelta(hours=24), now) == closed.reason
    ), "known without a request"
    assert (
        reply_windows.closed_window_reason(can, now - timedelta(hours=23, minutes=59), now) is None
    )
    assert reply_windows.closed_window_reason(can, None, now) == closed.reason


@pytest.mark.parametrize(
    ("shut", "code"),
    [("gone", READER_GONE), ("blocked", READER_GONE), ("archived", "meta.archived")],
)
def test_unreachable_recipient_is_rejected_with_a_reason(
    net: MessageSimulation, shut: str, code: str
) -> None:
    net.says("leo", "hello")
    talk = net.chats.person("leo")
    talk.shut, mine = shut, unit(net, talk.person)
    send = net.platform.next_step(mine, ())
    assert isinstance(send, Send)
    turn = net.platform.next_step(mine, (net.answer(send),))
    if shut == "archived" and net.name == "facebook":
        assert isinstance(turn, Published), "a Page may write to an archived conversation"
    else:
        assert isinstance(turn, Rejected)
        assert turn.reason.code == code


def looked(net: MessageSimulation, text: str, **more: Any) -> object:
    sought = LookupQuery("k", text, net.clock(), ME, net.chats.person("leo").person, **more)
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := net.platform.look_up(sought, answers), Send):
        assert (turn.step.kind, turn.step.action) == (StepKind.CONTROL, "look")
        answers = (*answers, net.answer(turn))
    return turn


def test_lost_message_is_looked_up_in_the_conversation(net: MessageSimulation) -> None:
    assert isinstance(looked(net, "Bonjour"), Unknown), "without a conversation nothing is proven"
    net.says("leo", "hello")
    net.chats.typed("leo", "Bonjour", net.clock())
    net.clock.move(3600)
    assert isinstance(looked(net, "Bonjour"), Absent), "an older message with the same text"
    net.says("leo", "Bonjour")
    assert isinstance(looked(net, "Bonjour"), Absent), "a message of the recipient is not ours"
    mine = net.chats.typed("leo", "Bonjour", net.clock())
    found = looked(net, "Bonjour")
    assert isinstance(found, Found)
    assert found.native_id == mine.id
    assert isinstance(looked(net, "Bonjour", known=frozenset({mine.id})), Absent)
    for number in range(TOLD):
        net.says("leo", f"more {number}", after=0)
    assert isinstance(looked(net, "Bonjour"), Unknown), "it may be beyond the list limit"
    net.rights = frozenset()
    assert isinstance(looked(net, "Bonjour"), Unknown)


def test_message_cannot_be_removed(net: MessageSimulation) -> None:
    stays = Rejected(Message("meta.message_stays"), permanent=True)
    assert net.platform.remove(PlatformCopy("aWdf", ME, "1"), ()) == stays


def test_poll_stays_within_the_conversation_rate_limit(
    net: MessageSimulation,
) -> None:
    most = messages.MAX_PAGES + messages.MAX_PEOPLE
    assert most <= 20, "a poll has at most 20 requests"
    assert net.platform.capabilities.poll_seconds * 2 > most, "two requests per second"
