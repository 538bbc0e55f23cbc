"""`greenroom policy`: the rules of places, and what differs between two versions of them, in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path

import yaml
from babel.dates import format_date

from connectors import shipping
from foundation.clock import wall_now
from foundation.database import OpenScope
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ids import HOUSE
from foundation.words import Message, catalogue, say
from gate import admitting, bundle, foreign, inforce, lexicon, places
from gate.bundle import Bundle
from gate.foreign import Rows, Unbelievable
from gate.matrix import RowFile
from gate.places import RATED, Ageing, Change, PlaceRule, RowChange, Way
from gate.units import Rating, Verdict
from tenants.scope import all_tenants
from workers.day import date_of
from workers.gate_story import ASKING, chosen_language
from workers.visiting import at_home


def explain(what: str, *, on: str = "", language: str = "") -> str:
    """The rules of a place, or of a platform, on a day (ISO; today when empty), and where they come from.

    Raises NotFound for a place the rules do not know, BadInput for a day nobody can read.
    """
    rules, day = in_force(), date_of(on) or wall_now().date()
    names = places.places(rules, what)
    found = [] if names else strangers(rules, what)
    if found:
        return "\n".join(_Sayer(chosen_language(language)).strange(rules, found, day))
    if not names:
        near = get_close_matches(what, [*rules.rows, *{row.platform for row in rules.rows.values()}], n=3, cutoff=0.5)
        raise NotFound("cli.policy.unknown", place=what[:40], near=", ".join(near) or "–")
    return "\n".join(_Sayer(chosen_language(language)).explained(rules, names, day))


def in_force() -> Bundle:
    """The rules of the house that runs here; the product's own where none does."""
    try:
        with at_home("policy") as services, services.tenant(HOUSE, ASKING) as scope:
            return inforce.rules(scope)
    except Unavailable:
        return bundle.shipped()


@dataclass(frozen=True)
class Strange:
    """Rows that an installed package ships, and in how many agencies they count; None where the house does not run."""

    package: str
    version: str
    said: Rows
    rows: tuple[RowFile, ...]
    agencies: int | None


def strangers(rules: Bundle, what: str) -> list[Strange]:
    """What installed packages ship about a place, or about a platform; what goes beyond its bounds is absent."""
    found = []
    for one in shipping.shipped():
        try:
            said = foreign.believed(one.document, rules)
        except Unbelievable:
            continue
        rows = tuple(row for row in said.rows if what in (row.id, said.platform))
        if rows:
            found.append(Strange(one.package, one.version, said, rows, _admitted(said)))
    return found


def _admitted(said: Rows) -> int | None:
    try:
        with at_home("policy") as services:
            return admissions(services.tenant, said)
    except Unavailable:
        return None


def admissions(tenant: OpenScope, said: Rows) -> int:
    """In how many agencies these very rows count."""
    count = 0
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, ASKING) as scope:
            count += any(one.whole and one.digest == said.digest for one in admitting.admitted(scope))
    return count


def diff(old: Path, new: Path, *, language: str = "") -> tuple[str, bool]:
    """What differs between two files of rules, and whether anything is allowed that was not. Raises BadInput."""
    changes = places.compare(read(old), read(new))
    lines = _Sayer(chosen_language(language)).compared(changes)
    return "\n".join(lines), any(change.loosened for change in changes)


