"""The rules of a place in values that can be said, and what differs between two versions of the
rules. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from gate.contract.units import Rating, Verdict
from gate.policy.bundle import Bundle, PlaceRow
from gate.policy.matrix import MatrixRow

PUBLISHABLE_RATINGS = (Rating.G, Rating.S, Rating.N, Rating.E)
VIEWER_ORDER = ("none", "platform", "both", "door", "product")
"""Whose duty the readers' age is, the one that asks most of us last."""

_NEVER = date.min
"""A day on which nothing has aged."""
_LOOK_DAYS = (1, 61)
"""Days after `review_by` on which rules change: at once, and when the patience with Suggestive is
over."""


@dataclass(frozen=True)
class RuleTightening:
    """From a day on, these ratings have this verdict, unless somebody reads the rule again
    before."""

    day: date
    ratings: tuple[Rating, ...]
    verdict: Verdict


@dataclass(frozen=True)
class PlaceRule:
    """One rule as it stands on a day. `name` is the row it is written in: another one where a place
    borrows."""

    name: str
    row: PlaceRow
    verified: str
    """primary, secondary, derived or unverified: how far it was checked."""
    sources: tuple[str, ...]
    read_on: date | None
    review_by: date | None
    """By when somebody has to read it again; None for a rule that does not age."""
    tightenings: tuple[RuleTightening, ...]


def place_rules(bundle: Bundle, place: str, *, on: date) -> tuple[PlaceRule, ...]:
    """The rules of a place (`x.post`) as they stand on a day, one for each row it borrows; none of
    an unknown place."""
    return tuple(
        _build_place_rule(bundle, name, written, on) for name, written in bundle.written_rows(place)
    )


def third_party_place_rule(bundle: Bundle, written: MatrixRow, *, on: date) -> PlaceRule:
    """A row that a stranger's package ships, as it would count on a day."""
    return replace(
        _build_place_rule(bundle, written.id, written, on),
        row=bundle.third_party_row(written, on=on),
    )


def match_places(bundle: Bundle, what: str) -> tuple[str, ...]:
    """The places that somebody means: the one of this name, or all of a platform."""
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
    """Which way a change goes."""

    TIGHTENED = "tightened"
    LOOSENED = "loosened"
    RENEWED = "renewed"


@dataclass(frozen=True)
class RuleChange:
    """One thing that differs: `what` is verdict, flag, ai_mark, viewer, adult_link, probe,
    applies_to, ageing, review_by, test_network, creator_verified, own_likeness, level or
    card_check; `of` the rating or country; `before` and `after` in the words of the file."""

    way: ChangeDirection
    what: str
    of: str
    before: str
    after: str


@dataclass(frozen=True)
class RowChange:
    """What became of one row, of a default or of a country: `kind` is changed, new or gone.

    What is new, or gone, is compared with what holds for a place nobody knows.
    """

    name: str
    kind: str
    changes: tuple[RuleChange, ...]

    @property
    def loosened(self) -> bool:
        """Whether anything is allowed now that was not before."""
        return any(change.way is ChangeDirection.LOOSENED for change in self.changes)

    @property
    def tightened(self) -> bool:
        """Whether anything is no longer allowed."""
        return any(change.way is ChangeDirection.TIGHTENED for change in self.changes)


def compare_bundles(old: Bundle, new: Bundle) -> tuple[RowChange, ...]:
    """What differs from `old` to `new`, row by row, as the rows were read: nothing aged. A
    borrowing row is compared by what it borrows too, so that a change of one row shows at every
    place it reaches."""
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
    """Each row by its name; what it borrows as `place ← lender`."""
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
    """Each thing that is asked for is a tightening, each that is no longer a loosening."""
    for each in sorted(before - after):
        yield RuleChange(ChangeDirection.LOOSENED, what, of, each, "–")
    for each in sorted(after - before):
        yield RuleChange(ChangeDirection.TIGHTENED, what, of, "–", each)


def _compare_parts(one: _Part, other: _Part, *, whole: bool) -> Iterator[RuleChange]:
    """Between two rows; of a new or a vanished one the verdicts and the links, which is all that a
    stranger has."""
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
    if whom[0] != whom[1]:  # other units are judged by it: nobody can say that none of them gains
        yield RuleChange(ChangeDirection.LOOSENED, "applies_to", "", *whom)
    yield from _compare_review_dates(one.written, other.written)


def _required_ai_marks(row: PlaceRow) -> set[str]:
    return {row.ai_flag} - {""} | ({"words"} if row.ai_text else set())


def _format_bool(value: bool) -> str:
    return "yes" if value else "no"


def _compare_review_dates(one: MatrixRow, other: MatrixRow) -> Iterator[RuleChange]:
    """Reading the rule again renews it; a later day without reading it is a loosening."""
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
    """What holds where no row does, and what countries ask."""
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
    """Where somebody may publish their own picture alone; a country without a row has the default's
    answer."""
    for country in sorted(old.production.keys() | new.production.keys()):
        days = (old.own_release_until(country), new.own_release_until(country))
        words = (days[0].isoformat() if days[0] else "no", days[1].isoformat() if days[1] else "no")
        ranks = [-day.toordinal() if day is not None else 0 for day in days]
        if changed := tuple(_by_rank("own_likeness", country, ranks[0], ranks[1], words)):
            yield RowChange(country, "changed", changed)


def review_deadlines(bundle: Bundle) -> Mapping[str, date]:
    """By when each rule that ages has to be read again, by its row; what borrows ages with what it
    borrows."""
    return {
        name: row.review_by
        for name, row in bundle.rows.items()
        if row.ages and not row.same_as and row.review_by is not None
    }
