"""Comments on Bluesky: read back to the last cursor, answered, hidden, blocked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.conformance.comment_rules import reply_unit
from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.comments import COMMENTS_ACTION, Comment, CommentPage
from connectors.contract.connector import Response, Send, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.outcomes import Published, Reauthorize, Rejected, Retry
from connectors.platforms.bluesky.comments import BEGINNING, BLOCK, GATE, LISTED, MAX_PAGES
from connectors.platforms.bluesky.publisher import ABOVE, Bluesky
from connectors.platforms.bluesky.record import record_key
from foundation.http.http_client import HttpClient
from gate.contract.units import COMMENT_REFERENCE, Reference
from tests.connectors.conformance.worlds import bluesky_world
from tests.connectors.platforms.bluesky.test_publisher import AT, DID, PICTURE, UNIT, URI, record
from tests.fakes.bluesky import comments
from tests.fakes.bluesky.server import FakeBluesky, Repo, bluesky

BLUESKY = Bluesky()
ANN = "did:plc:annannannannannannannann"
SAID = f"at://{ANN}/app.bsky.feed.post/{record_key('ann', AT)}"
OTHERS = f"at://{ANN}/app.bsky.feed.post/{record_key('root', AT)}"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def reply(parent: str = URI, root: str = URI) -> dict[str, Any]:
    return {
        "root": {"uri": root, "cid": "bafyroot"},
        "parent": {"uri": parent, "cid": "bafyparent"},
    }


def notice(minutes: float, number: int = 0, **more: Any) -> dict[str, Any]:
    """Return a notification of Ann's reply to our post."""
    uri = (
        f"at://{ANN}/app.bsky.feed.post"
        f"/{record_key(str(number), NOON + timedelta(minutes=minutes))}"
    )
    told = {
        "uri": uri,
        "cid": "bafy",
        "author": {"did": ANN, "handle": "ann.example"},
        "reason": "reply",
    }
    told |= {
        "record": {"text": "hello", "reply": reply()},
        "isRead": False,
        "indexedAt": at(minutes),
    }
    return told | more


def page(*notices: Any, cursor: str = "") -> Response:
    return Response(
        COMMENTS_ACTION,
        200,
        body={"notifications": list(notices)} | ({"cursor": cursor} if cursor else {}),
    )


def told(*answers: StepResult, cursor: str = at(0)) -> Send | CommentPage | None:
    return BLUESKY.list_comments(DID, "", cursor, answers)


def heard(*answers: StepResult, cursor: str = at(0)) -> CommentPage:
    end = told(*answers, cursor=cursor)
    assert isinstance(end, CommentPage)
    return end


def query(turn: object) -> dict[str, list[str]]:
    assert isinstance(turn, Send)
    assert (turn.step.method, turn.step.action, turn.step.json, turn.step.token) == (
        "GET",
        "updates",
        None,
        "bearer",
    )
    return parse_qs(urlsplit(turn.step.path).query)


def test_comment_has_author_text_post_and_time() -> None:
    (one,) = heard(page(notice(1))).found
    assert (one.author, one.handle, one.text, one.under) == (ANN, "@ann.example", "hello", URI)
    assert one.native_id == notice(1)["uri"]
    assert one.url == f"https://bsky.app/profile/{ANN}/post/{one.native_id.rpartition('/')[2]}"
    assert one.at == NOON + timedelta(minutes=1)


def test_reading_continues_back_to_the_cursor() -> None:
    assert query(told()) == {
        "limit": [str(LISTED)],
        "priority": ["false"],
        "reasons": ["mention", "reply"],
    }
    newest = page(notice(9), notice(8), cursor="p1")
    assert query(told(newest))["cursor"] == ["p1"]
    end = heard(newest, page(notice(7), notice(-30), cursor="p2"))
    assert end.cursor == at(9)
    assert [one.at for one in end.found] == [
        NOON + timedelta(minutes=minutes) for minutes in (-30, 7, 8, 9)
    ]


