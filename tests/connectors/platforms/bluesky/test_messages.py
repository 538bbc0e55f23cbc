"""Messages on Bluesky: received once and in order, and never sent twice."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.conformance.fake_servers import AdjustableClock
from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.capabilities import FOREVER
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
    Reauthorize,
    Rejected,
    Retry,
    Unknown,
)
from connectors.platforms.bluesky.account import CHAT_SURFACE
from connectors.platforms.bluesky.messages import BEGINNING, MAX_PEOPLE, PROXY
from connectors.platforms.bluesky.publisher import CAN, Bluesky
from connectors.shared.http_responses import READER_GONE
from connectors.transport.response_filter import keep_fields
from foundation.i18n.translation import Message
from foundation.ops.fault_injection import FaultBook
from gate.contract.units import Button, Text
from tests.connectors.platforms.bluesky.test_publisher import READS, UNIT, signed_in
from tests.fakes.bluesky import chats as bluesky_chats
from tests.fakes.bluesky.server import FakeBluesky, Repo
from tests.fakes.bluesky.sessions import XrpcError

SENT_AT = datetime(2026, 12, 1, tzinfo=UTC)


PLATFORM = Bluesky()


@dataclass
class Net:
    """A simulated network without HTTP that answers requests of Mia's account."""

    server: FakeBluesky
    mia: Repo
    asked: list[str]

    def person(self, name: str) -> Repo:
        return self.server.account(f"{name}.bsky.social")

    def answer(self, turn: Send) -> StepResult:
        step = turn.step
        nsid, _, query = step.path.removeprefix("/xrpc/").partition("?")
        self.asked.append(nsid.rpartition(".")[2])
        if nsid == "com.atproto.server.getSession":
            return Response(step.name, 200, {}, {"did": self.mia.did})
        assert dict(step.headers) == PROXY
        pairs = (pair.partition("=") for pair in query.split("&") if pair)
        asked = {name: [value.replace("%3A", ":")] for name, _, value in pairs}
        try:
            told = bluesky_chats.answer(self.server, self.mia, nsid, asked, dict(step.json or {}))
        except XrpcError as refused:
            return Response(
                step.name, refused.status, {}, {"error": refused.name, "message": refused.message}
            )
        return Response(step.name, 200, {}, keep_fields(told, step.only) if step.only else told)

    def poll(self, cursor: str) -> ChatUpdates | Outcome:
        self.asked.clear()
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := PLATFORM.listen(cursor, answers), Send):
            assert (turn.step.kind, turn.step.action, turn.step.method) == (
                StepKind.CONTROL,
                "updates",
                "GET",
            )
            answers = (*answers, self.answer(turn))
        return turn

    def heard(self, cursor: str) -> tuple[list[str], str]:
        news = self.poll(cursor)
        assert isinstance(news, ChatUpdates), news
        return [update.text for update in news.updates], news.cursor


@pytest.fixture
def net() -> Net:
    clock = AdjustableClock()
    server = FakeBluesky(clock, FaultBook(clock=clock))
    return Net(server, server.account("mia.bsky.social"), [])


def test_old_messages_are_skipped_and_new_ones_received_once(net: Net) -> None:
    leo = net.person("leo")
    bluesky_chats.send_message(net.server, leo, net.mia, "long ago")
    words, cursor = net.heard("")
    assert words == []
    assert net.heard(cursor) == ([], cursor)
    assert net.asked == ["getLog"], "an idle account costs one request"
    number = bluesky_chats.send_message(net.server, leo, net.mia, "bonjour")
    news = net.poll(cursor)
    assert isinstance(news, ChatUpdates)
    (update,) = news.updates
    assert (update.kind, update.key, update.fan, update.handle) == (
        "message",
        number,
        leo.did,
        "@leo.bsky.social",
    )
    assert (update.text, update.at) == ("bonjour", net.server.chats.log[-1][2].at)
    assert net.heard(news.cursor)[0] == []


def test_first_message_of_a_new_account_is_received(net: Net) -> None:
    _, cursor = net.heard("")
    assert cursor.endswith(BEGINNING)
    bluesky_chats.send_message(net.server, net.person("ida"), net.mia, "a first word")
    assert net.heard(cursor)[0] == ["a first word"]


