"""The Facebook connector: meaning of responses, contents of a post, and lookup of lost posts."""

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
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Failed,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.facebook.errors import CALMER
from connectors.platforms.facebook.publisher import PICTURE_BYTES, WORKED_ON, Facebook
from connectors.transport import references, required_marks
from foundation.ids import uuid7
from gate.contract.units import COMMENT_REFERENCE, Medium, Reference, Subject, Text, Unit

ONE = Medium("a" * 64, "image/jpeg", 1000, alt="a beach", width=1080, height=1080)
TWO = replace(ONE, sha256="b" * 64, mime="image/png", alt="")
FILM = Medium("c" * 64, "video/mp4", 50 * 2**20, alt="waves")
WORDS = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "facebook", "facebook.page", uuid7(), "17", "public",
    texts=(Text("body", "my day"),), native_key="k",
)  # fmt: skip
ALBUM, CLIP = replace(WORDS, media=(ONE, TWO)), replace(WORDS, media=(FILM,))
ANSWER = replace(WORDS, references=(Reference(COMMENT_REFERENCE, "5_77"),))
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST, SECOND, LAST = f"stage:{'a' * 24}", f"stage:{'b' * 24}", "publish"


def asked(unit: Unit, *answers: StepResult) -> WireStep:
    turn = Facebook().next_step(unit, answers)
    assert isinstance(turn, Send), turn
    return turn.step


def said(unit: Unit, *answers: StepResult) -> Outcome:
    turn = Facebook().next_step(unit, answers)
    assert not isinstance(turn, Send), turn
    return turn


def ok(step: str, **body: Any) -> Response:
    return Response(step, 200, body=body)


def wrong(step: str, code: int, sub: int = 0, status: int = 400, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        step, status, named, {"error": {"code": code, "error_subcode": sub, "message": "no"}}
    )


def test_text_post_is_one_request() -> None:
    step = asked(WORDS)
    assert (step.kind, step.path, step.json) == (
        StepKind.PUBLISH,
        "/{account}/feed",
        {"message": "my day"},
    )
    assert said(WORDS, ok(LAST, id="17_900")) == Published(
        "17_900", "https://www.facebook.com/17_900"
    )


def test_pictures_are_uploaded_unpublished_and_attached() -> None:
    first = asked(ALBUM)
    assert (first.kind, first.path) == (StepKind.STAGE, "/{account}/photos")
    assert first.json == {"published": False, "alt_text_custom": "a beach"}
    assert first.fetched["url"].sha256 == ONE.sha256
    assert asked(ALBUM, ok(FIRST, id="101")).json == {"published": False}
    made = (ok(FIRST, id="101"), ok(SECOND, id="102"))
    last = asked(ALBUM, *made)
    shown = [{"media_fbid": "101"}, {"media_fbid": "102"}]
    assert (last.kind, last.json) == (
        StepKind.PUBLISH,
        {"message": "my day", "attached_media": shown},
    )
    assert references.uploaded_references(last, "facebook", made) == ("101", "102")
    assert references.stray_reference(last, "facebook", ("101", "102")) == ""
    assert references.stray_reference(last, "facebook", ("101",)) == "egress.remote_reference"


def test_video_upload_publishes_and_is_polled() -> None:
    step = asked(CLIP)
    assert (step.kind, step.path, step.json) == (
        StepKind.PUBLISH,
        "/{account}/videos",
        {"description": "my day"},
    )
    assert step.fetched["file_url"].sha256 == FILM.sha256
    assert said(CLIP, ok(LAST, id="800")) == Processing("800")
    assert isinstance(said(CLIP, ok(LAST, id="17_800")), Uncertain)


