"""Plain text of HTML from feeds and platforms: block elements end a line, list items and cells are
separate, and scripts and styles are left out. Elements inside a line do not separate its words."""

import re
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "template", "noscript"})
_PARAGRAPHS = frozenset(
    {"p", "blockquote", "ul", "ol", "dl", "pre", "table", *(f"h{size}" for size in range(1, 7))}
)
_INLINE = frozenset(
    re.findall(
        r"\w+",
        """a abbr acronym audio b bdi bdo big cite code data del dfn em font i img ins kbd label
        mark math object output picture q rp rt ruby s samp slot small source span strike strong
        sub sup svg time track tt u var video wbr""",
    )
)
"""Elements inside a line (HTML, "Phrasing content"). All others, unknown ones too, end it: words
that are glued together are worse than a break too many."""

_CELLS = frozenset({"td", "th"})
_LINE = "\x1e"
_PARAGRAPH = "\x1d"
_CELL = "\x1f"
"""Boundaries while the text is collected: several in a row are one, unlike `<br>`."""

_BOUNDARIES = re.compile(r"[ \n\x1d-\x1f]*[\n\x1d\x1e][ \n\x1d-\x1f]*")
_CONTROL = re.compile(r"[\x1d-\x1f]")
_SPACES = re.compile(r"[ \t\r\n\f]+")


class _TextCollector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        elif not self._silent:
            self._separate(tag)
            if tag == "li":
                self.parts.append("- ")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        if not self._silent:
            self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]
        elif not self._silent and tag != "br":
            self._separate(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(_SPACES.sub(" ", _CONTROL.sub("", data)))

    def _separate(self, tag: str) -> None:
        if tag in _CELLS:
            self.parts.append(_CELL)
        elif tag == "br":
            self.parts.append("\n")
        elif tag not in _INLINE:
            self.parts.append(_PARAGRAPH if tag in _PARAGRAPHS else _LINE)


def convert_html_to_text(markup: str) -> str:
    """Return the text of HTML: a line for each block, a blank line between paragraphs, `- ` before
    list items, spaces between the cells of a row."""
    collector = _TextCollector()
    collector.feed(markup)
    collector.close()
    text = _BOUNDARIES.sub(_break_lines, "".join(collector.parts))
    return re.sub(rf" *{_CELL}[ {_CELL}]*", "  ", text).strip()


def _break_lines(found: re.Match[str]) -> str:
    breaks = found[0].count("\n") or 1
    return "\n" * (2 if _PARAGRAPH in found[0] else min(breaks, 2))
