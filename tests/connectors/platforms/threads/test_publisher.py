"""The Threads connector: meaning of responses, contents of a post, and lookup of lost posts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

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
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    LookupResult,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.meta.oauth import TRIED
from connectors.platforms.threads.publisher import POLLS, Threads
from connectors.shared.text_counting import count_links, threads_text_length
from connectors.transport import references, required_marks
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, Medium, Reference, Subject, Text, Unit

ONE = Medium("a" * 64, "image/jpeg", 1000, alt="a beach", width=1080, height=1080)
TWO = replace(ONE, sha256="b" * 64)
FILM = Medium("c" * 64, "video/mp4", 50 * 2**20, alt="waves")
WORDS = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "threads", "threads.post", uuid7(), "17", "public",
    texts=(Text("body", "my day"),), native_key="k",
)  # fmt: skip
POST, ALBUM = replace(WORDS, media=(ONE,)), replace(WORDS, media=(ONE, FILM))
ANSWER = replace(WORDS, references=(Reference(COMMENT_REFERENCE, "77"),))
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def asked(unit: Unit, *answers: StepResult) -> WireStep:
    turn = Threads().next_step(unit, answers)
    assert isinstance(turn, Send), turn
    return turn.step


def said(unit: Unit, *answers: StepResult) -> Outcome:
    turn = Threads().next_step(unit, answers)
    assert not isinstance(turn, Send), turn
    return turn


def ok(step: str, **body: Any) -> Response:
    return Response(step, 200, body=body)


def wrong(step: str, code: int, sub: int = 0, status: int = 400) -> Response:
    return Response(
        step, status, body={"error": {"code": code, "error_subcode": sub, "message": "no"}}
    )


PARENT, UPLOAD, LAST = "stage:parent", f"stage:{'a' * 24}", "publish"
MADE, READY = ok(PARENT, id="101"), ok("poll:101", status="FINISHED")


def test_text_post_uses_a_container() -> None:
    first = asked(WORDS)
    assert (first.kind, first.path) == (StepKind.STAGE, "/{account}/threads")
    assert first.json == {"media_type": "TEXT", "text": "my day"}
    poll = asked(WORDS, MADE)
    assert (poll.kind, poll.action, poll.path) == (
        StepKind.CONTROL,
        "look",
        "/101?fields=status,error_message",
    )
    last = asked(WORDS, MADE, READY)
    assert (last.kind, last.path, last.json) == (
        StepKind.PUBLISH,
        "/{account}/threads_publish",
        {"creation_id": "101"},
    )
    assert said(WORDS, MADE, READY, ok(LAST, id="900")) == Published("900")


def test_picture_is_one_container_and_album_contains_items() -> None:
    first = asked(POST)
    assert first.json == {"media_type": "IMAGE", "text": "my day", "alt_text": "a beach"}
    assert first.fetched["image_url"].sha256 == ONE.sha256
    assert asked(ALBUM).json == {
        "media_type": "IMAGE",
        "is_carousel_item": True,
        "alt_text": "a beach",
    }
    film = asked(ALBUM, ok(UPLOAD, id="102"))
    assert film.json == {"media_type": "VIDEO", "is_carousel_item": True, "alt_text": "waves"}
    assert film.fetched["video_url"].sha256 == FILM.sha256
    done = (ok(UPLOAD, id="102"), ok(f"stage:{'c' * 24}", id="103"))
    ready = (*done, ok("poll:102", status="FINISHED"), ok("poll:103", status="FINISHED"))
    outer = asked(replace(ALBUM, reply_to="55"), *ready)
    assert outer.json == {
        "media_type": "CAROUSEL",
        "children": "102,103",
        "text": "my day",
        "reply_to_id": "55",
    }


def test_thread_part_and_reply_name_their_parent() -> None:
    part, answer = asked(replace(WORDS, reply_to="55", parts=2)), asked(ANSWER)
    assert part.json == {"media_type": "TEXT", "text": "my day", "reply_to_id": "55"}
    assert answer.json == {"media_type": "TEXT", "text": "my day", "reply_to_id": "77"}
    assert references.uploaded_references(part, "threads", (), above="55") == ("55",)
    assert references.stray_reference(part, "threads", ("55",)) == ""
    assert references.stray_reference(answer, "threads", ("55",)) == "egress.remote_reference"


def test_staging_request_must_not_publish() -> None:
    step = asked(WORDS)
    assert references.stray_reference(step, "threads", ()) == ""
    shows = replace(step, json={**(step.json or {}), "auto_publish_text": True})
    assert references.stray_reference(shows, "threads", ()) == "egress.native_scheduling"


def test_marks_are_required_where_the_post_is_created() -> None:
    assert required_marks.needs_marks(asked(POST), "threads")
    assert not required_marks.needs_marks(asked(ALBUM), "threads")
    assert not required_marks.needs_marks(asked(WORDS, MADE, READY), "threads")


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (replace(WORDS, texts=()), "threads.words_or_files"),
        (replace(WORDS, texts=(Text("body", " "),)), "threads.words_or_files"),
        (replace(WORDS, flags=("ai=true",)), "connectors.mark_untold"),
        (replace(WORDS, texts=(Text("body", "x" * 501),)), "connectors.text_too_long"),
        (replace(WORDS, texts=(Text("body", "😀" * 126),)), "connectors.text_too_long"),
        (
            replace(
                WORDS, texts=(Text("body", " ".join(f"https://a.example/{n}" for n in range(6))),)
            ),
            "threads.too_many_links",
        ),
        (replace(WORDS, media=(ONE,) * 21), "connectors.too_many_media"),
        (replace(WORDS, media=(replace(ONE, size=9 * 2**20),)), "connectors.medium_unfit"),
        (replace(WORDS, media=(replace(ONE, width=100, height=1001),)), "threads.shape"),
        (replace(WORDS, media=(replace(ONE, alt="x" * 1001),)), "connectors.text_too_long"),
        (replace(WORDS, parts=26), "connectors.too_many_parts"),
        (replace(ANSWER, media=(ONE,)), "threads.words_alone"),
        (
            replace(ANSWER, references=(Reference(COMMENT_REFERENCE, "../me"),)),
            "threads.words_alone",
        ),
    ],
)
def test_invalid_unit_is_rejected_with_a_reason(unit: Unit, code: str) -> None:
    outcome = said(unit)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == code


def test_emoji_count_as_bytes_and_links_once() -> None:
    assert [
        threads_text_length(text) for text in ("é", "e\u0301", "😀", "👨‍👩‍👧‍👦", "🇫🇷", "1", "#")
    ] == [
        1,
        2,
        4,
        25,
        8,
        1,
        1,
    ]
    assert count_links("https://a.example/1, https://a.example/1 and www.b.example.") == 2
    assert isinstance(
        Threads().next_step(replace(WORDS, texts=(Text("body", "😀" * 125),)), ()), Send
    )


@pytest.mark.parametrize(
    ("status", "word", "expected", "anew"),
    [
        ("ERROR", "FAILED_DOWNLOADING_VIDEO", Retry, True),
        ("ERROR", "UNKNOWN", Retry, True),
        ("ERROR", "INVALID_DURATION", Rejected, False),
        ("EXPIRED", "", Retry, True),
        ("PUBLISHED", "", Uncertain, False),
    ],
)
def test_unusable_container_maps_to_outcome(
    status: str, word: str, expected: type[Outcome], anew: bool
) -> None:
    outcome = said(WORDS, MADE, ok("poll:101", status=status, error_message=word))
    assert isinstance(outcome, expected)
    assert not isinstance(outcome, Retry) or outcome.uploads_gone is anew


def test_processing_container_is_polled_later() -> None:
    slow = [ok("poll:101", status="IN_PROGRESS")] * POLLS
    assert asked(WORDS, MADE, *slow[1:]).path.startswith("/101?")
    for told in (*slow, wrong("poll:101", 24, 4279009), wrong("poll:101", 100, 33)):
        later = said(WORDS, MADE, *slow[1:], told)
        assert isinstance(later, Retry)
        assert not later.uploads_gone


MEANT: list[tuple[str, int, int, type[Outcome]]] = [
    (PARENT, 190, 0, Reauthorize), (PARENT, 10, 0, Reauthorize), (PARENT, 4, 0, Retry), (PARENT, 17, 0, Retry),
    (PARENT, 1, 2207052, Retry), (PARENT, 1, 0, Retry), (PARENT, 100, 0, Rejected), (PARENT, 36003, 2207009, Rejected),
    (PARENT, 25, 2207050, Disconnected), (PARENT, 24, 4279009, Rejected),
    (LAST, 190, 0, Reauthorize), (LAST, 2, 0, Uncertain), (LAST, 4, 0, Uncertain), (LAST, 4, 2207042, Retry),
    (LAST, 24, 4279009, Retry), (LAST, 100, 1, Rejected),
]  # fmt: skip


@pytest.mark.parametrize(("step", "code", "sub", "expected"), MEANT)
def test_error_code_maps_to_outcome(
    step: str, code: int, sub: int, expected: type[Outcome]
) -> None:
    before = () if step == PARENT else (MADE, READY)
    assert type(said(WORDS, *before, wrong(step, code, sub))) is expected


@pytest.mark.parametrize(
    ("code", "sub", "word"),
    [
        (10, 0, "threads.no_replies"),
        (24, 4279009, "threads.remark_gone"),
        (100, 33, "threads.remark_gone"),
    ],
)
def test_rejected_reply_does_not_disconnect_the_account(code: int, sub: int, word: str) -> None:
    outcome = said(ANSWER, wrong(PARENT, code, sub))
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == word
    assert isinstance(said(ANSWER, MADE, READY, wrong(LAST, 24, 4279009)), Retry), (
        "this concerns the container, not the comment"
    )


def test_unanswered_publication_is_uncertain() -> None:
    for lost in (
        StepAnswerLost(LAST, "reset"),
        wrong(LAST, 2, status=500),
        Response(LAST, 200),
        ok(LAST, id="x"),
    ):
        assert isinstance(said(WORDS, MADE, READY, lost), Uncertain)
    assert isinstance(said(WORDS, StepAnswerLost(PARENT, "reset")), Retry)
    assert isinstance(said(WORDS, MADE, READY, StepNotSent(LAST, "refused")), Retry)


SOUGHT = LookupQuery("k", "my day ", NOW, "17", known=frozenset({"5"}), asked_at=NOW)


def entry(
    number: str, text: str = "my day", *, minutes: float = 0.1, **more: Any
) -> dict[str, Any]:
    return {
        "id": number,
        "text": text,
        "timestamp": (NOW + timedelta(minutes=minutes)).isoformat(),
        **more,
    }


def seen(sought: LookupQuery, *answers: StepResult) -> Send | LookupResult:
    return Threads().look_up(sought, answers)


def page(*entries: object, after: str = "") -> Response:
    more = {"paging": {"cursors": {"after": after}}} if after else {}
    return ok("look", data=list(entries), **more)


def test_lost_post_is_found_by_text_and_time() -> None:
    first = seen(SOUGHT)
    assert isinstance(first, Send)
    assert first.step.path == "/{account}/threads?fields=id,text,timestamp,permalink&limit=50"
    assert isinstance(seen(SOUGHT, page(entry("9", permalink="https://t.example/9"))), Found)
    assert seen(SOUGHT, page(entry("5"), entry("6", minutes=-2), entry("7", "other"))) == Absent()
    further = seen(SOUGHT, page(entry("7", "other"), after="QV F"))
    assert isinstance(further, Send)
    assert further.step.path.endswith("&after=QV%20F")
    assert seen(SOUGHT, page(entry("7", "other"), after="a"), page()) == Absent()
    assert isinstance(seen(SOUGHT, *[page(entry("7", "other"), after="a")] * 5), Unknown)


@pytest.mark.parametrize(
    "broken", [ok("look"), ok("look", data="x"), page({"text": "my day"}), wrong("look", 1)]
)
def test_malformed_list_is_unknown(broken: Response) -> None:
    assert isinstance(seen(SOUGHT, broken), Unknown)
    assert isinstance(seen(replace(SOUGHT, text=" ")), Unknown)


def test_lost_thread_part_is_looked_up_among_replies() -> None:
    sought = replace(SOUGHT, reply_to="55")
    first = seen(sought)
    assert isinstance(first, Send)
    assert (
        first.step.path
        == "/{account}/replies?fields=id,text,timestamp,permalink,replied_to&limit=50"
    )
    elsewhere, here = entry("8", replied_to={"id": "54"}), entry("9", replied_to={"id": "55"})
    assert seen(sought, page(elsewhere)) == Absent()
    found = seen(sought, page(here, elsewhere))
    assert isinstance(found, Found)
    assert found.native_id == "9"


def removed(*answers: StepResult) -> Send | Outcome:
    return Threads().remove(PlatformCopy("900", "17"), answers)


def test_removal_is_confirmed() -> None:
    first = removed()
    assert isinstance(first, Send)
    assert (first.step.method, first.step.path, first.step.kind) == (
        "DELETE",
        "/900",
        StepKind.RESTRICT,
    )
    assert removed(ok("delete", success=True, deleted_id="900")) == Published("900")
    gone = wrong("delete", 24, 4279009)
    look = removed(gone)
    assert isinstance(look, Send)
    assert look.step.path == "/900?fields=id"
    assert removed(gone, wrong("look", 100, 33)) == Published("900")
    assert isinstance(removed(gone, ok("look", id="900")), Rejected)
    assert isinstance(removed(gone, StepAnswerLost("look", "reset")), Retry)
    assert isinstance(removed(StepAnswerLost("delete", "reset")), Retry)
    assert isinstance(removed(wrong("delete", 17)), Retry)
    assert isinstance(removed(ok("delete", success=False)), Retry)
    right = removed(wrong("delete", 10))
    assert isinstance(right, Rejected)
    assert right.reason.code == "threads.no_delete"


def test_metrics_are_read_by_name() -> None:
    told = ok(
        "metrics",
        data=[{"name": "views", "values": [{"value": 9}]}, {"name": "replies", "values": [{}]}, 3],
    )
    assert Threads().read_metrics(PlatformCopy("900", "17"), (told,)) == {"views": 9}
    for broken in (
        ok("metrics", data=[]),
        wrong("metrics", 10),
        ok("metrics", data={"name": "views"}),
    ):
        assert Threads().read_metrics(PlatformCopy("900", "17"), (broken,)) is None


def test_account_is_connected_by_its_token() -> None:
    token = Sealed(b"t")
    me = Threads().connect({"access_token": token}, ())
    assert isinstance(me, Send)
    assert me.step.path == "/me?fields=id,username"
    assert Threads().connect(
        {"access_token": token}, (ok("me", id="17", username="mia"),)
    ) == ConnectedAccount(
        account="17",
        name="@mia",
        surface="threads.post",
        token=token,
        refresh=token,
        lifetime=TRIED,
    )
    for refused in (wrong("me", 190), ok("me", id="17"), ok("me", username="mia")):
        outcome = Threads().connect({"access_token": token}, (refused,))
        assert isinstance(outcome, Rejected)
        assert outcome.reason.code == "threads.bad_token"
    assert isinstance(Threads().connect({}, ()), Rejected)
    assert isinstance(
        Threads().connect({"access_token": token}, (StepAnswerLost("me", "reset"),)), Retry
    )
    assert Threads().verify_account("17", (ok("look", id="17"),)) is None
    assert isinstance(Threads().verify_account("18", (ok("look", id="17"),)), Reauthorize)
