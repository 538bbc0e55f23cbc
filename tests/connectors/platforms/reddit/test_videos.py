"""Videos on Reddit: two stores, a poster, and the period in which absence cannot be proven."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.contract.connector import Response, StepKind, StepResult
from connectors.contract.outcomes import Absent, Found, Processing, Rejected, Retry, Unknown
from connectors.platforms.reddit.account import NSFW_MARK
from connectors.platforms.reddit.lookup import FILM_MADE, PICTURE_MADE
from connectors.platforms.reddit.publisher import CAN, MAX_TEXT, PICTURE_BYTES, PUBLISH, Reddit
from connectors.platforms.reddit.submission import (
    FILM_SECONDS,
    SECONDS,
    UPLOAD_LEASE_STEP,
    UPLOAD_PUT_STEP,
)
from connectors.transport import references
from foundation.sealed import Sealed
from gate.contract.units import Medium, Text
from tests.connectors.platforms.reddit.test_publisher import (
    NOW,
    PICTURES,
    SOUGHT,
    UNIT,
    listing,
    post,
    said,
    step_of,
    told,
)

PLATFORM = Reddit()
FILM = Medium("f" * 64, "video/mp4", 100 * 1024 * 1024, alt="waves on a beach")
POSTER = PICTURES[0]
FILMED = replace(UNIT, media=(FILM, POSTER))
FILMS, STORE = (
    "reddit-uploaded-video.s3-accelerate.amazonaws.com",
    "reddit-uploaded-media.s3-accelerate.amazonaws.com",
)
LATER = told(
    data={"websocket_url": "wss://ws-0c2fc51946b39365a.wss.redditmedia.com/5ph4906syw261?m=x"}
)
"""The recorded response to a video submission, which contains only a websocket URL."""


def leased(medium: Medium, **change: Any) -> Response:
    """Return an upload lease as recorded: videos have a separate store and keys without a folder."""
    film = medium.mime == FILM.mime
    number = "5ph4906syw261" if film else "9y31xbuyyw261"
    values = {"key": number if film else f"rte_images/{number}", "content-type": medium.mime}
    fields: list[dict[str, str]] = [
        {"name": name, "value": value} for name, value in values.items()
    ]
    fields += [{"name": "policy"}, {"name": "X-Amz-Signature"}]
    args = {"action": f"//{FILMS if film else STORE}", "fields": fields} | change
    secrets = {"args.fields.policy": Sealed(b"p"), "args.fields.x-amz-signature": Sealed(b"s")}
    return said(
        f"{UPLOAD_LEASE_STEP}{medium.sha256[:24]}",
        200,
        {"args": args, "asset": {"asset_id": number}},
        secrets,
    )


def put(medium: Medium, status: int = 201) -> Response:
    return said(f"{UPLOAD_PUT_STEP}{medium.sha256[:24]}", status, {} if status == 201 else None)


SENT: tuple[StepResult, ...] = (leased(FILM), put(FILM), leased(POSTER), put(POSTER))


@pytest.mark.parametrize("media", [(FILM, POSTER), (POSTER, FILM)])
def test_video_and_poster_are_uploaded_and_named_by_url(
    media: tuple[Medium, ...],
) -> None:
    unit = replace(FILMED, media=media, flags=(NSFW_MARK,))
    answers: tuple[StepResult, ...] = ()
    came = {one.step: one for medium in media for one in (leased(medium), put(medium))}
    steps = []
    while (step := step_of(PLATFORM.next_step(unit, answers))).name != PUBLISH:
        steps.append(step)
        answers = (*answers, came[step.name])
    assert [one.kind for one in steps] == [StepKind.STAGE] * 4
    opened, sent = steps[:2]
    assert opened.json == {
        "filepath": f"{FILM.sha256[:24]}.mp4",
        "mimetype": "video/mp4",
        "api_type": "json",
    }
    assert (sent.address, sent.files["file"].sha256, sent.deadline) == (
        f"//{FILMS}",
        FILM.sha256,
        FILM_SECONDS,
    )
    assert {one.deadline for one in steps if one.files} == {SECONDS, FILM_SECONDS}
    assert (step.path, step.encoding, step.json["kind"], step.json["nsfw"]) == (
        "/api/submit/?raw_json=1",
        "form",
        "video",
        True,
    )
    film, poster = f"https://{FILMS}/5ph4906syw261", f"https://{STORE}/rte_images/9y31xbuyyw261"
    assert (step.json["url"], step.json["video_poster_url"], step.json["text"]) == (
        film,
        poster,
        "at dawn",
    )
    assert references.uploaded_references(step, "reddit", answers) == (poster, film)
    assert references.count_shown_references(step, "reddit", (film, poster)) == 2
    assert references.stray_reference(step, "reddit", (film, poster)) == ""


def test_foreign_poster_is_refused() -> None:
    """A picture without a rating must not be published, not even as a poster."""
    step = step_of(PLATFORM.next_step(FILMED, SENT))
    for missing in (SENT[2:], SENT[:2]):
        known = references.uploaded_references(step, "reddit", missing)
        assert len(known) == 1
        assert references.stray_reference(step, "reddit", known) == "egress.remote_reference"


@pytest.mark.parametrize(
    "media",
    [(FILM,), (FILM, *PICTURES), (FILM, replace(FILM, sha256="e" * 64)), (FILM, FILM, POSTER)],
)
def test_video_requires_exactly_one_picture(media: tuple[Medium, ...]) -> None:
    refused = PLATFORM.next_step(replace(FILMED, media=media), ())
    assert isinstance(refused, Rejected)
    assert (refused.reason.code, refused.permanent) == ("reddit.film_poster", False)


def test_video_may_be_larger_than_a_picture() -> None:
    for medium, most in ((FILM, CAN.max_bytes), (POSTER, PICTURE_BYTES)):
        for size, fits in ((most, True), (most + 1, False)):
            media = tuple(replace(one, size=size) if one is medium else one for one in FILMED.media)
            turn = PLATFORM.next_step(replace(FILMED, media=media), ())
            assert isinstance(turn, Rejected) is not fits
            assert fits or turn.reason.code == "connectors.medium_unfit"


def test_text_of_a_video_post_is_counted() -> None:
    unit = replace(FILMED, texts=(Text("title", "A lake"), Text("body", "x" * (MAX_TEXT + 1))))
    assert PLATFORM.count_text(unit) == (MAX_TEXT + 1, MAX_TEXT)
    assert isinstance(PLATFORM.next_step(unit, ()), Rejected)


def test_refused_upload_is_repeated() -> None:
    for status in (400, 403):
        again = PLATFORM.next_step(FILMED, (leased(FILM), put(FILM, status)))
        assert isinstance(again, Retry)
        assert again.uploads_gone
    no_key = leased(FILM, fields=[{"name": "policy"}])
    assert isinstance(PLATFORM.next_step(FILMED, (no_key,)), Rejected)


def test_video_post_is_processed_later_and_found_by_title() -> None:
    assert isinstance(PLATFORM.next_step(FILMED, (*SENT, LATER)), Processing)
    shown = post(selftext="", is_self=False, is_video=True, url="https://v.redd.it/5ph4906syw261")
    assert isinstance(
        PLATFORM.look_up(replace(SOUGHT, media=FILMED.media), (listing(shown),)), Found
    )


@pytest.mark.parametrize(
    ("media", "within"),
    [
        ((FILM, POSTER), FILM_MADE),
        ((POSTER,), PICTURE_MADE),
        (PICTURES, timedelta()),
        ((), timedelta()),
    ],
)
def test_post_is_not_absent_while_it_may_be_processed(
    media: tuple[Medium, ...], within: timedelta
) -> None:
    """After a lost response the post would be published again while Reddit still processes the
    first one."""
    other, second = post(name="t3_zzz", title="Another"), timedelta(seconds=1)
    sought = replace(SOUGHT, media=media)
    for after, proof in ((within - second, Unknown), (within, Absent)):
        if after < timedelta():
            continue
        seen = PLATFORM.look_up(replace(sought, asked_at=NOW + after), (listing(other),))
        assert isinstance(seen, proof)
    again = replace(
        sought, sent_at=NOW + timedelta(hours=1), asked_at=NOW + timedelta(hours=1, seconds=90)
    )
    assert isinstance(PLATFORM.look_up(again, (listing(other),)), Unknown if within else Absent)
