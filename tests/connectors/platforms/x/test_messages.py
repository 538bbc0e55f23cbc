"""Messages on X: received once, in order and at low cost; never sent twice."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.account_setup import WANTED_MESSAGES, ConnectedAccount, OAuthVisit
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
    Disconnected,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.x.account import CHAT_SURFACE, RIGHTS
from connectors.platforms.x.publisher import CAN, X
from connectors.shared import reply_windows
from connectors.shared.http_responses import READER_GONE
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Button, Medium, Text
from tests.connectors.platforms.x.test_publisher import UNIT
from tests.fakes.x.chats import CLOSED
from tests.fakes.x.client import ask
from tests.fakes.x.server import FakeX, x
from tests.fakes.x.state import SCOPES, Member

SENT_AT = datetime(2026, 12, 1, tzinfo=UTC)


PLATFORM = X()
DAY = 24 * 3600


@dataclass
class Net:
    """X over HTTP; requests of Mia's account are sent as the transport would send them."""

    server: FakeX
    mia: Member
    asked: list[str]

    def person(self, name: str) -> Member:
        return self.server.account(name)

    def answer(self, turn: Send) -> StepResult:
        step = turn.step
        self.asked.append(step.path)
        status, told, headers = ask(self.server, self.mia, step.method, step.path, step.json)
        return Response(step.name, status, headers, told)

    def answers(self, cursor: str) -> tuple[tuple[StepResult, ...], ChatUpdates | Outcome]:
        self.asked.clear()
        self.server.limits.windows.clear()
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := PLATFORM.listen(cursor, answers), Send):
            assert (turn.step.kind, turn.step.action, turn.step.method) == (
                StepKind.CONTROL,
                "updates",
                "GET",
            )
            answers = (*answers, self.answer(turn))
        return answers, turn

    def poll(self, cursor: str) -> ChatUpdates:
        news = self.answers(cursor)[1]
        assert isinstance(news, ChatUpdates), news
        return news

    def heard(self, cursor: str) -> tuple[list[str], str]:
        news = self.poll(cursor)
        return [update.text for update in news.updates], news.cursor


@pytest.fixture(scope="module")
def running() -> Iterator[FakeX]:
    with x() as fake:
        yield fake
        assert fake.spec.refused == []


