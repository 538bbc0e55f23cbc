"""The policy bundle: the matrix of places, the duties towards viewers and the lexicon, read and
checked at load."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from gate.contract.facts import RuleVerification
from gate.contract.units import Rating, Verdict
from gate.policy.matrix import (
    VERIFIED_ELSEWHERE,
    VIEWER_MODES,
    AiDisclosureRule,
    Matrix,
    MatrixDefaults,
    MatrixRow,
    PersonKind,
    PlaceKind,
    PlaceProbe,
    Verdicts,
    check_rows,
    merge_rows,
)
from gate.text import lexicon

SHIPPED_MATRIX_PATH = Path(__file__).parents[1] / "policy" / "matrix.yaml"
WIRE_FLAG_PATTERN = re.compile(r"[\w.]+(=[\w-]+| non-empty)")
"""A flag a request can carry: a field with this value, or with any words. Anything else in the
matrix is a duty of another kind."""

_VERSION = re.compile(r"(\d{4})\.(\d{2})\.(\d{2})-(\d{1,4})")

PAID_MEDIA = "paid_media"
"""The row of a platform for what is locked until it is paid, whatever the place."""

VERIFICATION_PERIOD = timedelta(days=90)
"""How long a rule counts as read because two members said so, from the day they read it."""


@dataclass(frozen=True)
class PlaceRow:
    """What one place allows, as it stands on a day: a verdict for each rating, and what goes with
    it."""

    id: str
    verdicts: Mapping[Rating, Verdict]
    flags: Mapping[Rating, tuple[str, ...]]
    ai_flag: str
    """The platform's own mark, `name=value`; empty when it has none a request can carry."""
    ai_text: bool
    """Without a flag the words must say it."""
    viewer: str
    adult_link: Verdict
    probes: tuple[PlaceProbe, ...] = ()
    """What must be seen at the platform before anything above General goes there."""
    test_network: bool = False
    ours: bool = False
    """A surface of this installation, which serves it itself."""
    known: bool = True
    stale: frozenset[Rating] = frozenset()
    """Ratings whose verdict was tightened because nobody read the rule again in time."""
    misread: bool = False
    """Somebody says that it was read again, and it does not count."""
    creator_verified: bool = False
    """The platform itself verifies who holds an account, moderates, and looks after its viewers."""

    @property
    def is_manual(self) -> bool:
        """Return True where a person posts what was prepared for them."""
        return self.id.startswith("byhand.")

    def verdict(self, rating: Rating) -> Verdict:
        """The verdict for a rating; prohibited is never allowed."""
        return Verdict.B if rating is Rating.X else self.verdicts[rating]

    def required_probes(self, rating: Rating, *, generated: bool = True) -> tuple[PlaceProbe, ...]:
        """What must have been seen there for a rating; less of what no machine made."""
        asked = [probe for probe in self.probes if generated or probe.when == "always"]
        return tuple(probe for probe in asked if rating.rank > probe.above.rank)


def stricter_verdict(one: Verdict, other: Verdict) -> Verdict:
    """The higher of two verdicts."""
    return max(one, other, key=lambda verdict: verdict.rank)


