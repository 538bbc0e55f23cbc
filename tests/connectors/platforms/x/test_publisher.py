"""The X connector: weighted length, rejections, media metadata, and proof from a timeline."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

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
from connectors.platforms.x.account import SURFACE
from connectors.platforms.x.lookup import MAX_PAGES
from connectors.platforms.x.publisher import ADULT, AI, PUBLISH, X
from connectors.shared.http_responses import is_app_wide_limit
from connectors.shared.requested_waits import requested_wait
from connectors.shared.text_counting import normalize_x_text, x_text_length
from connectors.transport import required_marks
from foundation.ids import uuid7
from gate.contract.units import Medium, Subject, Text, Unit

PLATFORM = X()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATE = {"date": "Sun, 22 Nov 2026 12:00:00 GMT"}
PICTURES = (
    Medium("a" * 64, "image/png", 100, alt="a lake"),
    Medium("b" * 64, "image/jpeg", 100, alt="a hill"),
)
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="x",
    surface=SURFACE,
    channel_id=uuid7(),
    account="42",
    audience="public",
    texts=(Text("body", "hello"),),
    native_key="key-1",
)
COPY = PlatformCopy("1234567890", "42")


def said(step: str, status: int, body: Any = None, **headers: str) -> Response:
    return Response(
        step,
        status,
        DATE | {name.replace("_", "-"): value for name, value in headers.items()},
        body,
    )


def problem(status: int, detail: str, kind: str = "about:blank", step: str = PUBLISH) -> Response:
    return said(
        step, status, {"title": "Problem", "detail": detail, "type": kind, "status": status}
    )


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", 0),
        ("hello", 5),
        ("é" + "e\u0301", 2),
        ("日本", 4),
        ("👨‍👩‍👧‍👦", 2),
        ("🇫🇷 1️⃣", 5),
        ("https://a.example/" + "x" * 300, 23),
        ("see example.com.", len("see .") + 23),
        ("a.b", 3),
        ("mail mia@example.com", len("mail mia@example.com")),
        ("http://日本.example/道", 25),
        ("https://a.example/x🔥🔥", 27),
        ("https://a.example🔥", 25),
        ("https://a.example/x写真", 27),
        ("https://пример.рф/путь/é?q=1#a", 23),
        ("https://a.example/x…", 25),
        ("https://a.example/x?b=c😀", 25),
        ("https://localhost/" + "x" * 30, 48),
        ("a.example/" + "x" * 20 + "🔥", 32),
        ("x.com日", 25),
        ("日x.com", 25),
        ("❤️x.com", 25),
        ("a\ufe0f", 3),
        ("©", 2),
        ("1 2 #", 5),
    ],
)
def test_text_length_is_weighted(text: str, counts: int) -> None:
    assert x_text_length(text) == counts


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said(PUBLISH, 201, {"data": {"id": "1234567890", "text": "hello"}}), Published),
        (said(PUBLISH, 201, {"data": {"id": "../1", "text": "hello"}}), Uncertain),
        (said(PUBLISH, 201, None), Uncertain),
        (StepAnswerLost(PUBLISH, "ReadTimeout"), Uncertain),
        (problem(503, "Service Unavailable"), Uncertain),
        (problem(400, "Your media IDs are invalid."), Retry),
        (problem(400, "One or more parameters to your request was invalid."), Rejected),
        (problem(401, "Unauthorized"), Reauthorize),
        (
            problem(
                402, "Your enrolled account does not have any credits to fulfill this request."
            ),
            Retry,
        ),
        (problem(403, "You are not allowed to create a Tweet with duplicate content."), Uncertain),
        (
            problem(403, "Your account is suspended and is not permitted to access this feature."),
            Disconnected,
        ),
        (problem(403, "To protect our users … your account has been locked."), Disconnected),
        (problem(403, "…", "https://api.x.com/2/problems/client-forbidden"), Reauthorize),
        (problem(403, "Reply to this conversation is not allowed."), Rejected),
        (problem(429, "Too Many Requests"), Retry),
    ],
)
def test_publish_response_maps_to_outcome(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(PLATFORM.next_step(UNIT, (answer,)), meant)


def test_rate_limit_gives_wait_and_scope() -> None:
    later = str(int((NOW + timedelta(minutes=9)).timestamp()))
    day = str(int((NOW + timedelta(hours=5)).timestamp()))
    window = {"x_rate_limit_remaining": "0", "x_rate_limit_reset": later}
    user = {"x_user_limit_24hour_remaining": "0", "x_user_limit_24hour_reset": day}
    app = {"x_app_limit_24hour_remaining": "0", "x_app_limit_24hour_reset": day}
    for told, wait, whole in (
        (window, timedelta(minutes=9), False),
        (window | user, timedelta(hours=5), False),
        ({**window, "x_rate_limit_remaining": "7"} | app, timedelta(hours=5), True),
    ):
        answer = said(PUBLISH, 429, {}, **told)
        assert requested_wait(answer) == wait
        assert is_app_wide_limit(answer) is whole
        waits = PLATFORM.next_step(UNIT, (answer,))
        assert isinstance(waits, Retry)
        assert waits.scope == ("app" if whole else "account")
    assert is_app_wide_limit(problem(402, "credits"))


def test_pictures_are_uploaded_and_described_before_the_post() -> None:
    unit = replace(UNIT, media=PICTURES, flags=(ADULT, AI))
    answers: tuple[StepResult, ...] = ()
    sent = []
    while isinstance(turn := PLATFORM.next_step(unit, answers), Send):
        sent.append(turn.step)
        if turn.step.name == PUBLISH:
            break
        number = "9" + str(1 + len(sent) // 3)
        told = (turn.step.json or {}).get("metadata", {})
        answers = (
            *answers,
            said(turn.step.name, 200, {"data": {"id": number, "associated_metadata": told}}),
        )
    assert [step.path for step in sent] == ["/2/media/upload", "/2/media/metadata"] * 2 + [
        "/2/tweets"
    ]
    assert [step.kind for step in sent] == [StepKind.STAGE] * 4 + [StepKind.PUBLISH]
    first, post = sent[1].json or {}, sent[-1].json or {}
    assert first["metadata"] == {
        "alt_text": {"text": "a lake"},
        "sensitive_media_warning": {"adult_content": True},
    }
    assert post == {"text": "hello", "media": {"media_ids": ["91", "92"]}, "made_with_ai": True}


def test_each_request_requires_its_own_marks() -> None:
    unit = replace(UNIT, media=PICTURES[:1], flags=(ADULT, AI))
    upload = PLATFORM.next_step(unit, ())
    assert isinstance(upload, Send)
    staged: tuple[StepResult, ...] = (said(upload.step.name, 200, {"data": {"id": "91"}}),)
    told = PLATFORM.next_step(unit, staged)
    assert isinstance(told, Send)
    kept = {"sensitive_media_warning": {"adult_content": True, "other": False}}
    staged = (
        *staged,
        said(told.step.name, 200, {"data": {"id": "91", "associated_metadata": kept}}),
    )
    post = PLATFORM.next_step(unit, staged)
    assert isinstance(post, Send)
    due = [required_marks.marks_due(one.step, "x", unit.flags) for one in (upload, told, post)]
    assert due == [(), (ADULT,), (AI,)]
    assert not any(
        required_marks.first_missing_mark(one.step, each)
        for one, each in zip((upload, told, post), due, strict=True)
    )
    silent = replace(told.step, json={"id": "91", "metadata": {"alt_text": {"text": "a lake"}}})
    assert (
        required_marks.first_missing_mark(silent, required_marks.marks_due(silent, "x", unit.flags))
        == ADULT
    )


@pytest.mark.parametrize(
    "kept",
    [None, {}, {"sensitive_media_warning": []}, {"sensitive_media_warning": {"other": True}}],
)
def test_dropped_content_warning_stops_the_post(kept: Any) -> None:
    unit = replace(UNIT, media=PICTURES[:1], flags=(ADULT,))
    uploaded = said("stage:" + "a" * 24, 200, {"data": {"id": "91"}})
    told = said("told:" + "a" * 24, 200, {"data": {"id": "91", "associated_metadata": kept}})
    refused = PLATFORM.next_step(unit, (uploaded, told))
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "x.not_warned"
    assert isinstance(PLATFORM.next_step(replace(unit, flags=()), (uploaded, told)), Send)
    two = replace(unit, media=PICTURES)
    later = said("stage:" + "b" * 24, 200, {"data": {"id": "92"}})
    assert PLATFORM.next_step(two, (uploaded, told, later)) == refused, (
        "later uploads do not change the outcome"
    )


@pytest.mark.parametrize("status", [400, 404])
def test_expired_picture_is_uploaded_again(status: int) -> None:
    unit = replace(UNIT, media=PICTURES[:1])
    uploaded = said("stage:" + "a" * 24, 200, {"data": {"id": "91"}})
    refused = problem(
        status, "Not found", "https://api.x.com/2/problems/resource-not-found", "told:" + "a" * 24
    )
    again = PLATFORM.next_step(unit, (uploaded, refused))
    assert isinstance(again, Retry)
    assert again.uploads_gone


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (replace(UNIT, texts=(Text("body", "x" * 281),)), "connectors.text_too_long"),
        (replace(UNIT, texts=(Text("body", " "),)), "x.empty"),
        (replace(UNIT, media=(replace(PICTURES[0], alt=" "),)), "connectors.alt_missing"),
        (replace(UNIT, media=(replace(PICTURES[0], alt="x" * 1001),)), "connectors.text_too_long"),
        (replace(UNIT, media=PICTURES * 3), "connectors.too_many_media"),
        (replace(UNIT, media=(replace(PICTURES[0], mime="image/gif"),)), "connectors.medium_unfit"),
        (replace(UNIT, flags=(ADULT,)), "x.words_unmarked"),
        (replace(UNIT, flags=("nsfw=true",)), "connectors.mark_untold"),
    ],
)
def test_unit_over_the_limits_is_rejected(unit: Unit, code: str) -> None:
    refused = PLATFORM.next_step(unit, ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == code


def listing(*posts: dict[str, Any], more: bool = False) -> Response:
    meta = {"result_count": len(posts), **({"next_token": "n"} if more else {})}
    return said("look", 200, {"meta": meta, **({"data": list(posts)} if posts else {})})


def a_post(number: str, text: str, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {"id": number, "text": text, "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), **more}


def sought(text: str = "tea & cake https://shop.example/a", **more: Any) -> LookupQuery:
    return LookupQuery("key-1", text, NOW, "42", asked_at=NOW, **more)


LINKS = {
    "urls": [
        {"url": "https://t.co/a", "expanded_url": "https://shop.example/a/"},
        {
            "url": "https://t.co/p",
            "expanded_url": "https://x.com/mia/status/7/photo/1",
            "media_key": "3_9",
        },
    ]
}
OURS = "tea &amp; cake https://t.co/a https://t.co/p"


@pytest.mark.parametrize(
    ("posts", "seen"),
    [
        ((a_post("7", OURS, entities=LINKS),), "7"),
        ((a_post("8", OURS, entities=LINKS), a_post("7", OURS, NOW, entities=LINKS)), "7"),
        ((a_post("7", OURS, NOW - timedelta(minutes=2), entities=LINKS),), ""),
        (
            (
                a_post(
                    "7", OURS, entities=LINKS, referenced_tweets=[{"type": "replied_to", "id": "1"}]
                ),
            ),
            "",
        ),
        ((a_post("9", "something else"),), ""),
        ((), ""),
    ],
)
def test_lost_post_is_found_by_text_and_time(posts: tuple[dict[str, Any], ...], seen: str) -> None:
    found = PLATFORM.look_up(sought(), (listing(*posts),))
    assert found == Absent() if not seen else isinstance(found, Found) and found.native_id == seen


def test_unreadable_timeline_is_unknown() -> None:
    for answer in (
        said("look", 200, {"data": []}),
        said("look", 200, {"meta": {"result_count": 2}, "data": [a_post("9", "other")]}),
        problem(503, "oops", step="look"),
    ):
        assert isinstance(PLATFORM.look_up(sought(), (answer,)), Unknown)
    assert isinstance(PLATFORM.look_up(sought(" "), ()), Unknown)
    known = sought(known=frozenset({"7"}))
    assert PLATFORM.look_up(known, (listing(a_post("7", OURS, entities=LINKS)),)) == Absent()


def test_older_pages_are_read_up_to_a_limit() -> None:
    other = listing(a_post("9", "other"), more=True)
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := PLATFORM.look_up(sought(), answers), Send):
        assert ("pagination_token=n" in turn.step.path) == bool(answers)
        answers = (*answers, other)
    assert (len(answers), isinstance(turn, Unknown)) == (MAX_PAGES, True)
    old = listing(a_post("9", "other"), a_post("8", "other", NOW - timedelta(hours=2)), more=True)
    assert PLATFORM.look_up(sought(), (other, old)) == Absent()


def test_refused_field_names_are_replaced_by_newer_ones() -> None:
    refused = problem(
        400, "The query parameter [tweet.fields] is not one of those known.", step="look"
    )
    again = PLATFORM.look_up(sought(), (refused,))
    assert isinstance(again, Send)
    assert (
        "post.fields=created_at,entities,attachments&expansions=referenced_posts" in again.step.path
    )
    assert isinstance(PLATFORM.look_up(sought(), (refused, refused)), Unknown)
    assert PLATFORM.look_up(sought(), (refused, listing())) == Absent()


def test_reply_is_looked_up_under_its_parent() -> None:
    under = a_post("7", OURS, entities=LINKS, referenced_tweets=[{"type": "replied_to", "id": "1"}])
    assert isinstance(PLATFORM.look_up(sought(reply_to="1"), (listing(under),)), Found)


def test_text_comparison_ignores_link_normalization() -> None:
    assert normalize_x_text("See  https://A.example/ now") == normalize_x_text(
        "see\nhttp://a.example now"
    )
    assert normalize_x_text("example.com") == normalize_x_text("http://example.com")


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said("delete", 200, {"data": {"deleted": True}}), Published),
        (
            problem(
                404, "Not found: [1234567890].", "https://api.x.com/2/problems/resource-not-found"
            ),
            Published,
        ),
        (said("delete", 404, "<html>"), Rejected),
        (said("delete", 200, {"data": {"deleted": False}}), Retry),
        (problem(403, "You are not permitted to delete this Post."), Rejected),
        (problem(503, "oops"), Retry),
    ],
)
def test_removal_needs_proof_from_x(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(PLATFORM.remove(COPY, (answer,)), meant)


@pytest.mark.parametrize("field", ["repost_count", "retweet_count"])
def test_metrics_accept_both_field_names(field: str) -> None:
    told = {
        "impression_count": 9,
        "like_count": 2,
        "reply_count": 1,
        field: 3,
        "bookmark_count": True,
    }
    answer = said("metrics", 200, {"data": {"id": "1", "public_metrics": told}})
    numbers = PLATFORM.read_metrics(COPY, (answer,))
    assert isinstance(numbers, dict)
    assert {name: numbers[name] for name in ("views", "likes", "comments", "reposts")} == {
        "views": 9,
        "likes": 2,
        "comments": 1,
        "reposts": 3,
    }
    assert PLATFORM.read_metrics(COPY, (problem(404, "gone", step="metrics"),)) is None
