"""Comments on YouTube videos: paginated reading, replies sent once, and moderation."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.conformance.comment_rules import reply_unit
from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.capabilities import FOREVER
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
from connectors.platforms.youtube.comments import MAX_REQUESTS
from connectors.platforms.youtube.publisher import AI, CAN, YouTube
from connectors.transport import references
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from gate.contract.units import COMMENT_REFERENCE, Medium, Reference, Subject, Text, Unit
from tests.connectors.conformance.worlds import youtube_world
from tests.fakes.youtube.comments import HELD, LONGEST, PUBLIC, REJECTED
from tests.fakes.youtube.server import FakeYouTube, Member, youtube
from tests.fakes.youtube.state import Video

SENT_AT = datetime(2026, 12, 1, tzinfo=UTC)


TOP, BELOW = "UgzAbC4AaABAg", "UgzAbC4AaABAg.9xyz"
ANSWER = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "youtube", "youtube.video", uuid7(), "UCme", "public",
    texts=(Text("body", "thanks: https://nova.example/a"),), references=(Reference(COMMENT_REFERENCE, TOP),), native_key="k",
)  # fmt: skip
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SOUGHT = LookupQuery("k", "thanks", NOW, "UCme", reply_to=TOP, asked_at=NOW)
DATE = {"date": "Sun, 01 Nov 2026 12:00:00 GMT"}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeYouTube]:
    with youtube() as running:
        yield running
        assert not running.spec.refused


@pytest.fixture(scope="module")
def http() -> Iterator[HttpClient]:
    client = HttpClient()
    yield client
    client.close()


@pytest.fixture
def world(server: FakeYouTube, http: HttpClient) -> Iterator[ConnectorWorld]:
    yield youtube_world.create_world(server, http)
    server.book.clear_faults()


def of(world: ConnectorWorld) -> youtube_world.YouTubeFake:
    assert isinstance(world.fake, youtube_world.YouTubeFake)
    return world.fake


def film(world: ConnectorWorld) -> Video:
    """Return a new public video of the channel."""
    mine, number = of(world).member, f"film{len(of(world).member.videos):07d}"
    at = world.clock()
    made = Video(number, mine, at, at, "", 1, "", world.clock)
    mine.videos[number] = made
    return made


def said(
    world: ConnectorWorld, under: Video, *texts: str, by: str = "ann", below: str = ""
) -> list[str]:
    """Add comments to a video, one second apart. Return their IDs."""
    ids = []
    for text in texts:
        world.clock.advance(1)
        ids.append(of(world).server.comments.say(under, text, by=by, under=below).id)
    return ids


def heard(world: ConnectorWorld, cursor: str = "") -> tuple[list[Comment], str, int]:
    """Read comments once. Return them, the next cursor, and the number of requests."""
    house, answers = SendingHarness(world, world.connector), list[StepResult]()
    account = of(world).member.channel_id
    while isinstance(turn := YouTube().list_comments(account, "", cursor, tuple(answers)), Send):
        assert (turn.step.kind, turn.step.action) == (StepKind.CONTROL, "updates")
        answers.append(house.send(turn.step))
    assert turn is not None
    assert len(answers) <= MAX_REQUESTS
    return list(turn.found), turn.cursor, len(answers)


def acted(world: ConnectorWorld, remark: str, act: ModerationAction) -> Outcome:
    answers: list[StepResult] = []
    while isinstance(
        turn := YouTube().moderate_comment(CommentTarget(remark, "UC", "UC"), act, tuple(answers)),
        Send,
    ):
        answers.append(SendingHarness(world, world.connector).send(turn.step))
    return turn


def test_comments_have_author_text_and_video_in_order(world: ConnectorWorld) -> None:
    one, two = film(world), film(world)
    (first,) = said(world, one, "where is it? <3 & more")
    said(world, two, "lovely")
    (reply,) = said(world, one, "in Nice", by="bob", below=first)
    said(world, one, "true", by="", below=first)
    found, _, asked = heard(world)
    assert [(told.text, told.handle, told.under, told.native_id) for told in found[::2]] == [
        ("where is it? <3 & more", "@ann", one.id, first),
        ("in Nice", "@bob", one.id, f"{first}/{reply}"),
    ]
    assert (found[1].text, found[0].url) == (
        "lovely",
        f"https://www.youtube.com/watch?v={one.id}&lc={first}",
    )
    assert (len(found), asked, found[0].author[:2]) == (3, 2, "UC"), "own replies are not comments"


def test_comment_held_for_review_is_read(world: ConnectorWorld) -> None:
    (waiting,) = said(world, film(world), "look at my page")
    of(world).server.comments.every[waiting].status = HELD
    assert [one.native_id for one in heard(world)[0]] == [waiting]


def test_many_new_threads_are_read_back_to_the_last_reading(world: ConnectorWorld) -> None:
    one = film(world)
    said(world, one, "before")
    _, cursor, _ = heard(world)
    world.clock.advance(3600)
    texts = [f"{number}" for number in range(750)]
    said(world, one, *texts)
    told = set[str]()
    for _ in range(2):
        found, cursor, _ = heard(world, cursor)
        told |= {each.text for each in found}
        world.clock.advance(3600)
        said(world, one, *(late := [f"late {len(texts)} {number}" for number in range(120)]))
        texts += late
    for _ in range(5):
        world.clock.advance(3600)
        found, cursor, _ = heard(world, cursor)
        told |= {each.text for each in found}
    assert told - {"before"} == set(texts)
    assert heard(world, cursor)[2] == 2, "no comments remain"


def test_further_replies_are_requested_if_there_are_new_ones(
    world: ConnectorWorld,
) -> None:
    one = film(world)
    (top,) = said(world, one, "a question")
    said(world, one, *(f"{number}" for number in range(130)), by="bob", below=top)
    found, cursor, asked = heard(world)
    assert (len(found), asked) == (6, 2), "a first reading returns the displayed replies only"
    world.clock.advance(3600)
    assert heard(world, cursor)[2] == 2, "no replies since"
    said(world, one, *(f"new {number}" for number in range(8)), by="bob", below=top)
    found, cursor, asked = heard(world, cursor)
    assert asked == 4, "two pages of replies"
    assert {f"new {number}" for number in range(8)} <= {told.text for told in found}
    assert {told.under for told in found} == {one.id}
    assert heard(world, cursor)[2] == 2


def test_busy_threads_over_the_request_limit_are_read_next(
    world: ConnectorWorld,
) -> None:
    one = film(world)
    tops = said(world, one, *(f"question {number}" for number in range(7)))
    _, cursor, _ = heard(world)
    for top in tops:
        said(world, one, *(f"{top} {number}" for number in range(9)), by="bob", below=top)
    told = set[str]()
    for _ in range(3):
        found, cursor, _ = heard(world, cursor)
        told |= {each.text for each in found}
    assert {f"{top} {number}" for top in tops for number in range(9)} <= told
    assert heard(world, cursor)[2] == 2


def page(*rows: Any, after: str = "") -> Response:
    return Response(
        "remarks", 200, DATE, {"items": list(rows)} | ({"nextPageToken": after} if after else {})
    )


def wrong(status: int, word: str, step: str = "publish") -> Response:
    return Response(step, status, body={"error": {"code": status, "errors": [{"reason": word}]}})


def thread(number: str, text: Any = "hi", **more: Any) -> dict[str, Any]:
    snippet = {
        "textDisplay": text,
        "authorDisplayName": "@ann",
        "authorChannelId": {"value": "UCann"},
        **more,
    }
    return {"snippet": {"videoId": "v", "topLevelComment": {"id": number, "snippet": snippet}}}


ODD: list[Any] = [
    None, 7, {}, {"snippet": 7}, {"snippet": {"topLevelComment": []}}, thread(""), thread("a b"),
    thread("Ug1", authorChannelId=None, authorDisplayName=None), thread("Ug2", authorChannelId={"value": "UCme"}),
    {**thread(""), "replies": {"comments": [None, {"id": "Ug3.1", "snippet": {"authorDisplayName": "@bob"}}]}},
    {**thread("Ug2", authorChannelId={"value": "UCme"}), "replies": {"comments": 7}},
]  # fmt: skip


def test_malformed_entry_is_skipped_and_malformed_response_is_none() -> None:
    told = YouTube().list_comments(
        "UCme", "", "", (page(*ODD, thread("Ug9", None, publishedAt="soon")), page())
    )
    assert isinstance(told, CommentPage)
    url = "https://www.youtube.com/watch?v=v&lc=Ug9"
    assert told.found == (Comment("Ug9", "UCann", "@ann", "", "v", url),)
    for body in (None, [], {}, {"items": None}, {"items": {}}, "x"):
        assert (
            YouTube().list_comments("UCme", "", "", (Response("remarks", 200, DATE, body),)) is None
        )
    lost = StepAnswerLost("remarks", "x")
    for answer in (
        wrong(403, "quotaExceeded"),
        wrong(403, "insufficientPermissions"),
        wrong(401, "authError"),
        lost,
    ):
        assert YouTube().list_comments("UCme", "", "", (answer,)) is None


def test_interrupted_reading_resumes() -> None:
    begun = YouTube().list_comments("UCme", "", "", (page(), page()))
    assert isinstance(begun, CommentPage)
    new = thread("Ug9", publishedAt="2026-11-01T11:59:00Z")
    first = (page(new, after="CT:100"), page())
    turn = YouTube().list_comments("UCme", "", begun.cursor, first)
    assert isinstance(turn, Send)
    assert turn.step.path.endswith("&pageToken=CT%3A100")
    broken = YouTube().list_comments(
        "UCme", "", begun.cursor, (*first, wrong(403, "quotaExceeded"))
    )
    assert isinstance(broken, CommentPage)
    assert json.loads(broken.cursor)[2][0][1] == "CT:100"
    again = YouTube().list_comments("UCme", "", broken.cursor, (page(), page()))
    assert isinstance(again, Send)
    assert again.step.path == turn.step.path
    past = YouTube().list_comments(
        "UCme", "", broken.cursor, (page(), page(), wrong(400, "invalidPageToken"))
    )
    assert isinstance(past, CommentPage)
    assert json.loads(past.cursor)[2] == [], "an invalid page token is skipped"
    shut = YouTube().list_comments(
        "UCme", "", broken.cursor, (page(), page(), wrong(403, "forbidden"))
    )
    assert isinstance(shut, CommentPage)
    assert json.loads(shut.cursor)[2] == []
    for odd in ("{", "[]", "7", '["","",[["1"]],{}]', '["","",[],7]'):
        assert isinstance(
            YouTube().list_comments("UCme", "", odd, (page(), page())), CommentPage
        ), "as a first reading"


def test_refused_held_comments_do_not_stop_the_reading() -> None:
    told = YouTube().list_comments(
        "UCme", "", "", (page(thread("Ug9")), wrong(400, "processingFailure"))
    )
    assert isinstance(told, CommentPage)
    assert len(told.found) == 1
    assert json.loads(told.cursor)[0], "the refusal is permanent"
    lost = YouTube().list_comments(
        "UCme", "", "", (page(thread("Ug9")), StepAnswerLost("remarks", "x"))
    )
    assert isinstance(lost, CommentPage)
    assert not json.loads(lost.cursor)[0], "it may be returned next time"


def test_reply_is_text_under_the_top_comment() -> None:
    for remark in (TOP, f"{TOP}/{BELOW}"):
        turn = YouTube().next_step(
            replace(ANSWER, references=(Reference(COMMENT_REFERENCE, remark),)), ()
        )
        assert isinstance(turn, Send)
        snippet = {"parentId": TOP, "textOriginal": ANSWER.text_of("body")}
        step = turn.step
        assert (step.kind, step.path) == (StepKind.PUBLISH, "/youtube/v3/comments?part=snippet")
        assert step.json == {"snippet": snippet}
        assert (
            references.stray_reference(
                step, "youtube", references.uploaded_references(step, "youtube", (), above=remark)
            )
            == ""
        )
        assert references.stray_reference(step, "youtube", ()) == "egress.remote_reference"
    told = Response(
        "publish", 200, body={"kind": "youtube#comment", "id": BELOW, "snippet": {"videoId": "v"}}
    )
    url = f"https://www.youtube.com/watch?v=v&lc={BELOW}"
    assert YouTube().next_step(ANSWER, (told,)) == Published(f"comment:{BELOW}", url)


def test_lost_reply_is_looked_up_before_a_resend() -> None:
    assert CAN.repeat_safe_until(SENT_AT, under="") == FOREVER
    assert CAN.repeat_safe_until(SENT_AT, under=TOP) == SENT_AT


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (replace(ANSWER, media=(Medium("a" * 64, "video/mp4", 10),)), "youtube.words_alone"),
        (replace(ANSWER, texts=(Text("title", "a"), Text("body", "b"))), "youtube.words_alone"),
        (replace(ANSWER, texts=()), "youtube.words_alone"),
        (replace(ANSWER, texts=(Text("body", "a" * (LONGEST + 1)),)), "connectors.text_too_long"),
        (replace(ANSWER, references=(Reference(COMMENT_REFERENCE, "a b"),)), "youtube.remark_gone"),
        (replace(ANSWER, flags=(AI,)), "connectors.mark_untold"),
    ],
)
def test_invalid_reply_is_rejected(odd: Unit, code: str) -> None:
    refused = YouTube().next_step(odd, ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == code
    assert isinstance(
        YouTube().next_step(replace(ANSWER, texts=(Text("body", "a" * LONGEST),)), ()), Send
    )


MEANT: list[tuple[StepResult, type[Outcome], str]] = [
    (wrong(404, "parentCommentNotFound"), Rejected, "youtube.remark_gone"),
    (wrong(400, "parentCommentIsPrivate"), Rejected, "youtube.remark_gone"),
    (wrong(403, "commentsDisabled"), Rejected, "youtube.no_answers"),
    (wrong(400, "operationNotSupported"), Rejected, "youtube.no_answers"),
    (wrong(403, "insufficientPermissions"), Rejected, "oauth.scopes"),
    (wrong(403, "ineligibleAccount"), Rejected, "youtube.refused"),
    (wrong(401, "authError"), Reauthorize, ""), (wrong(403, "quotaExceeded"), Retry, ""),
    (wrong(500, "backendError"), Uncertain, ""), (Response("publish", 200, body={"id": 7}), Uncertain, ""),
    (StepAnswerLost("publish", "reset"), Uncertain, ""),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "expected", "code"), MEANT)
def test_reply_response_maps_to_outcome(
    answer: StepResult, expected: type[Outcome], code: str
) -> None:
    outcome = YouTube().next_step(ANSWER, (answer,))
    assert type(outcome) is expected
    assert not code or (isinstance(outcome, Rejected) and outcome.reason.code == code)


def reply(
    number: str, text: str = "thanks", at: datetime = NOW, by: str = "UCme"
) -> dict[str, Any]:
    said = {
        "textDisplay": text,
        "authorChannelId": {"value": by},
        "publishedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {"id": number, "snippet": said}


def test_lost_reply_is_found_by_channel_text_and_time() -> None:
    def look(*answers: StepResult, sought: LookupQuery = SOUGHT) -> Any:
        return YouTube().look_up(sought, answers)

    turn = look(sought=replace(SOUGHT, reply_to=f"{TOP}/{BELOW}"))
    assert isinstance(turn, Send)
    assert (turn.step.action, f"parentId={TOP}&" in turn.step.path) == ("look", True)
    rows = [
        reply("1", by="UCeve"),
        reply("2", "no"),
        reply("3", at=NOW - timedelta(hours=1)),
        reply("4"),
        reply("5"),
    ]
    assert look(page(*rows)) == Found("comment:4", "", NOW)
    known = replace(SOUGHT, known=frozenset({"comment:4", "comment:5"}))
    assert look(page(*rows), sought=known) == Absent()
    assert isinstance(look(page(after="CT:1")), Send)
    assert isinstance(look(*[page(after="CT:1")] * 5), Unknown), "endless replies of other users"
    for lost in (
        wrong(404, "commentNotFound"),
        StepAnswerLost("look", "x"),
        Response("look", 200, body=[]),
    ):
        assert isinstance(look(lost), Unknown)


def test_reply_has_no_metrics_and_no_marks() -> None:
    copy = PlatformCopy(f"comment:{BELOW}", "UCme")
    assert YouTube().read_metrics(copy, ()) is None
    assert not isinstance(YouTube().read_marks(copy, (AI,), ()), Send)
    turn = YouTube().remove(copy, ())
    assert isinstance(turn, Send)
    step: WireStep = turn.step
    assert (step.kind, step.method, step.path) == (
        StepKind.RESTRICT,
        "DELETE",
        f"/youtube/v3/comments?id={BELOW}",
    )
    gone, lost = wrong(404, "commentNotFound", "delete"), StepAnswerLost("delete", "x")
    assert YouTube().remove(copy, (gone, page())) == Published(copy.native_id)
    assert isinstance(YouTube().remove(copy, (lost,)), Retry)


def test_closed_comments_accept_no_reply(world: ConnectorWorld) -> None:
    one = film(world)
    (top,) = said(world, one, "hello")
    of(world).server.comments.closed.add(one.id)
    refused = SendingHarness(world, world.connector).publish(reply_unit(world, top)).outcome
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "youtube.no_answers"


def test_comment_is_held_published_and_rejected_by_its_id(world: ConnectorWorld) -> None:
    one = film(world)
    (top,) = said(world, one, "hello")
    (below,) = said(world, one, "hush", below=top)
    native_id, told = f"{top}/{below}", of(world).server.comments.every[below]
    for act, status in (("hide", HELD), ("show", PUBLIC), ("delete", REJECTED)):
        # literals of one list
        assert acted(world, native_id, act) == Published(native_id)  # type: ignore[arg-type]  # see above
        assert told.status == status
    shown = acted(world, native_id, "show")
    assert isinstance(shown, Rejected)
    assert shown.reason.code == "youtube.not_changed"
    told.deleted = told.by_author = True
    assert acted(world, native_id, "hide") == Published(native_id), "deleted by its author"


def test_blocked_author_is_not_read_again(world: ConnectorWorld) -> None:
    one = film(world)
    (top,) = said(world, one, "hello")
    assert acted(world, top, "block") == Published(top)
    said(world, one, "hello again")
    assert heard(world)[0] == []
    said(world, one, "hello", by="bob")
    assert len(heard(world)[0]) == 1
    assert isinstance(acted(world, top, "report"), Rejected)


def test_refused_action_is_not_done() -> None:
    spot, step = CommentTarget(TOP, "UC", "UC"), "moderate"
    forbidden = wrong(403, "forbidden", step)
    turn = YouTube().moderate_comment(spot, "hide", (forbidden,))
    assert isinstance(turn, Send)
    assert (turn.step.path, turn.step.action) == (f"/youtube/v3/comments?part=id&id={TOP}", "look")
    assert isinstance(
        YouTube().moderate_comment(spot, "hide", (forbidden, page({"id": TOP}))), Rejected
    )
    assert isinstance(
        YouTube().moderate_comment(spot, "hide", (forbidden, StepAnswerLost("look", "x"))), Retry
    )
    assert isinstance(
        YouTube().moderate_comment(spot, "hide", (wrong(403, "insufficientPermissions", step),)),
        Rejected,
    )
    quota = YouTube().moderate_comment(spot, "hide", (wrong(403, "quotaExceeded", step),))
    assert isinstance(quota, Retry)
    assert quota.scope == "app"


def test_channel_without_scope_reads_no_comments_but_posts(
    server: FakeYouTube, http: HttpClient
) -> None:
    world = youtube_world.create_world(server, http)
    mine: Member = of(world).member
    (top,) = said(world, film(world), "hello")
    mine.scopes = tuple(one for one in mine.scopes if not one.endswith("force-ssl"))
    house = SendingHarness(world, world.connector)
    turn = YouTube().list_comments(mine.channel_id, "", "", ())
    assert isinstance(turn, Send)
    assert YouTube().list_comments(mine.channel_id, "", "", (house.send(turn.step),)) is None
    refused = house.publish(reply_unit(world, top)).outcome
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "oauth.scopes"