@dataclass(frozen=True)
class Bundle:
    """One version of the rules. Two bundles with the same digest decide the same."""

    version: str
    digest: str
    read_on: date
    """When somebody last read the rules of the platforms again."""
    lexicon: lexicon.Lexicon
    rows: Mapping[str, MatrixRow] = field(repr=False)
    jurisdictions: Mapping[str, str]
    defaults: MatrixDefaults = field(repr=False)
    production: Mapping[str, bool]
    """Of countries, whether people are checked there before the shoot."""
    card_checks: frozenset[str] = frozenset()
    """Jurisdictions where a credit-card check counts."""
    opened: Mapping[str, date] = field(default_factory=dict)
    """Countries where counsel lets somebody publish their own picture alone, each with the last day
    it holds."""

    @property
    def number(self) -> int:
        """What grows from version to version. Raises ValueError for a version that is no date with
        a count."""
        found = _VERSION.fullmatch(self.version)
        if found is None:
            raise ValueError(f"invalid version of content policies: {self.version[:40]!r}")
        return int("".join(found.groups()[:3])) * 10_000 + int(found[4])

    @property
    def name(self) -> str:
        """Version and digest, as permits and decisions bear it."""
        return f"{self.version}+{self.digest[:12]}"

    def row(
        self,
        platform: str,
        surface: str,
        *,
        on: date,
        place: PlaceKind = "post",
        people: PersonKind | None = None,
        again: Sequence[RuleVerification] = (),
    ) -> PlaceRow:
        """What `surface` of `platform` allows on a day.

        `surface` is the row's id or its part after the platform. Where a place borrows the rows of
        another platform, `place` and `people` say which; what they leave open takes the strictest.
        An unknown place allows nothing.
        """
        found = self.rows.get(
            surface if surface.startswith(f"{platform}.") else f"{platform}.{surface}"
        )
        if found is None or found.platform != platform:
            known = self.has_platform(platform)
            return _unknown_place_row(
                self.defaults.unknown_surface if known else self.defaults.unknown_platform
            )
        own = [merge_rows(found, self.rows[name]) for name in found.same_as]
        if not own:
            words = [
                row
                for row in self.rows.values()
                if row.platform == platform and row.place == "text"
            ]
            own = words if words and place == "text" and found.place == "post" else [found]
        chosen = _select_rows(own, place, people)
        return _merge_strictest(found.id, [self.row_on_day(row, on, again) for row in chosen])

    def paid_verdicts(
        self, free: PlaceRow, platform: str, *, on: date, again: Sequence[RuleVerification] = ()
    ) -> PlaceRow:
        """What a place allows of what is locked until it is paid: `free` is what it allows of all
        else, which a price never opens; where the platform has a row for what is paid, that counts
        too."""
        paid = self.rows.get(f"{platform}.{PAID_MEDIA}")
        if paid is None or not free.known:
            return free
        return _merge_strictest(free.id, [free, self.row_on_day(paid, on, again)])

    def source_rows(
        self, platform: str, surface: str, *, on: date, paid: bool = False
    ) -> tuple[tuple[str, PlaceRow], ...]:
        """The rules a post to a place is judged by, with their names: its own, or those it borrows;
        none of an unknown place. `paid`: it has a price."""
        found = self.rows.get(
            surface if surface.startswith(f"{platform}.") else f"{platform}.{surface}"
        )
        if found is None:
            return ()
        lent = [self.rows[name] for name in found.same_as]
        posts = [row for row in lent if row.place == "post"] or lent
        own = [(row.id, self.row_on_day(merge_rows(found, row), on)) for row in posts] or [
            (found.id, self.row_on_day(found, on))
        ]
        more = self.rows.get(f"{platform}.{PAID_MEDIA}") if paid else None
        return (*own, *([(more.id, self.row_on_day(more, on))] if more is not None else []))

    def overdue_rows(self, platform: str, surface: str, *, on: date) -> tuple[str, ...]:
        """Rules past their day of review that a unit of this place may be judged by: the rows they
        are written in."""
        found = self.rows.get(
            surface if surface.startswith(f"{platform}.") else f"{platform}.{surface}"
        )
        if found is None or found.platform != platform:
            return ()
        words = [
            row for row in self.rows.values() if (row.platform, row.place) == (platform, "text")
        ]
        more = words + [
            row
            for row in self.rows.values()
            if row.id == f"{platform}.{PAID_MEDIA}" and found.place == "post"
        ]
        asked = [self.rows[name] for name in found.same_as] or [
            found,
            *(row for row in more if row is not found),
        ]
        return tuple(
            row.id for row in asked if row.ages and row.review_by is not None and on > row.review_by
        )

    def is_verification_valid(self, one: RuleVerification, on: date) -> bool:
        """Whether a reading holds on a day: of this very rule, 90 days at most, nothing looser than
        it is written."""
        row = self.rows.get(one.row)
        return (
            row is not None
            and not row.same_as
            and one.written == row.digest()
            and one.read_on <= on < one.until <= one.read_on + VERIFICATION_PERIOD
            and all(
                verdict.rank >= row.verdicts[rating].rank
                for rating, verdict in one.verdicts.items()
            )
        )

    def written_rows(self, name: str) -> tuple[tuple[str, MatrixRow], ...]:
        """What a row is made of, as it is written and whatever the unit: itself, or each row it
        borrows with what it states itself; by name. Nothing of an unknown row."""
        found = self.rows.get(name)
        if found is None:
            return ()
        return tuple((lent, merge_rows(found, self.rows[lent])) for lent in found.same_as) or (
            (name, found),
        )

    def has_platform(self, platform: str) -> bool:
        """Whether any rule of ours speaks of a platform: then nobody else's does."""
        return any(row.platform == platform for row in self.rows.values())

    def third_party_row(self, written: MatrixRow, *, on: date) -> PlaceRow:
        """What a stranger's row allows on a day: General and Suggestive as it says, never Nudity or
        Explicit."""
        row = self.row_on_day(written, on)
        shut = {rating: Verdict.B for rating in (Rating.N, Rating.E)}
        verdicts = MappingProxyType({**row.verdicts, **shut})
        return replace(row, verdicts=verdicts, adult_link=Verdict.B, creator_verified=False)

    def required_assurance(self, jurisdiction: str) -> str:
        """The assurance that Nudity and Explicit need there; unknown places need the most."""
        return self.jurisdictions.get(jurisdiction, self.jurisdictions["default"])

    def is_assurance_enough(self, jurisdiction: str, level: str, *, card_check: bool) -> bool:
        """Return True where an assurance opens Nudity and Explicit: by its level, or as a
        credit-card check where the row of the jurisdiction allows one. Unknown places allow none.

        A debit or prepaid card, a tip or any other payment is no card check.
        """
        if card_check and jurisdiction in self.card_checks:
            return True
        return level >= self.required_assurance(jurisdiction)

    def needs_check_before_shoot(self, country: str) -> bool:
        """Whether people are checked there before the shoot, so that a later answer about the day
        does not help."""
        return self.production.get(country, self.production.get("default", True))

    def can_release_own(self, country: str, on: date) -> bool:
        """Whether somebody may publish their own picture alone on a day, where it was made; unknown
        places have the default's answer."""
        until = self.own_release_until(country)
        return until is not None and on <= until

    def own_release_until(self, country: str) -> date | None:
        """The last day of that; None where counsel never opened it."""
        return self.opened.get(country if country in self.production else "default")

    def is_test_network(self, platform: str) -> bool:
        """Whether nobody outside the installation reads there."""
        rows = [row for row in self.rows.values() if row.platform == platform]
        return bool(rows) and all(row.test_network for row in rows)

    def row_on_day(
        self, row: MatrixRow, on: date, again: Sequence[RuleVerification] = ()
    ) -> PlaceRow:
        """A written row as it stands on a day: capped while unverified, tightened where nobody read
        it again."""
        verdicts = dict(row.verdicts)
        stale = set()
        said = [one for one in again if one.row == (row.rule or row.id)]
        read = [one for one in said if self.is_verification_valid(one, on)]
        if row.verified is None or row.verified.verdicts == "unverified":
            for rating, cap in self.defaults.unverified_cap.items():
                verdicts[rating] = stricter_verdict(verdicts[rating], cap)
        for one in read:
            verdicts |= {
                rating: stricter_verdict(verdicts[rating], verdict)
                for rating, verdict in one.verdicts.items()
            }
        if row.ages and row.review_by is not None and not read:
            for rating, patience in ((Rating.N, 0), (Rating.E, 0), (Rating.S, 60)):
                if on > row.review_by + timedelta(days=patience):
                    verdicts[rating] = stricter_verdict(verdicts[rating], Verdict.H)
                    stale.add(rating)
        ai = row.ai or AiDisclosureRule(flag="none")
        wire = ai.flag if WIRE_FLAG_PATTERN.fullmatch(ai.flag) else ""
        return PlaceRow(
            id=row.id,
            verdicts=MappingProxyType(verdicts),
            flags=MappingProxyType(
                {rating: tuple(flags) for rating, flags in (row.flags or {}).items()}
            ),
            ai_flag=wire,
            ai_text=not wire and ai.text != "jurisdiction",
            viewer=row.viewer or "product",
            adult_link=row.adult_link or Verdict.B,
            probes=tuple(row.probe or ()) if row.ages else (),
            test_network=row.test_network,
            ours=not row.ages,
            stale=frozenset(stale),
            misread=bool(said) and bool(stale),
            creator_verified=row.creator_verified and row.viewer in VERIFIED_ELSEWHERE,
        )


