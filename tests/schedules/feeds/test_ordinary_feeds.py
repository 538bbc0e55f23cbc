"""Real-world feeds of blogs and podcasts: not well-formed, in old encodings, with extensions."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from schedules.feeds.rss_atom import MAX_ENTRIES, ParsedEntry, parse_feed

ADDRESS = "https://a.example/blog/feed.xml"
EXTENSIONS = (
    "<media:title>no</media:title>",
    "<media:description>no</media:description>",
    '<media:content url="https://no.example/x.jpg"><media:title>no</media:title></media:content>',
    "<itunes:title>no</itunes:title>",
    "<itunes:summary>no</itunes:summary>",
    '<atom:link href="https://no.example/x.mp3"/>',
    '<atom:link rel="self" href="https://no.example/self"/>',
    '<enclosure url="https://no.example/x.mp3" type="audio/mpeg" length="1"/>',
    "<author>no@no.example (no)</author>",
)
OWN = (
    "<title>Own &amp; title</title>",
    "<description>Own words</description>",
    "<link>https://a.example/1?a=b&amp;c=d</link>",
    '<guid isPermaLink="false">7</guid>',
)


def build_rss(items: str, *, head: str = "<?xml version='1.0'?>") -> str:
    spaces = (
        'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    )
    return f'{head}<rss version="2.0" {spaces}><channel><title>T</title>{items}</channel></rss>'


def parse_entry(data: str | bytes, **known: str) -> ParsedEntry:
    raw = data.encode() if isinstance(data, str) else data
    return parse_feed(raw, address=ADDRESS, **known).entries[0]


@given(
    order=st.permutations(
        [*OWN, *EXTENSIONS],
    ),
    left=st.integers(0, len(EXTENSIONS)),
)
def test_item_texts_win_over_extensions_in_any_order(order: list[str], left: int) -> None:
    parts = [part for part in order if part in OWN or part in EXTENSIONS[left:]]
    found = parse_entry(build_rss(f"<item>{''.join(parts)}</item>"))
    assert (found.title, found.summary, found.link) == (
        "Own & title",
        "Own words",
        "https://a.example/1?a=b&c=d",
    )
    assert found.guid == parse_entry(build_rss(f"<item>{''.join(OWN)}</item>")).guid


@pytest.mark.parametrize(
    ("item", "link"),
    [
        ("<link>/1</link>", "https://a.example/1"),
        ("<link>2</link>", "https://a.example/blog/2"),
        ("<guid>https://a.example/3</guid>", "https://a.example/3"),
        ('<guid isPermaLink="false">https://a.example/4</guid>', ""),
        ("<guid>five</guid>", ""),
        ("<link>javascript:alert(1)</link><guid>https://a.example/6</guid>", ""),
        ('<atom:link href="/7"/>', "https://a.example/7"),
    ],
)
def test_link_and_permalink_are_resolved(item: str, link: str) -> None:
    assert parse_entry(build_rss(f"<item><title>t</title>{item}</item>")).link == link


def test_entry_ids_do_not_depend_on_feed_address() -> None:
    data = build_rss("<item><title>t</title><guid>12</guid></item>").encode()
    first, second = (
        parse_feed(data, address=at).entries[0].guid
        for at in ("http://a.example/feed", "https://b.example/x/feed")
    )
    assert first == second


def test_atom_link_uses_xml_base_and_title_stays_plain() -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/x/"><title>T</title>'
        '<entry><id>1</id><title>List&lt;String&gt;</title><link href="1"/></entry></feed>'
    )
    found = parse_entry(atom)
    assert (found.title, found.link) == ("List<String>", "https://a.example/x/1")


DAMAGE: dict[str, Callable[[str], str]] = {
    "an entity of HTML": lambda text: text.replace("é", "&eacute;"),
    "a bare ampersand": lambda text: text.replace("Own", "A & B"),
    "a tag left open": lambda text: text.replace("words", "<br>words"),
    "a control character": lambda text: text.replace("Own", "O\x0bwn"),
    "blanks first": lambda text: "\n \t" + text,
    "a dialect": lambda text: text.replace(
        "<rss",
        '<!DOCTYPE rss PUBLIC "-//Netscape//RSS 0.91//EN" "http://x.example/rss.dtd"><rss',
        1,
    ).replace("é", "&eacute;"),
    "the end missing": lambda text: text[: text.index("</channel>")],
    "an undeclared prefix": lambda text: text.replace("<item>", "<item><dc:creator>x</dc:creator>"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_malformed_feed_is_read_as_far_as_possible(kind: str) -> None:
    plain = build_rss(f"<item>{''.join(OWN)}<category>é</category></item>").replace(
        "title<", "titlé<"
    )
    found = parse_entry(DAMAGE[kind](plain))
    assert found.title.endswith("titlé")
    assert found.summary.endswith("words")
    assert found.link == "https://a.example/1?a=b&c=d"


@pytest.mark.parametrize("coding", ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("place", ["declaration", "header", "nowhere", "wrongly"])
def test_feed_is_read_in_any_encoding(coding: str, place: str) -> None:
    head = {
        "declaration": f"<?xml version='1.0' encoding='{coding}'?>",
        "wrongly": "<?xml version='1.0' encoding='utf-8'?>",
    }.get(place, "<?xml version='1.0'?>")
    data = build_rss("<item><title>Café déjà</title></item>", head=head).encode(coding)
    header = f"text/xml; charset={coding}" if place == "header" else ""
    assert parse_entry(data, content_type=header).title == "Café déjà"


def test_truncated_entry_is_skipped() -> None:
    whole = build_rss(
        "".join(f"<item><title>t{n}</title><guid>{n}</guid></item>" for n in range(3))
    )
    cut = whole[: whole.index("t2") + 1]
    assert [one.title for one in parse_feed(cut.encode()).entries] == ["t0", "t1"]


@given(
    name=st.sampled_from(["a", "x1", "eacute"]),
    value=st.sampled_from(["é", "&#233;", "&amp;b;", "x" * 1000]),
    coding=st.sampled_from(["utf-8", "utf-16", "utf-7"]),
    comment=st.sampled_from(["", "<!-- <b> -->"]),
)
def test_declared_entity_is_refused_in_any_encoding(
    name: str, value: str, coding: str, comment: str
) -> None:
    head = f"<?xml version='1.0' encoding='{coding}'?>{comment}<!DOCTYPE rss [<!ENTITY {name} '{value}'>]>"
    data = build_rss(f"<item><title>&{name};</title></item>", head=head).encode(coding)
    with pytest.raises(BadInput, match="has_doctype"):
        parse_feed(data)


HOSTILE = {
    "open items": "<item>",
    "signs": "<",
    "names": "<a ",
    "nested": "<a>",
    "authors": "</author><author>" + "a" * 500,
    "entities": "&a;",
    "bases": "<a xml:base='b/'>",
    "titles": "</title><title>" + "&amp;lt;" * 60,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_feed_is_parsed_in_bounded_time(kind: str) -> None:
    unit = HOSTILE[kind]
    data = build_rss("<item><title>t" + unit * (100_000 // len(unit))).encode()
    start = thread_time()
    with suppress(BadInput):
        assert len(parse_feed(data).entries) <= MAX_ENTRIES
    assert thread_time() - start < 5


@pytest.mark.skipif("GREENROOM_SHARED" not in os.environ, reason="needs the shared field files")
def test_blocks_of_a_feed_from_the_field_stay_apart() -> None:
    path = Path(os.environ["GREENROOM_SHARED"]) / "data" / "field2" / "f_glued.xml"
    (entry,) = parse_feed(path.read_bytes()).entries
    words = [word for word in entry.summary.split() if word != "-"]
    assert words == ["New", "set", "Out", "on", "Friday", "one", "two", "See", "you", "Price", "5"]
