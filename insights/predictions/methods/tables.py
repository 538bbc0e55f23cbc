"""Tables of `greenroom evaluate`: CSV files of unknown origin, read with clear errors.

The delimiter, the encoding, the format of dates and the decimal sign are detected. Rows without a
usable value are dropped and counted; a file in which most rows are unusable is refused.
"""

import csv
import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation.errors import BadInput

Floats = NDArray[np.float64]
MAX_BYTES = 2 * 2**30
MAX_ROWS = 20_000_000
MIN_USABLE = 0.5
"""Minimum share of rows with a usable value in each required column."""

_HEAD = 64 * 2**10
_SHOWN = 60


@dataclass(frozen=True)
class Table:
    """The rows of a file, with the wanted names of columns."""

    rows: pd.DataFrame
    decimal: str


def read_table(path: str, columns: Mapping[str, Sequence[str]]) -> Table:
    """Return the columns of a CSV file, possibly compressed with gzip, as categories of text.

    `columns` maps each wanted column to other names that it may have, compared without case,
    spaces and underscores. Without `columns` all columns are returned under their own names.
    Raises BadInput if the file cannot be read or a column is missing.
    """
    file = Path(path)
    if not file.is_file():
        raise BadInput("evaluate.no_file", file=_printable(path))
    if file.stat().st_size > MAX_BYTES:
        raise BadInput("evaluate.large_file", gigabytes=MAX_BYTES // 2**30)
    compression = "gzip" if file.suffix == ".gz" else None
    encoding, delimiter, header = _detect_format(file, compression)
    names = _match_columns(header, columns)
    try:
        rows = pd.read_csv(
            file,
            sep=delimiter,
            encoding=encoding,
            encoding_errors="replace",
            compression=compression,
            usecols=list(names) or None,
            dtype="category",
            nrows=MAX_ROWS,
            on_bad_lines="skip",
            skipinitialspace=True,
        )
    except (ValueError, OSError, EOFError) as error:
        raise BadInput("evaluate.unreadable", file=_printable(file.name)) from error
    rows = rows.rename(columns=names)
    if rows.empty:
        raise BadInput("evaluate.no_rows")
    return Table(rows, "," if delimiter == ";" else ".")


def _detect_format(file: Path, compression: str | None) -> tuple[str, str, list[str]]:
    """Return encoding, delimiter and header of a CSV file. Raises BadInput."""
    try:
        if compression:
            with gzip.open(file) as packed:
                head = packed.read(_HEAD)
        else:
            with file.open("rb") as plain:
                head = plain.read(_HEAD)
    except (OSError, EOFError) as error:
        raise BadInput("evaluate.unreadable", file=_printable(file.name)) from error
    if head.startswith((b"PAR1", b"PK\x03\x04")) or b"\0" in head:
        raise BadInput("evaluate.not_csv", file=_printable(file.name))
    try:
        head[:-4].decode("utf-8")
        encoding = "utf-8-sig"
    except UnicodeDecodeError:
        encoding = "latin-1"
    first = head.decode(encoding, "replace").splitlines()[:1] or [""]
    delimiter = max(",;\t|", key=first[0].count)
    return encoding, delimiter, next(csv.reader(first, delimiter=delimiter), [])


def _match_columns(header: Iterable[str], columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the wanted name of each column of the file that is used. Raises BadInput."""
    folded = {_fold(name): name.strip() for name in reversed(list(header))}
    found = {}
    for wanted, others in columns.items():
        name = next(
            (folded[each] for each in map(_fold, (wanted, *others)) if each in folded), None
        )
        if name is None:
            listed = ", ".join(folded.values())
            raise BadInput("evaluate.no_column", column=wanted, found=_printable(listed))
        found[name] = wanted
    return found


def _fold(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())


def _printable(text: str) -> str:
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def parse_numbers(column: pd.Series, decimal: str, name: str) -> pd.Series:
    """Return a column as numbers, NaN where it is none. Raises BadInput if most are none."""
    kinds = pd.Series(column.cat.categories, dtype="object").astype(str).str.strip()
    kinds = kinds.str.replace(r"[\s\u00a0\u202f€$£%]", "", regex=True)
    if decimal == ",":
        kinds = kinds.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    else:
        kinds = kinds.str.replace(",", "", regex=False)
    numbers = pd.to_numeric(kinds, errors="coerce").replace([np.inf, -np.inf], np.nan)
    return _spread(column, numbers.to_numpy(dtype=np.float64), name)


def parse_days(column: pd.Series, name: str) -> pd.Series:
    """Return a column of dates or running numbers as numbers of days, NaN where it is neither.

    Dates may be ISO, `YYYYMMDD`, Unix times, or day and month in either order, which is decided
    for the whole column. Raises BadInput if most rows are neither.
    """
    kinds = pd.Series(column.cat.categories, dtype="object").astype(str).str.strip()
    kinds = kinds.str.replace(r"\.0$", "", regex=True)
    digits = kinds.str.fullmatch(r"\d+")
    is_number = len(kinds) > 0 and bool(digits.all())
    days = _days_of_digits(kinds) if is_number else _days_of_dates(kinds)
    return _spread(column, days, name)


def _days_of_digits(kinds: pd.Series) -> Floats:
    width = int(kinds.str.len().median())
    if width == 8:
        return _whole_days(pd.to_datetime(kinds, format="%Y%m%d", errors="coerce"))
    numbers = pd.to_numeric(kinds, errors="coerce").to_numpy(dtype=np.float64)
    if width >= 12:
        numbers = numbers / 86_400_000
    elif width >= 9:
        numbers = numbers / 86_400
    found: Floats = np.floor(numbers)
    return found


def _days_of_dates(kinds: pd.Series) -> Floats:
    first = pd.to_numeric(kinds.str.extract(r"^(\d{1,2})[/.-]\d{1,2}[/.-]")[0], errors="coerce")
    second = pd.to_numeric(kinds.str.extract(r"^\d{1,2}[/.-](\d{1,2})[/.-]")[0], errors="coerce")
    # 13/02 can only be a day first, 02/13 only a month first; if neither occurs, the day is first.
    day_first = bool(first.notna().any() and not (second > 12).any())
    # pandas also parses words such as "today".
    kinds = kinds.where(kinds.str.contains(r"\d", regex=True))
    parsed = pd.to_datetime(kinds, format="mixed", dayfirst=day_first, errors="coerce", utc=True)
    return _whole_days(parsed.dt.tz_localize(None))


def _whole_days(times: pd.Series) -> Floats:
    days = times.to_numpy().astype("datetime64[D]")
    numbers: Floats = days.astype(np.int64).astype(np.float64)
    numbers[np.isnat(days)] = np.nan
    return numbers


def _spread(column: pd.Series, values: Floats, name: str) -> pd.Series:
    """Return the value of each row from those of its categories. Raises BadInput."""
    codes = column.cat.codes.to_numpy()
    found = np.where(codes >= 0, np.append(values, np.nan)[codes], np.nan)
    if np.isnan(found).mean() > 1 - MIN_USABLE:
        kinds = column.cat.categories
        example = str(kinds[int(np.isnan(values).argmax())]) if len(kinds) else ""
        raise BadInput("evaluate.unusable", column=name, example=_printable(example))
    return pd.Series(found, index=column.index)