def test_late_record_time_does_not_end_a_reading() -> None:
    assert query(told(page(notice(9), notice(-5), cursor="p1")))["cursor"] == ["p1"]


def test_page_without_cursor_is_last_and_empty_page_is_not() -> None:
    assert heard(page(notice(9))).cursor == at(9)
    assert query(told(page(cursor="p1")))["cursor"] == ["p1"]
    assert heard(page(cursor="p1"), page(cursor="p1")).cursor == at(0)


def test_first_reading_is_the_newest_page() -> None:
    assert heard(page(notice(9), notice(1), cursor="p1"), cursor="").cursor == at(9)
    assert heard(page(cursor="p1"), cursor="").cursor == BEGINNING


def test_next_reading_resumes_at_the_page_limit() -> None:
    pages = [
        page(notice(100 - number, number), cursor=f"p|{number}") for number in range(MAX_PAGES)
    ]
    end = heard(*pages)
    assert (len(end.found), end.cursor) == (MAX_PAGES, f"{at(100)}|{at(0)}|p|4")
    assert query(told(cursor=end.cursor))["cursor"] == ["p|4"]
    rest = heard(page(notice(3), notice(-20), cursor="p9"), cursor=end.cursor)
    assert (len(rest.found), rest.cursor) == (2, at(100))
    assert heard(page(notice(3), cursor="p|4"), cursor=end.cursor).cursor == at(100)


def test_failed_page_is_read_again() -> None:
    end = heard(page(notice(9), cursor="p1"), Response(COMMENTS_ACTION, 502))
    assert (len(end.found), end.cursor) == (1, f"{at(9)}|{at(0)}|p1")


def test_expired_page_cursor_is_skipped() -> None:
    cursor = f"{at(9)}|{at(0)}|p1"
    assert heard(
        Response(COMMENTS_ACTION, 400, body={"error": "InvalidRequest"}), cursor=cursor
    ) == CommentPage((), at(9))
    assert (
        told(Response(COMMENTS_ACTION, 400, body={"error": "ExpiredToken"}), cursor=cursor) is None
    )
    assert told(Response(COMMENTS_ACTION, 502), cursor=cursor) is None


@pytest.mark.parametrize(
    "answer",
    [
        Response(COMMENTS_ACTION, 200, body=[]),
        Response(COMMENTS_ACTION, 200),
        Response(COMMENTS_ACTION, 200, body={"notifications": "none"}),
        Response(COMMENTS_ACTION, 400, body={"error": "ExpiredToken"}),
        Response(COMMENTS_ACTION, 429, body={"error": "RateLimitExceeded"}),
        Response(COMMENTS_ACTION, 502),
        StepAnswerLost(COMMENTS_ACTION, "timeout"),
        StepNotSent(COMMENTS_ACTION, "ConnectError"),
    ],
)
def test_unusable_response_returns_none(answer: StepResult) -> None:
    assert told(answer) is None


@pytest.mark.parametrize(
    "odd",
    [
        notice(1, reason="like"),
        notice(1, author={"did": DID, "handle": "us.example"}),
        notice(1, author={"did": "did:plc:else", "handle": "else.example"}),
        notice(1, author={"did": ANN, "handle": ""}),
        notice(1, author=None),
        notice(1, record={"text": 5}),
        notice(1, record=None),
        notice(1, uri=f"at://{ANN}/app.bsky.feed.like/3k"),
        notice(1, uri=f"at://{ANN}/app.bsky.feed.post/3k 4"),
        notice(1, uri=None),
        "reply",
        None,
    ],
)
def test_invalid_notification_is_skipped(odd: Any) -> None:
    assert [one.native_id for one in heard(page(odd, notice(2, 7))).found] == [notice(2, 7)["uri"]]


