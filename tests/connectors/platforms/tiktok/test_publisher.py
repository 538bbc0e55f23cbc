"""The TikTok connector: video initialization, uploads, lookup of a publication, and rejections."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.attempts import serialization
from connectors.contract.connector import (
    LookupQuery,
    OAuthClient,
    PlatformCopy,
    RefreshGrant,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
)
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Failed,
    Found,
    Outcome,
    Processing,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.tiktok.account import CREATOR, SURFACE, USER
from connectors.platforms.tiktok.media import (
    INIT,
    LOOK,
    METRICS,
    MIN_PART_BYTES,
    PUBLISH,
    PUT,
    STATUS_STEP,
    part_count,
)
from connectors.platforms.tiktok.publisher import AI, NUMBERS, VIDEO, TikTok
from connectors.shared.http_responses import is_app_wide_limit
from connectors.shared.options import OPTION_TRUE
from connectors.transport import references, required_marks
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Medium, PlatformOption, Subject, Text, Unit

PLATFORM = TikTok()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FILM = Medium("a" * 64, "video/mp4", 3 * MIN_PART_BYTES + 1000, alt="waves")
PART = FILM.size // 3
ACCOUNT, NAME, POST = (
    "open-id-0001#PUBLIC_TO_EVERYONE",
    "v_pub_file~v2-1.73012",
    7301234567890123456,
)
ADDRESS = Sealed(b"https://open-upload.tiktokapis.com/video/?upload_id=1&upload_token=secret")
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="tiktok",
    surface=SURFACE,
    channel_id=uuid7(),
    account=ACCOUNT,
    audience="public",
    texts=(Text("body", "a lake"),),
    media=(FILM,),
    native_key="key-1",
)


def said(step: str, status: int, data: Any = None, code: str = "ok", minutes: int = 0) -> Response:
    at = {"date": f"{NOON + timedelta(minutes=minutes):%a, %d %b %Y %H:%M:%S} GMT"}
    body = {"data": data or {}, "error": {"code": code, "message": "…", "log_id": "1"}}
    return Response(step, status, at, None if step.startswith(PUT) or step == PUBLISH else body)


def no(code: str, status: int = 403, step: str = INIT) -> Response:
    return said(step, status, code=code)


OPTIONS = {"privacy_level_options": ["PUBLIC_TO_EVERYONE", "SELF_ONLY"], "comment_disabled": False}
ABOUT = said(CREATOR, 200, OPTIONS)
BEGUN = replace(said(INIT, 200, {"publish_id": NAME}), sealed={"data.upload_url": ADDRESS})
SOUGHT = LookupQuery("key-1", "a lake", NOON, ACCOUNT, media=(FILM,), told=(BEGUN,))


def test_video_over_the_account_limit_is_rejected_before_upload() -> None:
    """TikTok reports the limit with each creator query; some accounts may post one minute only."""
    long = replace(UNIT, media=(replace(FILM, seconds=61),))
    for most, meant in ((60, Rejected), (61, Send), (0, Send), ("60", Send), (None, Send)):
        about = said(CREATOR, 200, {**OPTIONS, "max_video_post_duration_sec": most})
        turn = PLATFORM.next_step(long, (about,))
        assert isinstance(turn, meant)
        assert not isinstance(turn, Rejected) or turn.reason == Message(
            "connectors.film_too_long", {"seconds": 61, "most": 60}
        )
    unknown = said(CREATOR, 200, {**OPTIONS, "max_video_post_duration_sec": 60})
    assert isinstance(PLATFORM.next_step(UNIT, (unknown,)), Send), (
        "the length is unknown, so the platform decides"
    )


def test_paid_partnership_cannot_be_private() -> None:
    paid = replace(UNIT, options=(PlatformOption("partnership", (OPTION_TRUE,)),))
    assert isinstance(PLATFORM.next_step(paid, ()), Send)
    for alone in (
        replace(paid, options=(*paid.options, PlatformOption("readers", ("SELF_ONLY",)))),
        replace(paid, account="open-id-0001#SELF_ONLY"),
    ):
        assert PLATFORM.next_step(alone, ()) == Rejected(
            Message("tiktok.paid_unseen"), permanent=False
        )


def step_of(turn: object) -> Any:
    assert isinstance(turn, Send)
    return turn.step


def state(status: str, step: str = STATUS_STEP, minutes: int = 1, **more: Any) -> Response:
    return said(step, 200, {"status": status, **more}, minutes=minutes)


def test_video_is_initialized_and_its_last_part_publishes() -> None:
    unit, steps = replace(UNIT, flags=(AI,)), []
    known: list[StepResult] = []
    for answer in (ABOUT, BEGUN, said(f"{PUT}0", 206), said(f"{PUT}{PART}", 206)):
        steps.append(step_of(PLATFORM.next_step(unit, tuple(known))))
        known.append(answer)
    last = step_of(PLATFORM.next_step(unit, tuple(known)))
    about, init, first, second = steps
    assert [one.kind for one in (*steps, last)] == [
        StepKind.CONTROL,
        StepKind.STAGE,
        StepKind.STAGE,
        StepKind.STAGE,
        StepKind.PUBLISH,
    ]
    assert about.path == "/v2/post/publish/creator_info/query/"
    assert init.json["source_info"] == {
        "source": "FILE_UPLOAD",
        "video_size": FILM.size,
        "chunk_size": PART,
        "total_chunk_count": 3,
    }
    assert init.json["post_info"] == {
        "title": "a lake",
        "privacy_level": "PUBLIC_TO_EVERYONE",
        "disable_duet": True,
        "disable_stitch": True,
        "brand_content_toggle": False,
        "brand_organic_toggle": False,
        "disable_comment": False,
        "is_aigc": True,
    }
    assert init.secret_fields == ("data.upload_url",)
    assert [one.file.part for one in (first, second, last)] == [
        (0, PART),
        (PART, 2 * PART),
        (2 * PART, FILM.size),
    ]
    assert (last.address, last.token, last.json) == (ADDRESS, "none", None)
    assert last.headers == {"content-range": f"bytes {2 * PART}-{FILM.size - 1}/{FILM.size}"}
    assert required_marks.marks_due(init, "tiktok", (AI,)) == (AI,)
    assert required_marks.first_missing_mark(init, (AI,)) == ""
    assert (
        required_marks.first_missing_mark(
            replace(init, json={"post_info": {"title": "a lake"}}), (AI,)
        )
        == AI
    )
    assert required_marks.marks_due(last, "tiktok", (AI,)) == ()
    assert references.stray_reference(last, "tiktok", ()) == ""


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (1, 1),
        (2 * MIN_PART_BYTES - 1, 1),
        (2 * MIN_PART_BYTES, 2),
        (5 * MIN_PART_BYTES - 1, 4),
        (40 * MIN_PART_BYTES, 40),
    ],
)
def test_last_part_contains_the_remainder(size: int, count: int) -> None:
    assert part_count(size) == count
    unit = replace(UNIT, media=(replace(FILM, size=size),))
    source = step_of(PLATFORM.next_step(unit, (ABOUT,))).json["source_info"]
    assert source["total_chunk_count"] == source["video_size"] // source["chunk_size"] == count
    assert source["chunk_size"] >= 5 * 1024**2 or count == 1


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (state("PROCESSING_UPLOAD", uploaded_bytes=0), (0, PART)),
        (state("PROCESSING_UPLOAD", uploaded_bytes=PART), (PART, 2 * PART)),
        (state("PROCESSING_UPLOAD", uploaded_bytes=PART + 7), (PART, 2 * PART)),
        (state("PROCESSING_UPLOAD", uploaded_bytes=2 * PART), (2 * PART, FILM.size)),
        (state("PROCESSING_UPLOAD", uploaded_bytes=FILM.size), (2 * PART, FILM.size)),
        (state("PROCESSING_UPLOAD"), (0, PART)),
        (state("PUBLISH_COMPLETE", uploaded_bytes=FILM.size), (2 * PART, FILM.size)),
    ],
)
def test_new_attempt_reads_the_upload_status(answer: StepResult, part: tuple[int, int]) -> None:
    """An upload that was prepared or interrupted is resumed, not started again."""
    assert step_of(PLATFORM.next_step(UNIT, (BEGUN,))).name == STATUS_STEP
    assert step_of(PLATFORM.next_step(UNIT, (BEGUN, answer))).file.part == part


@pytest.mark.parametrize(
    "answer",
    [
        state("FAILED", fail_reason="internal"),
        state("PROCESSING_UPLOAD", uploaded_bytes=0, minutes=51),
        no("invalid_publish_id", 400, STATUS_STEP),
    ],
)
def test_failed_upload_starts_over(answer: StepResult) -> None:
    turn = PLATFORM.next_step(UNIT, (BEGUN, answer))
    assert isinstance(turn, Retry)
    assert turn.uploads_gone


@pytest.mark.parametrize("name", [None, "", 7, "a sentence of theirs", "a" * 65, "é", "a\n"])
def test_invalid_publish_id_is_ignored(name: Any) -> None:
    """The transport would refuse such an ID; no request was sent with it yet."""
    nameless = replace(BEGUN, body={"data": {"publish_id": name}, "error": {"code": "ok"}})
    assert getattr(PLATFORM.next_step(UNIT, (ABOUT, nameless)), "uploads_gone", False)
    assert isinstance(PLATFORM.look_up(replace(SOUGHT, told=(nameless,)), ()), Unknown)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said(PUBLISH, 201), Processing(NAME)),
        (said(PUBLISH, 403), Rejected),
        (said(PUBLISH, 403, minutes=61), Retry),
        (said(PUBLISH, 404), Uncertain),
        (said(PUBLISH, 416), Uncertain),
        (said(PUBLISH, 206), Uncertain),
        (said(PUBLISH, 500), Uncertain),
        (said(PUBLISH, 400), Rejected),
        (StepAnswerLost(PUBLISH, "ReadTimeout"), Uncertain),
    ],
)
def test_uncertain_last_part_is_never_repeated(answer: StepResult, meant: Any) -> None:
    outcome = PLATFORM.next_step(UNIT, (ABOUT, BEGUN, answer))
    assert outcome == meant if isinstance(meant, Processing) else isinstance(outcome, meant)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (state("PUBLISH_COMPLETE", LOOK), Found(NAME)),
        (state("PUBLISH_COMPLETE", LOOK, publicaly_available_post_id=["x"]), Found(NAME)),
        (state("PROCESSING_UPLOAD", LOOK, uploaded_bytes=2 * PART), Absent()),
        (state("PROCESSING_UPLOAD", LOOK, uploaded_bytes=FILM.size), Unknown),
        (state("PROCESSING_UPLOAD", LOOK), Unknown),
        (state("SEND_TO_USER_INBOX", LOOK), Unknown),
        (state("FAILED", LOOK, fail_reason="frame_rate_check_failed"), Failed),
        (no("invalid_publish_id", 400, LOOK), Unknown),
        (no("access_token_invalid", 401, LOOK), Unknown),
        (StepAnswerLost(LOOK, "ReadTimeout"), Unknown),
    ],
)
def test_publication_is_looked_up_by_its_publish_id(answer: StepResult, seen: Any) -> None:
    asked = step_of(PLATFORM.look_up(SOUGHT, ()))
    assert (asked.json, asked.action) == ({"publish_id": NAME}, "look")
    found = PLATFORM.look_up(SOUGHT, (answer,))
    assert isinstance(found, seen) if isinstance(seen, type) else found == seen
    if isinstance(found, Failed):
        assert found == Failed(Message("tiktok.film_refused", {"code": "frame_rate_check_failed"}))


def test_internal_failure_is_retried_once() -> None:
    found = PLATFORM.look_up(SOUGHT, (state("FAILED", LOOK, fail_reason="internal"),))
    assert found == Failed(
        Message("tiktok.film_refused", {"code": "internal"}), timedelta(minutes=10)
    )
    assert (
        serialization.sighting_from_json(
            "failed", serialization.sighting_to_json(found), found.reason.to_json()
        )
        == found
    )


def test_public_post_has_its_url() -> None:
    public = state("PUBLISH_COMPLETE", LOOK, publicaly_available_post_id=[POST])
    asked = step_of(PLATFORM.look_up(SOUGHT, (public,)))
    assert asked.json == {"filters": {"video_ids": [str(POST)]}}
    told = said(
        VIDEO,
        200,
        {"videos": [{"id": str(POST), "share_url": "https://www.tiktok.com/@mia/video/7"}]},
    )
    assert PLATFORM.look_up(SOUGHT, (public, told)) == Found(
        str(POST), "https://www.tiktok.com/@mia/video/7"
    )
    assert PLATFORM.look_up(SOUGHT, (public, no("internal_error", 500, VIDEO))) == Found(NAME)
    assert isinstance(PLATFORM.look_up(replace(SOUGHT, told=()), ()), Unknown), (
        "no upload was started"
    )


@pytest.mark.parametrize(
    ("answer", "meant", "code"),
    [
        (no("access_token_invalid", 401), Reauthorize, "connectors.token_refused"),
        (no("scope_not_authorized", 401), Reauthorize, "oauth.scopes"),
        (no("rate_limit_exceeded", 429), Retry, "connectors.rate_limited"),
        (no("spam_risk_too_many_posts"), Retry, "tiktok.day_used_up"),
        (no("reached_active_user_cap"), Retry, "tiktok.people_used_up"),
        (no("spam_risk_user_banned_from_posting"), Disconnected, "connectors.account_gone"),
        (no("unaudited_client_can_only_post_to_private_accounts"), Rejected, "tiktok.unaudited"),
        (no("invalid_params", 400), Rejected, "tiktok.refused"),
        (no("privacy_level_option_mismatch", 200), Rejected, "tiktok.refused"),
        (no("internal_error", 500), Retry, "connectors.unclear_answer"),
        (StepAnswerLost(INIT, "ReadTimeout"), Retry, "connectors.answer_lost"),
        (Response(INIT, 200, {}, None), Retry, "connectors.unclear_answer"),
        (Response(STATUS_STEP, 404, {}, None), Retry, "connectors.lookup_failed"),
        (Response(CREATOR, 404, {}, None), Retry, "connectors.lookup_failed"),
        (said(f"{PUT}0", 404), Retry, "connectors.uploads_gone"),
        (said(f"{PUT}0", 403), Rejected, "connectors.refused"),
        (said(f"{PUT}0", 403, minutes=61), Retry, "connectors.uploads_gone"),
        (said(f"{PUT}0", 416), Retry, "connectors.preparing"),
        (said(f"{PUT}0", 400), Rejected, "connectors.refused"),
        (StepAnswerLost(f"{PUT}0", "ReadTimeout"), Retry, "connectors.answer_lost"),
        (no("internal_error", 500, STATUS_STEP), Retry, "connectors.unclear_answer"),
    ],
)
def test_response_before_the_last_part_maps_to_outcome(
    answer: StepResult, meant: type[Outcome], code: str
) -> None:
    outcome = PLATFORM.next_step(UNIT, (ABOUT, BEGUN, answer))
    assert isinstance(outcome, meant)
    assert outcome.reason.code == code  # type: ignore[union-attr]  # each of these has one
    if code == "tiktok.people_used_up":
        assert isinstance(answer, Response)
        assert is_app_wide_limit(answer)
        assert isinstance(outcome, Retry)
        assert outcome.scope == "app"


def test_unavailable_audience_is_rejected() -> None:
    """The audience is checked just before the post: an account that became private has no public
    posts."""
    private = said(CREATOR, 200, {"privacy_level_options": ["FOLLOWER_OF_CREATOR", "SELF_ONLY"]})
    outcome = PLATFORM.next_step(UNIT, (private,))
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == "tiktok.not_these_readers"


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (replace(UNIT, media=()), "connectors.film_missing"),
        (replace(UNIT, media=(replace(FILM, mime="image/jpeg"),)), "connectors.medium_unfit"),
        (replace(UNIT, media=(FILM, FILM)), "connectors.too_many_media"),
        (replace(UNIT, texts=(Text("body", "🌊" * 1101),)), "connectors.text_too_long"),
        (replace(UNIT, flags=("nsfw=true",)), "connectors.mark_untold"),
    ],
)
def test_invalid_unit_is_rejected_without_request(unit: Unit, code: str) -> None:
    outcome = PLATFORM.next_step(unit, ())
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == code


def test_metrics_belong_to_the_published_post() -> None:
    copy = PlatformCopy(NAME, ACCOUNT)
    assert step_of(PLATFORM.read_metrics(copy, ())).action == METRICS
    public = state("PUBLISH_COMPLETE", METRICS, publicaly_available_post_id=[POST])
    asked = step_of(PLATFORM.read_metrics(copy, (public,)))
    assert (asked.name, asked.action) == (NUMBERS, METRICS)
    told = said(NUMBERS, 200, {"videos": [{"view_count": 5, "like_count": 2, "share_count": "3"}]})
    assert PLATFORM.read_metrics(copy, (public, told)) == {"views": 5, "likes": 2}
    assert PLATFORM.read_metrics(copy, (state("PUBLISH_COMPLETE", METRICS),)) is None
    assert PLATFORM.read_metrics(copy, (public, said(NUMBERS, 200, {"videos": []}))) is None
    linked = step_of(PLATFORM.read_metrics(PlatformCopy(str(POST), ACCOUNT), ()))
    assert linked.name == NUMBERS, "a member may enter the post's number"


def test_token_request_uses_tiktoks_field_names() -> None:
    """The client ID has a different field name, and the client secret is in the body, sealed until
    it is sent."""
    secret = Sealed(b"s")
    step = step_of(
        PLATFORM.refresh(RefreshGrant(ACCOUNT, Sealed(b"r"), OAuthClient("key-9", secret)), ())
    )
    assert (step.client, step.encoding, step.path) == (None, "form", "/v2/oauth/token/")
    assert step.json == {
        "grant_type": "refresh_token",
        "refresh_token": Sealed(b"r"),
        "client_key": "key-9",
        "client_secret": secret,
    }


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said(USER, 200, {"user": {"open_id": "open-id-0001"}}), None),
        (said(USER, 200, {"user": {"open_id": "somebody-else"}}), Reauthorize),
        (no("access_token_invalid", 401, USER), Reauthorize),
        (StepAnswerLost(USER, "ReadTimeout"), Retry),
    ],
)
def test_token_owner_is_verified(answer: StepResult, meant: type[Outcome] | None) -> None:
    found = PLATFORM.verify_account(ACCOUNT, (answer,))
    assert found is None if meant is None else isinstance(found, meant)