def test_own_group_and_deleted_messages_are_ignored(net: Net) -> None:
    leo, chats = net.person("leo"), net.server.chats
    _, cursor = net.heard("")
    convo = chats.between(leo.did, net.mia.did)
    group = chats.open((leo.did, net.mia.did, net.person("ida").did), group=True)
    chats.put(convo, net.mia.did, "typed in the app", net.server.clock())
    chats.put(group, leo.did, "to all of you", net.server.clock())
    chats.put(convo, leo.did, "take this back", net.server.clock()).gone.add(net.mia.did)
    bluesky_chats.send_message(net.server, leo, net.mia, "to you alone")
    bluesky_chats.send_message(
        net.server, leo, net.mia, "look", embed={"$type": "app.bsky.embed.record"}
    )
    news = net.poll(cursor)
    assert isinstance(news, ChatUpdates)
    told = [(update.kind, update.text) for update in news.updates if update.text]
    assert told == [("message", "to you alone"), ("unsupported", "look")]


def test_conversations_over_the_poll_limit_are_read_next(net: Net) -> None:
    _, cursor = net.heard("")
    said = [f"word {number}" for number in range(MAX_PEOPLE + 4)]
    for number, text in enumerate(said):
        bluesky_chats.send_message(net.server, net.person(f"p{number}"), net.mia, text)
    first, cursor = net.heard(cursor)
    assert len(net.asked) == 1 + MAX_PEOPLE
    then, cursor = net.heard(cursor)
    assert first + then == said
    assert net.heard(cursor)[0] == []


def test_interrupted_poll_loses_no_message(net: Net) -> None:
    _, cursor = net.heard("")
    for name in ("leo", "ida"):
        bluesky_chats.send_message(net.server, net.person(name), net.mia, f"I am {name}")
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := PLATFORM.listen(cursor, answers), Send):
        lost = len(answers) == 2
        answers = (*answers, StepAnswerLost("updates", "ReadTimeout") if lost else net.answer(turn))
    assert isinstance(turn, ChatUpdates)
    assert [update.text for update in turn.updates] == ["I am leo"]
    assert net.heard(turn.cursor)[0] == ["I am ida"]


def test_blocking_user_does_not_stop_other_messages(net: Net) -> None:
    leo, ida = net.person("leo"), net.person("ida")
    _, cursor = net.heard("")
    bluesky_chats.send_message(net.server, leo, net.mia, "bye")
    bluesky_chats.send_message(net.server, ida, net.mia, "hello")
    net.server.chats.blocked.add((leo.did, net.mia.did))
    assert net.heard(cursor)[0] == ["hello"]


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (
            Response("updates", 400, {}, {"error": "InvalidToken", "message": "Bad token method"}),
            Rejected,
        ),
        (
            Response("updates", 400, {}, {"error": "ExpiredToken", "message": "Token has expired"}),
            Reauthorize,
        ),
        (
            Response(
                "updates",
                400,
                {},
                {"error": "InvalidToken", "message": "Token could not be verified"},
            ),
            Reauthorize,
        ),
        (Response("updates", 429, {}, {"error": "RateLimitExceeded"}), Retry),
        (Response("updates", 502, {}, None), Retry),
        (StepAnswerLost("updates", "ReadTimeout"), Retry),
    ],
)
def test_refused_log_maps_to_outcome(answer: StepResult, meant: type) -> None:
    """An app password without access to messages must not disconnect an account that posts."""
    assert isinstance(PLATFORM.listen(f"did:plc:x {BEGINNING}", (answer,)), meant)


def unit(net: Net, to: Repo, text: str = "Bonjour", **more: Any) -> Any:
    made = replace(
        UNIT,
        surface=CHAT_SURFACE,
        audience="viewer",
        viewer=to.did,
        account=net.mia.did,
        native_key="k",
    )
    return replace(made, texts=(Text("body", text),), **more)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"text": " \n"}, "bluesky.empty"),
        ({"text": "x" * 1001}, "connectors.text_too_long"),
        ({"text": "👩‍👩‍👧‍👦" * 900}, "connectors.text_too_heavy"),
        ({"flags": ("selfLabels=porn",)}, "connectors.mark_untold"),
        ({"buttons": (Button("Yes", "buy", "1"),)}, "bluesky.no_sales"),
    ],
)
def test_invalid_message_is_rejected_without_request(
    net: Net, more: dict[str, Any], code: str
) -> None:
    turn = PLATFORM.next_step(unit(net, net.person("leo"), **more), ())
    assert isinstance(turn, Rejected)
    assert turn.reason.code == code