def test_comment_without_time_is_read() -> None:
    (one,) = heard(page(notice(1, indexedAt="today"))).found
    assert one.at is None


@pytest.mark.parametrize(
    ("answered", "subject", "under"),
    [
        (reply(), None, URI),
        (reply(parent=OTHERS), None, URI),
        (reply(parent=OTHERS, root=OTHERS), None, ""),
        (reply(parent=OTHERS), f"{URI}a", f"{URI}a"),
        ({"parent": "x"}, None, ""),
        (None, None, ""),
    ],
)
def test_comment_belongs_to_the_nearest_post_of_ours(
    answered: Any, subject: Any, under: str
) -> None:
    record = {"text": "hello", "reply": answered}
    (one,) = heard(page(notice(1, record=record, reasonSubject=subject))).found
    assert one.under == under


ANSWER = replace(UNIT, references=(Reference(COMMENT_REFERENCE, SAID),))


def seen(viewer: Any = None, **value: Any) -> Response:
    post = {
        "uri": SAID,
        "cid": "bafysaid",
        "record": {"text": "hello", **value},
        "viewer": viewer or {},
    }
    return Response(ABOVE, 200, body={"posts": [post]})


def test_reply_names_its_parent_and_root() -> None:
    turn = BLUESKY.next_step(ANSWER, ())
    assert isinstance(turn, Send)
    assert (turn.step.name, turn.step.action) == (ABOVE, "look")
    assert parse_qs(urlsplit(turn.step.path).query) == {"uris": [SAID]}
    own = {"uri": SAID, "cid": "bafysaid"}
    assert record(ANSWER, seen())["reply"] == {"root": own, "parent": own}
    assert record(ANSWER, seen(reply=reply()))["reply"] == {
        "root": {"uri": URI, "cid": "bafyroot"},
        "parent": own,
    }


@pytest.mark.parametrize(
    ("answer", "meant", "code"),
    [
        (Response(ABOVE, 200, body={"posts": []}), Rejected, "connectors.remark_gone"),
        (seen({"replyDisabled": True}), Rejected, "bluesky.answers_closed"),
        (Response(ABOVE, 200, body={}), Retry, "connectors.unclear_answer"),
        (Response(ABOVE, 200, body={"posts": [{"uri": SAID}]}), Retry, "connectors.unclear_answer"),
        (Response(ABOVE, 502), Retry, "connectors.unclear_answer"),
        (
            Response(ABOVE, 400, body={"error": "ExpiredToken"}),
            Reauthorize,
            "connectors.token_refused",
        ),
        (StepAnswerLost(ABOVE, "timeout"), Retry, "connectors.answer_lost"),
    ],
)
def test_missing_parent_prevents_the_reply(
    answer: StepResult, meant: type[Rejected | Retry | Reauthorize], code: str
) -> None:
    end = BLUESKY.next_step(ANSWER, (answer,))
    assert isinstance(end, meant)
    assert end.reason.code == code


def test_reply_with_media_is_rejected() -> None:
    end = BLUESKY.next_step(replace(ANSWER, media=(PICTURE,)), ())
    assert isinstance(end, Rejected)
    assert end.reason.code == "connectors.too_many_media"


@pytest.fixture
def fake() -> Iterator[FakeBluesky]:
    with bluesky() as running:
        yield running


@pytest.fixture
def world(fake: FakeBluesky) -> Iterator[ConnectorWorld]:
    http = HttpClient()
    yield bluesky_world.create_world(fake, http)
    http.close()


def reading(world: ConnectorWorld, cursor: str) -> tuple[list[Comment], str, int]:
    """Read comments once. Return them, the next cursor, and the number of requests."""
    house, answers = SendingHarness(world, BLUESKY), tuple[StepResult, ...]()
    while isinstance(
        turn := BLUESKY.list_comments(world.account.account, "", cursor, answers), Send
    ):
        answers = (*answers, house.send(turn.step))
    assert isinstance(turn, CommentPage)
    return list(turn.found), turn.cursor, len(answers)


