"""The patterns of written ages, compiled from the `ages` and `minor` sections of the lexicon.

Before a pattern is searched, every number and date that may be an age under 18 is replaced by one
letter of a script that no supported language uses. A pattern of one language then matches figures
and the number words of that language, and cannot match the "five" of "twenty-five".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gate.text.normalization import fold_case

ADULT = 18
_FIRST_MARK = 0x10000
"""The first letter of Linear B, a script that no supported language uses."""

_TEEN = 10
"""The lowest age of the placeholder `{teen}`, for patterns that small numbers match by chance."""

_FIGURE = r"(?<![0-9])(?<![0-9][.,:h])[0-9]{1,2}(?![.,:h]?[0-9])(?!/[0-9])"
"""One or two digits that are not part of a price, a time, a score or a version."""

_ROMAN = {"xi": 11, "xii": 12, "xiii": 13, "xiv": 14, "xv": 15, "xvi": 16, "xvii": 17}
"""Roman numerals from 11 to 17; smaller ones are also words."""

_END = r"(?= ?(?:$|[^\w '’%€$/+\-]))"
"""The end of a phrase: no unit and no further word follows."""


class AgeKind(StrEnum):
    """The form in which an age is written."""

    FIGURE = "figure"
    WORD = "word"
    BIRTH = "birth"
    BIRTHDAY = "birthday"
    REMAINING = "remaining"
    SCHOOL = "school"
    SHORTHAND = "shorthand"
    STATUS = "status"
    CUE = "cue"
    """A word that is common in texts about minors but gives no person an age, such as "kids"."""


class AgeSubject(StrEnum):
    """The person whose age is given: the writer, another person, or none (a duration, a dog, a
    pupil of a teacher)."""

    WRITER = "writer"
    PERSON = "person"
    OTHER = "other"


Voice = Literal["stated", "hinted", "other", "person"]
_SUBJECTS: Mapping[Voice, AgeSubject] = {
    "stated": AgeSubject.WRITER,
    "hinted": AgeSubject.WRITER,
    "other": AgeSubject.OTHER,
    "person": AgeSubject.PERSON,
}
_KINDS: Mapping[str, AgeKind] = {
    "birth": AgeKind.BIRTH,
    "birthday": AgeKind.BIRTHDAY,
    "remaining": AgeKind.REMAINING,
    "school": AgeKind.SCHOOL,
    "shorthand": AgeKind.SHORTHAND,
    "status": AgeKind.STATUS,
    "age": AgeKind.FIGURE,
    "cue": AgeKind.CUE,
}
"""The kind of each part of a block. Plain numbers come after all forms that contain a number."""


class KindPatterns(BaseModel):
    """The patterns of one kind in one language.

    `stated` and `hinted` are sentences of the writer, `person` describes another person, and
    `other` is what looks like an age and is none.
    """

    model_config = ConfigDict(extra="forbid")
    stated: list[str] = []
    hinted: list[str] = []
    person: list[str] = []
    other: list[str] = []


class AgeBlock(BaseModel):
    """The written ages of one language, folded: lower case without accents."""

    model_config = ConfigDict(extra="forbid")
    numbers: dict[int, list[str]]
    """The forms of each number. A space also matches a hyphen or nothing."""
    tens: list[str]
    """Patterns of the words that make a larger number of the number after them."""
    endings: list[str]
    """Patterns of what may follow a number word without a space."""
    months: list[str]
    anchors: list[str]
    """The beginnings of words without one of which no pattern without a number can match."""
    age: KindPatterns
    birth: KindPatterns
    birthday: KindPatterns
    remaining: KindPatterns
    school: KindPatterns
    shorthand: KindPatterns
    status: KindPatterns
    cue: KindPatterns
    asked: list[str]
    """Questions about age, which a number alone answers."""


class MinorPatterns(BaseModel):
    """Whole patterns of the languages without a block, with their own numbers."""

    model_config = ConfigDict(extra="forbid")
    stated: dict[str, list[str]]
    hinted: dict[str, list[str]] = {}
    cue: dict[str, list[str]] = {}
    verbatim: dict[str, list[str]] = {}
    """Cues in scripts that folding changes; searched in the visible text."""
    asked: dict[str, list[str]] = {}
    numbers: dict[str, list[str]]
    not_ages: list[str]
    """Units after which a number is not an age, in any language."""


@dataclass(frozen=True)
class WrittenNumber:
    """An age that a number or a date may stand for, and the letter that marks it.

    `is_word` is True for number words.
    """

    low: int
    high: int
    mark: str
    is_word: bool = False


@dataclass(frozen=True)
class MarkedText:
    """A text with one letter in place of each number and date that may be an age under 18.

    `numbers` and `births` are keyed by the positions of these letters.
    """

    text: str
    numbers: Mapping[int, WrittenNumber]
    births: Mapping[int, WrittenNumber]


@dataclass(frozen=True)
class PatternGroup:
    """All patterns of one kind and voice. `needs` names what each of them contains."""

    kind: AgeKind
    subject: AgeSubject
    certain: bool
    needs: Literal["number", "birth", "keyword"]
    pattern: "re.Pattern[str]"


@dataclass(frozen=True)
class AgePatterns:
    """The patterns of all languages, compiled at first use."""

    blocks: Mapping[str, AgeBlock]
    minor: MinorPatterns

    @cached_property
    def numerals(self) -> "re.Pattern[str]":
        """Return the pattern of the beginning of any number. Most texts contain none."""
        return re.compile(rf"[0-9]|\b(?:{_join_by_letter([*self._words, *_ROMAN])})")

    @cached_property
    def keywords(self) -> "re.Pattern[str]":
        """Return the pattern of the words without one of which no pattern without a number
        matches."""
        words = {word for block in self.blocks.values() for word in block.anchors}
        return re.compile(rf"\b(?:{_join_by_letter(words)})")

    @cached_property
    def groups(self) -> tuple[PatternGroup, ...]:
        """Return the groups in the order in which a number is read: sentences of the writer before
        descriptions, and what is no age before what may be one."""
        order: list[tuple[str, Voice]] = [(part, "stated") for part in _KINDS]
        order += [(part, "hinted") for part in _KINDS]
        for part in _KINDS:
            order += [(part, "other"), (part, "person")]
        return tuple(group for part, voice in order for group in self._compile_groups(part, voice))

    def _compile_groups(self, part: str, voice: Voice) -> Iterator[PatternGroup]:
        needing: dict[Literal["number", "birth", "keyword"], list[str]] = {
            "number": [],
            "birth": [],
            "keyword": [],
        }
        for language, block in self.blocks.items():
            for written in getattr(getattr(block, part), voice):
                needing[_needs(written)].append(self._fill(written, language))
        for needs, patterns in needing.items():
            if patterns:
                yield PatternGroup(
                    _KINDS[part], _SUBJECTS[voice], voice != "hinted", needs, _join(patterns)
                )

    def _fill(self, written: str, language: str) -> str:
        every = "".join(self.marks.values())
        mine = [(teen, mark) for (known, teen), mark in self.marks.items() if language in known]
        filled = written.replace(r"\d", f"[0-9{every}]")
        filled = filled.replace("{age}", f"[{''.join(mark for _, mark in mine)}]")
        filled = filled.replace("{teen}", f"[{''.join(mark for teen, mark in mine if teen)}]")
        filled = filled.replace("{year}", self._birth_mark).replace("{end}", _END)
        return filled.replace("{unit}", self._unit.replace(r"\d", f"[0-9{every}]"))

    @cached_property
    def _unit(self) -> str:
        # A unit matches a whole word only: "I'm 15 male" does not contain the unit "mal".
        units = (
            rf"{unit}\b" if unit[0].isalpha() or unit[0] == "(" else unit
            for unit in self.minor.not_ages
        )
        return f"(?:{'|'.join(units)})"

    @cached_property
    def _words(self) -> Mapping[str, tuple[int, frozenset[str]]]:
        """Return the number words with their number and their languages."""
        found: dict[str, tuple[int, frozenset[str]]] = {}
        for language, block in self.blocks.items():
            for number, forms in block.numbers.items():
                for form in forms:
                    languages = found.get(form, (number, frozenset()))[1]
                    found[form] = (number, languages | {language})
        return found

    @cached_property
    def marks(self) -> Mapping[tuple[frozenset[str], bool], str]:
        """Return the letter for the numbers of these languages, from ten or below it."""
        sets = {languages for _, languages in self._words.values()} | {frozenset(self.blocks)}
        ordered = sorted(sets, key=sorted)
        keys = [(languages, teen) for languages in ordered for teen in (False, True)]
        return {key: chr(_FIRST_MARK + 1 + at) for at, key in enumerate(keys)}

    @property
    def _birth_mark(self) -> str:
        return chr(_FIRST_MARK)

    @cached_property
    def _months(self) -> Mapping[str, int]:
        return {
            name: number
            for block in self.blocks.values()
            for number, names in enumerate(block.months, start=1)
            for name in names.split()
        }

    @cached_property
    def written_numbers(self) -> "re.Pattern[str]":
        """Return the pattern of dates, years, number words, Roman numerals and figures."""
        months = "|".join(sorted(self._months, key=len, reverse=True))
        tens = "|".join(ten for block in self.blocks.values() for ten in block.tens)
        endings = "|".join(end for block in self.blocks.values() for end in block.endings)
        words = "|".join(
            form.replace(" ", "[ -]?") for form in sorted(self._words, key=len, reverse=True)
        )
        day = "[0-3]?[0-9]"
        year = "20[0-9]{2}"
        suffix = "st|nd|rd|th"
        return re.compile(
            rf"\b(?P<y1>{year})[-/.](?P<m1>[01]?[0-9])[-/.](?P<d1>{day})\b"
            rf"|\b(?P<a>{day})(?:[-/]|\. ?)(?P<b>{day})(?:[-/]|\. ?)"
            rf"(?P<y2>{year}|[0-9]{{2}})\b"
            rf"|\b(?:(?P<d2>{day})(?:{suffix}|er|\.|o)? ?(?:of |de |d[’'])?)?(?P<month>{months})"
            rf"\b\.?(?: (?P<d3>{day})(?:{suffix}|\.)?)?,?(?: of| de| del)? (?P<y3>{year})\b"
            r"|(?<![0-9.,:/-])(?P<y4>20[0-9]{2})(?![0-9]|[.,][0-9])"
            r"|(?<!\w)[’'](?P<y5>[0-2][0-9])\b"
            rf"|\b(?P<tens>(?:{tens})[ -]?(?:(?:and|et|y|und|e)[ -])?)?(?P<word>{words})"
            rf"(?=\b|{endings})"
            rf"|\b(?P<roman>{'|'.join(sorted(_ROMAN, key=len, reverse=True))})\b"
            rf"|(?P<figure>{_FIGURE})"
        )

    def mark_numbers(self, flat: str, today: date | None) -> MarkedText:
        """Return a folded text with its numbers marked. Without `today`, no date is read."""
        pieces: list[str] = []
        numbers: dict[int, WrittenNumber] = {}
        births: dict[int, WrittenNumber] = {}
        end = length = 0
        for match in self.written_numbers.finditer(flat):
            birth = self._read_birth(match, today)
            number = birth or self._read_number(match)
            if number is None:
                continue
            before = flat[end : match.start()]
            (births if birth else numbers)[length + len(before)] = number
            pieces += [before, number.mark]
            length += len(before) + 1
            end = match.end()
        return MarkedText("".join([*pieces, flat[end:]]), numbers, births)

    def _read_number(self, match: "re.Match[str]") -> WrittenNumber | None:
        """Return the age that a number may stand for, or None for that of an adult."""
        languages = frozenset(self.blocks)
        if match["figure"]:
            number = int(match["figure"])
        elif match["roman"]:
            number = _ROMAN[match["roman"]]
        elif match["word"] and not match["tens"]:
            number, languages = self._spelled[match["word"].replace(" ", "").replace("-", "")]
        else:
            return None
        if not 0 < number < ADULT:
            return None
        mark = self.marks[languages, number >= _TEEN]
        return WrittenNumber(number, number, mark, is_word=bool(match["word"]))

    @cached_property
    def _spelled(self) -> Mapping[str, tuple[int, frozenset[str]]]:
        return {form.replace(" ", ""): known for form, known in self._words.items()}

    def _read_birth(self, match: "re.Match[str]", today: date | None) -> WrittenNumber | None:
        """Return the ages that a date of birth or a year of birth leaves today, or None if the
        date is none or leaves 18 years or more."""
        if today is None:
            return None
        if written := match["y4"] or match["y5"]:
            ages = _ages_of_year(_full_year(written, today), today)
        elif match["y3"]:
            day = match["d2"] or match["d3"]
            dates = [(self._months[match["month"]], int(day or 31))]
            ages = _ages_of_date(int(match["y3"]), dates, today)
        elif match["y2"]:
            either = (int(match["a"]), int(match["b"]))
            dates = [either, either[::-1]]
            ages = _ages_of_date(_full_year(match["y2"], today), dates, today)
        elif match["y1"]:
            dates = [(int(match["m1"]), int(match["d1"]))]
            ages = _ages_of_date(int(match["y1"]), dates, today)
        else:
            return None
        low, high = ages
        if not 0 <= low < ADULT:
            return None
        return WrittenNumber(low, min(high, ADULT - 1), self._birth_mark)

    @cached_property
    def stated_elsewhere(self) -> "re.Pattern[str]":
        """Return the statements of writers in the languages without a block."""
        return self._compile_elsewhere(self.minor.stated)

    @cached_property
    def hinted_elsewhere(self) -> "re.Pattern[str]":
        """Return the hints of writers in the languages without a block."""
        return self._compile_elsewhere(self.minor.hinted)

    @cached_property
    def cues_elsewhere(self) -> "re.Pattern[str]":
        """Return the cues in the languages without a block."""
        return self._compile_elsewhere(self.minor.cue)

    @cached_property
    def verbatim_cues(self) -> "re.Pattern[str]":
        """Return the cues that are searched in the visible text."""
        return self._compile_elsewhere(self.minor.verbatim)

    def _compile_elsewhere(self, listed: Mapping[str, Sequence[str]]) -> "re.Pattern[str]":
        filled = []
        for language, patterns in listed.items():
            words = map(fold_case, self.minor.numbers.get(language, ()))
            ages = "|".join([*words, "1[0-7]", "[5-9]", *sorted(_ROMAN, key=len, reverse=True)])
            filled += [
                pattern.replace("{age}", f"(?:{ages})").replace("{unit}", self._unit)
                for pattern in patterns
            ]
        return _join(filled)

    @cached_property
    def questions(self) -> "re.Pattern[str]":
        """Return the questions about age."""
        own = [pattern for block in self.blocks.values() for pattern in block.asked]
        return _join(
            [*own, *(pattern for listed in self.minor.asked.values() for pattern in listed)]
        )

    @cached_property
    def answer(self) -> "re.Pattern[str]":
        """Return the pattern of a number that begins an answer."""
        every = "".join(self.marks.values())
        unit = self._unit.replace(r"\d", f"[0-9{every}]")
        return re.compile(rf"^\W*(?P<age>[{every}])\b(?! ?{unit})")


def _needs(written: str) -> Literal["number", "birth", "keyword"]:
    if "{year}" in written:
        return "birth"
    return "number" if "{age}" in written or "{teen}" in written else "keyword"


def _join(patterns: Sequence[str]) -> "re.Pattern[str]":
    """Return one pattern that matches any of these, or nothing if there are none.

    The word boundary that most of them begin with is tested once for all: `re` then rules an
    alternative out by its first letter.
    """
    bounded = [pattern.removeprefix(r"\b") for pattern in patterns if pattern.startswith(r"\b")]
    others = [pattern for pattern in patterns if not pattern.startswith(r"\b")]
    parts = [rf"\b(?:{'|'.join(f'(?:{each})' for each in bounded)})"] if bounded else []
    return re.compile("|".join([*parts, *(f"(?:{each})" for each in others)]) or r"(?!)")


def _join_by_letter(words: Iterable[str]) -> str:
    """Return an alternation of these beginnings of words, one branch for each first letter."""
    by_letter: dict[str, list[str]] = {}
    for word in sorted(words):
        by_letter.setdefault(word[0], []).append(word[1:].replace(" ", "[ -]?"))
    return "|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in by_letter.items())


def _full_year(written: str, today: date) -> int:
    """Return the year of four digits, or the latest past year that ends with these two."""
    if len(written) == 4:
        return int(written)
    century = 2000 if int(written) <= today.year % 100 else 1900
    return century + int(written)


def _ages_of_year(year: int, today: date) -> tuple[int, int]:
    """Return the lowest and highest age of a person born in this year."""
    return max(today.year - year - 1, min(today.year - year, 0)), today.year - year


def _ages_of_date(year: int, dates: Iterable[tuple[int, int]], today: date) -> tuple[int, int]:
    """Return the age of a person born on the latest of these months and days of a year.

    A date that is impossible in either order counts as the end of its year.
    """
    possible = [each for each in dates if 1 <= each[0] <= 12 and 1 <= each[1] <= 31]
    latest = max(possible, default=(12, 31))
    age = today.year - year - ((today.month, today.day) < latest)
    return age, age
