"""A file of posts, read line by line: what each line wants, and what of it cannot be read. Pure; nothing is guessed.

Whatever is wrong is said with its line and its column. A file that is no table of posts at all raises BadInput.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType

from connectors.capabilities import Option
from connectors.options import Value
from foundation.errors import BadInput
from foundation.money import Money
from foundation.words import Message
from schedules import imports_cells, imports_options, threads
from schedules.imports_cells import (
    ALWAYS,
    COLUMNS,
    END_OF_DAY,
    TOLD,
    bare,
    clock_in,
    day_in,
    late_in,
    names_in,
)
from schedules.imports_options import OPTION, Declared
from schedules.linking import LONGEST_MARK, MOST_PLAIN, kept_plain
from schedules.overrides import MAX_BODY, MAX_TITLE, MOST_PRICE
from schedules.planning import LATE_OK

MAX_BYTES = 8 * 2**20
MAX_ROWS = 10_000
LONGEST_KEY = 120
USUAL_PRIORITY, LAST_PRIORITY = 5, 9
"""0 is for what the house itself has to say; a file begins at 1."""

BY_PEOPLE, BY_MODEL = "none", ("assisted", "generated")
"""What a post keeps of who wrote it; an empty cell is the first."""

NEEDED = ("key", "channels", "date", "time", "body")
OVERRIDE, PRICE = "body_", "price_"
ACCOUNT = "body@"
"""A column `body@<account>`: other words for one account, by its name; those for its platform say nothing there."""

PART, SHOWN = "part_", "_media"
"""Columns `part_2`, `part_3` …: what follows the post in a thread, and `part_2_media` with its pictures. The first
comment has a column of its own and comes last."""

PARTS = tuple(f"{PART}{number}" for number in range(2, threads.MOST_PARTS + 1))
NOTHING: Declared = MappingProxyType({})
_COLUMN_UNKNOWN = ("import.column_unknown", "import.column_unknown_near")
_WEIGHING_UNKNOWN = ("import.option_column_unknown", "import.option_column_unknown_near")
"""What is said of a column nobody knows: without a name that is like it, and with."""

_CONTROL = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Finding:
    """Something about a line: a problem that keeps the file from being written, or a mark that does not.

    `column` is "" where it is about the line as a whole; the heading is line 1.
    """

    line: int
    column: str
    message: Message
    grave: bool = True


@dataclass(frozen=True)
class Row:
    """What a line wants. What could not be read is None or empty, and a finding says so."""

    line: int
    key: str
    creator: str
    channels: tuple[str, ...]
    day: date | None
    clock: time | None
    zone: str
    late_ok: timedelta | None
    until_midnight: bool
    """Whether it may leave until its local day is over; `late_ok` says nothing then."""
    body: str
    bodies: Mapping[str, str]
    """Other words for a platform, by its name."""
    prices: Mapping[str, Money]
    """What readers pay on a platform, by its name."""
    media: tuple[str, ...]
    first_comment: str
    priority: int
    campaign: str = ""
    title: str = ""
    text_ai: str = BY_PEOPLE
    """Who wrote the words: it decides what they have to say of it where they are shown."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Other words for an account, by its name as the heading has it, without regard to case."""
    parts: tuple["Part", ...] = ()
    """What follows in a thread, its first comment aside."""
    options: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """What is chosen on a platform, by its name and the option's."""
    own_options: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The cells of what is chosen on an account, by its name as the heading has it and the option's."""
    labels: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    """Addresses that stay as they stand."""


@dataclass(frozen=True)
class Part:
    """What a part of a thread says and shows, in the column it stands in."""

    column: str
    body: str
    media: tuple[str, ...]


@dataclass
class Sheet:
    """A file as it was read."""

    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def say(self, line: int, column: str, code: str, /, *, grave: bool = True, **params: str | int) -> None:
        """Note something about a line."""
        self.findings.append(Finding(line, column, Message(code, params), grave))


def nearest(name: str, known: Collection[str]) -> str:
    """The known name that is most like one nobody knows; "" where none is."""
    return _nearest(name.casefold()[:80], tuple(known))


