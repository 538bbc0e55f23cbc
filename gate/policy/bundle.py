"""The policy bundle: the matrix of surfaces, the age levels of jurisdictions and the lexicon,
validated on load."""

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
    AgeRule,
    AiDisclosureRule,
    LinkRule,
    Matrix,
    MatrixDefaults,
    MatrixRow,
    PersonKind,
    PlaceKind,
    PlaceProbe,
    SurfaceReader,
    Verdicts,
    check_rows,
    merge_rows,
)
from gate.text import lexicon

SHIPPED_MATRIX_PATH = Path(__file__).parents[1] / "policy" / "matrix.yaml"
WIRE_FLAG_PATTERN = re.compile(r"[\w.]+(=[\w-]+| non-empty)")
"""A flag that a request can carry: a field with this value, or with any text. Any other flag in the
matrix is a duty of another kind."""

_VERSION = re.compile(r"(\d{4})\.(\d{2})\.(\d{2})-(\d{1,4})")

PAID_MEDIA = "paid_media"
"""Name of the row of a platform for media that are locked until paid, on any surface."""

VERIFICATION_PERIOD = timedelta(days=90)
"""Time for which a re-verification by two members counts, from the day they read the rule."""


@dataclass(frozen=True)
class PlaceRow:
    """The rule of one surface on a day: a verdict for each rating, with flags and duties."""

    id: str
    verdicts: Mapping[Rating, Verdict]
    flags: Mapping[Rating, tuple[str, ...]]
    ai_flag: str
    """The AI flag of the platform, `name=value`; empty if it has none that a request can carry."""
    ai_text: bool
    """True if the text must disclose the use of AI because no flag does."""
    viewer: str
    adult_link: Verdict
    probes: tuple[PlaceProbe, ...] = ()
    """Destination checks that must succeed before anything above General is published there."""
    test_network: bool = False
    ours: bool = False
    """True if this installation serves the surface itself."""
    known: bool = True
    stale: frozenset[Rating] = frozenset()
    """Ratings whose verdict was tightened because the rule is overdue for review."""
    misread: bool = False
    """True if there is a re-verification that does not count."""
    creator_verified: bool = False
    """True if the platform itself verifies account holders, moderates content and checks the age of
    its viewers."""
    reader: SurfaceReader | None = None
    """The reader of a surface that needs no permit; None for a destination."""
    link_rule: LinkRule = "registered"
    age_rule: AgeRule = ""

    @property
    def is_manual(self) -> bool:
        """Return True if members publish there manually."""
        return self.id.startswith("byhand.")

    def verdict(self, rating: Rating) -> Verdict:
        """Return the verdict for a rating; X is always blocked."""
        return Verdict.B if rating is Rating.X else self.verdicts[rating]

    def required_probes(self, rating: Rating, *, generated: bool = True) -> tuple[PlaceProbe, ...]:
        """Return the destination checks required for a rating. Checks for AI-generated content
        apply only if `generated`."""
        asked = [probe for probe in self.probes if generated or probe.when == "always"]
        return tuple(probe for probe in asked if rating.rank > probe.above.rank)


def stricter_verdict(one: Verdict, other: Verdict) -> Verdict:
    """Return the stricter of two verdicts."""
    return max(one, other, key=lambda verdict: verdict.rank)