def _select_rows(
    rows: list[MatrixRow], place: PlaceKind, people: PersonKind | None
) -> list[MatrixRow]:
    if len(rows) == 1:
        return rows
    here = (
        [row for row in rows if row.place == place]
        or [row for row in rows if row.place == "post"]
        or rows
    )
    return [row for row in here if row.people in (None, people)] or here


def _merge_strictest(name: str, rows: list[PlaceRow]) -> PlaceRow:
    first = rows[0]
    verdicts = dict(first.verdicts)
    flags = dict(first.flags)
    for row in rows[1:]:
        verdicts = {
            rating: stricter_verdict(verdict, row.verdicts[rating])
            for rating, verdict in verdicts.items()
        }
        for rating, more in row.flags.items():
            flags[rating] = tuple(dict.fromkeys((*flags.get(rating, ()), *more)))
    return PlaceRow(
        id=name,
        verdicts=MappingProxyType(verdicts),
        flags=MappingProxyType(flags),
        ai_flag=first.ai_flag,
        ai_text=any(row.ai_text for row in rows),
        viewer=max((row.viewer for row in rows), key=VIEWER_MODES.index),
        adult_link=max((row.adult_link for row in rows), key=lambda verdict: verdict.rank),
        probes=tuple(dict.fromkeys(probe for row in rows for probe in row.probes)),
        test_network=all(row.test_network for row in rows),
        ours=all(row.ours for row in rows),
        stale=frozenset().union(*(row.stale for row in rows)),
        misread=any(row.misread for row in rows),
        creator_verified=all(row.creator_verified for row in rows),
    )


