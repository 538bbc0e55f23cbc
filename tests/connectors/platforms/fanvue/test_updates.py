"""Receiving fan messages on Fanvue: only those of fans, poll by poll, without loss."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from connectors.contract.chats import ChatUpdates
from connectors.contract.connector import (
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
)
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Retry
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.fanvue.updates import BEFORE, ENOUGH, MAX_PAGES, ChatCursor

PLATFORM = Fanvue()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ME, LEO, IDA = (str(UUID(int=number)) for number in (9, 1, 2))


def number(of: int) -> str:
    return str(UUID(int=1000 + of))


def written(
    of: int, text: str | None = "hi", *, by: str = LEO, at: datetime = NOW, **more: Any
) -> dict[str, Any]:
    told = {
        "uuid": number(of),
        "text": text,
        "sentAt": at.isoformat(),
        "sender": {"uuid": by, "handle": "x"},
    }
    return {**told, "hasMedia": False, "type": "SINGLE_RECIPIENT", **more}


@dataclass
class Chats:
    """Fanvue as a poll reads it: messages by chat, oldest first, and the requests received."""

    said: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unread: int = 1
    at: datetime = NOW
    asked: list[str] = field(default_factory=list)
    refuses: Callable[[str], StepResult | None] = lambda path: None
    size: int = 50

    def answer(self, path: str) -> StepResult:
        self.asked.append(path)
        refused = self.refuses(path)
        if refused is not None:
            return refused
        place, _, query = path.partition("?")
        page = int(query.partition("page=")[2].partition("&")[0])
        rows = self.listed() if place == "/chats" else self.said[place.split("/")[2]][::-1]
        first, last = (page - 1) * self.size, page * self.size
        body = {
            "data": rows[first:last],
            "pagination": {"page": page, "size": 1, "hasMore": len(rows) > last},
        }
        return Response("updates", 200, {"date": format_datetime(self.at, usegmt=True)}, body)

    def listed(self) -> list[dict[str, Any]]:
        spoken = sorted(self.said.items(), key=lambda each: each[1][-1]["sentAt"], reverse=True)
        return [self.row(fan, said[-1]) for fan, said in spoken]

    def row(self, fan: str, last: Mapping[str, Any]) -> dict[str, Any]:
        told = {name: last[name] for name in ("uuid", "text", "type", "sentAt")}
        return {
            "user": {"uuid": fan, "handle": f"fan{fan[-2:]}"},
            "lastMessageAt": last["sentAt"],
            "unreadMessagesCount": self.unread,
            "lastMessage": {**told, "senderUuid": last["sender"]["uuid"]},
        }


def poll(chats: Chats, cursor: str) -> ChatUpdates | Outcome:
    """Poll once."""
    answers: tuple[StepResult, ...] = ()
    chats.asked.clear()
    while isinstance(turn := PLATFORM.listen(cursor, answers), Send):
        assert (turn.step.kind, turn.step.action, turn.step.method) == (
            StepKind.CONTROL,
            "updates",
            "GET",
        )
        answers = (*answers, chats.answer(turn.step.path))
    assert len(chats.asked) <= ENOUGH + MAX_PAGES
    return turn


def heard(chats: Chats, cursor: str) -> tuple[list[str], str]:
    news = poll(chats, cursor)
    assert isinstance(news, ChatUpdates), news
    return [update.text for update in news.updates], news.cursor


def begun(at: datetime = NOW) -> str:
    """Return the cursor of an account that was read until then."""
    return ChatCursor(at, at).to_cursor


def test_first_poll_starts_at_the_present() -> None:
    old, fresh = NOW - timedelta(days=3), NOW - timedelta(seconds=5)
    chats = Chats(
        {
            LEO: [written(1, "long ago", at=old), written(2, "just now", at=fresh)],
            IDA: [written(3, at=old)],
        }
    )
    words, cursor = heard(chats, "")
    assert words == ["just now"]
    assert len(chats.asked) == 2, "chats without new messages are not read"
    chats.said[IDA].append(written(4, "after", by=IDA, at=NOW + timedelta(minutes=9)))
    assert heard(chats, cursor)[0] == ["after"]


def test_account_without_chats_starts_at_the_platform_time() -> None:
    words, cursor = heard(Chats(), "")
    assert words == []
    assert heard(Chats({LEO: [written(1, "first")]}), cursor)[0] == ["first"]
    silent = replace(
        Chats(), refuses=lambda path: Response("updates", 200, {}, {"data": [], "pagination": {}})
    )
    assert heard(silent, "") == ([], ""), "without a Date header the cursor starts over"


def test_idle_account_costs_one_request_and_keeps_its_cursor() -> None:
    chats = Chats({LEO: [written(1)]})
    _, cursor = heard(chats, begun(NOW - timedelta(seconds=10)))
    _, cursor = heard(chats, cursor)
    for _ in range(3):
        assert heard(chats, cursor) == ([], cursor)
        assert chats.asked == ["/chats?page=1&size=50&sortBy=most_recent_messages"]


def test_polling_marks_nothing_as_read() -> None:
    chats = Chats({LEO: [written(1)]})
    poll(chats, begun())
    assert chats.asked[1] == f"/chats/{LEO}/messages?page=1&size=50&markAsRead=false"


def test_only_fan_messages_are_received() -> None:
    kinds = (
        "AUTOMATED_NEW_FOLLOWER",
        "AUTOMATED_CHAT_MESSAGE_REPLY",
        "BROADCAST",
        "MARKETING_KYC",
        "GHOST_PROMOTION",
    )
    mine = [
        written(n, "ours", by=ME, type=kind) for n, kind in enumerate((*kinds, "SINGLE_RECIPIENT"))
    ]
    odd = [
        written(20 + n, "theirs", type=kind)
        for n, kind in enumerate((*kinds, "LOCKED_MESSAGE_UNLOCKED"))
    ]
    chats = Chats({LEO: [*mine, *odd, written(50, "it is me", type="CHAT_TEXT_REPLY")]})
    news = poll(chats, begun())
    assert isinstance(news, ChatUpdates)
    sale, update = news.updates
    assert (sale.kind, sale.fan) == ("unlocked", LEO), "whatever the sender field contains"
    assert (update.kind, update.fan, update.handle, update.text) == (
        "message",
        LEO,
        "@fan01",
        "it is me",
    )
    assert (update.key, update.native_id, update.at) == (number(50), number(50), NOW)


@pytest.mark.parametrize(
    "more",
    [
        {"hasMedia": True, "text": "look"},
        {"hasMedia": True, "text": None},
        {"type": "TIP"},
        {"type": "VOICE_CALL", "text": None},
        {"type": "SOMETHING_NEW"},
    ],
)
def test_message_with_media_is_left_to_a_member(more: dict[str, Any]) -> None:
    news = poll(Chats({LEO: [written(1, **more)]}), begun())
    assert isinstance(news, ChatUpdates)
    assert [(one.kind, one.text) for one in news.updates] == [
        ("unsupported", more.get("text", "hi") or "")
    ]


def test_messages_are_ordered_even_with_equal_times() -> None:
    chats = Chats({LEO: [written(n, str(n)) for n in range(120)]})
    words, cursor = heard(chats, begun())
    assert words == [str(n) for n in range(120)]
    assert len(chats.asked) == 4
    chats.said[LEO].append(written(200, "same moment"))
    assert heard(chats, cursor)[0][-1] == "same moment"
    chats.said[IDA] = [written(300, "another chat, same moment", by=IDA)]
    assert "another chat, same moment" in heard(chats, cursor)[0]


def test_late_listed_message_is_received() -> None:
    chats = Chats({LEO: [written(1)]})
    _, cursor = heard(chats, begun())
    chats.said[IDA] = [written(2, "late", by=IDA, at=NOW - BEFORE / 2)]
    assert heard(chats, cursor)[0] == ["late"]


def test_removed_message_hides_no_other() -> None:
    chats = Chats({LEO: [written(1, "stays"), written(2, "goes", at=NOW + timedelta(seconds=1))]})
    _, cursor = heard(chats, begun())
    chats.said[LEO].pop()
    assert heard(chats, cursor)[1], "the shorter list is read"
    chats.said[LEO].append(written(3, "and again", at=NOW + timedelta(seconds=30)))
    assert heard(chats, cursor)[0][-1] == "and again"


def test_remaining_chats_are_read_by_the_next_polls() -> None:
    fans = [str(UUID(int=100 + n)) for n in range(130)]
    chats = Chats(
        {
            fan: [written(n, f"from {n}", by=fan, at=NOW + timedelta(seconds=n))]
            for n, fan in enumerate(fans)
        }
    )
    cursor, all_words, polls = begun(), [], 0
    while len(set(all_words)) < len(fans):
        words, cursor = heard(chats, cursor)
        all_words += words
        polls += 1
        if polls == 5:  # a fan on a later page writes again and moves to the first page
            late = fans[3]
            chats.said[late].append(
                written(999, "me again", by=late, at=NOW + timedelta(minutes=10))
            )
        assert polls < 40
    while "me again" not in all_words:
        words, cursor = heard(chats, cursor)
        all_words += words
    assert {*all_words} == {*(f"from {n}" for n in range(130)), "me again"}
    for _ in range(3):
        words, cursor = heard(chats, cursor)
    assert heard(chats, cursor) == ([], cursor)
    assert len(cursor) < 8000


def test_new_message_is_received_despite_remaining_chats() -> None:
    fans = [str(UUID(int=100 + n)) for n in range(200)]
    chats = Chats(
        {fan: [written(n, by=fan, at=NOW + timedelta(seconds=n))] for n, fan in enumerate(fans)}
    )
    cursor = begun()
    for _ in range(8):
        _, cursor = heard(chats, cursor)
    chats.said[LEO] = [written(999, "here", at=NOW + timedelta(minutes=30))]
    assert "here" in heard(chats, cursor)[0]


def test_mass_message_does_not_cause_thousands_of_reads() -> None:
    sent = [str(UUID(int=100 + n)) for n in range(900)]
    chats = Chats(
        {fan: [written(n, by=ME, type="BROADCAST")] for n, fan in enumerate(sent)}, unread=0
    )
    chats.said[LEO] = [written(2000, "for me?", at=NOW + timedelta(seconds=1))]
    cursor, all_words, requests = begun(), [], 0
    for _ in range(60):
        words, cursor = heard(chats, cursor)
        all_words += words
        requests += len(chats.asked)
        chats.at += timedelta(seconds=10)
    assert all_words == ["for me?"]
    assert len(chats.asked) == 1, "after ten minutes polls are short again"
    assert requests < 500
    chats.unread = 1
    chats.said = {LEO: [written(1, "wait"), written(2, "to all", by=ME, type="BROADCAST")]}
    assert heard(chats, begun())[0] == ["wait"], "unread messages precede the mass message"


def test_long_backlog_is_left_to_a_member() -> None:
    chats = Chats({LEO: [written(n, str(n)) for n in range(MAX_PAGES * 50 + 30)]})
    news = poll(chats, begun())
    assert isinstance(news, ChatUpdates)
    assert [one.kind for one in news.updates[:2]] == ["unsupported", "message"]
    assert len(news.updates) == MAX_PAGES * 50 + 1


def _of(fan: str, refused: StepResult, path: str) -> StepResult | None:
    return refused if fan in path else None


def test_refused_chat_does_not_stop_other_chats() -> None:
    for status, told in ((403, 2), (404, 1)):
        chats = Chats(
            {LEO: [written(1)], IDA: [written(2, "heard", by=IDA, at=NOW - timedelta(seconds=1))]}
        )
        refused = Response(
            "updates", status, {}, {"message": "No conversation found with the given user"}
        )
        chats.refuses = partial(_of, LEO, refused)
        news = poll(chats, begun())
        assert isinstance(news, ChatUpdates)
        assert (len(news.updates), news.updates[-1].text) == (told, "heard")


@pytest.mark.parametrize(
    ("bad", "meant"),
    [
        (Response("updates", 429, {"retry-after": "9"}, {"error": "Too Many Requests"}), Retry),
        (Response("updates", 401, {}, {"error": "Unauthorized"}), Reauthorize),
        (
            Response("updates", 403, {}, {"error": "Insufficient scope: read:chat is required"}),
            Reauthorize,
        ),
        (Response("updates", 403, {}, {"error": "Account suspended"}), Disconnected),
        (Response("updates", 410, {}, {"error": "gone"}), Retry),
        (Response("updates", 503), Retry),
        (Response("updates", 200, {}, {"data": "?"}), Retry),
        (StepAnswerLost("updates", "ReadTimeout"), Retry),
        (StepNotSent("updates", "ConnectError"), Retry),
    ],
)
def test_failed_poll_keeps_messages_read_before_it(bad: Any, meant: type[Outcome]) -> None:
    chats = Chats(
        {
            LEO: [written(1, "first", at=NOW + timedelta(seconds=1))],
            IDA: [written(2, "then", by=IDA)],
        }
    )
    chats.refuses = lambda path: bad
    assert isinstance(poll(chats, begun()), meant)
    chats.refuses = lambda path: bad if IDA in path else None
    if isinstance(bad, Response) and bad.status == 410:
        return  # one refused chat is skipped
    words, cursor = heard(chats, begun())
    assert words == ["first"]
    assert isinstance(poll(chats, cursor), meant), "no further messages before the failed chat"
    chats.refuses = lambda path: None
    assert heard(chats, cursor)[0] == ["then"]


def test_dates_without_time_are_read() -> None:
    chats = Chats(
        {LEO: [written(1, "today", sentAt="2026-11-22"), written(2, "too", sentAt="2026-11-22")]}
    )
    chats.said[IDA] = [written(3, "yesterday", by=IDA, sentAt="2026-11-20")]
    assert heard(chats, "")[0] == ["today", "too"]


def test_future_dated_message_does_not_stop_others() -> None:
    chats = Chats({LEO: [written(1, "from tomorrow", at=NOW + timedelta(days=400))]})
    words, cursor = heard(chats, begun())
    assert words == ["from tomorrow"]
    chats.said[IDA] = [written(2, "today", by=IDA, at=NOW + timedelta(seconds=20))]
    chats.at += timedelta(seconds=30)
    words, cursor = heard(chats, cursor)
    assert words == ["today"]
    assert heard(chats, cursor)[0] == []


def test_malformed_list_is_read_as_far_as_possible() -> None:
    chats = Chats({LEO: [written(1, "heard")]})
    good = chats.listed()
    strange = [
        7,
        {},
        {"user": None},
        {"user": {"uuid": "../x"}, "lastMessage": {}},
        {**good[0], "lastMessage": None},
    ]
    strange.append(
        {**good[0], "user": {"uuid": IDA}, "lastMessageAt": None, "lastMessage": {"sentAt": "?"}}
    )
    body = {"data": [*strange, *good], "pagination": {"hasMore": False}}
    chats.refuses = lambda path: (
        Response("updates", 200, {}, body) if path.startswith("/chats?") else None
    )
    assert heard(chats, begun())[0] == ["heard"]
    for cursor in (
        "{}",
        "[]",
        "12",
        "{",
        json.dumps({"page": "x", "read": []}),
        '{"low": 3, "page": 1, "read": []}',
    ):
        assert isinstance(PLATFORM.listen(cursor, ()), Send)
