"""Comments on Threads: read post by post back to the last reading, hidden and shown."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import Response, Send, StepAnswerLost, StepResult
from connectors.contract.outcomes import Outcome, Published, Reauthorize, Rejected, Retry
from connectors.platforms.threads.comments import MAX_PAGES, MAX_REQUESTS, REPLIES
from connectors.platforms.threads.publisher import Threads

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPOT = CommentTarget("77", "ann", "17")


def ok(**body: Any) -> Response:
    return Response("remarks", 200, body=body)


def wrong(code: int, sub: int = 0, status: int = 400) -> Response:
    return Response("remarks", status, body={"error": {"code": code, "error_subcode": sub}})


def posts(*numbers: str, quiet: tuple[str, ...] = ()) -> Response:
    return ok(
        data=[{"id": one, "has_replies": one not in quiet, "username": "mia"} for one in numbers]
    )


def said(number: int, *, minutes: float = 0, by: object = "ann", **more: Any) -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return {"id": str(number), "text": f"word {number}", "username": by, "timestamp": at, **more}


def page(*entries: object, after: str = "") -> Response:
    return ok(data=list(entries), paging={"cursors": {"after": after}})


NONE = page()


def turn(*answers: StepResult, cursor: str = "") -> Send | CommentPage | None:
    return Threads().list_comments("17", "", cursor, answers)


def asks(*answers: StepResult, cursor: str = "") -> str:
    found = turn(*answers, cursor=cursor)
    assert isinstance(found, Send), found
    return found.step.path


def heard(*answers: StepResult, cursor: str = "") -> CommentPage:
    found = turn(*answers, cursor=cursor)
    assert isinstance(found, CommentPage), found
    return found


def ids(found: CommentPage) -> list[str]:
    return [one.native_id for one in found.found]


def test_posts_mentions_and_replies_are_read_in_order() -> None:
    assert asks().startswith("/{account}/threads?fields=id,has_replies,username&limit=")
    mine = posts("2", "1", quiet=("1",))
    assert asks(mine).startswith("/{account}/mentions?fields=id,text,")
    assert asks(mine, NONE).startswith("/2/conversation?fields=")
    found = heard(
        mine, NONE, page(said(12, minutes=2, permalink="https://t.example/12"), said(11, minutes=1))
    )
    assert ids(found) == ["11", "12"], "oldest first"
    first = found.found[1]
    assert (first.author, first.handle, first.text, first.under) == ("ann", "@ann", "word 12", "2")
    assert (first.url, first.at) == ("https://t.example/12", NOW + timedelta(minutes=2))


def test_next_reading_resumes_at_the_request_limit() -> None:
    mine = posts(*map(str, range(30, 20, -1)))
    many = MAX_REQUESTS - 2
    first = heard(mine, NONE, *[page(said(100 + n)) for n in range(many)])
    assert [one.under for one in first.found] == [str(30 - n) for n in range(many)]
    assert asks(mine, NONE, cursor=first.cursor).startswith(f"/{30 - many}/conversation")
    second = heard(mine, NONE, *[page(said(200 + n)) for n in range(many)], cursor=first.cursor)
    assert [one.under for one in second.found] == ["24", "23", "22", "21", "30", "29"]


def test_post_is_read_back_to_the_last_reading() -> None:
    mine = posts("1")
    first = heard(mine, NONE, page(said(10)))
    fresh = page(*(said(n, minutes=60) for n in range(99, 99 - REPLIES, -1)), after="QVF")
    assert asks(mine, NONE, fresh, cursor=first.cursor).endswith("&after=QVF")
    met = page(said(11, minutes=30), said(10), said(9, minutes=-30), after="QVG")
    found = heard(mine, NONE, fresh, met, cursor=first.cursor)
    assert len(found.found) == REPLIES + 3
    assert json.loads(found.cursor)[5] == {"1": (NOW + timedelta(minutes=60)).isoformat()}


def test_long_conversation_is_resumed_and_ends() -> None:
    """No comment is lost at the limit, and the other posts are read in the end."""
    mine, cursor, pages = posts("2", "1"), "", 0
    for _ in range(10):
        answers: tuple[StepResult, ...] = (mine, NONE)
        while isinstance(found := turn(*answers, cursor=cursor), Send):
            if found.step.path.startswith("/1/"):
                assert pages == MAX_PAGES
                return
            pages += 1
            answers = (*answers, page(said(1000 - pages, minutes=-pages), after=f"QV{pages}"))
        assert isinstance(found, CommentPage)
        assert found.found
        cursor = found.cursor
    raise AssertionError("the other post was never read")


def test_mention_belongs_to_our_post_if_known() -> None:
    mentions = page(
        said(5, root_post={"id": "2"}),
        said(6, root_post={"id": "9"}),
        said(7),
        said(8, root_post="2"),
    )
    found = heard(posts("2", quiet=("2",)), mentions)
    assert {one.native_id: one.under for one in found.found} == {
        "5": "2",
        "6": "",
        "7": "",
        "8": "",
    }
    told_twice = heard(posts("2"), page(said(5)), page(said(5)))
    assert [(one.native_id, one.under) for one in told_twice.found] == [("5", "2")]


def test_own_and_malformed_entries_are_skipped() -> None:
    odd = page(
        said(1, is_reply_owned_by_me=True), said(2, by="mia"), said(3, by=None), said(4, by=""), {"text": "x"}, "x",
        {"id": "../5", "username": "ann"}, {"id": "6", "username": "ann"},
    )  # fmt: skip
    found = heard(posts("9"), NONE, odd)
    assert [(one.native_id, one.text, one.at) for one in found.found] == [("6", "", None)]


@pytest.mark.parametrize(
    "first",
    [
        wrong(10),
        wrong(190),
        wrong(1, status=500),
        StepAnswerLost("remarks", "reset"),
        ok(),
        ok(data={"id": 1}),
    ],
)
def test_failed_list_of_posts_returns_none(first: StepResult) -> None:
    assert turn(first) is None


@pytest.mark.parametrize("mentions", [wrong(10), StepAnswerLost("remarks", "reset"), ok(data="x")])
def test_failed_mentions_do_not_stop_the_reading(mentions: StepResult) -> None:
    assert ids(heard(posts("1"), mentions, page(said(10)))) == ["10"]


def test_failed_conversation_is_read_again() -> None:
    mine = posts("2", "1")
    for bad in (StepAnswerLost("remarks", "reset"), wrong(1, status=500), wrong(4), wrong(10)):
        found = heard(mine, NONE, page(said(10)), bad)
        assert ids(found) == ["10"]
        assert asks(mine, NONE, cursor=found.cursor).startswith("/1/"), (
            "the post is requested again"
        )
    gone = heard(mine, NONE, wrong(24, 4279009), page(said(11)))
    assert [one.under for one in gone.found] == ["1"], "a deleted post does not stop the reading"


@pytest.mark.parametrize(
    "cursor", ["", "x", "[]", "{}", "[1,2]", '["","","","x","",{}]', '["","","",0,"",[]]']
)
def test_invalid_cursor_starts_over(cursor: str) -> None:
    assert ids(heard(posts("1"), NONE, page(said(10)), cursor=cursor)) == ["10"]


def moderated(act: ModerationAction, *answers: StepResult) -> Send | Outcome:
    return Threads().moderate_comment(SPOT, act, answers)


@pytest.mark.parametrize("act", ["hide", "show"])
def test_comment_is_hidden_and_shown(act: ModerationAction) -> None:
    first = moderated(act)
    assert isinstance(first, Send)
    assert (first.step.method, first.step.path) == ("POST", "/77/manage_reply")
    assert first.step.json == {"hide": act == "hide"}
    assert moderated(act, ok(success=True)) == Published("77")
    gone = wrong(24, 4279009)
    look = moderated(act, gone)
    assert isinstance(look, Send)
    assert look.step.action == "look"
    assert moderated(act, gone, gone) == Published("77")
    for bad in (StepAnswerLost("moderate", "reset"), wrong(1), wrong(4), wrong(2, status=503)):
        assert isinstance(moderated(act, bad), Retry)
    assert isinstance(moderated(act, wrong(190)), Reauthorize)
    for refused, word in (
        (ok(success=False), "threads.not_hidden"),
        (wrong(100), "threads.not_hidden"),
        (wrong(10), "threads.no_replies"),
    ):
        outcome = moderated(act, refused)
        assert isinstance(outcome, Rejected)
        assert outcome.reason.code == word


def test_unsupported_actions_are_rejected() -> None:
    assert isinstance(moderated("block"), Rejected)
    assert isinstance(moderated("delete"), Rejected)