def test_draft_schedule_and_foreign_reference_are_refused() -> None:
    step = asked(WORDS)
    for name, value, word in [
        ("published", False, "egress.native_scheduling"),
        ("unpublished_content_type", "DRAFT", "egress.native_scheduling"),
        ("scheduled_publish_time", 1_800_000_000, "egress.native_scheduling"),
        ("link", "https://elsewhere.example/", "egress.remote_reference"),
        ("attachment_id", "9", "egress.remote_reference"),
        ("crossposted_video_id", "9", "egress.remote_reference"),
    ]:
        assert (
            references.stray_reference(
                replace(step, json={**(step.json or {}), name: value}), "facebook", ()
            )
            == word
        )
    assert references.stray_reference(asked(ALBUM), "facebook", ()) == "", (
        "an unpublished picture is not a draft"
    )


def test_marks_are_required_in_the_publishing_request() -> None:
    assert required_marks.needs_marks(asked(WORDS), "facebook")
    assert not required_marks.needs_marks(asked(ALBUM), "facebook")


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (replace(WORDS, texts=()), "facebook.words_or_files"),
        (replace(WORDS, texts=(Text("body", " "),)), "facebook.words_or_files"),
        (replace(WORDS, flags=("ai=true",)), "connectors.mark_untold"),
        (replace(WORDS, texts=(Text("body", "x" * 63_207),)), "connectors.text_too_long"),
        (replace(WORDS, media=(ONE,) * 11), "connectors.too_many_media"),
        (replace(WORDS, media=(replace(ONE, size=PICTURE_BYTES + 1),)), "connectors.medium_unfit"),
        (replace(WORDS, media=(FILM, ONE)), "facebook.film_alone"),
        (replace(WORDS, media=(FILM, FILM)), "facebook.film_alone"),
        (replace(WORDS, parts=2), "connectors.comment_alone"),
        (replace(WORDS, parts=3), "connectors.comment_alone"),
        (replace(ANSWER, media=(ONE,)), "facebook.words_alone"),
        (
            replace(ANSWER, references=(Reference(COMMENT_REFERENCE, "../me"),)),
            "facebook.remark_gone",
        ),
        (replace(ANSWER, texts=(Text("body", "x" * 8001),)), "connectors.text_too_long"),
    ],
)
def test_invalid_unit_is_rejected_with_a_reason(unit: Unit, code: str) -> None:
    outcome = said(unit)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == code


MEANT: list[tuple[Unit, str, int, int, type[Outcome]]] = [
    (ALBUM, FIRST, 190, 0, Reauthorize), (ALBUM, FIRST, 200, 0, Reauthorize), (ALBUM, FIRST, 4, 0, Retry),
    (ALBUM, FIRST, 32, 0, Retry), (ALBUM, FIRST, 80001, 0, Retry), (ALBUM, FIRST, 324, 2069019, Retry),
    (ALBUM, FIRST, 1, 0, Retry), (ALBUM, FIRST, 100, 0, Rejected), (ALBUM, FIRST, 368, 1390008, Retry),
    (WORDS, LAST, 190, 463, Reauthorize), (WORDS, LAST, 10, 0, Reauthorize), (WORDS, LAST, 2, 0, Uncertain),
    (WORDS, LAST, 32, 0, Uncertain), (WORDS, LAST, 341, 0, Uncertain), (WORDS, LAST, 506, 1455006, Uncertain),
    (WORDS, LAST, 368, 0, Retry), (WORDS, LAST, 368, 1346003, Rejected), (WORDS, LAST, 100, 1, Rejected),
    (WORDS, LAST, 25, 2207050, Disconnected),
    (CLIP, LAST, 389, 0, Retry), (CLIP, LAST, 352, 0, Rejected), (CLIP, LAST, 1, 0, Uncertain),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "step", "code", "sub", "expected"), MEANT)
def test_error_code_maps_to_outcome(
    unit: Unit, step: str, code: int, sub: int, expected: type[Outcome]
) -> None:
    assert type(said(unit, wrong(step, code, sub))) is expected


def test_duplicate_is_uncertain_and_block_is_retried() -> None:
    twice = said(WORDS, wrong(LAST, 506))
    assert isinstance(twice, Uncertain)
    assert twice.stands
    calm = said(WORDS, wrong(LAST, 368, 1390008))
    assert isinstance(calm, Retry)
    assert calm.after == CALMER


