"""The Instagram connector: meaning of responses and contents of the requests."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.connector import (
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.platforms.instagram.publisher import AI, Instagram
from connectors.transport import required_marks
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Medium, Subject, Text, Unit

ONE = Medium("a" * 64, "image/jpeg", 1000, alt="a beach", width=1080, height=1080)
TWO = replace(ONE, sha256="b" * 64)
POST = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "instagram", "instagram.post", uuid7(), "17", "public",
    texts=(Text("body", "my day"),), media=(ONE,), native_key="k",
)  # fmt: skip
ALBUM = replace(POST, media=(ONE, TWO), flags=(AI,))


def asked(unit: Unit, *answers: StepResult) -> WireStep:
    turn = Instagram().next_step(unit, answers)
    assert isinstance(turn, Send), turn
    return turn.step


def said(unit: Unit, *answers: StepResult) -> Outcome:
    turn = Instagram().next_step(unit, answers)
    assert not isinstance(turn, Send), turn
    return turn


def ok(step: str, **body: Any) -> Response:
    return Response(step, 200, body=body)


def wrong(step: str, code: int, sub: int = 0, status: int = 400) -> Response:
    return Response(
        step, status, body={"error": {"code": code, "error_subcode": sub, "message": "no"}}
    )


STAGED = ok(f"stage:{'a' * 24}", id="101")
READY = ok("poll:101", status_code="FINISHED")


def test_picture_is_staged_polled_and_published() -> None:
    first = asked(replace(POST, flags=(AI,)))
    assert (first.kind, first.path, first.fetched["image_url"].sha256) == (
        StepKind.STAGE,
        "/{account}/media",
        "a" * 64,
    )
    assert first.json == {"caption": "my day", "is_ai_generated": True, "alt_text": "a beach"}
    poll = asked(POST, STAGED)
    assert (poll.kind, poll.action, poll.path) == (
        StepKind.CONTROL,
        "look",
        "/101?fields=status_code,status",
    )
    last = asked(POST, STAGED, READY)
    assert (last.kind, last.path, last.json) == (
        StepKind.PUBLISH,
        "/{account}/media_publish",
        {"creation_id": "101"},
    )
    assert said(POST, STAGED, READY, ok("publish", id="900")) == Published("900")


def test_carousel_text_and_marks_are_on_the_outer_container() -> None:
    done = (
        STAGED,
        ok(f"stage:{'b' * 24}", id="102"),
        READY,
        ok("poll:102", status_code="FINISHED"),
    )
    assert asked(ALBUM).json == {"is_carousel_item": True, "alt_text": "a beach"}
    outer = asked(ALBUM, *done)
    assert outer.json == {
        "media_type": "CAROUSEL",
        "children": "101,102",
        "caption": "my day",
        "is_ai_generated": True,
    }
    assert asked(ALBUM, *done, ok("stage:parent", id="103")).path.startswith("/103?")
    whole = (*done, ok("stage:parent", id="103"), ok("poll:103", status_code="FINISHED"))
    assert asked(ALBUM, *whole).json == {"creation_id": "103"}


def test_marks_are_required_where_the_post_is_created() -> None:
    single, item = asked(replace(POST, flags=(AI,))), asked(ALBUM)
    publication = asked(POST, STAGED, READY)
    assert required_marks.needs_marks(single, "instagram")
    assert not required_marks.needs_marks(item, "instagram")
    assert not required_marks.needs_marks(publication, "instagram")
    assert required_marks.needs_marks(publication, "sandbox")
    assert required_marks.first_missing_mark(single, (AI,)) == ""
    assert required_marks.first_missing_mark(replace(single, json={"caption": "x"}), (AI,)) == AI


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ERROR", Retry),
        ("EXPIRED", Retry),
        ("PUBLISHED", Uncertain),
    ],
)
def test_unusable_container_maps_to_outcome(status: str, expected: type[Outcome]) -> None:
    outcome = said(POST, STAGED, ok("poll:101", status_code=status))
    assert isinstance(outcome, expected)
    assert not isinstance(outcome, Retry) or outcome.uploads_gone, "the container is created again"


def test_processing_container_is_polled_later() -> None:
    assert asked(POST, STAGED).path.startswith("/101?")
    later = said(POST, STAGED, ok("poll:101", status_code="IN_PROGRESS"))
    assert isinstance(later, Retry)
    assert not later.uploads_gone, "the upload is kept"
    assert isinstance(said(POST, STAGED, wrong("poll:101", 100, 33)), Retry), (
        "the platform's read bug proves nothing about the post"
    )


UPLOAD, LAST = f"stage:{'a' * 24}", "publish"
MEANT: list[tuple[str, int, int, type[Outcome]]] = [
    (UPLOAD, 190, 0, Reauthorize), (UPLOAD, 10, 0, Reauthorize), (UPLOAD, 200, 0, Reauthorize),
    (UPLOAD, 4, 0, Retry), (UPLOAD, 17, 0, Retry), (UPLOAD, 32, 0, Retry), (UPLOAD, 80002, 0, Retry),
    (UPLOAD, 9004, 2207052, Retry), (UPLOAD, 9004, 2207003, Retry), (UPLOAD, 1, 0, Retry), (UPLOAD, -1, 0, Retry),
    (UPLOAD, 9004, 2207005, Rejected), (UPLOAD, 36003, 2207009, Rejected), (UPLOAD, 100, 2207010, Rejected),
    (UPLOAD, 25, 2207050, Disconnected),
    (LAST, 190, 0, Reauthorize), (LAST, 4, 2207051, Uncertain), (LAST, 4, 2207042, Retry), (LAST, 2, 0, Uncertain),
    (LAST, 9007, 2207027, Retry), (LAST, 100, 2207008, Retry), (LAST, 100, 2207020, Retry), (LAST, 100, 1, Rejected),
    (LAST, 25, 2207050, Disconnected),
]  # fmt: skip


@pytest.mark.parametrize(("step", "code", "sub", "expected"), MEANT)
def test_error_code_maps_to_outcome(
    step: str, code: int, sub: int, expected: type[Outcome]
) -> None:
    before = () if step == UPLOAD else (STAGED, READY)
    assert type(said(POST, *before, wrong(step, code, sub))) is expected


def test_transient_error_is_never_a_rejection() -> None:
    """These codes are undocumented; a rejection of the publishing request would claim that no post
    exists."""
    body = {
        "error": {
            "code": -2,
            "error_subcode": 2207099,
            "is_transient": True,
            "message": "try again",
        }
    }
    assert isinstance(said(POST, Response(UPLOAD, 400, {}, body)), Retry)
    assert isinstance(said(POST, STAGED, READY, Response(LAST, 400, {}, body)), Uncertain)
    body["error"]["is_transient"] = False
    assert isinstance(said(POST, STAGED, READY, Response(LAST, 400, {}, body)), Rejected)
    body["error"] |= {"code": 100, "error_subcode": 2207050, "is_transient": True}
    assert isinstance(said(POST, STAGED, READY, Response(LAST, 400, {}, body)), Disconnected), (
        "a documented code takes precedence"
    )


def test_app_limit_applies_to_all_accounts() -> None:
    app, own = said(POST, wrong(UPLOAD, 4)), said(POST, wrong(UPLOAD, 17))
    assert isinstance(app, Retry)
    assert isinstance(own, Retry)
    assert (app.scope, own.scope) == ("app", "account")
    day = said(POST, STAGED, READY, wrong(LAST, 4, 2207042))
    assert isinstance(day, Retry)
    assert day.after == timedelta(hours=24)
    gone = said(POST, STAGED, READY, wrong(LAST, 100, 2207020))
    assert isinstance(gone, Retry)
    assert gone.uploads_gone


def test_unanswered_publication_is_uncertain() -> None:
    for lost in (
        StepAnswerLost(LAST, "reset"),
        wrong(LAST, 2, status=500),
        Response(LAST, 200),
        ok(LAST, id="x"),
    ):
        assert isinstance(said(POST, STAGED, READY, lost), Uncertain)
    assert isinstance(said(POST, StepAnswerLost(UPLOAD, "reset")), Retry)
    assert isinstance(said(POST, STAGED, READY, StepNotSent(LAST, "refused")), Retry)


def test_missing_public_url_is_rejected_with_a_reason() -> None:
    outcome = said(POST, StepNotSent(UPLOAD, "no_public_address"))
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == "connectors.no_public_address"


@pytest.mark.parametrize(
    "changes",
    [
        {"media": ()},
        {"media": (replace(ONE, mime="image/png"),)},
        {"media": (replace(ONE, size=9 * 2**20),)},
        {"media": (replace(ONE, width=100, height=200),)},
        {"media": (replace(ONE, width=200, height=100),)},
        {"media": tuple(replace(ONE, sha256=f"{n:064d}") for n in range(11))},
        {"texts": (Text("body", "x" * 2201),)},
        {"texts": (Text("body", "#a " * 31),)},
        {"texts": (Text("body", "@a " * 21),)},
        {"flags": ("adult=true",)},
        {"viewer": "7", "audience": "viewer"},
    ],
)
def test_invalid_unit_is_rejected_without_request(changes: dict[str, Any]) -> None:
    assert isinstance(said(replace(POST, **changes)), Rejected)


def test_account_is_connected_by_its_token() -> None:
    connector, form = Instagram(), {"access_token": Sealed(b"t")}
    turn = connector.connect(form, ())
    assert isinstance(turn, Send)
    assert turn.step.kind is StepKind.AUTH
    me = {"user_id": "17", "username": "mia", "account_type": "BUSINESS"}
    found = connector.connect(form, (ok("me", **me),))
    assert isinstance(found, ConnectedAccount)
    assert (found.account, found.name, found.surface) == ("17", "@mia", "instagram.post")
    for answer in (ok("me", **{**me, "account_type": "PERSONAL"}), wrong("me", 190), ok("me")):
        assert isinstance(connector.connect(form, (answer,)), Rejected)
    assert isinstance(connector.connect({}, ()), Rejected)
    assert connector.verify_account("17", (ok("look", **me),)) is None
    assert isinstance(connector.verify_account("18", (ok("look", **me),)), Reauthorize)