@lru_cache(maxsize=2048)  # a slip of a column stands on every line, and is looked for among hundreds of names
def _nearest(name: str, known: tuple[str, ...]) -> str:
    by_fold = {one.casefold(): one for one in known}
    found = get_close_matches(name, by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else ""


def read(data: bytes, platforms: Collection[str], options: Declared = NOTHING) -> Sheet:
    """Read a file; `platforms` are those that a column `body_<platform>` may be about, `options` what each lets a post
    choose.

    Raises BadInput for what is no table of posts: another encoding, a quote that never closes, too many lines, columns
    that are missing or stand twice.
    """
    text = _text(data)
    head, _, _ = text.partition("\n")
    lines = _lines(text, max(",;\t", key=head.count))
    sheet = Sheet()
    known = imports_options.columns(options)
    columns = _columns(sheet, next(lines, (1, []))[1], [*(_of_platforms(platforms)), *known])
    seen: dict[str, int] = {}
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(sheet.rows) >= MAX_ROWS:
            raise BadInput("import.too_many_lines", most=MAX_ROWS)
        row = _row(sheet, line, cells, columns, known)
        first = seen.setdefault(row.key, line)
        if row.key and first != line:
            sheet.say(line, "key", "import.key_twice", key=row.key[:60], first=first)
        sheet.rows.append(row)
    if not sheet.rows:
        raise BadInput("import.no_lines")
    return sheet


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise BadInput("import.too_large", most=MAX_BYTES // 2**20)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("import.not_utf8", line=data[: error.start].count(b"\n") + 1) from error
    unkept = _CONTROL.search(text)
    if unkept is not None:
        raise BadInput("import.unwritable", line=text.count("\n", 0, unkept.start()) + 1)
    return text


def _lines(text: str, sign: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins at. Raises BadInput for what is no CSV."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a quote that never closes, a cell without end
            raise BadInput("import.not_csv", line=line) from error
        yield line, cells


def _of_platforms(platforms: Collection[str]) -> list[str]:
    """The columns that are about a platform, what it lets a post choose aside."""
    return [f"{begins}{platform}" for platform in platforms for begins in (OVERRIDE, PRICE)]


def _columns(sheet: Sheet, heading: Sequence[str], platforms: Collection[str]) -> list[str]:
    """The name of each column; "" for one nobody knows."""
    names = [name.strip().casefold() for name in heading]
    own = [name for name in names if (name.startswith(ACCOUNT) and name != ACCOUNT) or imports_options.is_own(name)]
    known = (*COLUMNS, *TOLD, *platforms, *PARTS, *(f"{name}{SHOWN}" for name in PARTS), *dict.fromkeys(own))
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise BadInput("import.columns_missing", columns=", ".join(missing))
    for name in known:
        if names.count(name) > 1:
            raise BadInput("import.column_twice", column=name)
    for name in names:
        if name and name not in known:
            kind = next(filter(name.startswith, (OPTION, OVERRIDE, PRICE, PART)), "")
            near = nearest(name, [one for one in known if one.startswith(kind)])  # of a price nobody means an option
            weighs = bool(kind)  # left out, more would see more, or for free
            plain, like = _WEIGHING_UNKNOWN if weighs else _COLUMN_UNKNOWN
            sheet.say(1, name[:60], like if near else plain, grave=weighs, column=name[:60], near=near)
    return [name if name in known else "" for name in names]


def _row(
    sheet: Sheet, line: int, cells: Sequence[str], columns: Sequence[str], options: Mapping[str, tuple[str, Option]]
) -> Row:
    if any(cell.strip() for cell in cells[len(columns) :]):
        sheet.say(line, "", "import.too_many_cells", most=len(columns))
    found = {name: bare(cell) for name, cell in zip(columns, cells, strict=False) if name}
    if told := imports_cells.before(found.get("state", "")):
        sheet.say(line, "state", told, grave=False)
    said = {name: found.get(name, "").strip() for name in COLUMNS}
    late, until_midnight = _late(sheet, line, said["late_ok"])
    return Row(
        line=line,
        key=_key(sheet, line, said["key"]),
        creator=said["creator"],
        channels=tuple(dict.fromkeys(names_in(said["channels"]))),
        day=_day(sheet, line, said["date"]),
        clock=_clock(sheet, line, said["time"]),
        zone=said["zone"],
        late_ok=late,
        until_midnight=until_midnight,
        body=_words(sheet, line, "body", found.get("body", ""), MAX_BODY),
        bodies=_otherwise(sheet, line, found, OVERRIDE),
        prices=_prices(sheet, line, found),
        media=tuple(dict.fromkeys(names_in(said["media"]))),
        first_comment=_words(sheet, line, "first_comment", found.get("first_comment", ""), threads.LONGEST_PART),
        priority=_priority(sheet, line, said["priority"]),
        campaign=_campaign(sheet, line, said["utm_campaign"]),
        plain=_plain(sheet, line, said["plain_links"]),
        title=_words(sheet, line, "title", found.get("title", ""), MAX_TITLE),
        text_ai=_text_ai(sheet, line, said["text_ai"]),
        own=_otherwise(sheet, line, found, ACCOUNT),
        parts=_parts(sheet, line, found),
        options=_options(sheet, line, found, options),
        own_options={
            imports_options.parts_of(name): cell
            for name, cell in found.items()
            if cell.strip() and name not in options and imports_options.is_own(name)
        },
        labels=tuple(dict.fromkeys(names_in(said["labels"]))),
    )


def _key(sheet: Sheet, line: int, key: str) -> str:
    if not key:
        sheet.say(line, "key", "import.no_key")
    elif len(key) > LONGEST_KEY:
        sheet.say(line, "key", "import.key_too_long", most=LONGEST_KEY)
    return key


def _day(sheet: Sheet, line: int, cell: str) -> date | None:
    day = day_in(cell)
    if day is None:
        sheet.say(line, "date", "import.date_unreadable", said=cell[:40] or "…")
    return day


def _clock(sheet: Sheet, line: int, cell: str) -> time | None:
    clock = clock_in(cell)
    if clock is None:
        sheet.say(line, "time", "import.time_unreadable", said=cell[:40] or "…")
    return clock


def _late(sheet: Sheet, line: int, cell: str) -> tuple[timedelta | None, bool]:
    late = late_in(cell) if cell else LATE_OK
    if late is None:
        sheet.say(line, "late_ok", "import.late_unreadable", said=cell[:40])
    if isinstance(late, timedelta):
        return late, False
    return (None if late == ALWAYS else LATE_OK), late == END_OF_DAY


def _words(sheet: Sheet, line: int, column: str, words: str, most: int) -> str:
    if len(words) > most:
        sheet.say(line, column, "import.words_too_long", length=len(words), most=most)
    return words if words.strip() else ""


def _otherwise(sheet: Sheet, line: int, found: Mapping[str, str], begins: str) -> Mapping[str, str]:
    """Other words for some platforms, or for some accounts: in columns that begin so."""
    said = {name: _words(sheet, line, name, cell, MAX_BODY) for name, cell in found.items() if name.startswith(begins)}
    return {name.removeprefix(begins): words for name, words in said.items() if words}


def _parts(sheet: Sheet, line: int, found: Mapping[str, str]) -> tuple[Part, ...]:
    """What follows the post, in the order of its columns; a cell left empty between two is no part."""
    parts = []
    for column in PARTS:
        shown = f"{column}{SHOWN}"
        if column not in found and shown not in found:
            continue
        body = _words(sheet, line, column, found.get(column, ""), threads.LONGEST_PART)
        media = tuple(dict.fromkeys(names_in(found.get(shown, ""))))
        if body or media:
            parts.append(Part(column, body, media))
    if len(parts) + bool(found.get("first_comment", "").strip()) >= threads.MOST_PARTS:
        sheet.say(line, parts[-1].column, "post.too_many_parts", most=threads.MOST_PARTS)
    return tuple(parts)


def _prices(sheet: Sheet, line: int, found: Mapping[str, str]) -> Mapping[str, Money]:
    """What some platforms ask for it. What cannot be read keeps the file from being written: it is not free."""
    said = {}
    for name, cell in found.items():
        if not name.startswith(PRICE) or not cell.strip():
            continue
        price = imports_cells.price_in(cell)
        if price is None or price.minor > MOST_PRICE:
            sheet.say(line, name, "import.price_unreadable", said=cell.strip()[:40])
        else:
            said[name.removeprefix(PRICE)] = price
    return said


def _options(
    sheet: Sheet, line: int, found: Mapping[str, str], known: Mapping[str, tuple[str, Option]]
) -> Mapping[str, Mapping[str, Value]]:
    """What is chosen on some platforms."""
    said: dict[str, dict[str, Value]] = {}
    for column in known.keys() & found.keys():
        platform, option = known[column]
        value = imports_options.value_in(found[column], option) if found[column].strip() else None
        if isinstance(value, Message):
            sheet.findings.append(Finding(line, column, value))
        elif value is not None:
            said.setdefault(platform, {})[option.name] = value
    return said


def _campaign(sheet: Sheet, line: int, cell: str) -> str:
    if len(cell) <= LONGEST_MARK and cell.isprintable():
        return cell
    sheet.say(line, "utm_campaign", "link.mark_unreadable", most=LONGEST_MARK)
    return ""


def _plain(sheet: Sheet, line: int, cell: str) -> tuple[str, ...]:
    plain = tuple(dict.fromkeys(names_in(cell)))
    if kept_plain(plain):
        return plain
    sheet.say(line, "plain_links", "link.too_many_plain", most=MOST_PLAIN)
    return ()


def _text_ai(sheet: Sheet, line: int, cell: str) -> str:
    """Who wrote it. What cannot be read keeps the file from being written: it is not a person's by default."""
    said = cell.casefold() or BY_PEOPLE
    if said not in (BY_PEOPLE, *BY_MODEL):
        sheet.say(line, "text_ai", "import.text_ai_unreadable", said=cell[:40])
    return said


def _priority(sheet: Sheet, line: int, cell: str) -> int:
    if not cell:
        return USUAL_PRIORITY
    if cell.isascii() and cell.isdigit() and 1 <= int(cell[:3]) <= LAST_PRIORITY:
        return int(cell)
    sheet.say(line, "priority", "import.priority_unreadable", said=cell[:40])
    return USUAL_PRIORITY
