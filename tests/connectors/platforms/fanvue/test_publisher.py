"""The Fanvue connector: uploads, rejections, audiences, and proof from lists of posts."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
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
from connectors.platforms.fanvue.account import SURFACE
from connectors.platforms.fanvue.media import PART
from connectors.platforms.fanvue.publisher import MAX_PAGES, PUBLISH, SUBSCRIBERS_MARK, Fanvue
from connectors.transport import required_marks
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Medium, Subject, Text, Unit

PLATFORM = Fanvue()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATE = {"date": "Sun, 22 Nov 2026 12:00:00 GMT"}
PICTURES = (
    Medium("a" * 64, "image/png", 100, alt="a lake"),
    Medium("b" * 64, "image/jpeg", 100, alt="a hill"),
)
FIRST, SECOND, POST = (str(UUID(int=number)) for number in (1, 2, 3))
ADDRESS = Sealed(b"https://store.example/1?sig=s")
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="fanvue",
    surface=SURFACE,
    channel_id=uuid7(),
    account=str(UUID(int=9)),
    audience="public",
    texts=(Text("body", "hello"),),
    native_key="key-1",
)
COPY = PlatformCopy(POST, UNIT.account)


def said(
    step: str,
    status: int,
    body: Any = None,
    sealed: dict[str, Sealed] | None = None,
    **headers: str,
) -> Response:
    return Response(step, status, DATE | headers, body, sealed or {})


def answer_to(step: str, number: int = 1) -> Response:
    """Return the successful response to a step."""
    kind = re.sub(r":\d+$", "", step.rpartition(":")[0])
    uuid = (FIRST, SECOND)[number - 1]
    match kind:
        case "stage:open":
            return said(step, 200, {"mediaUuid": uuid, "uploadId": f"up/{number}"})
        case "where":
            return said(step, 200, {}, {"address": ADDRESS})
        case "stage:put":
            return said(step, 200, {}, {"receipt": Sealed(b"")}, etag=f'"e{number}"')
        case "stage:done":
            return said(step, 200, {"status": "processing"})
        case "poll":
            return said(step, 200, {"uuid": uuid, "status": "ready"})
        case _:
            return said(step, 201, {"uuid": POST, "createdAt": "2026-11-22T12:00:01.000Z"})


def story(unit: Unit, answers: tuple[StepResult, ...] = ()) -> tuple[list[Any], Outcome]:
    """Return all steps of a unit with successful responses, and the outcome."""
    sent = []
    while isinstance(turn := PLATFORM.next_step(unit, answers), Send):
        sent.append(turn.step)
        answers = (
            *answers,
            answer_to(turn.step.name, 2 if turn.step.name.endswith("b" * 24) else 1),
        )
    return sent, turn


def test_media_are_uploaded_before_the_post() -> None:
    sent, outcome = story(replace(UNIT, media=PICTURES, flags=(SUBSCRIBERS_MARK,)))
    assert [step.name.rpartition(":")[0] for step in sent] == [
        *["stage:open", "where:1", "stage:put:1", "stage:done", "poll"] * 2,
        "",
    ]
    assert outcome == Published(POST, "", NOW + timedelta(seconds=1))
    assert len({step.wire_digest() for step in sent}) == len(sent), "responses are stored by digest"
    opened, where, put, done, poll = sent[:5]
    assert where.path == "/media/uploads/up%2F1/parts/1/url"
    assert (put.method, put.address, put.token, put.file.sha256) == (
        "PUT",
        ADDRESS,
        "none",
        "a" * 64,
    )
    assert done.json == {"parts": [{"PartNumber": 1, "ETag": '"e1"'}]}
    assert poll.path == f"/media/{FIRST}"
    assert sent[-1].json == {
        "audience": "subscribers",
        "text": "hello",
        "mediaUuids": [FIRST, SECOND],
    }
    assert [step.kind for step in (opened, where, put, done, poll)] == [
        StepKind.STAGE,
        StepKind.CONTROL,
        StepKind.STAGE,
        StepKind.STAGE,
        StepKind.CONTROL,
    ]
    assert {
        step.headers.get("x-fanvue-api-version")
        for step in sent
        if step is not put and "put" not in step.name
    } == {"2025-06-26"}


def test_video_is_uploaded_in_parts() -> None:
    film = Medium("a" * 64, "video/mp4", 2 * PART + 5, alt="waves")
    sent, outcome = story(replace(UNIT, media=(film,)))
    assert isinstance(outcome, Published)
    assert sent[0].json["mediaType"] == "video"
    puts = [step for step in sent if step.name.startswith("stage:put:")]
    assert [step.file.part for step in puts] == [
        (0, PART),
        (PART, 2 * PART),
        (2 * PART, 2 * PART + 5),
    ]
    asked = [step.path for step in sent if step.name.startswith("where:")]
    assert asked == [f"/media/uploads/up%2F1/parts/{number}/url" for number in (1, 2, 3)]
    done = next(step for step in sent if step.name.startswith("stage:done:"))
    assert done.json == {"parts": [{"PartNumber": number, "ETag": '"e1"'} for number in (1, 2, 3)]}
    again = [answer_to(one) for one in (sent[0].name, puts[0].name)]
    turn = PLATFORM.next_step(replace(UNIT, media=(film,)), tuple(again))
    assert isinstance(turn, Send)
    assert turn.step.name.startswith("where:2:"), "received parts are not sent again"


def test_audience_matches_the_subscribers_mark() -> None:
    post = story(UNIT)[0][-1]
    assert post.json == {"audience": "followers-and-subscribers", "text": "hello"}
    assert required_marks.first_missing_mark(post, (SUBSCRIBERS_MARK,)) == SUBSCRIBERS_MARK
    assert (
        required_marks.first_missing_mark(
            story(replace(UNIT, flags=(SUBSCRIBERS_MARK,)))[0][-1], (SUBSCRIBERS_MARK,)
        )
        == ""
    )


def test_processing_picture_is_polled_then_retried() -> None:
    unit = replace(UNIT, media=PICTURES[:1])
    answers: tuple[StepResult, ...] = ()
    asked = 0
    while isinstance(turn := PLATFORM.next_step(unit, answers), Send):
        name = turn.step.name
        asked += name.startswith("poll:")
        waits = said(name, 200, {"uuid": FIRST, "status": "processing"})
        answers = (*answers, waits if name.startswith("poll:") else answer_to(name))
    assert (asked, isinstance(turn, Retry)) == (3, True)
    broken = (*answers[:4], said(f"poll:{'a' * 24}", 200, {"uuid": FIRST, "status": "error"}))
    assert isinstance(PLATFORM.next_step(unit, broken), Rejected)
    empty = PLATFORM.next_step(
        unit, (*answers[:4], said(f"poll:{'a' * 24}", 200, {"uuid": FIRST, "status": "created"}))
    )
    assert isinstance(empty, Retry)
    assert empty.uploads_gone


@pytest.mark.parametrize(
    ("at", "answer", "anew"),
    [
        (2, said(f"stage:put:1:{'a' * 24}", 403, None), False),
        (2, StepAnswerLost(f"stage:put:1:{'a' * 24}", "ReadTimeout"), False),
        (2, said(f"stage:put:1:{'a' * 24}", 503, None), False),
        (1, said(f"where:1:{'a' * 24}", 404, {"error": "Not Found"}), True),
        (3, said(f"stage:done:{'a' * 24}", 404, {"error": "Not Found"}), True),
        (0, StepNotSent(f"stage:open:{'a' * 24}", "ConnectError"), False),
    ],
)
def test_failed_upload_step_is_repeated(at: int, answer: StepResult, anew: bool) -> None:
    unit = replace(UNIT, media=PICTURES[:1])
    good = tuple(answer_to(step.name) for step in story(unit)[0][:at])
    again = PLATFORM.next_step(unit, (*good, answer))
    assert isinstance(again, Retry)
    assert again.uploads_gone is anew


def test_upload_url_in_an_object_is_accepted() -> None:
    unit = replace(UNIT, media=PICTURES[:1])
    where = said(f"where:1:{'a' * 24}", 200, {}, {"url": ADDRESS})
    turn = PLATFORM.next_step(unit, (answer_to(f"stage:open:{'a' * 24}"), where))
    assert isinstance(turn, Send)
    assert turn.step.address == ADDRESS


def test_new_attempt_requests_a_new_url_for_the_open_upload() -> None:
    unit = replace(UNIT, media=PICTURES[:1])
    opened = answer_to(f"stage:open:{'a' * 24}")
    turn = PLATFORM.next_step(unit, (opened,))
    assert isinstance(turn, Send)
    assert turn.step.name.startswith("where:")


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said(PUBLISH, 201, {"uuid": POST}), Published),
        (said(PUBLISH, 201, {"uuid": "../x"}), Uncertain),
        (said(PUBLISH, 201), Uncertain),
        (StepAnswerLost(PUBLISH, "ReadTimeout"), Uncertain),
        (said(PUBLISH, 503), Uncertain),
        (said(PUBLISH, 400, {"errors": ["price must be at least 300"]}), Rejected),
        (said(PUBLISH, 401, {"error": "Unauthorized"}), Reauthorize),
        (
            said(PUBLISH, 403, {"error": "Forbidden", "message": "Missing scope write:post"}),
            Reauthorize,
        ),
        (said(PUBLISH, 403, {"error": "Forbidden", "message": "Account suspended"}), Disconnected),
        (said(PUBLISH, 403, {"error": "Forbidden"}), Rejected),
        (said(PUBLISH, 404, {"error": "Media not found"}), Retry),
        (said(PUBLISH, 410, {"error": "gone", "nextVersion": "2027-01-01"}), Retry),
        (said(PUBLISH, 429, {}), Retry),
    ],
)
def test_publish_response_maps_to_outcome(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(PLATFORM.next_step(UNIT, (answer,)), meant)


def listing(*posts: dict[str, Any], more: bool = False) -> Response:
    return said(
        "look",
        200,
        {"data": list(posts), "pagination": {"page": 1, "size": len(posts), "hasMore": more}},
    )


def a_post(number: int, text: str, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {"uuid": str(UUID(int=number)), "text": text, "createdAt": at.isoformat(), **more}


SOUGHT = LookupQuery("key-1", "hello", NOW, UNIT.account, asked_at=NOW)


def test_lost_post_is_found_by_text_and_time() -> None:
    found = PLATFORM.look_up(SOUGHT, (listing(a_post(7, "other"), a_post(8, " hello ")),))
    assert isinstance(found, Found)
    assert found.native_id == str(UUID(int=8))
    old = a_post(8, "hello", NOW - timedelta(minutes=3))
    assert PLATFORM.look_up(SOUGHT, (listing(old),)) == Absent()
    known = replace(SOUGHT, known=frozenset({str(UUID(int=8))}))
    assert PLATFORM.look_up(known, (listing(a_post(8, "hello")),)) == Absent()


def test_lost_post_with_files_is_found_by_its_files() -> None:
    """The owner may edit the text in the app, but each file was uploaded for this post alone."""
    media = PICTURES
    told = tuple(
        said(f"stage:open:{one.sha256[:24]}", 200, {"mediaUuid": number, "uploadId": "u"})
        for one, number in zip(media, (FIRST, SECOND), strict=True)
    )
    sought = replace(SOUGHT, media=media, told=told)
    ours = a_post(8, "hello!", mediaUuids=[SECOND, FIRST])
    assert PLATFORM.look_up(sought, (listing(a_post(7, "other"), ours),)) == Found(
        str(UUID(int=8)), "", NOW
    )
    assert (
        PLATFORM.look_up(replace(sought, known=frozenset({ours["uuid"]})), (listing(ours),))
        == Absent()
    )
    assert PLATFORM.look_up(sought, (listing({**ours, "mediaUuids": [FIRST]}),)) == Absent()
    assert isinstance(PLATFORM.look_up(sought, (listing({**ours, "price": 500}),)), Unknown)
    untold = replace(sought, told=())
    assert isinstance(PLATFORM.look_up(untold, (listing({**ours, "text": "hello"}),)), Found), (
        "matched by its text instead"
    )


def test_pinned_posts_do_not_end_a_lookup() -> None:
    pinned = a_post(5, "pinned", NOW - timedelta(days=9), isPinned=True)
    assert isinstance(
        PLATFORM.look_up(SOUGHT, (listing(pinned, a_post(6, "other"), more=True),)), Send
    )
    older = a_post(7, "older", NOW - timedelta(hours=1))
    assert PLATFORM.look_up(SOUGHT, (listing(pinned, older, more=True),)) == Absent()
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := PLATFORM.look_up(SOUGHT, answers), Send):
        assert f"page={len(answers) + 1}&" in turn.step.path
        answers = (*answers, listing(a_post(6, "other"), more=True))
    assert (len(answers), isinstance(turn, Unknown)) == (MAX_PAGES, True)


@pytest.mark.parametrize(
    "answer",
    [
        said("look", 503),
        said("look", 200, []),
        said("look", 200, {"data": [{}], "pagination": {}}),
        listing({"text": "x"}),
    ],
)
def test_unreadable_list_is_unknown(answer: StepResult) -> None:
    assert isinstance(PLATFORM.look_up(SOUGHT, (answer,)), Unknown)
    assert isinstance(PLATFORM.look_up(replace(SOUGHT, text=" "), ()), Unknown)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said("delete", 204), Published),
        (said("delete", 200, {"success": True}), Published),
        (said("delete", 404, {"error": "Not Found"}), Published),
        (said("delete", 404, None), Rejected),
        (said("delete", 200, None), Retry),
        (said("delete", 503), Retry),
    ],
)
def test_removal_needs_proof_from_fanvue(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(PLATFORM.remove(COPY, (answer,)), meant)


def test_metrics_are_integers() -> None:
    told = {"likesCount": 3.0, "commentsCount": 2, "tips": {"count": 1.0, "totalGross": 500}}
    assert PLATFORM.read_metrics(COPY, (said("metrics", 200, told),)) == {
        "likes": 3,
        "comments": 2,
        "tips": 1,
    }
    assert PLATFORM.read_metrics(COPY, (said("metrics", 200, {"likesCount": "3"}),)) is None


BACK: dict[str, str | Sealed] = {
    "client_id": "id-1",
    "client_secret": Sealed(b"s"),
    "redirect_uri": "https://here/auth/account",
    "code": Sealed(b"c"),
    "verifier": Sealed(b"v"),
}
PAIR = {"access_token": Sealed(b"a"), "refresh_token": Sealed(b"r")}


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ({"uuid": FIRST, "handle": "mia", "isCreator": True}, ConnectedAccount),
        ({"uuid": FIRST, "handle": "mia", "isCreator": False}, Rejected),
        ({"uuid": "x", "handle": "mia", "isCreator": True}, Rejected),
        ({"uuid": FIRST, "handle": "mia </script>", "isCreator": True}, Rejected),
    ],
)
def test_only_a_creator_account_is_connected(told: dict[str, Any], meant: type[object]) -> None:
    given = Response("token", 200, {}, {"expires_in": 3600}, PAIR)
    assert isinstance(PLATFORM.connect(BACK, (given, said("me", 200, told))), meant)
    visit = PLATFORM.connect(
        {name: BACK[name] for name in ("client_id", "client_secret", "redirect_uri")}, ()
    )
    assert not isinstance(visit, Send | ConnectedAccount)
