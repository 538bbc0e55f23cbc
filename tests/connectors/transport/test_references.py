"""All request fields that reference remote objects or postpone publication are known, and no
others."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.connector import FileRef, Response, StepKind, WireStep
from connectors.transport import references
from connectors.transport.references import PLATFORM_FIELDS
from tests.fakes.telegram.spec import described

REMOTE, LATER = "egress.remote_reference", "egress.native_scheduling"
THERE = "123456789012345678"


def step(body: Any = None, path: str = "/x", **more: Any) -> WireStep:
    return WireStep("publish", StepKind.PUBLISH, "POST", path, body, **more)


def nested(name: str, value: Any) -> dict[str, Any]:
    """Return a body in which the field `a.b` holds a value, inside a list."""
    first, _, second = name.partition(".")
    return {first: [{second: value}]} if second else {first: value}


FIELDS = [
    (platform, name) for platform, rules in PLATFORM_FIELDS.items() for name in sorted(rules.fields)
]


@pytest.mark.parametrize(("platform", "name"), FIELDS)
def test_reference_field_is_refused_unless_judged(platform: str, name: str) -> None:
    body = {"text": "hello", **nested(name, THERE)}
    for one in (step(body), step({"deep": [body]}), step({"payload": json.dumps(body)})):
        assert references.stray_reference(one, platform, ()) == REMOTE
        assert references.stray_reference(one, platform, ("other",)) == REMOTE
        assert references.stray_reference(one, platform, (THERE,)) == ""
    assert references.stray_reference(step({"text": "hello"}), platform, ()) == ""
    assert references.stray_reference(step({"text": json.dumps(body)}), platform, ()) == "", (
        "text is not parsed as fields"
    )


@pytest.mark.parametrize("name", sorted({name for _, name in FIELDS}))
def test_unknown_platform_is_checked_for_all_reference_names(name: str) -> None:
    assert references.stray_reference(step(nested(name, THERE)), "acme", ()) == REMOTE
    assert references.stray_reference(step(nested(name, THERE)), "acme", (THERE,)) == ""


AGAIN = [
    (platform, word, parts)
    for platform, rules in PLATFORM_FIELDS.items()
    for word, parts in rules.again.items()
]


@pytest.mark.parametrize(("platform", "word", "parts"), AGAIN)
def test_reposting_request_is_refused_unless_judged(
    platform: str, word: str, parts: tuple[str, ...]
) -> None:
    asked = step(
        {"chat_id": 7, **{part: number for number, part in enumerate(parts, 1)}},
        f"/bot{{token}}/{word}",
    )
    judged = "/".join(str(number) for number in range(1, len(parts) + 1))
    for platform_or_stranger in (platform, "acme"):
        assert references.stray_reference(asked, platform_or_stranger, ("other",)) == REMOTE
        assert (references.stray_reference(asked, platform_or_stranger, (judged,)) == "") == bool(
            parts
        )


WAITS = [
    (platform, name)
    for platform in (*PLATFORM_FIELDS, "acme")
    for name in sorted(references.COMMON_FIELDS)
]
WAITS += [
    (platform, name) for platform, rules in PLATFORM_FIELDS.items() for name in sorted(rules.later)
]


@pytest.mark.parametrize(("platform", "name"), WAITS)
def test_native_scheduling_is_refused(platform: str, name: str) -> None:
    for body in (
        {name: "2026-11-22T12:00:00Z"},
        {"status": {name.upper(): 1795348800}},
        {"form": json.dumps({name: 1})},
    ):
        assert references.stray_reference(step(body), platform, ()) == LATER
    assert references.stray_reference(step({}, f"/x?{name}=1"), platform, ()) == LATER
    assert (
        references.stray_reference(step({name: None, "text": f"{name} = tomorrow"}), platform, ())
        == ""
    )


KEPT = [
    (platform, said)
    for platform, rules in PLATFORM_FIELDS.items()
    for said in sorted(rules.kept_back)
]


@pytest.mark.parametrize(("platform", "said"), KEPT)
def test_platform_draft_is_not_a_publication(platform: str, said: str) -> None:
    name, _, value = said.partition("=")
    asked = step({name: value}) if value else step({"text": "hello"}, f"/api/{name}")
    assert references.stray_reference(asked, platform, ()) == LATER
    if value:
        assert references.stray_reference(step({name: "public"}), platform, ()) == ""
        assert (
            references.stray_reference(replace(asked, kind=StepKind.STAGE), platform, ()) == ""
        ), "an upload is not public yet"


@pytest.mark.parametrize("platform", [*PLATFORM_FIELDS, "acme"])
def test_address_outside_text_is_refused(platform: str) -> None:
    for value in (
        "https://example.test/a.jpg",
        "at://did:plc:a/app.bsky.feed.post/1",
        "//example.test/a",
        "data:x",
    ):
        for asked in (
            step({"picture_of_it": value}),
            step({}, f"/x?from={value}"),
            step(headers={"x-from": value}),
        ):
            assert references.stray_reference(asked, platform, ()) == REMOTE
            assert references.stray_reference(asked, platform, (value,)) == ""
        assert references.stray_reference(step({"text": f"look: {value}"}), platform, ()) == "", (
            "the gate checked it as a link"
        )
        asked = step({"text": f"look: {value}", "picture_of_it": value})
        assert references.stray_reference(asked, platform, ()) == REMOTE, (
            "a URL in the text is a link, not a picture"
        )


def test_link_of_the_text_may_be_sent_as_facet() -> None:
    facet = {"features": [{"uri": "https://example.test/a"}]}
    assert (
        references.stray_reference(
            step({"text": "see https://example.test/a", "facets": [facet]}), "bluesky", ()
        )
        == ""
    )
    assert (
        references.stray_reference(
            step({"text": "see https://example.test/b", "facets": [facet]}), "bluesky", ()
        )
        == REMOTE
    )
    assert (
        references.stray_reference(
            step({"text": "see https://example.test/a", "facets": [facet]}), "x", ()
        )
        == REMOTE
    )


def test_files_of_the_request_are_no_references() -> None:
    album = {
        "media": [
            {"type": "photo", "media": "attach://m0"},
            {"type": "photo", "media": "attach://m1"},
        ]
    }
    files = {
        "m0": FileRef("a" * 64, "image/png", "0.png"),
        "m1": FileRef("b" * 64, "image/png", "1.png"),
    }
    assert references.stray_reference(step(album, files=files), "telegram", ()) == ""
    assert (
        references.stray_reference(step(album, files={"m0": files["m0"]}), "telegram", ()) == REMOTE
    )
    sent = {
        "payload_json": {
            "attachments": [{"id": "0", "filename": "0.png"}],
            "embeds": [{"u": "attachment://0.png"}],
        }
    }
    assert (
        references.stray_reference(step(sent, files={"files[0]": files["m0"]}), "discord", ()) == ""
    )
    assert (
        references.stray_reference(step(sent, files={"files[1]": files["m0"]}), "discord", ())
        == REMOTE
    )


def test_custom_emoji_is_a_reference_where_it_renders() -> None:
    said = {"content": "look <:pose:123456789012345678>"}
    assert references.stray_reference(step(said), "discord", ()) == REMOTE
    assert references.stray_reference(step(said), "discord", (THERE,)) == ""
    assert references.stray_reference(step(said), "mastodon", ()) == ""
    assert references.stray_reference(step({"content": "look :pose: <3"}), "discord", ()) == ""


def test_upload_of_the_same_subject_may_be_referenced() -> None:
    told = Response("stage:a", 200, body={"data": {"id": THERE, "size": 3}, "more": ["x"]})
    post = step({"text": "x", "media": {"media_ids": [THERE]}})
    assert references.uploaded_references(post, "x", (told,)) == (THERE,)
    assert references.uploaded_references(post, "x", ()) == ()
    assert references.uploaded_references(step({"text": "size 3"}), "x", (told,)) == (), (
        "only references of the request are signed"
    )
    carousel = step({"children": f"{THERE},9"}, "/1/media")
    assert references.uploaded_references(carousel, "instagram", (told,)) == (THERE,)
    assert references.stray_reference(carousel, "instagram", (THERE,)) == REMOTE


IDS = st.text("abcdef0123456789", min_size=1, max_size=12)


@given(st.sets(IDS, max_size=4), st.lists(IDS, min_size=1, max_size=4), st.sampled_from(FIELDS))
def test_unjudged_reference_is_refused(
    judged: set[str], pointed: list[str], where: tuple[str, str]
) -> None:
    """A permit for one set of references permits no request with any other reference."""
    platform, name = where
    asked = step({"text": "x", "parts": [nested(name, one) for one in pointed]})
    assert (references.stray_reference(asked, platform, judged) == "") == (set(pointed) <= judged)


def _fields() -> Iterator[tuple[str, str]]:
    """Yield the fields in which the Bot API description accepts an existing file."""
    known = described()
    if known is None:
        pytest.skip("Telegram's description is missing (set GREENROOM_SHARED)")
    for kind in ("methods", "types"):
        for owner, about in known[kind].items():
            for each in about.get("fields", []):
                says = each.get("description", "")
                if (
                    "Pass a file_id" in says
                    or "pass a file_id" in says
                    or "to send a file that exists" in says
                ):
                    yield owner, each["name"]


def test_every_telegram_file_id_field_is_known() -> None:
    found = set(_fields())
    assert len(found) > 20
    for owner, name in sorted(found):
        assert references.stray_reference(step({name: "AgACx"}), "telegram", ()) == REMOTE, (
            f"{owner}.{name}"
        )


@pytest.mark.parametrize(
    ("platform", "body"),
    [
        ("telegram", {"text": "b", "reply_parameters": {"message_id": 17, "chat_id": -100}}),
        (
            "discord",
            {"content": "b", "message_reference": {"message_id": "17", "fail_if_not_exists": True}},
        ),
        ("sandbox", {"text": "b", "reply_to": "17"}),
    ],
)
def test_thread_parent_is_allowed_and_shows_nothing(platform: str, body: dict[str, Any]) -> None:
    """Marks that every displayed picture must carry are not required of the parent post."""
    under = WireStep("publish", StepKind.PUBLISH, "POST", "/send", body)
    allowed = references.uploaded_references(under, platform, (), above="-100/17")
    assert references.stray_reference(under, platform, allowed) == ""
    assert references.count_shown_references(under, platform, allowed) == 0
    again = WireStep("publish", StepKind.PUBLISH, "POST", "/send", {"photo": "AgAC"})
    assert references.count_shown_references(again, "telegram", ("AgAC",)) == 1


def test_attachment_index_is_not_an_upload() -> None:
    """Responses often contain "0", which must not turn an attached file into a reference."""
    files = {"files[0]": FileRef("0" * 64, "image/png", "SPOILER_a.png")}
    sent = WireStep(
        "publish", StepKind.PUBLISH, "POST", "/messages", {"attachments": [{"id": 0}]}, files=files
    )
    assert (
        references.uploaded_references(
            sent, "discord", [Response("open", 200, body={"flags": "0"})]
        )
        == ()
    )


def test_reply_to_a_conversation_is_allowed_and_forwards_no_file() -> None:
    listed = Response(
        "talks", 200, {}, [{"last_status": {"id": THERE, "media_attachments": [{"id": "77"}]}}]
    )
    message = step({"status": "@leo hello", "in_reply_to_id": THERE, "media_ids": ["77"]})
    assert references.uploaded_references(message, "mastodon", (), talk=(listed,)) == (THERE,)
    assert references.uploaded_references(message, "mastodon", (), talk=()) == ()
    assert references.stray_reference(message, "mastodon", (THERE,)) == REMOTE, (
        "a received file is not forwarded"
    )