def posted(world: ConnectorWorld) -> str:
    outcome = SendingHarness(world, BLUESKY).publish(world.unit()).outcome
    assert isinstance(outcome, Published)
    return outcome.native_id


def people(fake: FakeBluesky, world: ConnectorWorld) -> tuple[Repo, Repo]:
    return fake.repos[world.account.account], fake.account("ann.example")


def test_all_of_hundreds_of_comments_are_read(fake: FakeBluesky, world: ConnectorWorld) -> None:
    _, ann = people(fake, world)
    post = posted(world)
    _, cursor, _ = reading(world, "")
    wanted = []
    for number in range(6 * LISTED + 20):
        wanted.append(comments.say(fake, ann, str(number), under=post))
        world.clock.advance(2)
    got: list[str] = []
    for _ in range(3):
        found, cursor, asked = reading(world, cursor)
        assert asked <= MAX_PAGES
        got += [one.native_id for one in found]
        late = comments.say(fake, ann, "meanwhile", under=post)
        wanted.append(late)
    found, _, _ = reading(world, cursor)
    assert set(wanted) <= {*got, *(one.native_id for one in found)}


def test_comment_with_an_earlier_record_time_is_read(
    fake: FakeBluesky, world: ConnectorWorld
) -> None:
    _, ann = people(fake, world)
    post = posted(world)
    for _ in range(LISTED + 5):
        comments.say(fake, ann, "on time", under=post)
    _, cursor, _ = reading(world, "")
    past = world.clock() - timedelta(minutes=5)
    late = comments.say(fake, ann, "late", under=post, at=past)
    assert late in {one.native_id for one in reading(world, cursor)[0]}


def test_mention_in_another_thread_has_no_post(fake: FakeBluesky, world: ConnectorWorld) -> None:
    mine, ann = people(fake, world)
    theirs = comments.say(fake, ann, "listen")
    named = comments.say(fake, ann, "@", under=theirs, name=mine.did)
    ((one,), _, _) = reading(world, "")
    assert (one.native_id, one.under) == (named, "")


def test_reply_in_a_thread_keeps_its_root(fake: FakeBluesky, world: ConnectorWorld) -> None:
    mine, ann = people(fake, world)
    post = posted(world)
    first = comments.say(fake, ann, "nice", under=post)
    second = comments.say(fake, ann, "very", under=first)
    assert [one.under for one in reading(world, "")[0]] == [post, post]
    outcome = SendingHarness(world, BLUESKY).publish(reply_unit(world, second)).outcome
    assert isinstance(outcome, Published)
    put_under = dict(mine.taken)[outcome.native_id]["reply"]
    assert (put_under["root"]["uri"], put_under["parent"]["uri"]) == (post, second)
    third = comments.say(fake, ann, "so?", under=outcome.native_id)
    found = {one.native_id: one.under for one in reading(world, "")[0]}
    assert found[third] == outcome.native_id


def test_reply_is_rejected_where_replies_are_closed(
    fake: FakeBluesky, world: ConnectorWorld
) -> None:
    mine, ann = people(fake, world)
    theirs = comments.say(fake, ann, "@", name=mine.did)
    ann.others[f"{GATE}/{theirs.rpartition('/')[2]}"] = {"$type": GATE, "post": theirs, "allow": []}
    end = SendingHarness(world, BLUESKY).publish(reply_unit(world, theirs)).outcome
    assert isinstance(end, Rejected)
    assert end.reason.code == "bluesky.answers_closed"
    ann.others[f"{BLOCK}/a"] = {"$type": BLOCK, "subject": mine.did}
    end = SendingHarness(world, BLUESKY).publish(reply_unit(world, theirs)).outcome
    assert isinstance(end, Rejected)
    assert end.reason.code == "connectors.remark_gone"
