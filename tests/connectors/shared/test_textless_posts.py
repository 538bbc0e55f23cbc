"""Posts without text and with a lost response: found, absent or unknown, by the media that the
platform reports."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.connector import LookupQuery, Response, Send, StepResult
from connectors.contract.outcomes import Absent, Found, LookupResult, Unknown
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.instagram import lookup as instagram_listing
from connectors.platforms.mastodon.publisher import Mastodon
from connectors.platforms.meta import lookup as meta_wordless
from connectors.platforms.meta.lookup import container_step_name
from connectors.platforms.x.publisher import X
from connectors.shared import textless_posts
from gate.contract.units import Medium

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ONE, TWO = Medium("a" * 64, "image/jpeg", 1000), Medium("b" * 64, "image/jpeg", 1000)
LATER = (NOW + timedelta(seconds=5)).isoformat()


def ok(step: str, body: Any) -> Response:
    return Response(step, 200, {}, body)


def sought(*told: StepResult, media: tuple[Medium, ...] = (ONE,), **more: Any) -> LookupQuery:
    return LookupQuery("k", "", NOW, "17", asked_at=NOW, media=media, told=told, **more)


def uploads(prefix: str = "stage:") -> tuple[StepResult, ...]:
    steps = zip((ONE, TWO), ("71", "72"), strict=True)
    return tuple(ok(f"{prefix}{medium.sha256[:24]}", {"id": number}) for medium, number in steps)


# Mastodon


def posted(number: str, *files: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "created_at": LATER,
        "content": "<p></p>",
        "media_attachments": [{"id": f} for f in files],
    } | more


def mastodon(wanted: LookupQuery, *posts: dict[str, Any]) -> Send | LookupResult:
    return Mastodon().look_up(wanted, (ok("look", list(posts)),))


def test_mastodon_matches_uploads_by_id() -> None:
    both = sought(*uploads(), media=(ONE, TWO))
    assert mastodon(both, posted("2", "71", "72"), posted("1", "60", "61")) == Found(
        "2", "", NOW + timedelta(seconds=5)
    )
    assert mastodon(both, posted("3", "72")).native_id == "3", (
        "a post that lost a picture still matches"
    )
    assert mastodon(both, posted("1", "60", "61")) == textless_posts.OTHER_MEDIA
    assert mastodon(both, posted("1", "60")) == Absent(), "another number of pictures"
    assert mastodon(both, posted("1", "60", "61", content="<p>hello</p>")) == Absent()
    assert (
        mastodon(both, posted("1", "60", "61", created_at=(NOW - timedelta(hours=1)).isoformat()))
        == Absent()
    )
    assert mastodon(replace(both, known=frozenset({"1"})), posted("1", "60", "61")) == Absent()
    assert isinstance(mastodon(both, *(posted(str(number), "9") for number in range(40))), Unknown)


def test_unknown_upload_is_not_looked_up() -> None:
    for connector in (Mastodon(), X(), Fanvue()):
        assert isinstance(connector.look_up(sought(uploads()[1]), ()), Unknown)
        assert isinstance(connector.look_up(replace(sought(), media=()), ()), Unknown)


# X: the number in a media key is the ID of the upload


def tweets(*posts: dict[str, Any]) -> tuple[StepResult, ...]:
    return (ok("look", {"data": list(posts), "meta": {"result_count": len(posts)}}),)


def tweet(number: str, *keys: str, text: str = "") -> dict[str, Any]:
    return {
        "id": number,
        "text": text,
        "created_at": LATER,
        "attachments": {"media_keys": list(keys)},
    }


def test_x_matches_media_by_key() -> None:
    wanted = sought(ok(f"stage:{ONE.sha256[:24]}", {"data": {"id": "71"}}))
    first = X().look_up(wanted, ())
    assert isinstance(first, Send)
    assert "attachments" in first.step.path
    seen = X().look_up(wanted, tweets(tweet("9", "3_71"), tweet("8", "3_60")))
    assert isinstance(seen, Found)
    assert seen.native_id == "9"
    assert X().look_up(wanted, tweets(tweet("8", "3_60"))) == textless_posts.OTHER_MEDIA
    assert (
        X().look_up(wanted, tweets(tweet("8", "3_60", "3_61"), tweet("7", "3_6", text="hello")))
        == Absent()
    )
    film = replace(ONE, mime="video/mp4")
    opened = sought(ok(f"open:{ONE.sha256[:24]}", {"data": {"id": "71"}}), media=(film,))
    assert isinstance(X().look_up(opened, tweets(tweet("9", "13_71"))), Found)


# Instagram and Threads: the container gives the status, the list gives the type


def container(**told: Any) -> Response:
    return ok("look", {"id": "55", **told})


def page(*posts: dict[str, Any], after: str = "") -> Response:
    return ok(
        "look", {"data": list(posts), "paging": {"cursors": {"after": after}} if after else {}}
    )


def shown(number: str, kind: str = "IMAGE", items: int = 0, **more: Any) -> dict[str, Any]:
    children = {"children": {"data": [{"id": str(one)} for one in range(items)]}} if items else {}
    return {"id": number, "timestamp": LATER, "media_type": kind, **children, **more}


def instagram(wanted: LookupQuery, *answers: StepResult) -> Send | LookupResult:
    return meta_wordless.look_up_textless(
        instagram_listing.LOOKUP_NETWORK, wanted, "stage:parent", answers
    )


ALONE = sought(ok(container_step_name(ONE), {"id": "55"}))


@pytest.mark.parametrize("state", ["FINISHED", "EXPIRED"])
def test_unpublished_container_proves_absence(state: str) -> None:
    first = instagram(ALONE)
    assert isinstance(first, Send)
    assert first.step.path.startswith("/55?fields=status_code")
    assert instagram(ALONE, container(status_code=state)) == Absent(confirmed=True)


def test_published_container_matches_the_only_similar_post() -> None:
    published = container(status_code="PUBLISHED")
    seen = instagram(
        ALONE, published, page(shown("9"), shown("8", "VIDEO"), shown("7", caption="hello"))
    )
    assert isinstance(seen, Found)
    assert seen.native_id == "9"
    assert instagram(ALONE, published, page(shown("9"), shown("8"))) == textless_posts.OTHER_MEDIA
    assert isinstance(instagram(ALONE, published, page(shown("7", caption="hello"))), Unknown), (
        "the list may lag"
    )
    assert isinstance(
        instagram(replace(ALONE, known=frozenset({"9"})), published, page(shown("9"))), Unknown
    )


def test_carousel_is_matched_by_item_count() -> None:
    both = sought(ok("stage:parent", {"id": "55"}), media=(ONE, TWO))
    told = page(shown("9", "CAROUSEL_ALBUM", 2), shown("8", "CAROUSEL_ALBUM", 3), shown("7"))
    seen = instagram(both, container(status_code="PUBLISHED"), told)
    assert isinstance(seen, Found)
    assert seen.native_id == "9"


def test_list_proves_absence_without_container_status() -> None:
    unread = Response("look", 400, {}, {"error": {"code": 100, "error_subcode": 33}})
    for first in (unread, container(status_code="ERROR")):
        assert instagram(ALONE, first, page(shown("7", caption="hello"))) == Absent()
        assert instagram(ALONE, first, page(shown("9"))) == textless_posts.OTHER_MEDIA
    for first in (
        container(status_code="IN_PROGRESS"),
        container(),
        Response("look", 503, {}, {}),
        ok("look", []),
    ):
        assert isinstance(instagram(ALONE, first), Unknown)
    assert isinstance(instagram(ALONE, unread, ok("look", {})), Unknown)
    assert isinstance(instagram(sought()), Unknown)
