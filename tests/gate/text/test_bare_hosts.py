"""Hosts without a scheme are links if their suffix exists; ordinary sentences contain none."""

import random
from importlib.resources import files

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.text_corpus import ordinary_texts
from gate.text import link_readings, urls
from gate.text.bare_hosts import registrable_domain
from subscribers.replies.reply_checks import find_reply_fault


def public_suffixes() -> list[str]:
    """Return the registry suffixes of the list, without exceptions and wildcards."""
    listed = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text("utf-8")
    part = listed.partition("===END ICANN DOMAINS===")[0]
    lines = [line.strip() for line in part.splitlines()]
    return [line for line in lines if line and line[0] not in "/*!"]


SUFFIXES = random.Random(40).sample(public_suffixes(), 400)
NAMES = st.from_regex(r"[a-z][a-z0-9]{2,10}(-[a-z0-9]{2,8})?", fullmatch=True)


@given(NAMES, st.sampled_from(SUFFIXES), st.sampled_from(["", "/x", "/a/b?c=1", ":8080/x"]))
@settings(max_examples=60, deadline=None)
@example("mia", "భారత్", "")
@example("mia", "ไทย", "/x")
@example("mia", "ලංකා", "")
@example("mia", "سودان", "")
def test_host_with_public_suffix_is_link(name: str, suffix: str, path: str) -> None:
    host = f"{name}.{suffix}{path}"
    for text in (host, f"see {host}", f"look at {host}, please", f"({host})", f"my page: {host}!"):
        assert link_readings.extract_links([text]) == (host,), text
    assert link_readings.remove_links(f"see {host} now").split() == ["see", "now"]
    assert find_reply_fault(f"write me at {host}", instructions="") == "link"


@given(NAMES, st.sampled_from(["zz", "invalid", "internal", "txtx", "qwx", "2026"]))
def test_host_with_unknown_suffix_is_no_link(name: str, ending: str) -> None:
    assert link_readings.extract_links([f"see {name}.{ending} now"]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Good night. Be safe!",
        "Good night.Be safe!",
        "I love that. Me too!",
        "love it.it was great",
        "Wow.so schön heute",
        "See you. In the morning!",
        "Bonjour . Live ce soir",
        "un petit point info demain",
        "je suis au point de partir",
        "the polka dot is in",
        "It is 3.am or so, e.g. now, i.e. late, a.m. and p.m.",
        "v1.2.3 and 12.11.2026 and 3.50 and 10.30-12.15",
        "mail mia@example.com or @mia.studio",
        "Hmm... to be or... no way",
    ],
)
def test_ordinary_sentences_contain_no_link(text: str) -> None:
    assert link_readings.extract_links([text]) == ()
    assert find_reply_fault(text, instructions="") != "link"


@pytest.mark.parametrize("first", ["Good night", "I love that", "Hello there", "Wow", "See you"])
@pytest.mark.parametrize("word", ["Be", "Me", "It", "So", "To", "In", "No", "My", "At", "As", "Is"])
def test_full_stop_between_sentences_is_no_host(first: str, word: str) -> None:
    for between in (". ", ".  ", ".\n", "."):
        text = f"{first}{between}{word} and more of it"
        assert find_reply_fault(text, instructions="") is None, text


@pytest.mark.parametrize(
    "text",
    [
        "mia (dot) studio", "mia [dot] me", "mia{.}fans", "miafans dot com", "miafans . com",
        "miafans point fr", "mia dot studio", "miafans punto com", "MiaFans DOT Com",
    ],
)  # fmt: skip
def test_spelled_dot_in_reply_is_link(text: str) -> None:
    assert find_reply_fault(f"find me on {text}", instructions="") == "link"


def test_ordinary_texts_contain_no_bare_host() -> None:
    found = {text: link_readings.extract_links([text]) for text in ordinary_texts()}
    assert {text: links for text, links in found.items() if links and "://" not in text} == {}


def test_hosts_in_other_alphabets_are_found() -> None:
    assert link_readings.extract_links(["пример.рф и foo.中国"]) == ("пример.рф", "foo.中国")
    assert link_readings.extract_links(["ｍｉａ。studio"]) == ("mia.studio",)


def test_bare_suffix_is_no_domain() -> None:
    assert registrable_domain("co.uk") == ""
    assert registrable_domain("a.b.example.co.uk.") == "example.co.uk"
    assert registrable_domain("a" * 300 + ".com") == ""


OWN = ("pages.example:8080",)


@pytest.mark.parametrize(
    "path",
    [
        "/mia/18", "/mia/18/", "/mia/18/p/x", "/mia//18", "/mia/%31%38", "/mia/%2531%2538", "/./mia/./18",
        "/x/../mia/18?a=1", "/mia/18#top",
    ],
)  # fmt: skip
def test_own_adult_page_is_recognized_in_any_spelling(path: str) -> None:
    for url in (f"https://pages.example:8080{path}", f"HTTP://PAGES.example:8080{path}"):
        assert urls.is_own_adult_page(url, OWN)
        assert not urls.is_own_adult_page(url, ("other.example",))
    assert urls.is_own_adult_page(f"pages.example:8080{path}", OWN)


@pytest.mark.parametrize("path", ["", "/", "/mia", "/mia/p/18x", "/mia/1/8", "/18x/a"])
def test_other_own_pages_are_not_adult(path: str) -> None:
    assert not urls.is_own_adult_page(f"https://pages.example:8080{path}", OWN)
    assert urls.is_own_url(f"https://pages.example:8080{path}", OWN)


@given(st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_text_is_accepted(text: str) -> None:
    for url in link_readings.extract_links([text, f"https://{text}", f"a.com/{text}"]):
        assert urls.is_own_adult_page(url, OWN) in (True, False)


def test_paths_match_those_of_public_pages() -> None:
    from channels.links import short_links
    from web.site import sites

    assert f"/{urls.SHORT_LINK_SEGMENT}/" == short_links.LINK_PATH
    assert urls.ADULT_SEGMENT == sites.ADULT_SUFFIX