@pytest.mark.parametrize(
    ("usage", "minutes"),
    [
        (
            '{"17": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 15}]}',
            15,
        ),
        (
            '{"17": [{"estimated_time_to_regain_access": 3}], "18": '
            '[{"estimated_time_to_regain_access": 40}]}',
            40,
        ),
        ('{"17": [{"estimated_time_to_regain_access": 99999999999}]}', 1),
        ('{"17": [{"estimated_time_to_regain_access": 0}]}', 1),
        ('{"17": [{}]}', 1),
        ("[1]", 1),
        ("[" * 9000, 1),
        ("", 1),
    ],
)
def test_rate_limit_lasts_as_long_as_reported(usage: str, minutes: int) -> None:
    outcome = said(ALBUM, wrong(FIRST, 32, x_business_use_case_usage=usage))
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(minutes=minutes)


def test_unanswered_publication_is_uncertain() -> None:
    for lost in (
        StepAnswerLost(LAST, "reset"),
        wrong(LAST, 2, status=500),
        Response(LAST, 200),
        ok(LAST, id="x"),
    ):
        assert isinstance(said(WORDS, lost), Uncertain)
        assert isinstance(said(CLIP, lost), Uncertain)
    assert isinstance(said(ALBUM, StepAnswerLost(FIRST, "reset")), Retry)
    assert isinstance(said(WORDS, StepNotSent(LAST, "refused")), Retry)


SOUGHT = LookupQuery(
    "k", "my day ", NOW, "17", known=frozenset({"17_5"}), asked_at=NOW, sent_at=NOW
)


def entry(
    number: str, text: str = "my day", *, minutes: float = 0.1, **more: Any
) -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return {"id": f"17_{number}", "message": text, "created_time": at, **more}


def seen(sought: LookupQuery, *answers: StepResult) -> Send | LookupResult:
    return Facebook().look_up(sought, answers)


def page(*entries: object, after: str = "") -> Response:
    more = {"paging": {"cursors": {"after": after}, "next": "https://x.example"}} if after else {}
    return ok("look", data=list(entries), **more)


def test_lost_post_is_found_by_text_and_time() -> None:
    first = seen(SOUGHT)
    assert isinstance(first, Send)
    assert first.step.path.startswith(
        "/{account}/published_posts?fields=id%2Cmessage%2Ccreated_time"
    )
    found = seen(SOUGHT, page(entry("9", permalink_url="https://www.facebook.com/mia/posts/9")))
    assert isinstance(found, Found)
    assert (found.native_id, found.url) == ("17_9", "https://www.facebook.com/mia/posts/9")
    assert seen(SOUGHT, page(entry("5"), entry("6", minutes=-2), entry("7", "other"))) == Absent()
    further = seen(SOUGHT, page(entry("7", "other"), after="QV F"))
    assert isinstance(further, Send)
    assert further.step.path.endswith("&after=QV%20F")
    assert isinstance(seen(SOUGHT, *[page(entry("7", "other"), after="a")] * 5), Unknown)
    assert isinstance(seen(replace(SOUGHT, text="", title="my day"), page(entry("9"))), Found)


def test_lost_post_is_found_by_its_uploaded_picture() -> None:
    wordless = replace(SOUGHT, text="", media=(ONE,), told=(ok(FIRST, id="101"),))
    single = {"attachments": {"data": [{"target": {"id": "101"}}]}}
    album = {
        "attachments": {
            "data": [
                {"subattachments": {"data": [{"target": {"id": "9"}}, {"target": {"id": "101"}}]}}
            ]
        }
    }
    for shown in (single, album):
        found = seen(wordless, page(entry("8", ""), entry("9", "", **shown)))
        assert isinstance(found, Found)
        assert found.native_id == "17_9"
    assert isinstance(seen(wordless, page(entry("8", ""))), Unknown), (
        "without text the post cannot be identified"
    )
    assert isinstance(seen(replace(wordless, told=())), Unknown)


