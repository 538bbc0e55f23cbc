"""X's text processing: weighted length (twitter-text, configuration 3), detection of links, and the
displayed text.

Implemented from the published configuration and rules only. Simplified: valid characters of a path,
emoji sequences without a glyph (counted as one), characters that are emoji only with a selector
(counted as two, including ©), and domains in non-Latin scripts (not detected). Top-level domains
are those in the list that Hypothesis includes; X's list may be older.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from string import ascii_letters, digits

import regex

LIGHT = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
"""Characters with a weight of one. All others have a weight of two."""
PER_URL, PER_EMOJI, SHOWN_OF_URL = 23, 2, 26
EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}"
    r"|[0-9#*]\uFE0F?\u20E3"
    r"|\p{Extended_Pictographic}(?!\uFE0E)(?:\uFE0F|\p{Emoji_Modifier})?[\U000E0020-\U000E007F]*"
    r"(?:\u200D\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?)*"
)
LETTERS = r"A-Za-z0-9\u00C0-\u024F"
RUN = regex.compile(
    rf"(?<![{LETTERS}@＠$#＃])(?P<protocol>https?://)?(?P<run>[{LETTERS}][{LETTERS}._-]*+)",
    regex.IGNORECASE,
)
"""Possible start of a domain."""
LABEL = regex.compile(rf"[{LETTERS}](?:[{LETTERS}_-]*[{LETTERS}])?")
REST = regex.compile(
    r"(?::\d+)?(?:/[\p{Latin}\p{Cyrillic}0-9!*';:=+,.$/%#\[\]\-–_~@|&()]*+)?"
    r"(?:\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*+)?"
)
BASE62 = digits + ascii_letters


@cache
def _tops() -> frozenset[str]:
    told = (files("hypothesis") / "vendor/tlds-alpha-by-domain.txt").read_text("ascii").splitlines()
    return frozenset(line.lower() for line in told if line and not line.startswith("#"))


def links(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each link in a text, including domains without a protocol."""
    at = 0
    while match := RUN.search(text, at):
        begin, at = match.start(), match.end()
        if match["protocol"] is None and text[max(0, begin - 1) : begin] in {"-", "_", ".", "/"}:
            continue
        length = _domain(match["run"], text[at : at + 1])
        if length:
            end = match.start("run") + length
            at = end + _kept(REST.match(text, end)[0])
            yield begin, at


def _domain(run: str, after: str) -> int:
    """Return the length of the domain in a run, up to its last top-level domain. `after` follows
    the run."""
    labels = run.split(".")
    good = next(
        (place for place, label in enumerate(labels) if not LABEL.fullmatch(label)), len(labels)
    )
    most = good - 1 if good == len(labels) and after in {"@", "+"} else good
    for count in range(most, 1, -1):
        if labels[count - 1].lower() in _tops() and "_" not in labels[count - 2]:
            return len(".".join(labels[:count]))
    return 0


def _kept(rest: str) -> int:
    """Return the length of the path after a domain, without the punctuation of the surrounding
    sentence."""
    while rest and (
        rest[-1] in ".,:;!?'*[]$%|~–(" or (rest[-1] == ")" and rest.count(")") > rest.count("("))
    ):
        rest = rest[:-1]
    return len(rest)


def weight(text: str) -> int:
    """Return the weighted length that X's limit applies to."""
    text, total, at = unicodedata.normalize("NFC", text), 0, 0
    for begin, end in links(text):
        total += _plain(text[at:begin]) + PER_URL
        at = end
    return total + _plain(text[at:])


def _plain(text: str) -> int:
    rest = EMOJI.sub("", text)
    return PER_EMOJI * len(EMOJI.findall(text)) + sum(_one(ord(each)) for each in rest)


def _one(code: int) -> int:
    return 1 if any(low <= code <= high for low, high in LIGHT) else 2


def short(target: str, of: str) -> str:
    """Return the short link for `target` in the post `of`."""
    number = int.from_bytes(hashlib.sha256(f"{of} {target}".encode()).digest()[:9])
    letters = []
    for _ in range(10):
        number, place = divmod(number, 62)
        letters.append(BASE62[place])
    return "https://t.co/" + "".join(letters)


def shown(
    text: str, post: str, pictures: list[tuple[str, str]]
) -> tuple[str, list[dict[str, object]]]:
    """Return the displayed text and its `entities.urls`. `pictures` are media keys and their URLs.

    Positions are in characters of the displayed text, including escapes.
    """
    parts: list[str] = []
    entities: list[dict[str, object]] = []
    at = length = 0
    for begin, end in links(text):
        plain, target = _escaped(text[at:begin]), text[begin:end]
        length += len(plain)
        full = target if "://" in target else f"http://{target}"
        url = short(full, post)
        entities.append(_entity(length, url, full, _display(full)))
        parts, at, length = [*parts, plain, url], end, length + len(url)
    rest = _escaped(text[at:])
    parts, length = [*parts, rest], length + len(rest)
    if pictures:
        url, gap = short(pictures[0][1], post), " " if text else ""
        seen = url.replace("https://t.co/", "pic.x.com/")
        entities += [
            _entity(length + len(gap), url, address, seen) | {"media_key": key}
            for key, address in pictures
        ]
        parts += [gap, url]
    return "".join(parts), entities


def _entity(start: int, url: str, full: str, seen: str) -> dict[str, object]:
    return {
        "start": start,
        "end": start + len(url),
        "url": url,
        "expanded_url": full,
        "display_url": seen,
    }


def _display(full: str) -> str:
    bare = str(regex.sub(r"^https?://(www\.)?", "", full, flags=regex.IGNORECASE))
    return bare if len(bare) <= SHOWN_OF_URL else bare[:SHOWN_OF_URL] + "…"


def _escaped(text: str) -> str:
    return escape(text, quote=False)
