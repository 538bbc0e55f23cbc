"""The rules of a surface as values for display, and the differences between two versions of the
policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from gate.contract.units import Rating, Verdict
from gate.policy.bundle import GRACE, Bundle, PlaceRow
from gate.policy.matrix import MatrixRow

PUBLISHABLE_RATINGS = (Rating.G, Rating.S, Rating.N, Rating.E)
VIEWER_ORDER = ("none", "platform", "both", "door", "product")
"""Viewer modes, ordered by the duties that they impose on us, least first."""

_NEVER = date.min
"""A day on which no rule is overdue."""
_LOOK_DAYS = tuple(sorted({grace.days + 1 for grace in GRACE.values()}))
"""Days after `review_by` on which a rule tightens."""


@dataclass(frozen=True)
class RuleTightening:
    """From `day` on, these ratings get this verdict, unless the rule is verified before."""

    day: date
    ratings: tuple[Rating, ...]
    verdict: Verdict


@dataclass(frozen=True)
class PlaceRule:
    """A rule on a day.

    `name` is the row in which it is written, which differs from the surface if it borrows.
    """

    name: str
    row: PlaceRow
    verified: str
    """Quality of the sources: primary, secondary, derived or unverified."""
    sources: tuple[str, ...]
    read_on: date | None
    review_by: date | None
    """Date by which the rule must be read again; None for a rule that never becomes overdue."""
    tightenings: tuple[RuleTightening, ...]


def place_rules(bundle: Bundle, place: str, *, on: date) -> tuple[PlaceRule, ...]:
    """Return the rules of a surface (`x.post`) on a day, one for each row it borrows. Empty for an
    unknown surface."""
    return tuple(
        _build_place_rule(bundle, name, written, on) for name, written in bundle.written_rows(place)
    )


def third_party_place_rule(bundle: Bundle, written: MatrixRow, *, on: date) -> PlaceRule:
    """Return the row of a third-party package as it would count on a day."""
    return replace(
        _build_place_rule(bundle, written.id, written, on),
        row=bundle.third_party_row(written, on=on),
    )


def match_places(bundle: Bundle, what: str) -> tuple[str, ...]:
    """Return the surface with this name, or all surfaces of this platform."""
    if what in bundle.rows:
        return (what,)
    return tuple(name for name, row in bundle.rows.items() if row.platform == what)


def _build_place_rule(bundle: Bundle, name: str, written: MatrixRow, on: date) -> PlaceRule:
    return PlaceRule(
        name=name,
        row=bundle.row_on_day(written, on),
        verified=written.verified.verdicts if written.verified is not None else "unverified",
        sources=tuple(written.source_url),
        read_on=written.checked_on,
        review_by=written.review_by if written.ages else None,
        tightenings=tuple(_list_tightenings(bundle, written)),
    )


def _list_tightenings(bundle: Bundle, written: MatrixRow) -> Iterator[RuleTightening]:
    if not written.ages or written.review_by is None:
        return
    before = bundle.row_on_day(written, _NEVER)
    for days in _LOOK_DAYS:
        day = written.review_by + timedelta(days=days)
        after = bundle.row_on_day(written, day)
        changed = tuple(
            rating
            for rating in PUBLISHABLE_RATINGS
            if after.verdict(rating) is not before.verdict(rating)
        )
        if changed:
            yield RuleTightening(day, changed, after.verdict(changed[0]))
        before = after


class ChangeDirection(StrEnum):
    """Direction of a change."""

    TIGHTENED = "tightened"
    LOOSENED = "loosened"
    RENEWED = "renewed"


@dataclass(frozen=True)
class RuleChange:
    """One difference between two versions.

    `what` is verdict, flag, ai_mark, viewer, adult_link, probe, applies_to, ageing, review_by,
    test_network, creator_verified, own_likeness, level or card_check; `of` is the rating or
    country; `before` and `after` are values as in the file.
    """

    way: ChangeDirection
    what: str
    of: str
    before: str
    after: str


@dataclass(frozen=True)
class RowChange:
    """The changes of one row, default or country: `kind` is changed, new or gone.

    A row that is new or gone is compared with the rule for an unknown surface.
    """

    name: str
    kind: str
    changes: tuple[RuleChange, ...]

    @property
    def loosened(self) -> bool:
        """Return True if something is allowed that was not before."""
        return any(change.way is ChangeDirection.LOOSENED for change in self.changes)

    @property
    def tightened(self) -> bool:
        """Return True if something is no longer allowed."""
        return any(change.way is ChangeDirection.TIGHTENED for change in self.changes)


def compare_bundles(old: Bundle, new: Bundle) -> tuple[RowChange, ...]:
    """Return the differences from `old` to `new`, row by row, as if no rule were overdue.

    A borrowing row is compared together with the rows it borrows, so that a change of one row
    appears at every surface it affects.
    """
    found = []
    before = _parts_by_name(old)
    after = _parts_by_name(new)
    for name in sorted(before.keys() | after.keys()):
        if name in before and name in after:
            kind = "changed"
        elif name in after:
            kind = "new"
        else:
            kind = "gone"
        one = before.get(name) or _unknown_part(old, name)
        other = after.get(name) or _unknown_part(new, name)
        changes = tuple(_compare_parts(one, other, whole=kind == "changed"))
        if changes or kind != "changed":
            found.append(RowChange(name, kind, changes))
    return (*found, *_compare_defaults(old, new))


@dataclass(frozen=True)
class _Part:
    row: PlaceRow
    written: MatrixRow | None


def _parts_by_name(bundle: Bundle) -> Mapping[str, _Part]:
    """Return each row by its name; borrowed rows as `surface ← lender`."""
    found = {}
    for name in bundle.rows:
        for lent, written in bundle.written_rows(name):
            key = name if lent == name else f"{name} ← {lent}"
            found[key] = _Part(bundle.row_on_day(written, _NEVER), written)
    return found


def _unknown_part(bundle: Bundle, name: str) -> _Part:
    return _Part(bundle.row(name.partition(".")[0], "?", on=_NEVER), None)


def _by_rank(
    what: str, of: str, before: int, after: int, words: tuple[str, str]
) -> Iterator[RuleChange]:
    if before != after:
        yield RuleChange(
            ChangeDirection.TIGHTENED if after > before else ChangeDirection.LOOSENED,
            what,
            of,
            *words,
        )


def _by_presence(what: str, of: str, before: set[str], after: set[str]) -> Iterator[RuleChange]:
    """A new requirement is a tightening, a dropped one a loosening."""
    for each in sorted(before - after):
        yield RuleChange(ChangeDirection.LOOSENED, what, of, each, "–")
    for each in sorted(after - before):
        yield RuleChange(ChangeDirection.TIGHTENED, what, of, "–", each)


def _compare_parts(one: _Part, other: _Part, *, whole: bool) -> Iterator[RuleChange]:
    """Compare two rows. For a new or removed row, only verdicts and links are compared, because an
    unknown surface has no other rules."""
    before = one.row
    after = other.row
    for rating in PUBLISHABLE_RATINGS:
        then = before.verdict(rating)
        now = after.verdict(rating)
        yield from _by_rank("verdict", rating, then.rank, now.rank, (then, now))
    links = (before.adult_link, after.adult_link)
    yield from _by_rank("adult_link", "", links[0].rank, links[1].rank, links)
    if not whole or one.written is None or other.written is None:
        return
    for rating in PUBLISHABLE_RATINGS:
        yield from _by_presence(
            "flag", rating, set(before.flags.get(rating, ())), set(after.flags.get(rating, ()))
        )
    yield from _by_presence("ai_mark", "", _required_ai_marks(before), _required_ai_marks(after))
    viewers = (before.viewer, after.viewer)
    yield from _by_rank(
        "viewer", "", VIEWER_ORDER.index(viewers[0]), VIEWER_ORDER.index(viewers[1]), viewers
    )
    yield from _by_presence("probe", "", set(map(str, before.probes)), set(map(str, after.probes)))
    tested = (not before.test_network, not after.test_network)
    yield from _by_rank(
        "test_network",
        "",
        tested[0],
        tested[1],
        (_format_bool(not tested[0]), _format_bool(not tested[1])),
    )
    others = (not before.creator_verified, not after.creator_verified)
    yield from _by_rank(
        "creator_verified",
        "",
        others[0],
        others[1],
        (_format_bool(not others[0]), _format_bool(not others[1])),
    )
    whom = tuple(
        f"{part.place} {part.people or ''}".strip() for part in (one.written, other.written)
    )
    # Other units are now judged by it, so some may gain: count it as a loosening.
    if whom[0] != whom[1]:
        yield RuleChange(ChangeDirection.LOOSENED, "applies_to", "", *whom)
    yield from _compare_review_dates(one.written, other.written)


def _required_ai_marks(row: PlaceRow) -> set[str]:
    return {row.ai_flag} - {""} | ({"words"} if row.ai_text else set())


def _format_bool(value: bool) -> str:
    return "yes" if value else "no"


def _compare_review_dates(one: MatrixRow, other: MatrixRow) -> Iterator[RuleChange]:
    """Compare the review dates. A re-read rule is renewed; a later date without a new reading is a
    loosening."""
    ages = (_format_bool(one.ages), _format_bool(other.ages))
    yield from _by_rank("ageing", "", one.ages, other.ages, ages)
    if one.review_by == other.review_by or one.review_by is None or other.review_by is None:
        return
    read = other.checked_on is not None and (
        one.checked_on is None or other.checked_on > one.checked_on
    )
    if other.review_by < one.review_by:
        way = ChangeDirection.TIGHTENED
    else:
        way = ChangeDirection.RENEWED if read else ChangeDirection.LOOSENED
    yield RuleChange(way, "review_by", "", one.review_by.isoformat(), other.review_by.isoformat())


def _compare_defaults(old: Bundle, new: Bundle) -> Iterator[RowChange]:
    """Compare the rules that apply where no row does, and those of countries."""
    pairs: Mapping[str, tuple[Mapping[Rating, Verdict], Mapping[Rating, Verdict]]] = {
        "unknown_platform": (old.defaults.unknown_platform, new.defaults.unknown_platform),
        "unknown_surface": (old.defaults.unknown_surface, new.defaults.unknown_surface),
        "unverified_cap": (old.defaults.unverified_cap, new.defaults.unverified_cap),
        "link_unregistered": (
            {Rating.G: old.defaults.link_unregistered},
            {Rating.G: new.defaults.link_unregistered},
        ),
    }
    for name, (before, after) in pairs.items():
        changes: list[RuleChange] = []
        for rating in PUBLISHABLE_RATINGS:
            then = before.get(rating, Verdict.A)
            now = after.get(rating, Verdict.A)
            changes += _by_rank("verdict", rating, then.rank, now.rank, (then, now))
        if changes:
            yield RowChange(name, "changed", tuple(changes))
    for country in sorted(old.jurisdictions.keys() | new.jurisdictions.keys()):
        levels = (old.required_assurance(country), new.required_assurance(country))
        changed = tuple(_by_rank("level", country, int(levels[0][1]), int(levels[1][1]), levels))
        if changed:
            yield RowChange(country, "changed", changed)
        cards = (country in old.card_checks, country in new.card_checks)
        words = ("yes" if cards[0] else "no", "yes" if cards[1] else "no")
        changed = tuple(_by_rank("card_check", country, -int(cards[0]), -int(cards[1]), words))
        if changed:
            yield RowChange(country, "changed", changed)
    yield from _compare_own_release(old, new)


def _compare_own_release(old: Bundle, new: Bundle) -> Iterator[RowChange]:
    """Compare the countries that allow own-picture releases. A country without a row has the answer
    of the default."""
    for country in sorted(old.production.keys() | new.production.keys()):
        days = (old.own_release_until(country), new.own_release_until(country))
        words = (days[0].isoformat() if days[0] else "no", days[1].isoformat() if days[1] else "no")
        ranks = [-day.toordinal() if day is not None else 0 for day in days]
        if changed := tuple(_by_rank("own_likeness", country, ranks[0], ranks[1], words)):
            yield RowChange(country, "changed", changed)


def review_deadlines(bundle: Bundle) -> Mapping[str, date]:
    """Return the review date of each rule by its row.

    Borrowing rows have no date: that of the borrowed rows applies.
    """
    return {
        name: row.review_by
        for name, row in bundle.rows.items()
        if row.ages and not row.same_as and row.review_by is not None
    }