@dataclass(frozen=True)
class Bundle:
    """One version of the policy. Two bundles with the same digest decide the same."""

    version: str
    digest: str
    read_on: date
    """Date on which the rules of the platforms were last read again."""
    lexicon: lexicon.Lexicon
    rows: Mapping[str, MatrixRow] = field(repr=False)
    jurisdictions: Mapping[str, str]
    defaults: MatrixDefaults = field(repr=False)
    production: Mapping[str, bool]
    """True for countries in which persons must be age-checked before the shoot."""
    card_checks: frozenset[str] = frozenset()
    """Jurisdictions in which a credit-card check counts."""
    opened: Mapping[str, date] = field(default_factory=dict)
    """Countries in which counsel allows own-picture releases, with the last day on which this
    holds."""

    @property
    def number(self) -> int:
        """Return a number that grows with each version.

        Raises ValueError for a version that is not a date with a count.
        """
        found = _VERSION.fullmatch(self.version)
        if found is None:
            raise ValueError(f"invalid version of content policies: {self.version[:40]!r}")
        return int("".join(found.groups()[:3])) * 10_000 + int(found[4])

    @property
    def name(self) -> str:
        """Return version and digest, as permits and decisions record them."""
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
        """Return the rule of `surface` of `platform` on a day.

        `surface` is the ID of a row or its part after the platform. If the row borrows rows of
        another platform, `place` and `people` select among them, and the strictest of the remaining
        ones counts. An unknown surface allows nothing.
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
        """Return the rule of a surface for media that are locked until paid.

        `free` is the rule for unlocked content, which a price never relaxes. If the platform has a
        row for paid media, the stricter of both counts.
        """
        paid = self.rows.get(f"{platform}.{PAID_MEDIA}")
        if paid is None or not free.known:
            return free
        return _merge_strictest(free.id, [free, self.row_on_day(paid, on, again)])

    def source_rows(
        self, platform: str, surface: str, *, on: date, paid: bool = False
    ) -> tuple[tuple[str, PlaceRow], ...]:
        """Return the rules that a post to a surface is judged by, with their names: its row, or
        those it borrows.

        Empty for an unknown surface. `paid` adds the rule for paid media.
        """
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
        """Return the IDs of the rows past their review date that a unit of this surface may be
        judged by."""
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
        """Return True if a re-verification counts on a day: for the rule as it is written, for at
        most 90 days, and with no verdict looser than the written one."""
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
        """Return the written rows that a row consists of, with their names: the row itself, or each
        borrowed row merged with its fields. Empty for an unknown row."""
        found = self.rows.get(name)
        if found is None:
            return ()
        return tuple((lent, merge_rows(found, self.rows[lent])) for lent in found.same_as) or (
            (name, found),
        )

    def has_platform(self, platform: str) -> bool:
        """Return True if the bundle has a rule for the platform. Third-party rules then do not
        apply."""
        return any(row.platform == platform for row in self.rows.values())

    def third_party_row(self, written: MatrixRow, *, on: date) -> PlaceRow:
        """Return a third-party rule on a day: General and Suggestive as written, Nudity and
        Explicit always blocked."""
        row = self.row_on_day(written, on)
        shut = {rating: Verdict.B for rating in (Rating.N, Rating.E)}
        verdicts = MappingProxyType({**row.verdicts, **shut})
        return replace(row, verdicts=verdicts, adult_link=Verdict.B, creator_verified=False)

    def required_assurance(self, jurisdiction: str) -> str:
        """Return the assurance level that Nudity and Explicit require in a jurisdiction, or that of
        the default for unknown ones."""
        return self.jurisdictions.get(jurisdiction, self.jurisdictions["default"])

    def is_assurance_enough(self, jurisdiction: str, level: str, *, card_check: bool) -> bool:
        """Return True if an assurance unlocks Nudity and Explicit: by its level, or as a
        credit-card check in a jurisdiction that accepts one. Unknown jurisdictions accept none.

        A debit or prepaid card, a tip or any other payment is not a credit-card check.
        """
        if card_check and jurisdiction in self.card_checks:
            return True
        return level >= self.required_assurance(jurisdiction)

    def needs_check_before_shoot(self, country: str) -> bool:
        """Return True if persons must be age-checked before the shoot in a country, so that a later
        answer about that day does not suffice."""
        return self.production.get(country, self.production.get("default", True))

    def can_release_own(self, country: str, on: date) -> bool:
        """Return True if an own-picture release is allowed on a day for pictures made in a country.
        Unknown countries have the answer of the default."""
        until = self.own_release_until(country)
        return until is not None and on <= until

    def own_release_until(self, country: str) -> date | None:
        """Return the last day on which own-picture releases are allowed, or None if counsel never
        allowed them for the country."""
        return self.opened.get(country if country in self.production else "default")

    def is_test_network(self, platform: str) -> bool:
        """Return True if the platform has no readers outside the installation."""
        rows = [row for row in self.rows.values() if row.platform == platform]
        return bool(rows) and all(row.test_network for row in rows)

    def row_on_day(
        self, row: MatrixRow, on: date, again: Sequence[RuleVerification] = ()
    ) -> PlaceRow:
        """Return a written row as it counts on a day: capped while unverified, tightened when
        overdue for review.

        Nudity and Explicit tighten on the day after `review_by`, Suggestive 60 days later.
        """
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
            # Days of grace after `review_by`. General never tightens.
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
            reader=row.reader,
            link_rule=row.links if row.reader is not None else "registered",
            age_rule=row.age_rule,
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
        reader=first.reader,
        link_rule=first.link_rule,
        age_rule=first.age_rule,
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
    """Return the bundle of a matrix file and a lexicon.

    Raises ValueError for a row that is incomplete or refers to an unknown row.
    """
    return parse_bundle(matrix.read_bytes(), words)


def parse_bundle(data: bytes, words: lexicon.Lexicon) -> Bundle:
    """Return the bundle of a written matrix. Raises the errors of `load_bundle`."""
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
        # Unknown jurisdictions accept no credit-card check.
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
    """Return the bundle that ships with the product."""
    return load_bundle(SHIPPED_MATRIX_PATH, lexicon.shipped_lexicon())