def test_links_get_facets_and_unreachable_recipient_is_rejected(net: Net) -> None:
    leo = net.person("leo")
    bluesky_chats.send_message(net.server, leo, net.mia, "between us")
    mine = unit(net, leo, "Voir https://example.org")
    first = PLATFORM.next_step(mine, ())
    assert isinstance(first, Send)
    assert "between us" not in str(net.answer(first)), "no received text is stored with it"
    send = PLATFORM.next_step(mine, (net.answer(first),))
    assert isinstance(send, Send)
    assert send.step.json is not None
    assert [each["index"] for each in send.step.json["message"]["facets"]] == [
        {"byteStart": 5, "byteEnd": 24}
    ]
    net.server.chats.takes[leo.did] = "none"
    assert PLATFORM.next_step(mine, (net.answer(first),)) == Rejected(
        Message(READER_GONE), permanent=True
    )
    net.server.chats.suspended.add(net.mia.did)
    assert PLATFORM.next_step(mine, (net.answer(first),)) == Rejected(
        Message("bluesky.chat_suspended"), permanent=False
    )


def looked(net: Net, to: Repo, text: str, **more: Any) -> object:
    sought = LookupQuery("k", text, net.server.clock(), net.mia.did, to.did, **more)
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := PLATFORM.look_up(sought, answers), Send):
        assert (turn.step.kind, turn.step.action) == (StepKind.CONTROL, "look")
        answers = (*answers, net.answer(turn))
    return turn


def test_lost_message_is_looked_up_before_a_resend(net: Net) -> None:
    leo, chats, now = net.person("leo"), net.server.chats, net.server.clock
    assert CAN.repeat_safe_until(SENT_AT, under="") == FOREVER
    assert CAN.repeat_safe_until(SENT_AT, under="", chat=leo.did) == SENT_AT, (
        "a repeat would be a second message"
    )
    convo = chats.between(leo.did, net.mia.did)
    chats.put(convo, net.mia.did, "Bonjour", now())
    now.advance(3600)
    assert isinstance(looked(net, leo, "Bonjour"), Absent), "an older message with the same text"
    for number in range(130):
        chats.put(convo, leo.did, f"talk {number}", now())
    chats.put(convo, leo.did, "Bonjour", now())
    assert isinstance(looked(net, leo, "Bonjour"), Absent), "a message of the recipient is not ours"
    mine = chats.put(convo, net.mia.did, "Bonjour", now())
    for number in range(130):
        chats.put(convo, leo.did, f"more {number}", now())
    assert looked(net, leo, "Bonjour") == Found(mine.id, "", mine.at)
    assert isinstance(looked(net, leo, "Bonjour", known=frozenset({mine.id})), Absent)
    mine.gone.add(net.mia.did)
    assert isinstance(looked(net, leo, "Bonjour"), Unknown), (
        "the deleted message has no text to compare"
    )


def test_message_cannot_be_removed() -> None:
    stays = Rejected(Message("bluesky.message_stays"), permanent=False)
    assert PLATFORM.remove(PlatformCopy("m1", "did:plc:mia", "did:plc:leo"), ()) == stays
    assert PLATFORM.read_metrics(PlatformCopy("m1", "did:plc:mia", "did:plc:leo"), ()) is None


def test_account_connects_without_message_permission() -> None:
    shut = Response("chats", 400, body={"error": "InvalidToken", "message": "Bad token method"})
    away = (Response("chats", 502), StepAnswerLost("chats", "ReadTimeout"))
    for answer, surface in (
        (READS, "bluesky.message"),
        (shut, ""),
        *((each, "bluesky.message") for each in away),
    ):
        found = signed_in(answer)
        assert isinstance(found, ConnectedAccount)
        assert (found.surface, found.chat_surface) == ("bluesky.post", surface)
