"""`greenroom policy explain` and `diff`: the content rules of surfaces, and their changes between
two files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path

import yaml
from babel.dates import format_date

from connectors.registry import shipped_policies
from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.i18n.translation import Message, load_catalogue, render_message
from foundation.ids import INSTALLATION_ID
from foundation.ops.clock import wall_now
from gate.contract.units import Rating, Verdict
from gate.policy import active_policy, admission, bundle, place_rules
from gate.policy.bundle import Bundle
from gate.policy.matrix import MatrixRow
from gate.policy.place_rules import (
    PUBLISHABLE_RATINGS,
    ChangeDirection,
    PlaceRule,
    RowChange,
    RuleChange,
    RuleTightening,
)
from gate.policy.plugin_place_rules import InvalidThirdPartyRules, ThirdPartyRules, verify_rules
from gate.text import lexicon
from tenants.scope import list_tenant_ids
from workers.terminal.lookup import TERMINAL_ACTOR, parse_day_argument
from workers.terminal.output import resolve_language
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json, plain_fields


def explain_place(what: str, *, on: str = "", language: str = "") -> str:
    """Return the rules of a surface, or of all surfaces of a platform, on a day, with their
    sources.

    `on` is an ISO date, or empty for today. Raises NotFound for a surface without rules, BadInput
    for an invalid date.
    """
    rules = rules_in_force()
    day = parse_day_argument(on) or wall_now().date()
    names, found = _match_rules(rules, what)
    formatter = _RuleFormatter(resolve_language(language))
    if found:
        return "\n".join(formatter.third_party_lines(rules, found, day))
    return "\n".join(formatter.explanation_lines(rules, names, day))


def place_as_json(what: str, *, on: str = "") -> str:
    """Return the rules of a surface or of a platform as JSON. Raises as `explain_place`."""
    rules = rules_in_force()
    day = parse_day_argument(on) or wall_now().date()
    names, found = _match_rules(rules, what)
    surfaces = [
        {"surface": name, **plain_fields(rule)}
        for name in names
        for rule in place_rules.place_rules(rules, name, on=day)
    ]
    surfaces += [
        {
            "surface": row.id,
            "package": one.package,
            "agencies": one.agencies,
            **plain_fields(place_rules.third_party_place_rule(rules, row, on=day)),
        }
        for one in found
        for row in one.rows
    ]
    return format_json({"rules": rules.name, "date": day, "surfaces": surfaces})


def _match_rules(rules: Bundle, what: str) -> tuple[tuple[str, ...], "list[ThirdPartyRulesReport]"]:
    """Return the surfaces of a name, or else the rules of installed packages. Raises NotFound."""
    names = place_rules.match_places(rules, what)
    found = [] if names else third_party_rules(rules, what)
    if not names and not found:
        near = get_close_matches(
            what, [*rules.rows, *{row.platform for row in rules.rows.values()}], n=3, cutoff=0.5
        )
        raise NotFound("cli.policy.unknown", place=what[:40], near=", ".join(near) or "–")
    return names, found


def rules_in_force() -> Bundle:
    """Return the active rules of this installation, or the rules shipped with Greenroom if it is
    not running."""
    try:
        with (
            connect_installation("policy") as services,
            services.tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope,
        ):
            return active_policy.current_bundle(scope)
    except Unavailable:
        return bundle.shipped_bundle()


@dataclass(frozen=True)
class ThirdPartyRulesReport:
    """Rules that an installed connector package ships.

    `agencies` is the number of agencies that accepted them, or None if the installation does not
    run.
    """

    package: str
    version: str
    said: ThirdPartyRules
    rows: tuple[MatrixRow, ...]
    agencies: int | None


def third_party_rules(rules: Bundle, what: str) -> list[ThirdPartyRulesReport]:
    """Return the rules that installed packages ship for a surface or a platform, except invalid
    rules."""
    found = []
    for one in shipped_policies.shipped_policies():
        try:
            said = verify_rules(one.document, rules)
        except InvalidThirdPartyRules:
            continue
        rows = tuple(row for row in said.rows if what in (row.id, said.platform))
        if rows:
            found.append(
                ThirdPartyRulesReport(one.package, one.version, said, rows, _count_admissions(said))
            )
    return found


def _count_admissions(said: ThirdPartyRules) -> int | None:
    try:
        with connect_installation("policy") as services:
            return count_admitting_agencies(services.tenant, said)
    except Unavailable:
        return None


def count_admitting_agencies(tenant: OpenScope, said: ThirdPartyRules) -> int:
    """Return the number of agencies that accepted exactly these rules."""
    count = 0
    for tenant_id in list_tenant_ids(tenant):
        with tenant(tenant_id, TERMINAL_ACTOR) as scope:
            count += any(
                one.is_unchanged and one.digest == said.digest
                for one in admission.list_admissions(scope)
            )
    return count


def diff_rules(
    old: Path, new: Path, *, language: str = "", as_json: bool = False
) -> tuple[str, bool]:
    """Return the differences between two rules files, and True if any rule was loosened.

    Raises BadInput.
    """
    changes = place_rules.compare_bundles(read_rules(old), read_rules(new))
    loosened = any(change.loosened for change in changes)
    if as_json:
        return format_json({"loosened": loosened, "changes": changes}), loosened
    lines = _RuleFormatter(resolve_language(language)).change_lines(changes)
    return "\n".join(lines), loosened


def read_rules(path: Path) -> Bundle:
    """Return the rules in a file. Raises BadInput for an unreadable or invalid file."""
    try:
        return bundle.load_bundle(path, lexicon.shipped_lexicon())
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(path), detail=error.strerror or "?") from error
    except (ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        detail = " ".join(str(error).split())[:200]
        raise BadInput("cli.policy.no_rules", file=str(path), detail=detail) from error


class _RuleFormatter:
    """Formats rules as text in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def _translate_code(self, code: str, **params: str | int) -> str:
        return render_message(Message(code, params), self._language)

    def _format_day(self, day: date | None) -> str:
        return "–" if day is None else format_date(day, "medium", locale=self._language)

    def _format_place(self, name: str) -> str:
        code = f"place.{name}"
        return (
            f"{name} ({self._translate_code(code)})"
            if code in load_catalogue(self._language)
            else name
        )

    def _format_ratings(self, ratings: tuple[Rating, ...]) -> str:
        return ", ".join(self._translate_code(f"rating.{rating}") for rating in ratings)

    def explanation_lines(self, rules: Bundle, names: tuple[str, ...], day: date) -> Iterator[str]:
        yield self._translate_code("cli.policy.head", rules=rules.name, day=self._format_day(day))
        yield self._translate_code(
            "cli.policy.own" if rules is bundle.shipped_bundle() else "cli.policy.signed"
        )
        for name in names:
            found = place_rules.place_rules(rules, name, on=day)
            yield ""
            yield self._format_place(name)
            if len(found) > 1:
                yield f"  {self._translate_code('cli.policy.borrows', count=len(found))}"
            for rule in found:
                if rule.name != name:
                    place = self._format_place(rule.name)
                    yield f"  {self._translate_code('cli.policy.as', place=place)}"
                yield from (f"  {line}" for line in self._describe_rule(rule, day))
        yield ""
        yield self._own_likeness(rules, day)

    def _own_likeness(self, rules: Bundle, day: date) -> str:
        """Return the countries where creators may publish their own picture without a second
        review."""
        opened = {one: until for one, until in sorted(rules.opened.items()) if day <= until}
        if not opened:
            return self._translate_code("cli.policy.own_closed")
        return self._translate_code(
            "cli.policy.own_opened",
            where=", ".join(f"{one} ({self._format_day(opened[one])})" for one in opened),
        )

    def third_party_lines(
        self, rules: Bundle, found: list[ThirdPartyRulesReport], day: date
    ) -> Iterator[str]:
        """Yield the rules of packages, with their signing key and the agencies that
        accepted them."""
        yield self._translate_code("cli.policy.head", rules=rules.name, day=self._format_day(day))
        for one in found:
            yield ""
            yield self._translate_code(
                "cli.policy.package", package=one.package, version=one.version, key=one.said.key
            )
            if one.agencies is None:
                code = "unasked"
            elif one.agencies:
                code = "counts"
            else:
                code = "waits"
            yield self._translate_code(f"cli.policy.{code}", count=one.agencies or 0)
            for row in one.rows:
                yield row.id
                yield from (
                    f"  {line}"
                    for line in self._describe_rule(
                        place_rules.third_party_place_rule(rules, row, on=day), day
                    )
                )

    def _describe_rule(self, rule: PlaceRule, day: date) -> Iterator[str]:
        aged = {rating for step in rule.tightenings if step.day <= day for rating in step.ratings}
        for rating in PUBLISHABLE_RATINGS:
            yield self._describe_verdict(rule, rating, aged=rating in aged)
        yield self._translate_code(f"cli.policy.viewer.{rule.row.viewer}")
        yield self._translate_code(f"cli.policy.link.{rule.row.adult_link}")
        if rule.row.ai_flag:
            yield self._translate_code("cli.policy.ai_flag", flag=rule.row.ai_flag)
        elif rule.row.ai_text:
            yield self._translate_code("cli.policy.ai_text")
        if rule.row.creator_verified:
            yield self._translate_code("cli.policy.creator_verified")
        for probe in rule.row.probes:
            yield self._translate_code("cli.policy.probe", probe=str(probe))
        yield self._translate_code(
            f"cli.policy.verified.{rule.verified}", day=self._format_day(rule.read_on)
        )
        yield from (f"  {source}" for source in rule.sources)
        yield from self._describe_expiry(rule, day)

    def _describe_verdict(self, rule: PlaceRule, rating: Rating, *, aged: bool) -> str:
        verdict = rule.row.verdict(rating)
        said = self._translate_code(f"cli.policy.verdict.{verdict}")
        flags = rule.row.flags.get(rating, ()) if verdict is Verdict.F else ()
        old = f" {self._translate_code('cli.policy.stale')}" if aged else ""
        marks = (
            f" {self._translate_code('cli.policy.flags', flags=', '.join(flags))}" if flags else ""
        )
        return f"{self._translate_code(f'rating.{rating}')} [{rating}]: {said}{marks}{old}"

    def _describe_expiry(self, rule: PlaceRule, day: date) -> Iterator[str]:
        if rule.review_by is None:
            yield self._translate_code("cli.policy.ageless")
            return
        yield self._translate_code("cli.policy.review_by", day=self._format_day(rule.review_by))
        for step in rule.tightenings:
            yield f"  {self._describe_tightening(step, past=step.day <= day)}"
        ending = "cli.policy.never_stops" if rule.tightenings else "cli.policy.ages_to_nothing"
        yield f"  {self._translate_code(ending)}"

    def _describe_tightening(self, step: RuleTightening, *, past: bool) -> str:
        said = self._translate_code(f"cli.policy.verdict.{step.verdict}")
        code = "cli.policy.since" if past else "cli.policy.from"
        return self._translate_code(
            code,
            day=self._format_day(step.day),
            ratings=self._format_ratings(step.ratings),
            verdict=said,
        )

    def change_lines(self, changes: tuple[RowChange, ...]) -> Iterator[str]:
        for change in changes:
            way = "both" if change.loosened and change.tightened else "neither"
            way = "loosened" if change.loosened and way != "both" else way
            way = "tightened" if change.tightened and way != "both" else way
            yield (
                f"{self._translate_code(f'cli.policy.{change.kind}', name=change.name)} "
                f"{self._translate_code(f'cli.policy.way.{way}')}"
            )
            yield from (
                f"  {'!' if each.way is ChangeDirection.LOOSENED else ' '} "
                f"{self._describe_change(each)}"
                for each in change.changes
            )
        loosened = sum(change.loosened for change in changes)
        yield (
            self._translate_code("cli.policy.same")
            if not changes
            else self._translate_code(
                "cli.policy.loosened_in" if loosened else "cli.policy.nothing_loosened",
                count=loosened,
                all=len(changes),
            )
        )

    def _describe_change(self, change: RuleChange) -> str:
        of = f" [{change.of}]" if change.of else ""
        what = self._translate_code(f"cli.policy.what.{change.what}")
        return (
            f"{self._translate_code(f'cli.policy.way.{change.way}')} {what}{of}: {change.before} "
            f"→ {change.after}"
        )