@pytest.mark.parametrize(
    "broken",
    [
        ok("look"),
        ok("look", data="x"),
        page({"message": "my day"}),
        page({"id": "9"}),
        wrong("look", 1),
    ],
)
def test_malformed_list_is_unknown(broken: Response) -> None:
    assert isinstance(seen(SOUGHT, broken), Unknown)


def test_unanswered_video_is_not_absent_while_it_may_be_processed() -> None:
    early = replace(SOUGHT, media=(FILM,), asked_at=NOW + WORKED_ON - timedelta(seconds=1))
    assert isinstance(seen(early, page()), Unknown)
    assert seen(replace(early, asked_at=NOW + WORKED_ON), page()) == Absent()
    assert isinstance(seen(early, page(entry("9"))), Found)


def test_accepted_video_is_looked_up_by_id() -> None:
    sought = replace(SOUGHT, media=(FILM,), told=(ok(LAST, id="800"),))
    first = seen(sought)
    assert isinstance(first, Send)
    assert first.step.path == "/800?fields=status,post_id"
    for number in ("900", "17_900"):
        ready = ok("look", status={"video_status": "ready"}, post_id=number)
        assert seen(sought, ready) == Found("17_900", "https://www.facebook.com/17_900")
    errors = {"video_status": "error", "processing_phase": {"errors": [{"code": 1363019}]}}
    failed = seen(sought, ok("look", status=errors))
    assert isinstance(failed, Failed)
    assert failed.reason.params == {"code": 1363019}
    assert isinstance(seen(sought, ok("look", status={"video_status": "error"})), Failed)
    for unclear in (
        ok("look", status={"video_status": "processing"}),
        ok("look", status={"video_status": "ready"}),
        ok("look", status={"video_status": "ready"}, post_id="../me"),
        ok("look", status="x"),
        wrong("look", 100, 33),
    ):
        assert isinstance(seen(sought, unclear), Unknown)


def removed(*answers: StepResult) -> Send | Outcome:
    return Facebook().remove(PlatformCopy("17_900", "17"), answers)


def test_removal_is_confirmed() -> None:
    first = removed()
    assert isinstance(first, Send)
    assert (first.step.method, first.step.path, first.step.kind) == (
        "DELETE",
        "/17_900",
        StepKind.RESTRICT,
    )
    assert removed(ok("delete", success=True)) == Published("17_900")
    gone = wrong("delete", 100, 33)
    look = removed(gone)
    assert isinstance(look, Send)
    assert look.step.path == "/17_900?fields=id"
    assert removed(gone, wrong("look", 100, 33)) == Published("17_900")
    assert isinstance(removed(gone, ok("look", id="17_900")), Rejected)
    assert isinstance(removed(gone, StepAnswerLost("look", "reset")), Retry)
    assert isinstance(removed(StepAnswerLost("delete", "reset")), Retry)
    assert isinstance(removed(wrong("delete", 32)), Retry)
    right = removed(wrong("delete", 200, status=403))
    assert isinstance(right, Rejected)
    assert right.reason.code == "facebook.no_delete"


def test_metrics_are_read_by_name() -> None:
    counted = {
        "reactions": {"summary": {"total_count": 7}},
        "comments": {"summary": {"total_count": 2}},
    }
    post = PlatformCopy("17_900", "17")
    assert Facebook().read_metrics(post, (ok("metrics", **counted),)) == {
        "likes": 7,
        "comments": 2,
        "shares": 0,
    }
    assert Facebook().read_metrics(post, (ok("metrics", **counted, shares={"count": 4}),)) == {
        "likes": 7,
        "comments": 2,
        "shares": 4,
    }
    for broken in (
        ok("metrics", reactions="x"),
        wrong("metrics", 10),
        ok("metrics", reactions={"summary": [1]}),
    ):
        assert Facebook().read_metrics(post, (broken,)) is None
    assert Facebook().read_metrics(PlatformCopy("comment:5_9", "17"), ()) is None