def _unknown_place_row(verdicts: Verdicts) -> PlaceRow:
    return PlaceRow(
        id="unknown",
        verdicts=MappingProxyType(dict(verdicts)),
        flags=MappingProxyType({}),
        ai_flag="",
        ai_text=True,
        viewer="product",
        adult_link=Verdict.B,
        known=False,
    )


def load_bundle(matrix: Path, words: lexicon.Lexicon) -> Bundle:
    """The bundle of a matrix and a lexicon. Raises ValueError for a row that is not whole or points
    nowhere."""
    return parse_bundle(matrix.read_bytes(), words)


def parse_bundle(data: bytes, words: lexicon.Lexicon) -> Bundle:
    """The bundle of a matrix as it is written. Raises ValueError as `load` does."""
    file = Matrix.model_validate(yaml.load(data, Loader=yaml.CSafeLoader))
    rows = {row.id: row for row in file.rows}
    if len(rows) != len(file.rows):
        raise ValueError("two rows have the same ID")
    check_rows(file.rows, rows)
    return Bundle(
        version=file.bundle_version,
        digest=hashlib.sha256(data + words.digest.encode()).hexdigest(),
        read_on=file.checked_on,
        lexicon=words,
        rows=MappingProxyType(rows),
        jurisdictions=MappingProxyType({each.id: each.level for each in file.jurisdictions}),
        card_checks=frozenset(each.id for each in file.jurisdictions if each.credit_card_check)
        - {"default"},
        defaults=file.defaults,
        production=MappingProxyType({each.id: each.before_production for each in file.production}),
        opened=MappingProxyType(
            {
                each.id: each.review_by
                for each in file.production
                if each.own_likeness and each.review_by is not None
            }
        ),
    )


@cache
def shipped_bundle() -> Bundle:
    """The bundle that comes with the product."""
    return load_bundle(SHIPPED_MATRIX_PATH, lexicon.shipped_lexicon())
