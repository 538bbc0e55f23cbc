"""A server's own limits: read from the server, bounded, and applied wherever a limit counts."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.capability_overrides import LIMIT_CHANGED, SupportsOwnLimits
from connectors.contract.connector import Response, Send, StepAnswerLost
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.mastodon.limits import (
    DEFAULT_LIMITS,
    LIMIT_CEILINGS,
    MIMES,
    limits_from_json,
    limits_from_server,
)
from connectors.platforms.mastodon.publisher import PUBLISH, Mastodon
from gate.contract.units import Medium, Text
from tests.connectors.platforms.mastodon.test_publisher import PICTURE, UNIT

NONSENSE = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=True), st.text(), st.integers(max_value=0), st.lists(st.integers()),
    st.dictionaries(st.text(), st.integers()),
)  # fmt: skip
FIELDS = {
    "text": ("statuses", "max_characters"),
    "media": ("statuses", "max_media_attachments"),
    "per_address": ("statuses", "characters_reserved_per_url"),
    "picture_bytes": ("media_attachments", "image_size_limit"),
    "picture_pixels": ("media_attachments", "image_matrix_limit"),
    "film_bytes": ("media_attachments", "video_size_limit"),
}


def server(**said: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"statuses": {}, "media_attachments": {}}
    for name, value in said.items():
        group, field = FIELDS[name]
        found[group][field] = value
    return {"configuration": found}


def within(**said: Any) -> Mastodon:
    return Mastodon().with_limits(limits_from_server(server(**said)).json())


def why(turn: Send | Outcome) -> str:
    return turn.reason.code if isinstance(turn, Rejected) else ""


@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.one_of(NONSENSE, st.integers())), NONSENSE
)
def test_server_limits_are_bounded(said: dict[str, Any], kinds: Any) -> None:
    told_so = server(**said)
    told_so["configuration"]["media_attachments"]["supported_mime_types"] = kinds
    found = limits_from_server(told_so)
    assert limits_from_json(found.json()) == found, "serialization round trip"
    assert found.mimes == MIMES
    for name, most in LIMIT_CEILINGS.items():
        value = said.get(name)
        good = isinstance(value, int) and not isinstance(value, bool) and value > 0
        assert getattr(found, name) == (min(value, most) if good else getattr(DEFAULT_LIMITS, name))


@pytest.mark.parametrize(
    "nothing", [None, [], "", {}, {"configuration": None}, {"configuration": {"statuses": 7}}]
)
def test_server_without_limits_has_the_defaults(nothing: Any) -> None:
    assert limits_from_server(nothing) == DEFAULT_LIMITS == limits_from_json({})
    assert limits_from_server(server(text=10**12)).text == LIMIT_CEILINGS["text"]


def test_limits_are_requested_and_malformed_response_is_none() -> None:
    one = Mastodon()
    assert isinstance(one, SupportsOwnLimits)
    asked = one.read_own_limits(())
    assert isinstance(asked, Send)
    assert (asked.step.path, asked.step.action, asked.step.token) == (
        "/api/v2/instance",
        "look",
        "none",
    )
    answer = Response("instance", 200, {}, server(text=5000, media=8))
    assert one.read_own_limits((answer,)) == limits_from_server(answer.body).json()
    for broken in (
        StepAnswerLost("instance", "x"),
        Response("instance", 503),
        replace(answer, body={"error": "no"}),
    ):
        assert one.read_own_limits((broken,)) is None


def test_account_limits_apply_to_counts_and_checks() -> None:
    long, eight = (
        replace(UNIT, texts=(Text("body", "x" * 700),)),
        replace(UNIT, media=(PICTURE,) * 8),
    )
    wide = within(text=1000, media=8, per_address=30)
    assert (wide.capabilities.max_text, wide.capabilities.max_media) == (1000, 8)
    assert wide.count_text(replace(UNIT, texts=(Text("body", "https://a.example/b"),))) == (
        30,
        1000,
    )
    assert (why(Mastodon().next_step(long, ())), why(wide.next_step(long, ()))) == (
        "connectors.text_too_long",
        "",
    )
    assert (why(Mastodon().next_step(eight, ())), why(wide.next_step(eight, ()))) == (
        "connectors.too_many_media",
        "",
    )
    small = within(text=100, picture_bytes=50, picture_pixels=1000, film_bytes=200)
    film = Medium("f" * 64, "video/mp4", 150, alt="waves")
    assert why(small.next_step(replace(UNIT, media=(PICTURE,)), ())) == "connectors.medium_unfit"
    assert why(small.next_step(replace(UNIT, media=(film,)), ())) == ""
    wider = replace(PICTURE, size=10, width=100, height=11)
    assert why(small.next_step(replace(UNIT, media=(wider,)), ())) == "mastodon.too_many_pixels"
    no_png = Mastodon().with_limits({"mimes": ["image/jpeg"]})
    assert why(no_png.next_step(replace(UNIT, media=(PICTURE,)), ())) == "connectors.medium_unfit"


def test_published_post_stays_published_after_a_lower_limit() -> None:
    answer = Response(PUBLISH, 200, {}, {"id": "115", "url": "https://social.example/@mia/115"})
    assert isinstance(within(text=2).next_step(UNIT, (answer,)), Published)


@pytest.mark.parametrize(
    ("step", "sentence", "code"),
    [
        (PUBLISH, "Validation failed: Text character limit of 200 exceeded", LIMIT_CHANGED),
        (PUBLISH, "Cannot attach more than 2 files", LIMIT_CHANGED),
        (
            f"stage:{PICTURE.sha256[:24]}",
            "Validation failed: File file size must be less than 1 MB",
            LIMIT_CHANGED,
        ),
        (f"stage:{PICTURE.sha256[:24]}", "9000x9000 images are not supported", LIMIT_CHANGED),
        (PUBLISH, "Validation failed: Language is invalid", "connectors.refused"),
    ],
)
def test_refusal_by_an_unknown_limit_is_recognized(step: str, sentence: str, code: str) -> None:
    unit = replace(UNIT, media=(PICTURE,)) if step != PUBLISH else UNIT
    assert why(Mastodon().next_step(unit, (Response(step, 422, {}, {"error": sentence}),))) == code
