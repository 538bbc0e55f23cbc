"""Comments on Instagram posts: paginated reading, replies, hiding and deletion."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.conformance.comment_rules import reply_unit
from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
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
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.instagram.comments import COMMENTS, POSTS
from connectors.platforms.instagram.publisher import AI, Instagram
from connectors.platforms.meta.comments import LATE, MAX_REQUESTS
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from gate.contract.units import COMMENT_REFERENCE, Medium, Reference, Subject, Text, Unit
from tests.connectors.conformance.worlds import instagram_world
from tests.fakes.instagram import comments
from tests.fakes.instagram.server import FakeInstagram, Profile, instagram
from tests.fakes.openapi import find_description as description

ANSWER = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "instagram", "instagram.post", uuid7(), "17", "public",
    texts=(Text("body", "thanks"),), references=(Reference(COMMENT_REFERENCE, "501"),), native_key="k",
)  # fmt: skip
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SOUGHT = LookupQuery("k", "thanks", NOW, "17", reply_to="501", asked_at=NOW)
DATE = {"date": "Sun, 01 Nov 2026 12:00:00 GMT"}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeInstagram]:
    with instagram() as running:
        yield running


@pytest.fixture(scope="module")
def http() -> Iterator[HttpClient]:
    client = HttpClient()
    yield client
    client.close()


@pytest.fixture
def world(server: FakeInstagram, http: HttpClient) -> Iterator[ConnectorWorld]:
    yield instagram_world.create_world(server, http, "")
    server.book.clear_faults()


def mine(world: ConnectorWorld) -> Profile:
    assert isinstance(world.fake, instagram_world.InstagramFake)
    return world.fake.profile


def posted(world: ConnectorWorld, many: int = 1) -> list[str]:
    """Add posts to the account. Return their IDs, oldest first."""
    told = mine(world).posts
    numbers = [
        str(int(mine(world).id) * 1000 + place) for place in range(len(told), len(told) + many)
    ]
    told += [
        {"id": one, "caption": "", "permalink": f"https://www.instagram.com/p/{one}/"}
        for one in numbers
    ]
    return numbers


def said(
    world: ConnectorWorld, post: str, *texts: str, by: str = "ann", under: str = ""
) -> list[str]:
    """Add comments to a post, one second apart. Return their IDs."""
    ids = []
    for text in texts:
        world.clock.advance(1)
        ids.append(mine(world).comments.say(post, text, world.clock(), by=by, under=under).id)
    return ids


def heard(world: ConnectorWorld, cursor: str = "") -> tuple[list[Comment], str, int]:
    """Read comments once. Return them, the next cursor, and the number of requests."""
    house, answers = SendingHarness(world, world.connector), list[StepResult]()
    while isinstance(
        turn := Instagram().list_comments(mine(world).id, "", cursor, tuple(answers)), Send
    ):
        assert (turn.step.kind, turn.step.action) == (StepKind.CONTROL, "updates")
        answers.append(house.send(turn.step))
    assert turn is not None
    return list(turn.found), turn.cursor, len(answers)


def test_comments_have_author_text_and_post_in_order(world: ConnectorWorld) -> None:
    older, newer = posted(world, 2)
    said(world, newer, "lovely")
    (second,) = said(world, older, "where is it?")
    (reply,) = said(world, older, "in Nice", by="bob", under=second)
    found, _, asked = heard(world)
    assert [(one.text, one.handle, one.under, one.native_id) for one in found][1:] == [
        ("where is it?", "@ann", older, second),
        ("in Nice", "@bob", older, f"{second}/{reply}"),
    ]
    assert (found[0].under, found[0].url, asked) == (
        newer,
        f"https://www.instagram.com/p/{newer}/",
        1,
    )
    assert len({one.author for one in found}) == 2


def test_own_comments_are_skipped_and_replies_to_them_read(
    world: ConnectorWorld,
) -> None:
    (post,) = posted(world)
    own = mine(world).comments.say(post, "welcome", world.clock()).id
    said(world, post, "thank you", under=own)
    said(world, post, "hello")
    assert [one.text for one in heard(world)[0]] == ["thank you", "hello"]


def test_next_reading_returns_only_new_comments(world: ConnectorWorld) -> None:
    posts = posted(world, POSTS * 2)
    old = said(world, posts[0], "old")
    world.clock.advance(LATE.total_seconds() + 1)
    first, cursor, asked = heard(world)
    assert ([one.text for one in first], asked) == (["old"], 2), (
        "one request for the newest posts, one for the others"
    )
    world.clock.advance(LATE.total_seconds() + 1)
    said(world, posts[0], "new reply", under=old[0])
    said(world, posts[-1], "new")
    assert [one.text for one in heard(world, cursor)[0]] == ["new reply", "new"]


def test_posts_over_the_request_limit_are_read_next(world: ConnectorWorld) -> None:
    posts = posted(world, POSTS * (MAX_REQUESTS + 3))
    for number, post in enumerate(posts):
        said(world, post, f"under {number}")
    world.clock.advance(LATE.total_seconds() + 1)
    told, cursor = set(), ""
    for _ in range(2):
        found, cursor, asked = heard(world, cursor)
        assert asked <= MAX_REQUESTS
        told |= {one.text for one in found}
    assert len(told) == len(posts), "every post was read"
    world.clock.advance(LATE.total_seconds() + 1)
    said(world, posts[3], "late, and far down")
    told = set()
    for _ in range(2):
        found, cursor, _ = heard(world, cursor)
        told |= {one.text for one in found}
    assert told == {"late, and far down"}


def test_busy_post_is_read_back_to_the_last_reading(world: ConnectorWorld) -> None:
    (post,) = posted(world)
    said(world, post, "before")
    world.clock.advance(LATE.total_seconds() + 1)
    _, cursor, _ = heard(world)
    world.clock.advance(LATE.total_seconds() + 1)
    texts = [f"{number}" for number in range(COMMENTS * (MAX_REQUESTS + 2))]
    said(world, post, *texts)
    told = set()
    for _ in range(3):
        found, cursor, asked = heard(world, cursor)
        assert asked <= MAX_REQUESTS
        told |= {one.text for one in found}
        said(
            world,
            post,
            *(late := [f"late {cursor[-9:]} {number}" for number in range(COMMENTS + 5)]),
        )
        texts += late
    for _ in range(3):
        found, cursor, _ = heard(world, cursor)
        told |= {one.text for one in found}
    assert told == set(texts)


def test_interrupted_reading_resumes(world: ConnectorWorld) -> None:
    posts = posted(world, POSTS * 3)
    said(world, posts[0], "at the end")
    said(world, posts[-1], "at the top")
    answers: list[StepResult] = []
    house = SendingHarness(world, world.connector)
    for _ in range(2):
        turn = Instagram().list_comments(mine(world).id, "", "", tuple(answers))
        assert isinstance(turn, Send)
        answers.append(house.send(turn.step))
    broken = Instagram().list_comments(
        mine(world).id, "", "", (*answers, StepAnswerLost("remarks", "reset"))
    )
    assert isinstance(broken, CommentPage)
    assert [one.text for one in broken.found] == ["at the top"]
    assert [one.text for one in heard(world, broken.cursor)[0]] == ["at the end", "at the top"][:2]


def test_deleted_post_in_the_cursor_is_skipped(world: ConnectorWorld) -> None:
    posts = posted(world, 2)
    said(world, posts[0], "hello")
    _, cursor, _ = heard(world)
    since, began, newest, _, _ = json.loads(cursor)
    stuck = json.dumps([since, began, newest, "", [["404", "QVF1", since]]])
    _, after, _ = heard(world, stuck)
    assert json.loads(after)[3:] == ["", []], "a deleted post is requested once"
    for odd in ("{", "[]", '["","","","",[["1"]]]', "7"):
        assert [one.text for one in heard(world, odd)[0]] == ["hello"], "as a first reading"


def test_token_without_permission_reads_none_but_posts(world: ConnectorWorld) -> None:
    (post,) = posted(world)
    (said_there,) = said(world, post, "hello")
    mine(world).rights = frozenset(
        {"instagram_business_basic", "instagram_business_content_publish"}
    )
    house = SendingHarness(world, world.connector)
    turn = Instagram().list_comments(mine(world).id, "", "", ())
    assert isinstance(turn, Send)
    assert Instagram().list_comments(mine(world).id, "", "", (house.send(turn.step),)) is None
    refused = house.publish(reply_unit(world, said_there)).outcome
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "instagram.no_comments"
    hidden = acted(world, said_there, "hide")
    assert isinstance(hidden, Rejected)


def ok(**body: Any) -> Response:
    return Response("remarks", 200, DATE, body)


def wrong(code: int, sub: int = 0, status: int = 400, step: str = "publish") -> Response:
    return Response(
        step, status, body={"error": {"code": code, "error_subcode": sub, "message": "no"}}
    )


ODD: list[Any] = [
    None, 7, "x", {}, {"id": 7}, {"id": "12x", "comments": {"data": []}}, {"id": "1"}, {"id": "1", "comments": 7},
    {"id": "1", "comments": {"data": 7}}, {"id": "1", "comments": {"data": [None, {}, {"id": "5"}]}},
    {"id": "1", "comments": {"data": [{"id": "5", "from": {"id": 7}, "username": 8, "replies": 3}]}},
    {"id": "1", "comments": {"data": [{"id": "6", "from": "ann", "replies": {"data": [None, {"id": None}]}}]}},
]  # fmt: skip


def test_malformed_entry_is_skipped_and_malformed_response_is_none() -> None:
    good = {
        "id": "2",
        "comments": {"data": [{"id": "7", "username": "ann", "timestamp": "soon", "text": None}]},
    }
    told = Instagram().list_comments("17", "", "", (ok(data=[*ODD, good]),))
    assert isinstance(told, CommentPage)
    assert told.found == (Comment("7", "ann", "@ann", "", "2"),)
    for body in (None, [], {}, {"data": None}, {"data": {}}, {"error": {"code": 1}}, "x"):
        assert (
            Instagram().list_comments("17", "", "", (Response("remarks", 200, DATE, body),)) is None
        )
    for answer in (
        wrong(190),
        wrong(4),
        wrong(10),
        StepAnswerLost("remarks", "x"),
        Response("remarks", 500),
    ):
        assert Instagram().list_comments("17", "", "", (answer,)) is None


def test_cursor_follows_the_platform_clock() -> None:
    told = Instagram().list_comments("17", "", "", (ok(data=[]),))
    assert isinstance(told, CommentPage)
    assert json.loads(told.cursor)[0] == "2026-11-01T12:00:00+00:00"
    undated = Instagram().list_comments(
        "17", "", told.cursor, (Response("remarks", 200, body={"data": []}),)
    )
    assert isinstance(undated, CommentPage)
    assert json.loads(undated.cursor)[0] == "2026-11-01T12:00:00+00:00"


def asked(unit: Unit, *answers: StepResult) -> WireStep:
    turn = Instagram().next_step(unit, answers)
    assert isinstance(turn, Send), turn
    return turn.step


def test_reply_is_text_under_the_top_comment() -> None:
    step = asked(ANSWER)
    assert (step.kind, step.path, step.json) == (
        StepKind.PUBLISH,
        "/501/replies",
        {"message": "thanks"},
    )
    reply = replace(ANSWER, references=(Reference(COMMENT_REFERENCE, "501/502"),))
    assert asked(reply).path == "/501/replies"
    assert Instagram().next_step(
        ANSWER, (Response("publish", 200, body={"id": "900"}),)
    ) == Published("comment:900")


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (replace(ANSWER, media=(Medium("a" * 64, "image/jpeg", 10),)), "instagram.words_alone"),
        (replace(ANSWER, texts=(Text("title", "a"), Text("body", "b"))), "instagram.words_alone"),
        (replace(ANSWER, texts=()), "instagram.words_alone"),
        (replace(ANSWER, texts=(Text("body", "a" * 2201),)), "connectors.text_too_long"),
        (
            replace(ANSWER, references=(Reference(COMMENT_REFERENCE, "../me"),)),
            "instagram.remark_gone",
        ),
        (replace(ANSWER, flags=(AI,)), "connectors.mark_untold"),
    ],
)
def test_invalid_reply_is_rejected(odd: Unit, code: str) -> None:
    refused = Instagram().next_step(odd, ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == code


MEANT: list[tuple[StepResult, type[Outcome], str]] = [
    (wrong(100, 33), Rejected, "instagram.remark_gone"), (wrong(10), Rejected, "instagram.no_comments"),
    (wrong(200), Rejected, "instagram.no_comments"), (wrong(190), Reauthorize, ""), (wrong(4), Uncertain, ""),
    (wrong(100, 1), Rejected, "connectors.refused"), (wrong(2, status=500), Uncertain, ""),
    (Response("publish", 200, body={"id": "x"}), Uncertain, ""), (Response("publish", 429, body={}), Retry, ""),
    (StepAnswerLost("publish", "reset"), Uncertain, ""),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "expected", "code"), MEANT)
def test_reply_response_maps_to_outcome(
    answer: StepResult, expected: type[Outcome], code: str
) -> None:
    outcome = Instagram().next_step(ANSWER, (answer,))
    assert type(outcome) is expected
    assert not code or (isinstance(outcome, Rejected) and outcome.reason.code == code)


def reply(
    number: str, text: str = "thanks", at: datetime = NOW, name: str = "nova"
) -> dict[str, Any]:
    told = {"id": number, "text": text, "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S+0000")}
    return told | ({"username": name} if name else {})


ME = ok(username="nova")


def test_lost_reply_is_looked_up_under_its_comment() -> None:
    def look(*answers: StepResult, sought: LookupQuery = SOUGHT) -> Any:
        return Instagram().look_up(sought, answers)

    turn = look()
    assert isinstance(turn, Send)
    assert (turn.step.path, turn.step.action) == ("/me?fields=username", "look")
    turn = look(ME, sought=replace(SOUGHT, reply_to="501/502"))
    assert isinstance(turn, Send)
    assert turn.step.path.startswith("/501/replies?")
    rows = [
        reply("1", name="eve"),
        reply("2", "no"),
        reply("3", at=NOW - timedelta(hours=1)),
        reply("4"),
        reply("5"),
    ]
    assert look(ME, ok(data=rows)) == Found("comment:4", "", NOW)
    known = replace(SOUGHT, known=frozenset({"comment:4", "comment:5"}))
    assert look(ME, ok(data=rows), sought=known) == Absent()
    full = ok(
        data=[{}] * 50,
        paging={"cursors": {"after": "QVF+/="}, "next": "https://graph.instagram.com/"},
    )
    turn = look(ME, full)
    assert isinstance(turn, Send)
    assert turn.step.path.endswith("&after=QVF%2B%2F%3D")
    assert isinstance(look(ME, *[full] * 5), Unknown), "endless replies of other users"
    for lost in (
        wrong(100, 33),
        wrong(4),
        StepAnswerLost("look", "x"),
        Response("look", 200, body=[]),
    ):
        assert isinstance(look(lost), Unknown)
        assert isinstance(look(ME, lost), Unknown)


def test_reply_has_no_metrics_and_no_marks() -> None:
    copy = PlatformCopy("comment:900", "17")
    assert Instagram().read_metrics(copy, ()) is None
    assert not isinstance(Instagram().read_marks(copy, (AI,), ()), Send)
    turn = Instagram().remove(copy, ())
    assert isinstance(turn, Send)
    assert (turn.step.kind, turn.step.method, turn.step.path) == (
        StepKind.RESTRICT,
        "DELETE",
        "/900",
    )
    assert isinstance(Instagram().remove(PlatformCopy("900", "17"), ()), Rejected), (
        "a post is not a comment"
    )


def acted(world: ConnectorWorld, remark: str, act: ModerationAction) -> Outcome:
    answers: list[StepResult] = []
    spot = CommentTarget(remark, "9", mine(world).id)
    while isinstance(turn := Instagram().moderate_comment(spot, act, tuple(answers)), Send):
        answers.append(SendingHarness(world, world.connector).send(turn.step))
    return turn


def test_comment_is_hidden_shown_and_deleted_by_its_id(world: ConnectorWorld) -> None:
    (post,) = posted(world)
    (top,) = said(world, post, "hello")
    (below,) = said(world, post, "hush", under=top)
    told = mine(world).comments.every[below]
    assert acted(world, f"{top}/{below}", "hide") == Published(f"{top}/{below}")
    assert told.hidden
    assert acted(world, f"{top}/{below}", "show") == Published(f"{top}/{below}")
    assert not told.hidden
    assert acted(world, top, "delete") == Published(top)
    assert acted(world, f"{top}/{below}", "hide") == Published(f"{top}/{below}"), (
        "deleted with its parent"
    )


def test_refused_action_on_an_existing_comment_is_not_done() -> None:
    spot = CommentTarget("501", "9", "17")
    missing = wrong(100, 33, step="moderate")
    turn = Instagram().moderate_comment(spot, "hide", (missing,))
    assert isinstance(turn, Send)
    assert (turn.step.path, turn.step.action) == ("/501?fields=id", "look")
    assert Instagram().moderate_comment(spot, "hide", (missing, missing)) == Published("501")
    assert isinstance(Instagram().moderate_comment(spot, "hide", (missing, ok(id="501"))), Rejected)
    assert isinstance(
        Instagram().moderate_comment(spot, "hide", (missing, StepAnswerLost("look", "x"))), Retry
    )
    assert isinstance(Instagram().moderate_comment(spot, "hide", (ok(success=False),)), Rejected)
    assert isinstance(Instagram().moderate_comment(spot, "hide", (wrong(10),)), Rejected)
    assert isinstance(Instagram().moderate_comment(spot, "hide", (wrong(4),)), Retry)
    for nobody in ("block", "report"):
        # literals of one list
        assert isinstance(Instagram().moderate_comment(spot, nobody, ()), Rejected)  # type: ignore[arg-type]  # see above


def test_hidden_comment_accepts_no_reply(world: ConnectorWorld) -> None:
    (post,) = posted(world)
    (top,) = said(world, post, "hello")
    acted(world, top, "hide")
    refused = SendingHarness(world, world.connector).publish(reply_unit(world, top)).outcome
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "instagram.remark_gone"


def test_fake_offers_only_documented_fields() -> None:
    for name, known in (
        ("IGMediaForIGOnlyAPI.json", comments.MEDIA_FIELDS - {"comments"}),
        ("IGComment.json", comments.COMMENT_FIELDS - {"replies"}),
    ):
        path: Path | None = description(f"instagram/{name}")
        if path is None:
            pytest.skip("Meta's description is missing (set GREENROOM_SHARED)")
        assert known <= {one["name"] for one in json.loads(path.read_text("utf-8"))["fields"]}