@pytest.fixture(params=["new", "old"])
def names(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def net(running: FakeX) -> Net:
    running.events.clear()
    running.names = "both"
    return Net(running, running.account("mia", scopes=(*SCOPES, "dm.read", "dm.write")), [])


def test_old_messages_are_skipped_and_new_ones_received_once(net: Net, names: str) -> None:
    net.server.names = names
    leo = net.person("leo")
    net.server.says(leo, net.mia, text="long ago")
    words, cursor = net.heard("")
    assert words == []
    assert net.heard(cursor) == ([], cursor)
    assert len(net.asked) == 1, "an idle account costs one request"
    number = net.server.says(leo, net.mia, text="bonjour <3 & https://example.com/a")
    news = net.poll(cursor)
    (update,) = news.updates
    assert (update.kind, update.key, update.fan, update.handle) == (
        "message",
        number,
        leo.id,
        "@leo",
    )
    assert update.text == "bonjour <3 & https://example.com/a"
    assert update.at is not None
    assert abs(update.at - net.server.events[-1].at) < timedelta(seconds=1)
    assert len(net.asked) == 2
    assert net.heard(news.cursor)[0] == []


def test_first_message_of_a_new_account_is_received(net: Net) -> None:
    _, cursor = net.heard("")
    assert net.heard(cursor) == ([], cursor)
    net.server.says(net.person("ida"), net.mia, text="a first word")
    assert net.heard(cursor)[0] == ["a first word"]


def test_own_and_group_messages_are_ignored_and_files_left_to_members(net: Net) -> None:
    leo, ida = net.person("leo"), net.person("ida")
    _, cursor = net.heard("")
    net.server.says(net.mia, leo, text="typed in the app")
    net.server.says(leo, net.mia, ida, text="to all of you")
    net.server.says(leo, net.mia, text="to you alone")
    for kind in ("3", "7", "99"):
        net.server.says(leo, net.mia, text="look", media=(f"{kind}_1",))
    told = [(update.kind, update.shows) for update in net.poll(cursor).updates]
    assert told == [
        ("message", ""),
        ("unsupported", "picture"),
        ("unsupported", "film"),
        ("unsupported", "file"),
    ]


@pytest.mark.parametrize(("many", "requests"), [(9, 2), (10, 3), (130, 4)])
def test_many_messages_are_received_in_order(net: Net, many: int, requests: int) -> None:
    leo = net.person("leo")
    net.server.says(leo, net.mia, text="before")
    _, cursor = net.heard("")
    said = [f"word {number}" for number in range(many)]
    for text in said:
        net.server.says(leo, net.mia, text=text)
    words, cursor = net.heard(cursor)
    assert words == said
    assert len(net.asked) == requests
    assert net.heard(cursor)[0] == []


def test_messages_over_the_list_limit_are_left_to_a_member(net: Net) -> None:
    leo = net.person("leo")
    net.server.says(leo, net.mia, text="before")
    _, cursor = net.heard("")
    for number in range(201):
        net.server.says(leo, net.mia, text=f"word {number}")
    first, second, *rest = net.poll(cursor).updates
    assert (first.kind, first.shows, first.text) == ("unsupported", "more", "")
    assert (second.text, len(rest)) == ("word 1", 199)


def test_interrupted_poll_loses_no_message(net: Net) -> None:
    leo = net.person("leo")
    _, cursor = net.heard("")
    for text in ("one", "two"):
        net.server.says(leo, net.mia, text=text)
    first = PLATFORM.listen(cursor, ())
    assert isinstance(first, Send)
    read = (net.answer(first), StepAnswerLost("updates", "ReadTimeout"))
    assert isinstance(PLATFORM.listen(cursor, read), Retry)
    assert net.heard(cursor)[0] == ["one", "two"]


def test_counted_poll_charges_match_the_bill(net: Net) -> None:
    """One cent for each message that is returned, once a day, and one for the user it belongs to."""
    leo, billed, counted = net.person("leo"), net.server.bill, {"message_read": 0, "person_read": 0}
    net.server.says(leo, net.mia, text="before")
    cursor = ""
    for turn in range(30):
        if turn in (3, 4, 12):
            net.server.says(leo, net.mia, text=f"word {turn}")
        answers, news = net.answers(cursor)
        for what, many in PLATFORM.count_poll_charges(cursor, answers).items():
            counted[what] += many
        assert isinstance(news, ChatUpdates)
        cursor = news.cursor
        net.server.clock.advance(DAY / 10)
    assert sum(counted.values()) == billed[net.mia.id]
    assert counted["message_read"] < 12, "three messages and three days of an idle account"


REFUSED = {"title": "Forbidden", "detail": "Forbidden", "type": "about:blank", "status": 403}
SUSPENDED = {
    "title": "Forbidden",
    "detail": "The user used for authentication is suspended",
    "status": 403,
}


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (Response("updates", 403, {}, REFUSED), Rejected),
        (Response("updates", 403, {}, SUSPENDED), Disconnected),
        (Response("updates", 401, {}, {"title": "Unauthorized"}), Reauthorize),
        (Response("updates", 402, {}, {"title": "CreditsDepleted"}), Retry),
        (Response("updates", 429, {}, {"title": "Too Many Requests"}), Retry),
        (Response("updates", 502, {}, None), Retry),
        (Response("updates", 200, {}, {"data": []}), Retry),
        (StepAnswerLost("updates", "ReadTimeout"), Retry),
    ],
)
def test_refused_list_maps_to_outcome(answer: StepResult, meant: type) -> None:
    """An account without the permission for messages continues to post."""
    found = PLATFORM.listen("1 2 - 0", (answer,))
    assert isinstance(found, meant)
    if isinstance(found, Rejected):
        assert found.reason.code == reply_windows.MESSAGES_NOT_ALLOWED


