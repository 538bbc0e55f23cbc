"""Comments under a Page's posts: paginated reading, skipped entries, replies and moderation."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    Outcome,
    Published,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.facebook.comments import COMMENTS, POSTS
from connectors.platforms.facebook.publisher import Facebook
from connectors.platforms.meta.comments import MAX_REQUESTS
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from gate.contract.units import COMMENT_REFERENCE, Reference, Subject, Text, Unit
from tests.connectors.conformance.worlds import facebook_world
from tests.connectors.conformance.worlds.facebook_world import FacebookFake
from tests.fakes.facebook.server import FakeFacebook, facebook
from tests.fakes.facebook.state import Page, Post

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANSWER = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "facebook", "facebook.page", uuid7(), "17", "public",
    texts=(Text("body", "thanks"),), references=(Reference(COMMENT_REFERENCE, "5_70/5_77"),), native_key="k",
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[FakeFacebook]:
    with facebook() as running:
        yield running


@pytest.fixture
def world(server: FakeFacebook) -> Iterator[ConnectorWorld]:
    http = HttpClient()
    yield facebook_world.create_world(server, http, "http://127.0.0.1:9")
    server.book.clear_faults()
    http.close()


def page_of(world: ConnectorWorld) -> Page:
    assert isinstance(world.fake, FacebookFake)
    return world.fake.page


def posted(world: ConnectorWorld, many: int = 1) -> list[Post]:
    page = page_of(world)
    made = []
    for place in range(many):
        world.clock.advance(60)
        made.append(page.keep(Post(f"{page.id}_{place + 1}", f"post {place}", world.clock())))
    return made


def reading(world: ConnectorWorld, cursor: str = "") -> tuple[CommentPage, int]:
    """Read comments once. Return them and the number of requests."""
    house, answers = SendingHarness(world, world.connector), list[StepResult]()
    connector = Facebook()
    while isinstance(
        turn := connector.list_comments(world.account.account, "", cursor, tuple(answers)), Send
    ):
        answers.append(house.send(turn.step))
    assert isinstance(turn, CommentPage)
    return turn, len(answers)


def texts(found: CommentPage) -> list[str]:
    return [one.text for one in found.found]


def test_replies_are_read_with_their_parent_comment(world: ConnectorWorld) -> None:
    (post,) = posted(world)
    page = page_of(world)
    first = page.say(post.id, "where is it?", by="Ann")
    page.say(post.id, "by the lake", under=first.id)
    world.clock.advance(5)
    reply = page.say(post.id, "oh", by="Bo", under=first.id)
    found, _ = reading(world)
    assert [(one.native_id, one.text, one.handle, one.under) for one in found.found] == [
        (first.id, "where is it?", "Ann", post.id),
        (f"{first.id}/{reply.id}", "oh", "Bo", post.id),
    ]
    assert all(
        one.author.isdigit() and one.url.startswith("https://www.facebook.com/")
        for one in found.found
    )


def test_many_posts_and_comments_are_read_in_a_few_readings(world: ConnectorWorld) -> None:
    posts, page = posted(world, POSTS + 3), page_of(world)
    _, cursor = texts(reading(world)[0]), reading(world)[0].cursor
    for place in range(COMMENTS * 2 + 5):
        world.clock.advance(1)
        page.say(posts[-1].id, f"said {place}", by="Ann")
    page.say(posts[0].id, "on the oldest", by="Bo")
    heard, most = set[str](), 0
    for _ in range(4):
        world.clock.advance(600)
        found, requests = reading(world, cursor)
        heard, cursor, most = heard | set(texts(found)), found.cursor, max(most, requests)
    assert heard == {*(f"said {place}" for place in range(COMMENTS * 2 + 5)), "on the oldest"}
    assert most <= MAX_REQUESTS


def test_comment_without_author_is_skipped(world: ConnectorWorld) -> None:
    (post,) = posted(world)
    page = page_of(world)
    page.say(post.id, "hello", by="Ann")
    page.rights -= {"pages_read_user_content"}
    assert reading(world)[0].found == ()


def ok(**body: Any) -> Response:
    return Response("remarks", 200, body=body)


@pytest.mark.parametrize(
    "comment",
    [
        {"id": "x", "from": {"id": "9"}},
        {"id": "5_6"},
        {"id": "5_6", "from": {"id": "../me"}},
        {"id": "5_6", "from": {"id": 9}},
        {"id": "5_6", "from": {"id": "17"}},
        {"id": "1" * 40 + "_6", "from": {"id": "9"}},
        3,
    ],
)
def test_invalid_entry_is_skipped(comment: object) -> None:
    listed = ok(data=[{"id": "17_5", "comments": {"data": [comment]}}])
    found = Facebook().list_comments("17", "", "", (listed,))
    assert isinstance(found, CommentPage)
    assert found.found == ()


def test_malformed_text_or_time_is_tolerated() -> None:
    said = {
        "id": "5_6",
        "from": {"id": "9", "name": 4},
        "message": ["x"],
        "created_time": "soon",
        "parent": "up",
    }
    listed = ok(
        data=[
            {"id": "17_5", "permalink_url": 7, "comments": {"data": [said]}},
            {"id": "y", "comments": {}},
        ]
    )
    found = Facebook().list_comments("17", "", "{broken", (listed,))
    assert isinstance(found, CommentPage)
    assert found.found == (Comment("5_6", "9", "9", "", "17_5"),)
    for silent in (ok(), ok(data={}), Response("remarks", 400, body={"error": {"code": 10}})):
        assert Facebook().list_comments("17", "", "", (silent,)) is None


# replies


def asked(*answers: StepResult) -> WireStep:
    turn = Facebook().next_step(ANSWER, answers)
    assert isinstance(turn, Send)
    return turn.step


def end(*answers: StepResult) -> Outcome:
    turn = Facebook().next_step(ANSWER, answers)
    assert not isinstance(turn, Send)
    return turn


def wrong(code: int, sub: int = 0, status: int = 400, step: str = "publish") -> Response:
    return Response(step, status, body={"error": {"code": code, "error_subcode": sub}})


def test_reply_is_posted_under_the_parent_comment() -> None:
    step = asked()
    assert (step.kind, step.path, step.json) == (
        StepKind.PUBLISH,
        "/5_70/comments",
        {"message": "thanks"},
    )
    assert end(Response("publish", 200, body={"id": "5_99"})) == Published("comment:5_99")
    assert isinstance(end(Response("publish", 200, body={"id": "99"})), Uncertain)
    assert isinstance(end(StepAnswerLost("publish", "reset")), Uncertain)


@pytest.mark.parametrize(
    ("code", "sub", "word"),
    [
        (10, 0, "facebook.no_comments"),
        (200, 0, "facebook.no_comments"),
        (100, 33, "facebook.remark_gone"),
    ],
)
def test_rejected_reply_does_not_disconnect_the_account(code: int, sub: int, word: str) -> None:
    outcome = end(wrong(code, sub))
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == word


SOUGHT = LookupQuery(
    "k", "thanks", NOW, "17", reply_to="5_70/5_77", known=frozenset({"comment:5_80"}), asked_at=NOW
)


def entry(
    number: str, *, by: str = "17", text: str = "thanks", minutes: float = 0.1
) -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return {"id": f"5_{number}", "message": text, "created_time": at, "from": {"id": by}}


def listed(*entries: object, more: bool = False) -> Response:
    paging = {"paging": {"cursors": {"after": "QVF"}, "next": "https://x.example"}} if more else {}
    return Response("look", 200, body={"data": list(entries), **paging})


def test_lost_reply_is_looked_up_under_the_comment() -> None:
    first = Facebook().look_up(SOUGHT, ())
    assert isinstance(first, Send)
    assert first.step.path.startswith(
        "/5_70/comments?fields=id,message,created_time,from&order=reverse"
    )
    found = Facebook().look_up(SOUGHT, (listed(entry("81"), entry("82", minutes=-3)),))
    assert isinstance(found, Found)
    assert found.native_id == "comment:5_81"
    nameless = {name: value for name, value in entry("86").items() if name != "from"}
    assert isinstance(Facebook().look_up(SOUGHT, (listed(nameless),)), Found), (
        "a match is preferred to a second reply"
    )
    for other in (
        entry("80"),
        entry("83", by="9"),
        entry("84", text="no"),
        entry("85", minutes=-3),
    ):
        assert Facebook().look_up(SOUGHT, (listed(other),)) == Absent()
    assert isinstance(Facebook().look_up(SOUGHT, (listed(entry("83", by="9"), more=True),)), Send)
    assert isinstance(
        Facebook().look_up(SOUGHT, (listed(entry("83", by="9"), more=True),) * 5), Unknown
    )
    assert isinstance(Facebook().look_up(SOUGHT, (wrong(1, step="look"),)), Unknown)


# moderation

SPOT = CommentTarget("5_70/5_77", "24007", "17")


def acted(
    act: ModerationAction, *answers: StepResult, spot: CommentTarget = SPOT
) -> Send | Outcome:
    return Facebook().moderate_comment(spot, act, answers)


@pytest.mark.parametrize(
    ("act", "method", "path", "json"),
    [
        ("like", "POST", "/5_77/likes", None),
        ("unlike", "DELETE", "/5_77/likes", None),
        ("hide", "POST", "/5_77", {"is_hidden": True}),
        ("show", "POST", "/5_77", {"is_hidden": False}),
        ("delete", "DELETE", "/5_77", None),
        ("block", "POST", "/{account}/blocked", {"psid": [24007]}),
    ],
)
def test_each_action_is_one_request(
    act: ModerationAction, method: str, path: str, json: object
) -> None:
    turn = acted(act)
    assert isinstance(turn, Send)
    assert (turn.step.method, turn.step.path, turn.step.json) == (method, path, json)
    assert acted(act, Response("moderate", 200, body={"success": True})) == Published(
        SPOT.native_id
    )
    assert isinstance(acted(act, Response("moderate", 200, body={"success": False})), Rejected)
    right = acted(act, wrong(200, step="moderate"))
    assert isinstance(right, Rejected)
    assert right.reason.code == "facebook.no_comments"
    assert isinstance(acted(act, StepAnswerLost("moderate", "reset")), Retry)


def test_author_is_blocked_by_id() -> None:
    assert acted("block", Response("moderate", 200, body={"24007": True})) == Published(
        SPOT.native_id
    )
    for odd in ("", "ann", "1" * 20, "２４"):
        assert isinstance(acted("block", spot=replace(SPOT, author=odd)), Rejected)
    missing = acted("block", wrong(100, 33, step="moderate"))
    assert isinstance(missing, Rejected)
    assert missing.reason.code == "facebook.not_done"


@pytest.mark.parametrize("act", ["hide", "delete"])
def test_action_on_a_deleted_comment_counts_as_done(act: ModerationAction) -> None:
    gone = wrong(100, 33, step="moderate")
    look = acted(act, gone)
    assert isinstance(look, Send)
    assert look.step.path == "/5_77?fields=id"
    assert acted(act, gone, wrong(100, 33, step="look")) == Published(SPOT.native_id)
    assert isinstance(acted(act, gone, Response("look", 200, body={"id": "5_77"})), Rejected)
    assert isinstance(acted(act, gone, StepAnswerLost("look", "reset")), Retry)


def test_report_action_is_rejected() -> None:
    assert isinstance(acted("report"), Rejected)
