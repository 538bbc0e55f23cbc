"""Feeds by RFC 4287, RFC 5005 and JSON Feed 1.1, and as feedparser reads them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as xml

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.ids import uuid7
from gate.contract.units import Rating
from tests.web.builders import (
    AUTHORITY,
    PUBLIC,
    CreatorPage,
    WebServer,
    create_page,
    new_content_id,
    new_picture,
)
from web.site import atom_feed, items
from web.site.atom_feed import FeedHeader
from web.site.items import ItemEntry, MediaFile

ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ONCE = {"id", "title", "updated"}
ENTRY = {"id", "title", "updated", "published", "link", "category", "content"}
FEED = {"id", "title", "updated", "author", "link", "entry"}


def tag(element: xml.Element) -> str:
    assert element.tag.startswith(ATOM), element.tag
    return element.tag.removeprefix(ATOM)


def breaches(document: bytes) -> Iterator[str]:
    """Yield the violations of RFC 4287 in a document."""
    root = xml.fromstring(document)
    if tag(root) != "feed":
        yield "the root is no feed (4.1.1)"
    names = [tag(child) for child in root]
    yield from (
        f"feed has {names.count(name)} {name} (4.1.1)" for name in ONCE if names.count(name) != 1
    )
    yield from (f"feed has {name}" for name in set(names) - FEED)
    if "author" not in names and root.findall(f"{ATOM}entry"):
        yield "no author (4.1.1)"
    links = [(link.get("rel"), link.get("type")) for link in root.findall(f"{ATOM}link")]
    yield from (f"two links {pair} (4.1.1)" for pair in set(links) if links.count(pair) > 1)
    if "self" not in {rel for rel, _ in links}:
        yield "no self link (4.1.1)"
    ids = [entry.findtext(f"{ATOM}id") for entry in root.findall(f"{ATOM}entry")]
    yield from (f"two entries {name} (4.1.1)" for name in set(ids) if ids.count(name) > 1)
    for entry in root.findall(f"{ATOM}entry"):
        yield from _entry_breaches(entry)
    for instant in (*root.iter(f"{ATOM}updated"), *root.iter(f"{ATOM}published")):
        if not RFC3339.fullmatch(instant.text or ""):
            yield f"instant {instant.text} (3.3)"
    for link in root.iter(f"{ATOM}link"):
        if not re.match(r"https?://", link.get("href", "")):
            yield f"relative address {link.get('href')}"


def _entry_breaches(entry: xml.Element) -> Iterator[str]:
    names = [tag(child) for child in entry]
    yield from (
        f"entry has {names.count(name)} {name} (4.1.2)" for name in ONCE if names.count(name) != 1
    )
    yield from (f"entry has {name}" for name in set(names) - ENTRY)
    if names.count("content") > 1 or names.count("published") > 1:
        yield "content or published twice (4.1.2)"
    if not re.match(r"tag:[a-z0-9.-]+,\d{4}:\S+$", entry.findtext(f"{ATOM}id") or ""):
        yield f"id {entry.findtext(f'{ATOM}id')} (4.2.6, RFC 4151)"
    alternates = [link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
    if len(alternates) != 1:
        yield "no one alternate link (4.1.2)"
    for link in entry.findall(f"{ATOM}link"):
        if link.get("rel") == "enclosure" and not (
            link.get("length", "").isdigit() and link.get("type")
        ):
            yield "enclosure without length or type"
    for category in entry.findall(f"{ATOM}category"):
        if not category.get("term"):
            yield "category without term (4.2.2)"
    content = entry.find(f"{ATOM}content")
    if content is not None and (content.get("type") != "text" or list(content)):
        yield "text content with children (4.1.3.3)"


def json_breaches(feed: dict[str, Any]) -> Iterator[str]:
    """Yield the violations of JSON Feed 1.1 in a document."""
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield "version"
    known = {
        "version",
        "title",
        "home_page_url",
        "feed_url",
        "language",
        "authors",
        "items",
        "next_url",
    }
    yield from (f"feed has {name}" for name in set(feed) - known)
    yield from (f"feed lacks {name}" for name in ("title", "items") if name not in feed)
    for author in feed["authors"]:
        if not {"name", "url", "avatar"} & set(author):
            yield "an author with nothing"
    for item in feed["items"]:
        if not isinstance(item.get("id"), str):
            yield "id is no string"
        if "content_text" not in item and "content_html" not in item:
            yield "no content"
        custom = {name for name in item if name.startswith("_")}
        allowed = {
            "id",
            "url",
            "title",
            "content_text",
            "image",
            "date_published",
            "date_modified",
            "attachments",
            "tags",
        }
        yield from (f"item has {name}" for name in set(item) - custom - allowed)
        for name in ("date_published", "date_modified"):
            if not RFC3339.fullmatch(item[name]):
                yield f"{name} {item[name]}"
        for attachment in item.get("attachments", []):
            if not {"url", "mime_type"} <= set(attachment) or not isinstance(
                attachment["size_in_bytes"], int
            ):
                yield "attachment"
    for url in [feed["home_page_url"], feed["feed_url"], *(item["url"] for item in feed["items"])]:
        if not url.startswith("https://"):
            yield f"relative address {url}"


@pytest.fixture
def full(mia: CreatorPage) -> CreatorPage:
    """Return a page with three items: text only, a generated suggestive picture, and two pictures
    with alt texts."""
    pictures = [mia.stage(new_picture()) for _ in range(2)]
    drawn = mia.stage(new_picture(), Rating.S)
    mia.post(text="Des mots\nsur deux lignes & <plus>")
    mia.post(
        title="Dessin",
        media=[{"sha256": drawn, "mime": "image/png", "alt": "une vague", "ai": "generated"}],
        ai=True,
    )
    mia.post(
        title="Deux", media=[{"sha256": one, "mime": "image/png", "alt": "été"} for one in pictures]
    )
    return mia


def test_atom_feed_follows_the_rfc(full: CreatorPage) -> None:
    answer = full.get("feed.xml")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert list(breaches(answer.content)) == []


def test_empty_feeds_follow_the_rules(mia: CreatorPage) -> None:
    assert list(breaches(mia.get("feed.xml").content)) == []
    assert list(json_breaches(mia.feed())) == []


def test_planted_violations_are_detected(full: CreatorPage) -> None:
    document = full.get("feed.xml").content
    for old, new in (
        (b"<published>", b"<born>"),
        (b'length="', b'size="'),
        (f"tag:{AUTHORITY}".encode(), b"http://"),
        (b'rel="self"', b'rel="other"'),
        (f'href="{PUBLIC}'.encode(), b'href="'),
    ):
        broken = document.replace(old, new).replace(
            old.replace(b"<", b"</"), new.replace(b"<", b"</")
        )
        assert list(breaches(broken)), old


def test_json_feed_follows_the_rules(full: CreatorPage) -> None:
    answer = full.get("feed.json")
    assert answer.headers["content-type"] == "application/feed+json"
    assert list(json_breaches(answer.json())) == []


def test_feedparser_reads_the_atom_feed(full: CreatorPage) -> None:
    read = feedparser.parse(full.get("feed.xml").content)
    assert not read.bozo
    assert (read.feed.title, read.feed.language) == ("Mia", "fr")
    newest, drawn, words = read.entries
    assert [enclosure["type"] for enclosure in newest.enclosures] == ["image/png"] * 2
    assert {term["term"] for term in drawn.tags} == {"suggestive", "ai-generated"}
    assert words.content[0]["value"] == "Des mots\nsur deux lignes & <plus>"
    assert words.title == "Des mots sur deux lignes & <plus>"


def test_both_feeds_have_the_same_content(full: CreatorPage) -> None:
    read, feed = feedparser.parse(full.get("feed.xml").content), full.feed()
    assert [entry.id for entry in read.entries] == [item["id"] for item in feed["items"]]
    assert [item["_greenroom"]["ai_generated"] for item in feed["items"]] == [
        "none",
        "generated",
        "none",
    ]
    assert [item["_greenroom"]["rating"] for item in feed["items"]] == ["G", "S", "G"]
    assert feed["items"][1]["image"].startswith(f"{PUBLIC}/files/")


def test_enclosures_are_served_with_their_stated_length(full: CreatorPage) -> None:
    for item in full.feed()["items"]:
        for attachment in item.get("attachments", []):
            got = full.room.client.get(attachment["url"].removeprefix(PUBLIC))
            assert len(got.content) == attachment["size_in_bytes"]
            assert got.headers["content-type"] == attachment["mime_type"]


def test_rendering_is_deterministic(full: CreatorPage) -> None:
    for name in ("feed.xml", "feed.json", ""):
        assert full.get(name).content == full.get(name).content


def test_ids_are_unchanged_at_a_new_address(full: CreatorPage) -> None:
    """After a move to another domain, feed readers must not show every item as new."""
    from foundation.storage.object_store import FileStore
    from web.site.pages import SitePages

    before = [item["id"] for item in full.feed()["items"]]
    store = FileStore(full.room.store._root)
    moved = SitePages(full.room.pages, store, {}, public_url="https://new.example.test")
    from starlette.requests import Request

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    body = moved.serve_feed(Request(scope), full.slug, "xml", None).body
    after = feedparser.parse(bytes(body))
    assert [entry.id for entry in after.entries] == before
    assert all(entry.link.startswith("https://new.example.test/") for entry in after.entries)


def test_updated_changes_only_with_edits(mia: CreatorPage) -> None:
    key = mia.post(text="one")
    with mia.scope() as scope:  # the item was written an hour ago
        scope.run(
            "UPDATE items SET published_at = published_at - interval '1 hour', edited_at = "
            "edited_at"
            " - interval '1 hour' WHERE tenant_id = :t AND content_id = :key",
            t=mia.tenant_id,
            key=key,
        )
    (first,) = feedparser.parse(mia.get("feed.xml").content).entries
    mia.post(key, text="one")
    (same,) = feedparser.parse(mia.get("feed.xml").content).entries
    mia.post(key, text="two")
    (edited,) = feedparser.parse(mia.get("feed.xml").content).entries
    assert same.updated == first.updated == first.published
    assert edited.updated > first.updated
    assert edited.published == first.published


def many(mia: CreatorPage, count: int) -> list[str]:
    """Create this many items, some in the same microsecond."""
    keys = [new_content_id() for _ in range(count)]
    with mia.scope() as scope:
        for place, key in enumerate(keys):
            items.put_item(
                scope, mia.found, key, items.ItemContent(f"n{place}", "text", (), ai=False)
            )
    return keys


@pytest.mark.parametrize("name", ["feed.xml", "feed.json"])
def test_feed_pages_list_every_item_once(mia: CreatorPage, name: str) -> None:
    keys = many(mia, 2 * atom_feed.ENTRIES_PER_PAGE + 3)
    seen: list[str] = []
    address: str | None = f"{PUBLIC}/{mia.slug}/{name}"
    while address:
        answer = mia.room.client.get(address.removeprefix(PUBLIC))
        if name == "feed.json":
            seen += [item["url"].rsplit("/", 1)[1] for item in answer.json()["items"]]
            assert answer.json()["feed_url"] == address
            address = answer.json().get("next_url")
        else:
            assert list(breaches(answer.content)) == []
            read = feedparser.parse(answer.content)
            seen += [entry.link.rsplit("/", 1)[1] for entry in read.entries]
            address = next((link.href for link in read.feed.links if link.rel == "next"), None)
    assert len(seen) == len(keys)
    assert set(seen) == set(keys)


def test_hidden_items_do_not_end_the_feed(mia: CreatorPage) -> None:
    """With one new item hidden, the page is shorter, and older items are still reachable."""
    many(mia, atom_feed.ENTRIES_PER_PAGE)
    sha256 = mia.stage(new_picture())
    mia.post(media=[sha256])
    with mia.scope() as scope:
        mia.record(scope, sha256, Rating.E)
    first = mia.feed()
    assert len(first["items"]) == atom_feed.ENTRIES_PER_PAGE - 1
    rest = mia.room.client.get(first["next_url"].removeprefix(PUBLIC)).json()["items"]
    assert len(rest) == 1


def test_next_page_works_after_its_cursor_item_is_removed(mia: CreatorPage) -> None:
    many(mia, atom_feed.ENTRIES_PER_PAGE + 1)
    address = mia.feed()["next_url"].removeprefix(PUBLIC)
    before = mia.room.client.get(address).json()["items"]
    mia.delete(address.split("before=")[1])
    assert mia.room.client.get(address).json()["items"] == before


@pytest.mark.parametrize(
    "before",
    ["0", "-1", "9" * 400, "1e309", "nan", "%00", "' OR 1=1 --", "gr0000000000000000000000"],
)
def test_unknown_cursor_is_not_found(mia: CreatorPage, before: str) -> None:
    mia.post()
    for name in ("feed.xml", "feed.json", ""):
        assert mia.get(f"{name}?before={before}").status_code == 404


def test_cursor_of_another_page_is_not_found(room: WebServer, mia: CreatorPage) -> None:
    other = create_page(room)
    key = other.post()
    assert mia.get(f"feed.json?before={key}").status_code == 404


HEAD = FeedHeader(
    title="Mia",
    author="Mia",
    home=f"{PUBLIC}/mia/",
    self_url=f"{PUBLIC}/mia/feed.xml",
    language="fr",
    authority=AUTHORITY,
    permanent=str(uuid7()),
    opened_at=datetime(2026, 1, 1, tzinfo=UTC),
)
INSTANTS = st.builds(datetime.fromtimestamp, st.floats(0, 4e9), st.timezones())
TEXT = st.text(st.characters(codec="utf-8"), max_size=80)


@settings(max_examples=150, deadline=None)
@given(
    title=TEXT,
    text=TEXT,
    alt=TEXT,
    at=INSTANTS,
    later=st.timedeltas(timedelta(0), timedelta(days=9)),
)
def test_any_text_makes_a_valid_feed(
    title: str, text: str, alt: str, at: datetime, later: timedelta
) -> None:
    """Every text, including control characters and markup, yields a readable feed with times in
    UTC."""
    medium = MediaFile("0" * 64, "image/png", alt, "none", 7)
    entry = ItemEntry("gr123456", title, text, (medium,), False, Rating.G, 1, at, at + later)
    document = atom_feed.atom_feed(HEAD, [entry], base=PUBLIC)
    assert list(breaches(document)) == []
    published = xml.fromstring(document).findtext(f"{ATOM}entry/{ATOM}published") or ""
    assert datetime.fromisoformat(published) == at.replace(microsecond=0)
    atom_feed.json_feed(HEAD, [entry], base=PUBLIC).decode()