def unit(net: Net, to: Member, text: str = "Bonjour", **more: Any) -> Any:
    made = replace(
        UNIT, surface=CHAT_SURFACE, audience="viewer", viewer=to.id, account=net.mia.id, media=()
    )
    return replace(made, texts=(Text("body", text),), **more)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"text": " \n"}, "meta.words_alone"),
        ({"text": "x" * 10_001}, "connectors.text_too_long"),
        ({"flags": ("made_with_ai=true",)}, "connectors.mark_untold"),
        ({"buttons": (Button("Yes", "buy", "1"),)}, "meta.words_alone"),
        ({"media": (Medium("a" * 64, "image/png", 1, alt="a"),)}, "meta.words_alone"),
    ],
)
def test_invalid_message_is_rejected_without_request(
    net: Net, more: dict[str, Any], code: str
) -> None:
    turn = PLATFORM.next_step(unit(net, net.person("leo"), **more), ())
    assert isinstance(turn, Rejected)
    assert turn.reason.code == code


def test_long_message_is_sent_whole_and_closed_inbox_rejected(
    net: Net,
) -> None:
    leo = net.person("leo")
    net.server.says(leo, net.mia, text="hi")
    mine = unit(net, leo, "mot " * 200)
    assert PLATFORM.count_text(mine) == (800, 10_000)
    send = PLATFORM.next_step(mine, ())
    assert isinstance(send, Send)
    done = PLATFORM.next_step(mine, (net.answer(send),))
    assert done == Published(net.server.events[-1].id)
    assert net.server.events[-1].text == "mot " * 200
    net.server.closed.add(leo.id)
    assert PLATFORM.next_step(mine, (net.answer(send),)) == Rejected(
        Message(READER_GONE), permanent=True
    )
    assert (
        PLATFORM.next_step(unit(net, replace(leo, id="7")), (Response("message", 201, {}, {}),))
        != done
    )


@pytest.mark.parametrize(
    ("status", "detail", "meant", "code"),
    [
        (403, CLOSED, Rejected, READER_GONE),
        (403, "You have been blocked by the user.", Rejected, READER_GONE),
        (403, "User has been suspended.", Rejected, READER_GONE),
        (
            403,
            "You cannot send messages to users who are not following you.",
            Rejected,
            READER_GONE,
        ),
        (403, "Sender is not verified to send message requests", Rejected, READER_GONE),
        (
            403,
            "The user used for authentication is suspended",
            Disconnected,
            "connectors.account_gone",
        ),
        (
            403,
            "This application may not access or delete your direct messages",
            Rejected,
            reply_windows.MESSAGES_NOT_ALLOWED,
        ),
        (403, "duplicate content", Uncertain, "x.duplicate"),
        (400, "The text is over the max character limit.", Rejected, "connectors.refused"),
        (503, "Over capacity", Uncertain, "connectors.unclear_answer"),
        (200, "", Uncertain, "connectors.unclear_answer"),
    ],
)
def test_refused_message_maps_to_outcome(
    net: Net, status: int, detail: str, meant: type, code: str
) -> None:
    body = {"title": "Forbidden", "detail": detail, "type": "about:blank"} if detail else {}
    outcome = PLATFORM.next_step(
        unit(net, net.person("leo")), (Response("message", status, {}, body),)
    )
    assert isinstance(outcome, meant)
    assert isinstance(outcome, Rejected | Uncertain | Disconnected)
    assert outcome.reason.code == code