def read(path: Path) -> Bundle:
    """The rules in a file. Raises BadInput for what is no whole file of rules."""
    try:
        return bundle.load(path, lexicon.shipped())
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(path), detail=error.strerror or "?") from error
    except (ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        detail = " ".join(str(error).split())[:200]
        raise BadInput("cli.policy.no_rules", file=str(path), detail=detail) from error


class _Sayer:
    """Says rules in a language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def _say(self, code: str, **params: str | int) -> str:
        return say(Message(code, params), self._language)

    def _day(self, day: date | None) -> str:
        return "–" if day is None else format_date(day, "medium", locale=self._language)

    def _place(self, name: str) -> str:
        code = f"place.{name}"
        return f"{name} ({self._say(code)})" if code in catalogue(self._language) else name

    def _ratings(self, ratings: tuple[Rating, ...]) -> str:
        return ", ".join(self._say(f"rating.{rating}") for rating in ratings)

    def explained(self, rules: Bundle, names: tuple[str, ...], day: date) -> Iterator[str]:
        yield self._say("cli.policy.head", rules=rules.name, day=self._day(day))
        yield self._say("cli.policy.own" if rules is bundle.shipped() else "cli.policy.signed")
        for name in names:
            found = places.rules(rules, name, on=day)
            yield ""
            yield self._place(name)
            if len(found) > 1:
                yield f"  {self._say('cli.policy.borrows', count=len(found))}"
            for rule in found:
                if rule.name != name:
                    yield f"  {self._say('cli.policy.as', place=self._place(rule.name))}"
                yield from (f"  {line}" for line in self._rule(rule, day))
        yield ""
        yield self._own_likeness(rules, day)

    def _own_likeness(self, rules: Bundle, day: date) -> str:
        """Where somebody may publish their own picture alone, and until when."""
        opened = {one: until for one, until in sorted(rules.opened.items()) if day <= until}
        if not opened:
            return self._say("cli.policy.own_closed")
        return self._say(
            "cli.policy.own_opened", where=", ".join(f"{one} ({self._day(opened[one])})" for one in opened)
        )

    def strange(self, rules: Bundle, found: list[Strange], day: date) -> Iterator[str]:
        """Rows of packages, with the package, who signed them, and whether they count."""
        yield self._say("cli.policy.head", rules=rules.name, day=self._day(day))
        for one in found:
            yield ""
            yield self._say("cli.policy.package", package=one.package, version=one.version, key=one.said.key)
            code = "unasked" if one.agencies is None else "counts" if one.agencies else "waits"
            yield self._say(f"cli.policy.{code}", count=one.agencies or 0)
            for row in one.rows:
                yield row.id
                yield from (f"  {line}" for line in self._rule(places.stranger(rules, row, on=day), day))

    def _rule(self, rule: PlaceRule, day: date) -> Iterator[str]:
        aged = {rating for step in rule.ageing if step.day <= day for rating in step.ratings}
        for rating in RATED:
            yield self._verdict(rule, rating, aged=rating in aged)
        yield self._say(f"cli.policy.viewer.{rule.row.viewer}")
        yield self._say(f"cli.policy.link.{rule.row.adult_link}")
        if rule.row.ai_flag:
            yield self._say("cli.policy.ai_flag", flag=rule.row.ai_flag)
        elif rule.row.ai_text:
            yield self._say("cli.policy.ai_text")
        if rule.row.creator_verified:
            yield self._say("cli.policy.creator_verified")
        for probe in rule.row.probes:
            yield self._say("cli.policy.probe", probe=str(probe))
        yield self._say(f"cli.policy.verified.{rule.verified}", day=self._day(rule.read_on))
        yield from (f"  {source}" for source in rule.sources)
        yield from self._ages(rule, day)

    def _verdict(self, rule: PlaceRule, rating: Rating, *, aged: bool) -> str:
        verdict = rule.row.verdict(rating)
        said = self._say(f"cli.policy.verdict.{verdict}")
        flags = rule.row.flags.get(rating, ()) if verdict is Verdict.F else ()
        old = f" {self._say('cli.policy.stale')}" if aged else ""
        marks = f" {self._say('cli.policy.flags', flags=', '.join(flags))}" if flags else ""
        return f"{self._say(f'rating.{rating}')} [{rating}]: {said}{marks}{old}"

    def _ages(self, rule: PlaceRule, day: date) -> Iterator[str]:
        if rule.review_by is None:
            yield self._say("cli.policy.ageless")
            return
        yield self._say("cli.policy.review_by", day=self._day(rule.review_by))
        for step in rule.ageing:
            yield f"  {self._step(step, past=step.day <= day)}"
        yield f"  {self._say('cli.policy.never_stops' if rule.ageing else 'cli.policy.ages_to_nothing')}"

    def _step(self, step: Ageing, *, past: bool) -> str:
        said = self._say(f"cli.policy.verdict.{step.verdict}")
        code = "cli.policy.since" if past else "cli.policy.from"
        return self._say(code, day=self._day(step.day), ratings=self._ratings(step.ratings), verdict=said)

    def compared(self, changes: tuple[RowChange, ...]) -> Iterator[str]:
        for change in changes:
            way = "both" if change.loosened and change.tightened else "neither"
            way = "loosened" if change.loosened and way != "both" else way
            way = "tightened" if change.tightened and way != "both" else way
            yield f"{self._say(f'cli.policy.{change.kind}', name=change.name)} {self._say(f'cli.policy.way.{way}')}"
            yield from (f"  {'!' if each.way is Way.LOOSENED else ' '} {self._change(each)}" for each in change.changes)
        loosened = sum(change.loosened for change in changes)
        yield (
            self._say("cli.policy.same")
            if not changes
            else self._say(
                "cli.policy.loosened_in" if loosened else "cli.policy.nothing_loosened",
                count=loosened,
                all=len(changes),
            )
        )

    def _change(self, change: Change) -> str:
        of = f" [{change.of}]" if change.of else ""
        what = self._say(f"cli.policy.what.{change.what}")
        return f"{self._say(f'cli.policy.way.{change.way}')} {what}{of}: {change.before} → {change.after}"
