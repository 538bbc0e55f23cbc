"""Creator pages for visitors: profile, items, packs, files, headers, caches, languages and odd
addresses."""

import itertools
import re
import socket
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from channels.accounts import lifecycle
from connectors.conformance.fake_servers import serve_app
from connectors.registry import loader
from foundation.db.database import Database
from foundation.ids import uuid7
from foundation.money import Money
from foundation.sealed import Sealed
from gate.contract.units import Rating
from gate.text import urls
from studio.ingest import pipeline
from studio.library import assets
from studio.packs import packs
from subscribers.acquisition import links
from subscribers.acquisition.links import LinkDestination, LinkDetails, LinkDraft, LinkSource
from subscribers.catalog.prices import set_price
from tenants.agencies import creators
from tenants.agencies.states import CreatorState
from tests.gate.answers import rate_and_answer
from tests.schedules.builders import jpeg
from tests.web.builders import (
    PUBLIC,
    CreatorPage,
    WebServer,
    create_page,
    new_content_id,
    new_picture,
)
from web.app import create_web_app
from web.site.items import CONTENT_ID_PATTERN

_numbers = itertools.count(1)
POLICIES = (
    "content-security-policy",
    "referrer-policy",
    "x-content-type-options",
    "permissions-policy",
)


class Outline(HTMLParser):
    """The elements of a page in reading order, as a screen reader follows them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def some_pack(
    mia: CreatorPage, *, rating: Rating = Rating.G, title: str = "Plage", about: str = "Vingt vues"
) -> None:
    """Add a pack for 500 units of test money."""
    owner = {"tenant_id": mia.tenant_id, "creator_id": mia.creator_id}
    prepared = pipeline.prepare_upload(jpeg(next(_numbers)), name="beach.jpg")
    asset = pipeline.ingest_asset(mia.room.tenant, mia.room.store, **owner, prepared=prepared)
    with mia.scope() as scope:
        rate_and_answer(scope, assets.get_asset(scope, asset).sha256, rating, source="classifier@1")
        pack = packs.create_pack(
            scope,
            creator_id=mia.creator_id,
            slug="p" + uuid7().hex[-8:],
            title=title,
            description=about,
            assets=[asset],
        )
        set_price(scope, mia.creator_id, pack, "sandbox", Money(500, "XTS"))


def test_profile_shows_texts_packs_and_the_chat_link(mia: CreatorPage) -> None:
    some_pack(mia)
    mia.post(title="Matin", media=[mia.stage(new_picture())])
    text = mia.get().text
    for said in (
        "Mia",
        "Photographe",
        "Envoyer un message",
        "Plage",
        "Vingt vues",
        "500 en monnaie de test",
        "Matin",
    ):
        assert said in text
    assert (
        text.count('href="http://127.0.0.1:8490/c/mia"') == 2
    )  # the button and the link of the pack


def test_visit_through_a_link_hands_its_code_over_to_the_chat(mia: CreatorPage) -> None:
    known = loader.load_connectors()
    before = urls.own_hosts()
    urls.set_own_hosts([urlsplit(PUBLIC).netloc])
    with mia.scope() as scope:
        bot = lifecycle.connect_account(
            scope,
            creator_id=mia.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            chat_surface="sandbox.chat",
            account=f"bot-{mia.creator_id}",
            name="Bot",
            base_url="http://127.0.0.1:8490",
            token=Sealed(b"x"),
            zone="UTC",
        )
        details = LinkDetails("Bio", LinkSource.BIO)
        page = f"{PUBLIC}/{mia.slug}/"
        draft = LinkDraft(mia.creator_id, details, LinkDestination.WEB, bot, page)
        link = links.create_link(scope, draft, connectors=known, key=uuid7())
        start = links.start_url(scope, link, known)
    urls.set_own_hosts(before)
    assert link.target == f"{page}?via={link.code}"
    assert link.reports_chats
    assert f"start=from-{link.code}" in start
    assert f'href="{start}"' in mia.get(f"?via={link.code}").text
    assert "set-cookie" not in mia.get(f"?via={link.code}").headers
    for code in ("0" * 16, "x" * 5000, '"><script>', ""):
        text = mia.get("?" + urlencode({"via": code})).text
        assert 'href="http://127.0.0.1:8490/c/mia"' in text, code
        assert "from-" not in text
    with mia.scope() as scope:
        creators.change_creator_state(scope, mia.creator_id, CreatorState.INACTIVE)
    assert "/c/" not in mia.get(f"?via={link.code}").text


def test_page_of_an_inactive_creator_offers_neither_packs_nor_chats(mia: CreatorPage) -> None:
    some_pack(mia)
    mia.post(title="Matin", media=[mia.stage(new_picture())])
    with mia.scope() as scope:
        creators.change_creator_state(scope, mia.creator_id, CreatorState.INACTIVE)
    text = mia.get().text
    assert "Matin" in text
    assert "Plage" not in text
    assert "/c/mia" not in text
    with mia.scope() as scope:
        creators.change_creator_state(scope, mia.creator_id, CreatorState.ACTIVE)
    assert "Plage" in mia.get().text


def test_empty_page_is_explained(mia: CreatorPage) -> None:
    text = mia.get().text
    assert "Aucune publication pour le moment" in text
    assert "Packs" not in text


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Aller au contenu"), ("en", "Skip to content")]
)
def test_page_uses_the_creators_language(room: WebServer, language: str, said: str) -> None:
    mine = create_page(room, language=language)
    mine.post(media=[mine.stage(new_picture())])
    text = mine.get().text
    assert f'<html lang="{language}">' in text
    assert said in text


def test_times_use_the_creators_zone(mia: CreatorPage) -> None:
    """11:30 UTC in winter is 12:30 in Paris."""
    key = mia.post()
    with mia.scope() as scope:
        scope.run(
            "UPDATE items SET published_at = '2026-01-05 11:30+00' WHERE tenant_id = :t",
            t=mia.tenant_id,
        )
    assert "5 janvier 2026, 12:30" in mia.get(f"p/{key}").text


@pytest.mark.parametrize("rating", [Rating.N, Rating.E, Rating.X])
def test_adult_packs_are_hidden(mia: CreatorPage, rating: Rating) -> None:
    some_pack(mia, rating=rating, title="Secret")
    assert "Secret" not in mia.get().text


def test_prices_follow_the_locale(room: WebServer) -> None:
    from zoneinfo import ZoneInfo

    from web.http.localization import VisitorLocalizer

    french, english = (VisitorLocalizer(language, ZoneInfo("UTC")) for language in ("fr", "en"))
    assert french.format_money(Money(123456, "EUR")) == "1\u202f234,56\xa0€"
    assert english.format_money(Money(123456, "EUR")) == "€1,234.56"
    assert english.format_money(Money(500, "XTR")) == "500 Telegram Stars"
    assert french.format_money(Money(1500, "XTS")) == "1\u202f500 en monnaie de test"
    assert (english.picture_count_text(1), english.picture_count_text(2)) == (
        "1 image",
        "2 images",
    )


def test_every_picture_has_an_alt_text(mia: CreatorPage) -> None:
    told = {"sha256": mia.stage(new_picture()), "mime": "image/png", "alt": "une plage à l'aube"}
    key = mia.post(media=[told, mia.stage(new_picture())])
    for place in ("", f"p/{key}"):
        alts = [image["alt"] for image in Outline(mia.get(place).text).all("img")]
        assert alts == ["une plage à l'aube", "Image de Mia"]


def test_videos_and_audio_are_playable(mia: CreatorPage) -> None:
    film, sound, bundle = (mia.stage(new_picture()) for _ in range(3))
    key = mia.post(
        media=[
            {"sha256": film, "mime": "video/mp4", "alt": ""},
            {"sha256": sound, "mime": "audio/ogg", "alt": ""},
            {"sha256": bundle, "mime": "application/zip", "alt": ""},
        ]
    )
    outline = Outline(mia.get(f"p/{key}").text)
    assert outline.all("video")[0]["src"] == f"/files/{film}.mp4"
    assert outline.all("audio")[0]["src"] == f"/files/{sound}.ogg"
    assert any(
        link.get("href") == f"/files/{bundle}.zip" and "download" in link
        for link in outline.all("a")
    )
    assert mia.file(film, "mp4").headers["content-type"] == "video/mp4"


def test_page_structure_is_accessible(mia: CreatorPage) -> None:
    some_pack(mia)
    key = mia.post(title="T", media=[mia.stage(new_picture())])
    for place in ("", f"p/{key}", "p/nothing-here-at-all"):
        outline = Outline(mia.get(place).text)
        assert len(outline.all("main")) == len(outline.all("h1")) == len(outline.all("footer")) == 1
        assert outline.all("html")[0]["lang"] == "fr"
        levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h[1-6]", tag)]
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
        assert outline.all("a")[0]["href"] == "#content"
        ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
        assert len(ids) == len(set(ids))


def test_ai_content_is_labeled(mia: CreatorPage) -> None:
    for ai, said in (
        ("generated", "Image générée par IA"),
        ("assisted", "Image retouchée avec l’IA"),
    ):
        key = mia.post(
            media=[{"sha256": mia.stage(new_picture(), ai=ai), "mime": "image/png", "ai": ai}],
            ai=True,
        )
        assert said in mia.get(f"p/{key}").text
        assert "Texte rédigé" not in mia.get(f"p/{key}").text
    assert "Texte rédigé avec l’IA" in mia.get(f"p/{mia.post(ai=True)}").text
    assert " IA" not in mia.get(f"p/{mia.post()}").text


def test_suggestive_pages_are_marked_for_filters(mia: CreatorPage) -> None:
    mild, bold = (
        mia.post(media=[mia.stage(new_picture())]),
        mia.post(media=[mia.stage(new_picture(), Rating.S)]),
    )
    assert "rating" not in mia.get(f"p/{mild}").headers
    for place in ("", f"p/{bold}"):
        answer = mia.get(place)
        assert answer.headers["rating"] == "mature"
        assert '<meta name="rating" content="mature">' in answer.text
        assert "Suggestif" in answer.text
    assert "og:image" in mia.get(f"p/{mild}").text
    # link previews on other sites do not check ages
    assert "og:image" not in mia.get(f"p/{bold}").text


def test_older_items_are_on_the_next_page(mia: CreatorPage) -> None:
    keys = [mia.post(text=f"n{place}") for place in range(23)]
    first = mia.get().text
    (older,) = re.findall(r"\?before=([\w-]+)", first)
    second = mia.get(f"?before={older}").text
    for key in keys:
        assert (f"/p/{key}" in first) != (f"/p/{key}" in second)
    assert "before=" not in second


@pytest.mark.parametrize("place", ["", "p/unknown-item", "feed.xml", "feed.json", "feed.exe"])
def test_every_response_has_security_headers(mia: CreatorPage, place: str) -> None:
    for answer in (
        mia.get(place),
        mia.room.client.head(f"/{mia.slug}/{place}"),
        mia.room.client.post(f"/{mia.slug}/"),
    ):
        assert all(name in answer.headers for name in POLICIES)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert "strict-transport-security" in answer.headers
        assert "set-cookie" not in answer.headers


def test_pages_have_no_scripts_or_foreign_urls(mia: CreatorPage) -> None:
    key = mia.post(media=[mia.stage(new_picture())])
    for place in ("", f"p/{key}", "p/unknown-item"):
        outline = Outline(mia.get(place).text)
        assert not outline.all("script")
        assert not outline.all("iframe")
        for name in ("src", "style", "onclick", "onload"):
            values = [
                attributes[name] or "" for _, attributes in outline.tags if name in attributes
            ]
            assert all(value.startswith("/") for value in values)
        assert [link["href"] for link in outline.all("link") if link["rel"] == "stylesheet"] == [
            "/static/page.css"
        ]


def test_staged_file_without_item_is_not_found(mia: CreatorPage) -> None:
    assert mia.file(mia.stage(new_picture())).status_code == 404


def test_file_with_another_suffix_is_not_found(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture())
    mia.post(media=[sha256])
    for name in (
        sha256,
        f"{sha256}.html",
        f"{sha256}.svg",
        f"{sha256}.png.html",
        f"{sha256}.PNG",
        f"{sha256.upper()}.png",
    ):
        assert mia.room.client.get(f"/files/{name}").status_code == 404, name


TRICKS = [
    "/../../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/files/..%2f..%2f..%2fetc%2fpasswd",
    "/files/%2e%2e%2fgreenroom.env",
    "/static/..%2fmodels.py",
    "/static/page.css%00",
    "//etc/passwd",
    "/%00/",
    "/%ff%fe/",
    "/mia%0d%0aset-cookie:x=1/",
    "/" + "a" * 5000 + "/",
    "/mia'; DROP TABLE sites; --/",
    "/files/" + "0" * 64 + ".png",
    "/files/" + "%00" * 64,
    "/house/",
    "/openapi.json",
    "/docs",
    "/.git/config",
    "/.env",
    "/favicon.ico",
]


@pytest.mark.parametrize("path", TRICKS, ids=range(len(TRICKS)))
def test_odd_paths_are_not_found(room: WebServer, path: str) -> None:
    answer = raw(room, f"GET {path} HTTP/1.1")
    assert answer.split(b" ")[1] in {b"404", b"400"}, answer[:100]
    assert b"Traceback" not in answer
    assert b"set-cookie" not in answer.lower()
    assert b"root:" not in answer


def raw(room: WebServer, first: str, host: str = "127.0.0.1") -> bytes:
    """Send a raw request, without a client that normalizes it."""
    url = httpx.URL(room.client.base_url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as line:
        line.sendall(f"{first}\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        answer = b""
        while part := line.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "host", ["localhost:8080", "evil.example", "", "127.0.0.1.evil.example", "[::1", "é"]
)
def test_unknown_host_is_answered_with_the_public_address(room: WebServer, host: str) -> None:
    answer = raw(room, "GET /mia/ HTTP/1.1", host)
    status = answer.split(b" ")[1]
    assert status in {b"421", b"400"}, answer[:200]
    if status == b"421":
        assert PUBLIC.encode() in answer
        assert b"content-security-policy" in answer
    assert raw(room, "GET /healthz HTTP/1.1", host).split(b" ")[1] in {b"200", b"400"}


@pytest.mark.parametrize(
    "host", ["pages.example.test", "PAGES.example.test:443", "127.0.0.1", "[::1]:8080"]
)
def test_known_hosts_are_accepted(room: WebServer, host: str) -> None:
    assert raw(room, "GET /robots.txt HTTP/1.1", host).split(b" ")[1] == b"200"


def test_unknown_page_uses_the_visitors_language(room: WebServer) -> None:
    for asked, said in (
        ("fr-CA,fr;q=0.9", "Page introuvable"),
        ("de, fr;q=0.5", "Page introuvable"),
        ("de", "Page not found"),
    ):
        answer = room.client.get("/nobody-here/", headers={"accept-language": asked})
        assert (answer.status_code, said in answer.text) == (404, True)
        assert answer.headers["cache-control"] == "no-store"


def test_database_outage_is_shown_as_unavailable(room: WebServer) -> None:
    nowhere = Database("postgresql+psycopg://greenroom_pages:x@127.0.0.1:9/house")
    with (
        serve_app(create_web_app(tenant=nowhere.scope, store=room.store, public_url=PUBLIC)) as url,
        httpx.Client(base_url=url, timeout=30) as visitor,
    ):
        for place in ("/mia/", "/mia/feed.xml", "/files/" + "0" * 64 + ".png"):
            answer = visitor.get(place, headers={"accept-language": "fr"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "momentanément indisponible" in answer.text
            assert "content-security-policy" in answer.headers
        assert visitor.get("/healthz").status_code == 200
        assert (
            visitor.put(
                "/house/mia/items/abcdefgh", headers={"authorization": "Bearer x"}
            ).status_code
            == 503
        )


def test_security_contact_is_published(room: WebServer) -> None:
    text = room.client.get("/.well-known/security.txt").text
    assert text.startswith("Contact: mailto:security@example.test\n")
    assert re.search(r"^Expires: \d{4}-\d\d-\d\dT00:00:00Z$", text, re.MULTILINE)


def test_robots_are_excluded_from_the_publishing_endpoint(room: WebServer) -> None:
    assert "Disallow: /house/" in room.client.get("/robots.txt").text


def test_content_ids_match_the_pattern() -> None:
    assert CONTENT_ID_PATTERN.fullmatch(new_content_id())