def test_used_up_rate_window_is_waited_for(net: Net) -> None:
    leo = net.person("leo")
    net.server.limits.windows.clear()
    send = PLATFORM.next_step(unit(net, leo), ())
    assert isinstance(send, Send)
    for _ in range(15):
        net.answer(send)
    waits = PLATFORM.next_step(unit(net, leo), (net.answer(send),))
    assert isinstance(waits, Retry)
    assert waits.scope == "account"
    assert timedelta(minutes=14) < waits.after <= timedelta(minutes=15, seconds=2)


def looked(net: Net, to: Member, text: str, **more: Any) -> object:
    net.server.limits.windows.clear()
    sought = LookupQuery("k", text, net.server.clock(), net.mia.id, to.id, **more)
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := PLATFORM.look_up(sought, answers), Send):
        assert (turn.step.kind, turn.step.action) == (StepKind.CONTROL, "look")
        answers = (*answers, net.answer(turn))
    return turn


def test_lost_message_is_looked_up_by_its_text(net: Net) -> None:
    leo, server = net.person("leo"), net.server
    assert CAN.repeat_safe_until(SENT_AT, under="", chat=leo.id) == SENT_AT, (
        "a repeat would be a second message"
    )
    assert isinstance(looked(net, leo, "Bonjour"), Unknown), (
        "the owner may have deleted the conversation"
    )
    server.says(leo, net.mia, text="Bonjour")
    server.says(net.mia, leo, text="Bonjour")
    server.clock.advance(3600)
    assert isinstance(looked(net, leo, "Bonjour"), Absent), (
        "an older message with the same text, and one of the recipient"
    )
    mine = server.says(net.mia, leo, text="Bonjour & https://example.com/a")
    for number in range(12):
        server.says(leo, net.mia, text=f"more {number}")
    found = looked(net, leo, " Bonjour & https://example.com/a ")
    assert isinstance(found, Found)
    assert found.native_id == mine
    assert isinstance(
        looked(net, leo, "Bonjour & https://example.com/a", known=frozenset({mine})), Absent
    )
    for number in range(40):
        server.says(leo, net.mia, text=f"and more {number}")
    assert isinstance(looked(net, leo, "Bonjour & https://example.com/a"), Unknown), (
        "further pages cost money, so a member checks"
    )


def test_message_cannot_be_removed() -> None:
    copy = PlatformCopy("1", "2", "3")
    assert PLATFORM.remove(copy, ()) == Rejected(Message("x.message_stays"), permanent=True)
    assert PLATFORM.read_metrics(copy, ()) is None
    assert PLATFORM.check_presence(copy, ()) is None
    assert not CAN.can_remove(chat="3")


@pytest.mark.parametrize("wanted", ["", WANTED_MESSAGES])
def test_message_scopes_are_requested_only_if_selected(wanted: str) -> None:
    form = {
        "client_id": "c",
        "redirect_uri": "https://house/back",
        **({"wanted": wanted} if wanted else {}),
    }
    visit = PLATFORM.connect(form, ())
    assert isinstance(visit, OAuthVisit)
    assert set(RIGHTS.split()) <= set(visit.asked["scope"].split()) or not wanted
    assert ("dm.read" in visit.asked["scope"]) == bool(wanted)
    token = Response("token", 200, {}, {"expires_in": 7200}, {"access_token": Sealed(b"t")})
    me = Response("me", 200, {}, {"data": {"id": "12", "username": "mia"}})
    form |= {"code": "c", "verifier": "v"}
    found = PLATFORM.connect(form, (token, me))
    assert isinstance(found, ConnectedAccount)
    assert (found.surface, found.chat_surface) == ("x.post", CHAT_SURFACE if wanted else "")


def test_block_by_a_user_does_not_disconnect_the_account() -> None:
    told = {
        "title": "Forbidden",
        "detail": "You have been blocked from replying to this post.",
        "status": 403,
    }
    assert isinstance(PLATFORM.next_step(UNIT, (Response("publish", 403, {}, told),)), Rejected)
