"""Markup in user content is never interpreted, on pages or in feeds."""

import json
from html.parser import HTMLParser
from xml.etree import ElementTree as xml

import feedparser
import pytest

from foundation.errors import Refused
from tests.web.builders import CreatorPage, WebServer, create_page, new_picture

DISGUISED = (
    # reversed for the eye, which is not allowed in the texts of a page
    "\u202e<script\u2028>alert(1)"
)
ATTACKS = [
    "<script>alert(1)</script>",
    "</p><script src=//evil/x.js></script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>*{background:url(//evil)}</style>",
    "<base href=//evil/>",
    "<meta http-equiv=refresh content='0;url=//evil'>",
    "</title><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<a href='javascript:alert(1)'>x</a>",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "${7*7}<%= 7*7 %>",
    DISGUISED,
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<ﬁgure><ｓｃｒｉｐｔ>alert(1)",
    "<xml:script xmlns:xml='x'>",
    '{"id": "x"}',
]
SENTENCE = (
    "Bonjour à toutes et à tous, voici la page de la semaine avec toutes les photos de la plage :"
)
"""Enough words of a language for the attack after them: pages show no text that nobody can read."""
SHOWN = [f"{SENTENCE} {attack}" for attack in ATTACKS if attack != DISGUISED]
ALLOWED = {
    "html", "head", "meta", "title", "link", "body", "a", "div", "header", "h1", "h2", "h3", "p", "main", "article",
    "figure", "img", "figcaption", "time", "span", "nav", "footer", "aside", "ul", "li", "b",
}  # fmt: skip


class Elements(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def attacked(room: WebServer) -> tuple[CreatorPage, list[str]]:
    """Return a page whose name, texts and alt texts are attacks, and the IDs of its items, one for
    each attack."""
    said = [attack for attack in ATTACKS if attack != DISGUISED]
    mia = create_page(room, title="".join(said), about="\n".join(SHOWN))
    sha256 = mia.stage(new_picture())
    told = {"sha256": sha256, "mime": "image/png"}
    return mia, [mia.post(title=text, text=text, media=[{**told, "alt": text}]) for text in SHOWN]


def innocent(text: str) -> Elements:
    """Parse the page and check that it has only allowed elements and addresses."""
    read = Elements(text)
    assert read.names <= ALLOWED
    assert not [name for name, _ in read.attributes if name.startswith("on") or name == "style"]
    addresses = [value for name, value in read.attributes if name in {"href", "src"}]
    assert all(
        value.startswith(("/", "#", "http://127.0.0.1:8490/", "https://pages."))
        for value in addresses
    )
    return read


def test_page_with_reversed_text_is_refused(room: WebServer) -> None:
    with pytest.raises(Refused, match=r"^gate\.TEXT_OBFUSCATED$"):
        create_page(room, title=DISGUISED)


def test_markup_in_pages_is_shown_as_text(attacked: tuple[CreatorPage, list[str]]) -> None:
    mia, keys = attacked
    innocent(mia.get("p/unknown-item").text)
    innocent(mia.get().text)
    for text, key in zip(SHOWN, keys, strict=True):
        read = innocent(mia.get(f"p/{key}").text)
        assert read.text.count(text) >= 2, text
        assert ("alt", text) in read.attributes


def test_item_with_reversed_text_is_not_shown(room: WebServer) -> None:
    mia = create_page(room)
    key = mia.post(text=DISGUISED)
    assert mia.get(f"p/{key}").status_code == 410
    assert mia.feed()["items"] == []


def test_markup_in_feeds_is_shown_as_text(attacked: tuple[CreatorPage, list[str]]) -> None:
    mia, _ = attacked
    document = mia.get("feed.xml").content
    names = {element.tag.rsplit("}", 1)[1] for element in xml.fromstring(document).iter()}
    own = {
        "feed",
        "id",
        "title",
        "author",
        "name",
        "updated",
        "link",
        "entry",
        "published",
        "category",
        "content",
    }
    assert names <= own
    entries = feedparser.parse(document, sanitize_html=False).entries
    assert {entry.content[0]["type"] for entry in entries} == {"text/plain"}
    items = json.loads(mia.get("feed.json").content)["items"]
    assert [item["content_text"] for item in reversed(items)] == SHOWN
    assert [item["title"] for item in reversed(items)] == SHOWN
    assert not [item for item in items if "content_html" in item]
