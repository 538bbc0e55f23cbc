"""Conditional requests, HEAD and ranges (RFC 9110), and what clients and caches may store."""

from gate.contract.units import Rating
from tests.gate.answers import rate_and_answer
from tests.web.builders import CreatorPage, new_picture


def test_unchanged_page_is_answered_with_304(mia: CreatorPage) -> None:
    key = mia.post(media=[mia.stage(new_picture())])
    for place in ("feed.xml", "feed.json", "", f"p/{key}"):
        tag = mia.get(place).headers["etag"]
        for wanted in (tag, f'"other", {tag}', f"W/{tag}", "*", f'"a",{tag},"b"'):
            answer = mia.get(place, if_none_match=wanted)
            assert (answer.status_code, answer.content) == (304, b""), wanted
            assert answer.headers["etag"] == tag
        for other in ('"other"', "", "garbage", tag.strip('"')):
            assert mia.get(place, if_none_match=other).status_code == 200, other
    tag = mia.get("feed.xml").headers["etag"]
    mia.post()
    assert mia.get("feed.xml", if_none_match=tag).status_code == 200


def settle(mia: CreatorPage) -> None:
    """Set the last change of the page to one hour ago."""
    with mia.scope() as scope:
        scope.run(
            "UPDATE sites SET updated_at = house_now() - interval '1 hour' WHERE slug = :s",
            s=mia.slug,
        )


def test_last_modified_is_sent_only_once_certain(mia: CreatorPage) -> None:
    mia.post()
    assert (
        "last-modified" not in mia.get("feed.xml").headers
    )  # the page may change again within this second
    settle(mia)
    since = mia.get("feed.xml").headers["last-modified"]
    assert mia.get("feed.xml", if_modified_since=since).status_code == 304
    assert mia.get("feed.xml", if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT").status_code == 200
    assert mia.get("feed.xml", if_modified_since=since, if_none_match='"other"').status_code == 200
    for odd in (
        "",
        "yesterday",
        "Mon, 99 Foo 2020",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
    ):
        assert mia.get("feed.xml", if_modified_since=odd).status_code == 200


def test_removal_changes_last_modified(mia: CreatorPage) -> None:
    """A client that checks only the time must not retain removed content."""
    mia.post(text="stays")
    key = mia.post(text="goes")
    settle(mia)
    since = mia.get("feed.xml").headers["last-modified"]
    mia.delete(key)
    answer = mia.get("feed.xml", if_modified_since=since)
    assert answer.status_code == 200
    assert key not in answer.text


def test_hidden_picture_changes_last_modified(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture())
    mia.post(media=[sha256])
    settle(mia)
    since = mia.get("feed.xml").headers["last-modified"]
    with mia.scope() as scope:
        rate_and_answer(scope, sha256, Rating.E, source="classifier@2")
    answer = mia.get("feed.xml", if_modified_since=since)
    assert (answer.status_code, sha256 in answer.text) == (200, False)


def test_head_matches_get(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture())
    key = mia.post(media=[sha256])
    for path in (
        f"/{mia.slug}/",
        f"/{mia.slug}",
        f"/{mia.slug}/p/{key}",
        f"/{mia.slug}/feed.xml",
        f"/files/{sha256}.png",
        "/robots.txt",
        "/static/page.css",
        "/.well-known/security.txt",
        "/nobody-here/",
        "/a/b/c/d",
    ):
        got, told = mia.room.client.get(path), mia.room.client.head(path)
        assert told.status_code == got.status_code, path
        assert told.content == b""
        for name in ("content-type", "content-length", "etag", "cache-control"):
            assert told.headers.get(name) == got.headers.get(name), (path, name)


def test_file_supports_ranges(mia: CreatorPage) -> None:
    data = new_picture()
    sha256 = mia.stage(data)
    mia.post(media=[sha256])
    path = f"/files/{sha256}.png"
    for asked, first, last in (
        ("0-0", 0, 0),
        ("2-5", 2, 5),
        ("5-", 5, len(data) - 1),
        ("-3", len(data) - 3, len(data) - 1),
    ):
        answer = mia.room.client.get(path, headers={"range": f"bytes={asked}"})
        assert answer.status_code == 206
        assert answer.content == data[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(data)}"
    for asked in ("bytes=999999-", "bytes=5-2", "bytes=-0"):
        answer = mia.room.client.get(path, headers={"range": asked})
        assert (answer.status_code, answer.headers["content-range"]) == (
            416,
            f"bytes */{len(data)}",
        ), asked
    for asked in ("bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=a-b", "garbage"):
        assert mia.room.client.get(path, headers={"range": asked}).content == data
    stale = {"range": "bytes=0-1", "if-range": '"other"'}
    assert mia.room.client.get(path, headers=stale).content == data


def test_file_is_cached_by_clients_but_not_by_proxies(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture())
    key = mia.post(media=[sha256])
    answer = mia.file(sha256)
    assert "immutable" in answer.headers["cache-control"]
    assert "public" not in answer.headers["cache-control"]
    tag = answer.headers["etag"]
    path = f"/files/{sha256}.png"
    assert mia.room.client.get(path, headers={"if-none-match": tag}).status_code == 304
    mia.delete(key)
    assert mia.room.client.get(path, headers={"if-none-match": tag}).status_code == 404
