"""Parser of import files. It returns the content of each row and findings about unreadable cells.
Pure.

Every problem is reported with row and column, and nothing is guessed. A file that is not a table of
posts raises BadInput.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType

from connectors.contract.capabilities import PostOption
from connectors.shared.options import OptionValue
from foundation import uploaded_tables
from foundation.csv_tables import unescape_formula
from foundation.errors import BadInput
from foundation.i18n.name_forms import fold_name
from foundation.i18n.translation import Message
from foundation.i18n.visible_text import is_one_line
from foundation.money import Money
from foundation.uploaded_tables import StrayQuoteError, UnknownEncodingError, UploadedTable
from schedules.imports import cell_formats, option_columns
from schedules.imports.cell_formats import (
    ALWAYS_LATE,
    COLUMNS,
    END_OF_DAY,
    STATUS_COLUMNS,
    DateOrder,
    parse_clock_cell,
    parse_day,
    parse_late_span,
    split_names,
)
from schedules.imports.option_columns import OPTION_PREFIX, DeclaredOptions
from schedules.posts import thread_parts
from schedules.posts.channel_overrides import MAX_BODY_LENGTH, MAX_PRICE_MINOR, MAX_TITLE_LENGTH
from schedules.posts.deliveries import DEFAULT_LATE_OK
from schedules.posts.link_tracking import (
    MAX_LINK_PARAMETER_LENGTH,
    MAX_PLAIN_ADDRESSES,
    can_keep_plain,
)

MAX_BYTES = 8 * 2**20
MAX_ROWS = 10_000
MAX_KEY_LENGTH = 120
USUAL_PRIORITY = 5
LAST_PRIORITY = 9
"""The lowest priority. Priorities in files start at 1; 0 is reserved for posts of the installation.
"""

WRITTEN_BY_PEOPLE = "none"
FROM_TEMPLATE = "template"
BY_MODEL = ("assisted", "generated")
"""Values of `text_ai` for generated text; an empty cell means `WRITTEN_BY_PEOPLE`."""

NEEDED = ("key", "channels", "date", "time", "body")
BODY_COLUMN_PREFIX = "body_"
PRICE_COLUMN_PREFIX = "price_"
ACCOUNT_BODY_PREFIX = "body@"
"""A column `body@<account>` contains the text for one account, which takes precedence over the text
for its platform."""

PART = "part_"
PART_MEDIA_SUFFIX = "_media"
"""Columns `part_2`, `part_3` … contain the rest of a thread, and `part_2_media` … its pictures. The
first comment has a separate column and is published last."""

PART_COLUMNS = tuple(f"{PART}{number}" for number in range(2, thread_parts.MAX_THREAD_PARTS + 1))
NOTHING: DeclaredOptions = MappingProxyType({})
_COLUMN_UNKNOWN = ("import.column_unknown", "import.column_unknown_near")
_WEIGHING_UNKNOWN = ("import.option_column_unknown", "import.option_column_unknown_near")
"""Message codes for an unknown column: without a similar name, and with one."""

_CONTROL = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class ImportFinding:
    """A finding about a row: a problem that prevents the import if `grave`, otherwise a warning.

    `column` is "" if the finding is about the whole row; row 1 is the heading.
    """

    line: int
    column: str
    message: Message
    grave: bool = True


@dataclass(frozen=True)
class ImportRow:
    """The content of a row. Unreadable cells are None or empty and have a finding."""

    line: int
    key: str
    creator: str
    channels: tuple[str, ...]
    day: date | None
    clock: time | None
    zone: str
    late_ok: timedelta | None
    until_midnight: bool
    """True if the post can be published until its local day ends; `late_ok` is ignored then."""
    body: str
    bodies: Mapping[str, str]
    """Text overrides by platform name."""
    prices: Mapping[str, Money]
    """Prices by platform name."""
    media: tuple[str, ...]
    first_comment: str
    priority: int
    campaign: str = ""
    title: str = ""
    text_ai: str = WRITTEN_BY_PEOPLE
    """AI use in the text, which determines the disclosure: none, assisted or generated."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Text overrides by account name as in the heading, case-insensitive."""
    parts: tuple["RowPart", ...] = ()
    """The rest of the thread, excluding the first comment."""
    options: Mapping[str, Mapping[str, OptionValue]] = field(default_factory=dict)
    """Options by platform name and option name."""
    own_options: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Cells of account options, by account name as in the heading and option name."""
    labels: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    """Addresses that stay unchanged."""


@dataclass(frozen=True)
class RowPart:
    """A part of a thread, with the column it comes from."""

    column: str
    body: str
    media: tuple[str, ...]


@dataclass
class ImportSheet:
    """A parsed file."""

    rows: list[ImportRow] = field(default_factory=list)
    findings: list[ImportFinding] = field(default_factory=list)
    date_orders: frozenset[DateOrder] = frozenset()
    """The day and month orders that the file's dates prove: none, one or both."""

    def add_finding(
        self, line: int, column: str, code: str, /, *, grave: bool = True, **params: str | int
    ) -> None:
        """Add a finding about a row."""
        self.findings.append(ImportFinding(line, column, Message(code, params), grave))


