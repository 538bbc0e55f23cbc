"""Comments on Reddit: inbox entries, authors of the posts, replies and moderation."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepAnswerLost,
    StepNotSent,
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
from connectors.platforms.reddit.account import NSFW_MARK
from connectors.platforms.reddit.comments import (
    AUTHOR_STEP,
    MAX_PAGES,
    MAX_TEXT,
    MODERATION_ACTIONS,
    REASON,
)
from connectors.transport import references
from gate.contract.units import COMMENT_REFERENCE, Reference, Text
from tests.connectors.platforms.reddit.test_publisher import (
    NOW,
    PICTURES,
    PLATFORM,
    PUBLISH,
    UNIT,
    said,
)

NEWEST = 1_795_348_800
"""Time of the newest entry, in seconds since 1970."""

DAY = 86_400
ANSWER = replace(
    UNIT, texts=(Text("body", "thanks"),), references=(Reference(COMMENT_REFERENCE, "t1_c1"),)
)
SPOT = CommentTarget("t1_c1", "leo", UNIT.account)
SOUGHT = LookupQuery("key-1", "thanks", NOW, UNIT.account, asked_at=NOW, reply_to="t1_c1")


def entry(number: str, why: str = "post_reply", at: float = NEWEST, **more: Any) -> dict[str, Any]:
    told = {
        "name": f"t1_{number}",
        "author": "leo",
        "body": "nice",
        "subreddit": "Lakes",
        "created_utc": at,
    }
    told |= {"type": why, "parent_id": "t3_p1" if why == "post_reply" else "t1_x"}
    return told | {"context": f"/r/Lakes/comments/p1/a_lake/{number}/?context=3"} | more


def page(*entries: Any, after: str | None = None, step: str = "remarks") -> Response:
    children = [{"kind": "t1", "data": one} if isinstance(one, dict) else one for one in entries]
    return said(step, 200, {"kind": "Listing", "data": {"children": children, "after": after}})


def heard(cursor: str, *answers: StepResult) -> Send | CommentPage | None:
    return PLATFORM.list_comments(UNIT.account, "", cursor, answers)


def asked(cursor: str, *answers: StepResult) -> str:
    turn = heard(cursor, *answers)
    assert isinstance(turn, Send)
    assert (turn.step.kind, turn.step.action, turn.step.method) == ("control", "updates", "GET")
    assert "user-agent" in turn.step.headers
    return turn.step.path


def test_comment_under_a_post_has_author_text_and_post() -> None:
    told = heard("", page(entry("c2", at=NEWEST), entry("c1", at=NEWEST - 5)))
    assert isinstance(told, CommentPage)
    assert [(one.native_id, one.author, one.handle, one.under) for one in told.found] == [
        ("t1_c1", "leo", "u/leo", "t3_p1"),
        ("t1_c2", "leo", "u/leo", "t3_p1"),
    ]
    one = told.found[0]
    assert (one.text, one.url) == ("nice", "https://www.reddit.com/r/Lakes/comments/p1/a_lake/c1/")
    assert one.at is not None
    assert told.cursor == str(NEWEST)


def test_author_of_the_post_is_looked_up_if_unknown() -> None:
    inbox = page(
        entry("c3", "comment_reply"),
        entry("c2", "username_mention", context="/r/Lakes/comments/p2/_/c2/?context=3"),
        entry("c1", "comment_reply", context="nowhere"),
    )
    path = asked("", inbox)
    assert "/api/info" in path
    assert "?id=t3_p1%2Ct3_p2&" in path
    posts = page(
        {"name": "t3_p1", "author": "Mia"}, {"name": "t3_p2", "author": "leo"}, step=AUTHOR_STEP
    )
    told = heard("", inbox, posts)
    assert isinstance(told, CommentPage)
    assert [(one.native_id, one.under) for one in told.found] == [
        ("t1_c1", ""),
        ("t1_c2", ""),
        ("t1_c3", "t3_p1"),
    ]
    assert heard("", inbox, said(AUTHOR_STEP, 503)) is None


def test_inbox_is_read_back_to_a_day_before_the_cursor() -> None:
    """A comment released by a filter keeps the time at which it was written, so it may appear late."""
    cursor = str(NEWEST)
    assert "after=" not in asked(cursor)
    late, old = entry("c1", at=NEWEST - DAY + 60), entry("c0", at=NEWEST - DAY - 60)
    assert "after=t1_c1" in asked(cursor, page(late, after="t1_c1"))
    told = heard(cursor, page(late, after="t1_c1"), page(old, after="t1_c0"))
    assert isinstance(told, CommentPage)
    assert ([one.native_id for one in told.found], told.cursor) == (["t1_c1"], cursor)
    assert isinstance(heard("", page(late, after="t1_c1")), CommentPage), (
        "the first reading is the latest page"
    )
    assert heard("", page()) == CommentPage((), "0")
    assert "after=t1_c1" in asked("0", page(late, after="t1_c1"))
    assert heard(cursor, page()) == CommentPage((), cursor)


def test_reading_ends_at_the_page_limit() -> None:
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := heard("1", *answers), Send):
        answers = (*answers, page(entry(f"c{len(answers)}"), after=f"t1_c{len(answers)}"))
    assert (len(answers), isinstance(turn, CommentPage)) == (MAX_PAGES, True)


@pytest.mark.parametrize(
    "answer",
    [
        said("remarks", 200, None),
        said("remarks", 200, {"data": {"children": "x"}}),
        said("remarks", 200, {"data": []}),
        said("remarks", 403, {"message": "Forbidden", "error": 403}),
        said("remarks", 429, {}),
        said("remarks", 503),
        StepAnswerLost("remarks", "ReadTimeout"),
        StepNotSent("remarks", "ConnectError"),
    ],
)
def test_unusable_response_returns_none(answer: StepResult) -> None:
    assert heard("1", answer) is None
    assert heard("1", page(entry("c1"), after="t1_c1"), answer) is None


def test_messages_own_and_foreign_entries_are_skipped() -> None:
    others: list[Any] = [
        "x",
        {},
        {"kind": "t4", "data": entry("m", name="t4_m", subreddit=None)},
        entry("c1", author="MIA"),
        entry("c2", author="[deleted]"),
        entry("c3", author=None),
        entry("c4", subreddit="hills"),
        entry("c5", body=None),
        entry("c6", name="t1_../1"),
        entry("c7", name=7),
        entry("c8", at=float("nan")) | {"created_utc": "x"},
    ]
    told = heard("", page(*others))
    assert isinstance(told, CommentPage)
    assert [(one.native_id, one.at) for one in told.found] == [("t1_c8", None)]


@pytest.mark.parametrize("cursor", ["x", "-5", "9" * 12])
def test_invalid_cursor_starts_over(cursor: str) -> None:
    assert isinstance(heard(cursor, page(entry("c1"), after="t1_c1")), CommentPage)


# replies


def things(name: str = "t1_c2", **more: Any) -> Response:
    data = {"name": name, "permalink": "/r/Lakes/comments/p1/a_lake/c2/", "created_utc": NEWEST}
    body = {"json": {"errors": [], "data": {"things": [{"kind": "t1", "data": data}]}, **more}}
    return said(PUBLISH, 200, body)


def no(code: str, **more: Any) -> Response:
    return said(PUBLISH, 200, {"json": {"errors": [[code, "a sentence", "parent"]], **more}})


def test_reply_is_text_under_the_comment() -> None:
    turn = PLATFORM.next_step(ANSWER, ())
    assert isinstance(turn, Send)
    assert (turn.step.path, turn.step.encoding) == ("/api/comment/?raw_json=1", "form")
    assert turn.step.json == {"thing_id": "t1_c1", "text": "thanks", "api_type": "json"}
    assert references.stray_reference(turn.step, "reddit", ()) == "egress.remote_reference"
    assert references.stray_reference(turn.step, "reddit", ("t1_c1",)) == ""
    assert PLATFORM.count_text(ANSWER) == (len("thanks"), MAX_TEXT)
    for unit, code in (
        (replace(ANSWER, media=PICTURES[:1]), "reddit.words_alone"),
        (replace(ANSWER, texts=(*ANSWER.texts, Text("title", "A title"))), "reddit.words_alone"),
        (replace(ANSWER, texts=(Text("body", " "),)), "reddit.words_alone"),
        (replace(ANSWER, texts=(Text("body", "x" * (MAX_TEXT + 1)),)), "connectors.text_too_long"),
        (replace(ANSWER, flags=(NSFW_MARK,)), "reddit.words_unmarked"),
    ):
        refused = PLATFORM.next_step(unit, ())
        assert isinstance(refused, Rejected)
        assert refused.reason.code == code


@pytest.mark.parametrize(
    ("answer", "meant", "code"),
    [
        (things(), Published, ""),
        (things(errors=[["RATELIMIT", "take a break", "ratelimit"]]), Published, ""),
        (things("t3_x"), Uncertain, ""),
        (said(PUBLISH, 200, {"json": {"errors": []}}), Uncertain, ""),
        (said(PUBLISH, 200, {"json": {"errors": [], "data": {"things": ["x"]}}}), Uncertain, ""),
        (said(PUBLISH, 200, None), Uncertain, ""),
        (said(PUBLISH, 503), Uncertain, ""),
        (StepAnswerLost(PUBLISH, "ReadTimeout"), Uncertain, ""),
        (no("DELETED_COMMENT"), Rejected, "reddit.remark_gone"),
        (no("DELETED_LINK"), Rejected, "reddit.remark_gone"),
        (no("TOO_OLD"), Rejected, "reddit.remark_closed"),
        (no("THREAD_LOCKED"), Rejected, "reddit.remark_closed"),
        (no("USER_BLOCKED"), Rejected, "reddit.remark_closed"),
        (no("TOO_LONG"), Rejected, "reddit.refused"),
        (no("RATELIMIT", ratelimit=90.0), Retry, "connectors.rate_limited"),
        (said(PUBLISH, 401), Reauthorize, ""),
        (said(PUBLISH, 403, {"reason": "private"}), Rejected, "reddit.community_closed"),
    ],
)
def test_reply_response_maps_to_outcome(
    answer: StepResult, meant: type[Outcome], code: str
) -> None:
    outcome = PLATFORM.next_step(ANSWER, (answer,))
    assert isinstance(outcome, meant)
    if isinstance(outcome, Rejected | Retry) and code:
        assert outcome.reason.code == code
    if isinstance(outcome, Published):
        assert (outcome.native_id, outcome.url) == (
            "t1_c2",
            "https://www.reddit.com/r/Lakes/comments/p1/a_lake/c2/",
        )


def test_unexplained_refusal_checks_the_account() -> None:
    bare = said(PUBLISH, 403, {"message": "Forbidden", "error": 403})
    turn = PLATFORM.next_step(ANSWER, (bare,))
    assert isinstance(turn, Send)
    assert turn.step.path == "/api/v1/me?raw_json=1"
    locked = PLATFORM.next_step(ANSWER, (bare, said("me", 200, {"name": "mia"})))
    assert isinstance(locked, Rejected)
    assert locked.reason.code == "reddit.remark_closed"
    assert isinstance(PLATFORM.next_step(ANSWER, (bare, said("me", 403))), Disconnected)


def comment(number: str, **more: Any) -> dict[str, Any]:
    at = NOW.timestamp()
    return {
        "name": f"t1_{number}",
        "parent_id": "t1_c1",
        "body": "thanks",
        "created_utc": at,
    } | more


def test_lost_reply_is_looked_up_in_the_accounts_comments() -> None:
    first = PLATFORM.look_up(SOUGHT, ())
    assert isinstance(first, Send)
    assert first.step.path.startswith("/user/mia/comments?sort=new")
    others = [
        comment("a", parent_id="t1_other"),
        comment("b", body="else"),
        comment("d", created_utc=1.0),
    ]
    assert isinstance(PLATFORM.look_up(SOUGHT, (page(comment("c9"), *others, step="look"),)), Found)
    known = replace(SOUGHT, known=frozenset({"t1_c9"}))
    nothing = page(*others, step="look")
    for sought, look in ((SOUGHT, nothing), (known, page(comment("c9"), step="look"))):
        turn = PLATFORM.look_up(sought, (look,))
        assert isinstance(turn, Send)
        assert turn.step.path.endswith("/api/info/?id=t1_c1&raw_json=1")
        assert (
            PLATFORM.look_up(sought, (look, page({"name": "t1_c1"}, step=AUTHOR_STEP))) == Absent()
        )
        assert isinstance(PLATFORM.look_up(sought, (look, page(step=AUTHOR_STEP))), Unknown), (
            "this application receives no adult posts"
        )
    assert isinstance(PLATFORM.look_up(SOUGHT, (said("look", 503),)), Unknown)
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := PLATFORM.look_up(SOUGHT, answers), Send):
        answers = (*answers, page(comment("b", body="else"), after="t1_b", step="look"))
    assert (len(answers), isinstance(turn, Unknown)) == (MAX_PAGES, True)


def test_edited_comment_is_unknown() -> None:
    for changed in (
        {"edited": NOW.timestamp(), "body": "thanks!"},
        {"body": "[ Removed by Reddit ]"},
    ):
        look = page(comment("e", **changed), step="look")
        assert isinstance(PLATFORM.look_up(SOUGHT, (look,)), Unknown)
        both = page(comment("e", **changed), comment("c9"), step="look")
        assert isinstance(PLATFORM.look_up(SOUGHT, (both,)), Found)
        elsewhere = page(comment("e", **changed | {"parent_id": "t1_other"}), step="look")
        assert isinstance(PLATFORM.look_up(SOUGHT, (elsewhere,)), Send)
        assert isinstance(
            PLATFORM.look_up(replace(SOUGHT, known=frozenset({"t1_e"})), (look,)), Send
        )


# moderation


def moderated(act: ModerationAction, *answers: StepResult) -> Send | Outcome:
    return PLATFORM.moderate_comment(SPOT, act, answers)


def test_author_is_blocked_and_comment_reported() -> None:
    block, report = moderated("block"), moderated("report")
    assert isinstance(block, Send)
    assert isinstance(report, Send)
    assert (block.step.path, block.step.json) == (
        "/api/block?raw_json=1",
        {"id": "t1_c1", "api_type": "json"},
    )
    assert report.step.json == {"id": "t1_c1", "reason": REASON, "api_type": "json"}
    assert PLATFORM.capabilities.moderates == MODERATION_ACTIONS
    others: tuple[ModerationAction, ...] = ("hide", "show", "delete")
    assert all(isinstance(moderated(act), Rejected) for act in others)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said("moderate", 200, {}), Published),
        (said("moderate", 200, {"json": {"errors": []}}), Published),
        (said("moderate", 200, {"json": {"errors": [["TOO_LONG", "x", "reason"]]}}), Rejected),
        (
            said(
                "moderate",
                200,
                {"json": {"errors": [["RATELIMIT", "x", "ratelimit"]], "ratelimit": 5}},
            ),
            Retry,
        ),
        (said("moderate", 401), Reauthorize),
        (said("moderate", 403, {"message": "Forbidden", "error": 403}), Rejected),
        (said("moderate", 429, {}), Retry),
        (said("moderate", 503), Retry),
        (StepAnswerLost("moderate", "ReadTimeout"), Retry),
    ],
)
def test_moderation_response_maps_to_outcome(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(moderated("report", answer), meant)
