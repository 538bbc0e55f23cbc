"""Mastodon's text processing: the length of a text and its conversion to HTML.

The detection of links is simplified: the real server knows every top-level domain and the valid
characters of a path.
"""

import re
from collections.abc import Callable
from html import escape

import regex

GRAPHEME = regex.compile(r"\X")
ENTITY = regex.compile(
    r"(?P<url>(?<![A-Za-z0-9@＠$#＃])https?://(?:[\p{L}\p{N}_-]+\.)+"
    r"(?:[a-z]{2,}|\p{L}{2,})(?![a-z0-9@+-])(?::\d+)?"
    r"(?:/[\p{L}!#-;=@-~–]*)?(?:\?[!#-;=?-~]*)?)"
    r"|(?P<mention>(?<![=/\w])@[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*(?:@\w+(?:[.-]+\w+)*)?)"
    r"|(?P<tag>(?<![/)\w])#\w*[^\W\d_]\w*)",
    regex.IGNORECASE,
)
PREFIX = re.compile(r"https?://(www\.)?")
SHOWN_OF_URL = 30
"""Visible characters of a link. The rest is hidden."""


def count_characters(text: str, spoiler: str, *, per_url: int) -> int:
    """Return the length that the limit applies to: grapheme clusters, with links of a fixed length
    and mentions without their server."""

    def short(kind: str, found: str) -> str:
        match kind:
            case "url":
                return "x" * per_url
            case "mention":
                return "@" + found.split("@")[1]
            case _:
                return found

    return len(GRAPHEME.findall(spoiler + _rewritten(text, short, str)))


def mentions(text: str) -> list[str]:
    """Return the mentioned accounts, each once: `user` or `user@server`."""
    return _all("mention", text)


def tags(text: str) -> list[str]:
    """Return the hashtags of a text, each once."""
    return [tag.lower() for tag in _all("tag", text)]


def _all(kind: str, text: str) -> list[str]:
    return list(dict.fromkeys(match[kind][1:] for match in ENTITY.finditer(text) if match[kind]))


def html(text: str, *, home: str, known: Callable[[str], bool]) -> str:
    """Return the HTML of a text. `home` is the server's URL; `known` returns True if an account
    exists there."""
    if not text.strip():
        return ""

    def link(kind: str, found: str) -> str:
        match kind:
            case "url":
                return _url(found)
            case "mention" if known(found[1:]):
                inner = (
                    f'<a href="{home}/@{found[1:]}" class="u-url '
                    f'mention">@<span>{found[1:]}</span></a>'
                )
                return f'<span class="h-card" translate="no">{inner}</span>'
            case "tag":
                inner = f"#<span>{_escaped(found[1:])}</span>"
                return (
                    f'<a href="{home}/tags/{_escaped(found[1:])}" class="mention hashtag" '
                    f'rel="tag">{inner}</a>'
                )
            case _:
                return _escaped(found)

    return _paragraphs(_rewritten(text, link, _escaped))


def _rewritten(text: str, shown: Callable[[str, str], str], plain: Callable[[str], str]) -> str:
    done, at = [], 0
    for match in ENTITY.finditer(text):
        found = _trimmed(match[0]) if match["url"] else match[0]
        done += [plain(text[at : match.start()]), shown(str(match.lastgroup), found)]
        at = match.start() + len(found)
    return "".join([*done, plain(text[at:])])


def _trimmed(url: str) -> str:
    """Remove the punctuation of the surrounding sentence from a URL."""
    while url[-1] in ".,:;!?'*»”’…" or (url[-1] == ")" and url.count(")") > url.count("(")):
        url = url[:-1]
    return url


def _escaped(text: str) -> str:
    return escape(text).replace("&#x27;", "&#39;")


def _url(url: str) -> str:
    found = PREFIX.match(url)
    prefix = found[0] if found else ""
    seen, rest = url[len(prefix) :][:SHOWN_OF_URL], url[len(prefix) + SHOWN_OF_URL :]
    spans = (
        f'<span class="invisible">{_escaped(prefix)}</span>'
        f'<span class="{"ellipsis" if rest else ""}">{_escaped(seen)}</span>'
        f'<span class="invisible">{_escaped(rest)}</span>'
    )
    return (
        f'<a href="{_escaped(url)}" target="_blank" rel="nofollow noopener" '
        f'translate="no">{spans}</a>'
    )


def _paragraphs(marked: str) -> str:
    """Return paragraphs and line breaks. The number of empty lines between paragraphs is lost."""
    parts = re.split(r"\n\n+", marked.replace("\r\n", "\n").replace("\r", "\n"))
    broken = (re.sub(r"([^\n]\n)(?=[^\n])", r"\1<br />", part) for part in parts)
    return "".join(f"<p>{part}</p>" for part in broken).replace("\n", "")