def closest_known_name(name: str, known: Collection[str]) -> str:
    """Return the known name that is most similar to an unknown one, or "" if none is similar."""
    # Cut, because comparing long names takes quadratic time.
    return _find_nearest_name(fold_name(name)[:80], tuple(known))


# A typo in a column appears in every row and is compared with hundreds of names.
@lru_cache(maxsize=2048)
def _find_nearest_name(name: str, known: tuple[str, ...]) -> str:
    by_fold = {fold_name(one): one for one in known}
    found = get_close_matches(name, by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else ""


def parse_file(
    data: bytes, platforms: Collection[str], options: DeclaredOptions = NOTHING
) -> ImportSheet:
    """Parse a file. `platforms` can have `body_<platform>` columns; `options` lists the options of
    each platform.

    Raises BadInput if the file is not a table of posts: an unknown encoding, a stray
    quote, too many rows, missing or duplicate columns.
    """
    table = _read_table(data)
    sheet = ImportSheet()
    known = option_columns.parse_option_columns(options)
    columns = _resolve_columns(sheet, table.heading, [*(_platform_columns(platforms)), *known])
    filled = [(line, cells) for line, cells in table.rows if any(cell.strip() for cell in cells)]
    if len(filled) > MAX_ROWS:
        raise BadInput("import.too_many_lines", most=MAX_ROWS)
    sheet.date_orders = _find_date_orders(filled, columns)
    seen: dict[str, int] = {}
    for line, cells in filled:
        row = _parse_row(sheet, line, cells, columns, known)
        first = seen.setdefault(row.key, line)
        if row.key and first != line:
            sheet.add_finding(line, "key", "import.key_twice", key=row.key[:60], first=first)
        sheet.rows.append(row)
    if not sheet.rows:
        raise BadInput("import.no_lines")
    return sheet


def _find_date_orders(
    lines: Collection[tuple[int, Sequence[str]]], columns: Sequence[str]
) -> frozenset[DateOrder]:
    """Return the day and month orders that the dates of a file prove."""
    at = columns.index("date")
    return cell_formats.find_date_orders(
        unescape_formula(cells[at]).strip() for _, cells in lines if at < len(cells)
    )


def _read_table(data: bytes) -> UploadedTable:
    if len(data) > MAX_BYTES:
        raise BadInput("import.too_large", most=MAX_BYTES // 2**20)
    try:
        text = uploaded_tables.decode_table(data)
        # PostgreSQL stores neither NUL characters nor surrogates.
        unkept = _CONTROL.search(text)
        if unkept is not None:
            raise BadInput("import.unwritable", line=text.count("\n", 0, unkept.start()) + 1)
        return uploaded_tables.parse_table(text, _is_import_heading)
    except UnknownEncodingError as error:
        raise BadInput("import.not_utf8", line=error.line) from error
    except StrayQuoteError as error:
        raise BadInput("import.not_csv", line=error.line) from error


def _is_import_heading(cells: Sequence[str]) -> bool:
    return set(NEEDED) <= {fold_name(cell.strip()) for cell in cells}


def _platform_columns(platforms: Collection[str]) -> list[str]:
    """Return the text and price columns of platforms."""
    return [
        f"{begins}{platform}"
        for platform in platforms
        for begins in (BODY_COLUMN_PREFIX, PRICE_COLUMN_PREFIX)
    ]


def _resolve_columns(
    sheet: ImportSheet, heading: Sequence[str], platforms: Collection[str]
) -> list[str]:
    """Return the name of each column, or "" if it is unknown."""
    names = [fold_name(name.strip()) for name in heading]
    own = [
        name
        for name in names
        if (name.startswith(ACCOUNT_BODY_PREFIX) and name != ACCOUNT_BODY_PREFIX)
        or option_columns.is_account_option_column(name)
    ]
    known = (
        *COLUMNS,
        *STATUS_COLUMNS,
        *platforms,
        *PART_COLUMNS,
        *(f"{name}{PART_MEDIA_SUFFIX}" for name in PART_COLUMNS),
        *dict.fromkeys(own),
    )
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise BadInput("import.columns_missing", columns=", ".join(missing))
    for name in known:
        if names.count(name) > 1:
            raise BadInput("import.column_twice", column=name)
    for name in names:
        if name and name not in known:
            kind = next(
                filter(
                    name.startswith, (OPTION_PREFIX, BODY_COLUMN_PREFIX, PRICE_COLUMN_PREFIX, PART)
                ),
                "",
            )
            # Only columns of the same kind: a price column is not a misspelt option column.
            near = closest_known_name(name, [one for one in known if one.startswith(kind)])
            # Ignoring the column could make the post free, or visible to more people.
            weighs = bool(kind)
            plain, like = _WEIGHING_UNKNOWN if weighs else _COLUMN_UNKNOWN
            sheet.add_finding(
                1, name[:60], like if near else plain, grave=weighs, column=name[:60], near=near
            )
    return [name if name in known else "" for name in names]


def _parse_row(
    sheet: ImportSheet,
    line: int,
    cells: Sequence[str],
    columns: Sequence[str],
    options: Mapping[str, tuple[str, PostOption]],
) -> ImportRow:
    if any(cell.strip() for cell in cells[len(columns) :]):
        sheet.add_finding(line, "", "import.too_many_cells", most=len(columns))
    found = {
        name: unescape_formula(cell) for name, cell in zip(columns, cells, strict=False) if name
    }
    if told := cell_formats.previous_state_code(found.get("state", "")):
        sheet.add_finding(line, "state", told, grave=False)
    said = {name: found.get(name, "").strip() for name in COLUMNS}
    late, until_midnight = _parse_lateness_cell(sheet, line, said["late_ok"])
    return ImportRow(
        line=line,
        key=_check_key(sheet, line, said["key"]),
        creator=said["creator"],
        channels=tuple(dict.fromkeys(split_names(said["channels"]))),
        day=_parse_day_cell(sheet, line, said["date"]),
        clock=_parse_time_cell(sheet, line, said["time"]),
        zone=said["zone"],
        late_ok=late,
        until_midnight=until_midnight,
        body=_check_text_length(sheet, line, "body", found.get("body", ""), MAX_BODY_LENGTH),
        bodies=_parse_override_cells(sheet, line, found, BODY_COLUMN_PREFIX),
        prices=_parse_price_cells(sheet, line, found),
        media=tuple(dict.fromkeys(split_names(said["media"]))),
        first_comment=_check_text_length(
            sheet,
            line,
            "first_comment",
            found.get("first_comment", ""),
            thread_parts.MAX_PART_LENGTH,
        ),
        priority=_parse_priority_cell(sheet, line, said["priority"]),
        campaign=_parse_campaign_cell(sheet, line, said["utm_campaign"]),
        plain=_parse_plain_links_cell(sheet, line, said["plain_links"]),
        title=_check_text_length(sheet, line, "title", found.get("title", ""), MAX_TITLE_LENGTH),
        text_ai=_parse_text_ai_cell(sheet, line, said["text_ai"]),
        own=_parse_override_cells(sheet, line, found, ACCOUNT_BODY_PREFIX),
        parts=_parse_thread_parts(sheet, line, found),
        options=_parse_option_cells(sheet, line, found, options),
        own_options={
            option_columns.split_account_option_column(name): cell
            for name, cell in found.items()
            if cell.strip()
            and name not in options
            and option_columns.is_account_option_column(name)
        },
        labels=tuple(dict.fromkeys(split_names(said["labels"]))),
    )


def _check_key(sheet: ImportSheet, line: int, key: str) -> str:
    if not key:
        sheet.add_finding(line, "key", "import.no_key")
    elif len(key) > MAX_KEY_LENGTH:
        sheet.add_finding(line, "key", "import.key_too_long", most=MAX_KEY_LENGTH)
    return key


def _parse_day_cell(sheet: ImportSheet, line: int, cell: str) -> date | None:
    mixed = len(sheet.date_orders) > 1
    order: DateOrder = next(iter(sheet.date_orders), "day_first")
    is_ambiguous = cell_formats.is_day_ambiguous(cell)
    if mixed and is_ambiguous:
        sheet.add_finding(line, "date", "import.date_order_mixed", said=cell[:40])
        return None
    if mixed:  # a date with a number over 12 proves its order
        order = next(iter(cell_formats.find_date_orders((cell,))), order)
    day = parse_day(cell, order)
    if day is None:
        sheet.add_finding(line, "date", "import.date_unreadable", said=cell[:40] or "…")
    elif is_ambiguous and sheet.date_orders != {"day_first"}:
        code = "import.date_month_first" if sheet.date_orders else "import.date_day_first"
        sheet.add_finding(line, "date", code, grave=False, said=cell[:40], day=day.isoformat())
    return day


def _parse_time_cell(sheet: ImportSheet, line: int, cell: str) -> time | None:
    clock = parse_clock_cell(cell)
    if clock is None:
        sheet.add_finding(line, "time", "import.time_unreadable", said=cell[:40] or "…")
    return clock


def _parse_lateness_cell(sheet: ImportSheet, line: int, cell: str) -> tuple[timedelta | None, bool]:
    late = parse_late_span(cell) if cell else DEFAULT_LATE_OK
    if late is None:
        sheet.add_finding(line, "late_ok", "import.late_unreadable", said=cell[:40])
    if isinstance(late, timedelta):
        return late, False
    return (None if late == ALWAYS_LATE else DEFAULT_LATE_OK), late == END_OF_DAY


def _check_text_length(sheet: ImportSheet, line: int, column: str, words: str, most: int) -> str:
    if len(words) > most:
        sheet.add_finding(line, column, "import.words_too_long", length=len(words), most=most)
    return words if words.strip() else ""


def _parse_override_cells(
    sheet: ImportSheet, line: int, found: Mapping[str, str], begins: str
) -> Mapping[str, str]:
    """Return the text overrides in columns with this prefix, for platforms or accounts."""
    said = {
        name: _check_text_length(sheet, line, name, cell, MAX_BODY_LENGTH)
        for name, cell in found.items()
        if name.startswith(begins)
    }
    return {name.removeprefix(begins): words for name, words in said.items() if words}


def _parse_thread_parts(
    sheet: ImportSheet, line: int, found: Mapping[str, str]
) -> tuple[RowPart, ...]:
    """Return the rest of the thread in the order of columns; empty cells are skipped."""
    parts = []
    for column in PART_COLUMNS:
        shown = f"{column}{PART_MEDIA_SUFFIX}"
        if column not in found and shown not in found:
            continue
        body = _check_text_length(
            sheet, line, column, found.get(column, ""), thread_parts.MAX_PART_LENGTH
        )
        media = tuple(dict.fromkeys(split_names(found.get(shown, ""))))
        if body or media:
            parts.append(RowPart(column, body, media))
    if len(parts) + bool(found.get("first_comment", "").strip()) >= thread_parts.MAX_THREAD_PARTS:
        sheet.add_finding(
            line, parts[-1].column, "post.too_many_parts", most=thread_parts.MAX_THREAD_PARTS
        )
    return tuple(parts)


def _parse_price_cells(
    sheet: ImportSheet, line: int, found: Mapping[str, str]
) -> Mapping[str, Money]:
    """Return the prices by platform. An unreadable price prevents the import, so that nothing is
    free by mistake."""
    said = {}
    for name, cell in found.items():
        if not name.startswith(PRICE_COLUMN_PREFIX) or not cell.strip():
            continue
        price = cell_formats.parse_price_cell(cell)
        if price is None or price.minor > MAX_PRICE_MINOR:
            sheet.add_finding(line, name, "import.price_unreadable", said=cell.strip()[:40])
        else:
            said[name.removeprefix(PRICE_COLUMN_PREFIX)] = price
    return said


def _parse_option_cells(
    sheet: ImportSheet,
    line: int,
    found: Mapping[str, str],
    known: Mapping[str, tuple[str, PostOption]],
) -> Mapping[str, Mapping[str, OptionValue]]:
    """Return the options by platform."""
    said: dict[str, dict[str, OptionValue]] = {}
    for column in known.keys() & found.keys():
        platform, option = known[column]
        value = (
            option_columns.parse_option_value(found[column], option)
            if found[column].strip()
            else None
        )
        if isinstance(value, Message):
            sheet.findings.append(ImportFinding(line, column, value))
        elif value is not None:
            said.setdefault(platform, {})[option.name] = value
    return said


def _parse_campaign_cell(sheet: ImportSheet, line: int, cell: str) -> str:
    if len(cell) <= MAX_LINK_PARAMETER_LENGTH and is_one_line(cell):
        return cell
    sheet.add_finding(line, "utm_campaign", "link.mark_unreadable", most=MAX_LINK_PARAMETER_LENGTH)
    return ""


def _parse_plain_links_cell(sheet: ImportSheet, line: int, cell: str) -> tuple[str, ...]:
    plain = tuple(dict.fromkeys(split_names(cell)))
    if can_keep_plain(plain):
        return plain
    sheet.add_finding(line, "plain_links", "link.too_many_plain", most=MAX_PLAIN_ADDRESSES)
    return ()


def _parse_text_ai_cell(sheet: ImportSheet, line: int, cell: str) -> str:
    """Return the AI use that a cell states.

    An unreadable value prevents the import: the text must not count as written by a person.
    """
    said = cell.casefold() or WRITTEN_BY_PEOPLE
    if said not in (WRITTEN_BY_PEOPLE, FROM_TEMPLATE, *BY_MODEL):
        sheet.add_finding(line, "text_ai", "import.text_ai_unreadable", said=cell[:40])
    return said


def _parse_priority_cell(sheet: ImportSheet, line: int, cell: str) -> int:
    if not cell:
        return USUAL_PRIORITY
    if cell.isascii() and cell.isdigit() and 1 <= int(cell[:3]) <= LAST_PRIORITY:
        return int(cell)
    sheet.add_finding(line, "priority", "import.priority_unreadable", said=cell[:40])
    return USUAL_PRIORITY
