"""`greenroom gate explain`: the decisions about a post, a message or a pack, with their
evidence."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from babel.dates import format_date, format_datetime

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message, load_catalogue, render_message
from foundation.ops.wall_time import load_zone
from gate.contract.facts import EvidenceSnapshot, PersonFacts, ReviewFacts
from gate.contract.units import Rating, Subject, Unit
from gate.decision import depiction_rules, shoot_card_terms
from gate.log import subject_history
from gate.log.subject_history import DecisionRecord, PermitRecord
from schedules.posts import queries
from tenants.agencies.queries import get_agency, list_members
from tenants.scope import list_tenant_ids
from workers.terminal.lookup import TERMINAL_ACTOR
from workers.terminal.output import resolve_language
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json, plain_fields
from workers.wiring import Services

_ID = re.compile(r"[0-9a-f]{6,32}")
IDS_LISTED = 8
"""IDs listed in the error when several match."""


def explain_decision(what: str, *, language: str, as_json: bool) -> str:
    """Return the decisions about a subject of this installation as text or JSON. See
    `render_decision`."""
    output = resolve_language(language)
    with connect_installation("gate") as services:
        if as_json:
            return format_json(decision_as_json(services, what))
        return render_decision(services, what, output)


def render_decision(services: Services, what: str, language: str) -> str:
    """Return the decisions about a post, a delivery, a message or a pack as text.

    `what` is its ID or the beginning of it. Raises NotFound if no ID matches, BadInput if several
    do or if it is not an ID.
    """
    tenant_id, post, subjects = _find_subjects(services, what)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        return "\n".join(
            _DecisionFormatter.for_agency(scope, language).lines(scope, post, subjects)
        )


def decision_as_json(services: Services, what: str) -> dict[str, object]:
    """Return the decisions about a subject as JSON types, without texts and names of persons.

    Raises as `render_decision`.
    """
    tenant_id, post, subjects = _find_subjects(services, what)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        return {
            "id": str(post or subjects[0].id),
            "agency": get_agency(scope).name,
            "subjects": [_subject_as_json(scope, subject) for subject in subjects],
        }


def _subject_as_json(scope: Scope, subject: Subject) -> dict[str, object]:
    permits = subject_history.list_permits(scope, subject)
    decisions = [
        {
            "at": record.at,
            "surface": _place_id(record),
            "stage": record.stage,
            "author": record.author,
            **plain_fields(record.decision),
            "reasons": record.reasons,
            "replay": record.replay,
            "permits": [permit for permit in permits if permit.decision_id == record.id],
        }
        for record in subject_history.list_decisions(scope, subject)
    ]
    return {"kind": subject.kind, "id": subject.id, "decisions": decisions}


def _find_subjects(services: Services, what: str) -> tuple[UUID, UUID | None, list[Subject]]:
    """Return the tenant, the post if there is one, and the subjects of an ID or its beginning."""
    low, high = _parse_id_bounds(what)
    found = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            found += [(tenant_id, *group) for group in _list_subject_groups(scope, low, high)]
    if not found:
        raise NotFound("cli.story.unknown", what=what[:40])
    if len(found) > 1:
        ids = ", ".join(str(post or subjects[0].id) for _, post, subjects in found[:IDS_LISTED])
        raise BadInput("cli.story.several", what=what[:40], ids=ids)
    return found[0]


def _parse_id_bounds(what: str) -> tuple[UUID, UUID]:
    digits = what.strip().lower().replace("-", "")
    if not _ID.fullmatch(digits):
        raise BadInput("cli.story.no_id", what=what[:40])
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _list_subject_groups(
    scope: Scope, low: UUID, high: UUID
) -> list[tuple[UUID | None, list[Subject]]]:
    """Return the matches: a post with its deliveries, or a subject without a post."""
    posts = queries.delivery_ids_between(scope, low, high)
    posted = {delivery for deliveries in posts.values() for delivery in deliveries}
    groups: list[tuple[UUID | None, list[Subject]]] = []
    for post, deliveries in posts.items():
        if low <= post <= high:
            groups.append((post, [Subject("delivery", each) for each in deliveries]))
        else:
            groups += [(None, [Subject("delivery", each)]) for each in deliveries]
    return groups + [
        (None, [one])
        for one in subject_history.find_subjects(scope, low, high)
        if one.id not in posted
    ]


@dataclass(frozen=True)
class _DecisionFormatter:
    """Formats decisions in one language, with the agency's time zone and its members' names."""

    language: str
    zone: str
    agency: str
    members: Mapping[str, str]
    """Names by `member:<id>` and by principal ID."""

    @classmethod
    def for_agency(cls, scope: Scope, language: str) -> "_DecisionFormatter":
        agency = get_agency(scope)
        people = list_members(scope)
        known = {f"member:{one.id}": one.name for one in people} | {
            str(one.principal_id): one.name for one in people
        }
        return cls(language, agency.zone, agency.name, known)

    def _text(self, code: str, **params: str | int) -> str:
        return render_message(Message(code, params), self.language)

    def _instant(self, at: datetime) -> str:
        return format_datetime(at, "medium", tzinfo=load_zone(self.zone), locale=self.language)

    def _day(self, at: datetime) -> str:
        return format_date(
            at.astimezone(load_zone(self.zone)).date(), "medium", locale=self.language
        )

    def _place(self, surface: str) -> str:
        code = f"place.{surface}"
        return (
            render_message(Message(code), self.language)
            if code in load_catalogue(self.language)
            else surface
        )

    def lines(self, scope: Scope, post: UUID | None, subjects: Sequence[Subject]) -> Iterator[str]:
        yield self._text(
            "cli.story.head", agency=self.agency, zone=self.zone, id=str(post or subjects[0].id)
        )
        for subject in subjects:
            judged = subject_history.list_decisions(scope, subject)
            yield ""
            yield self._text(f"cli.story.subject.{subject.kind}", id=str(subject.id))
            if not judged:
                yield f"  {self._text('cli.story.never')}"
            named = subject_history.person_names(
                scope, {one.id for each in judged if each.facts for one in each.facts.persons}
            )
            permits = subject_history.list_permits(scope, subject)
            placed = any(left.native_ids for left in permits)
            for number, each in enumerate(judged, start=1):
                yield from self._describe_decision(number, each, named)
                for left in permits:
                    if left.decision_id == each.id:
                        yield f"     {self._describe_permit(left, placed=placed)}"
                        yield from (f"       {line}" for line in self._describe_follow_up(left))

    def _describe_decision(
        self, number: int, each: DecisionRecord, named: Mapping[UUID, str]
    ) -> Iterator[str]:
        verdict = self._text(f"cli.story.verdict.{each.decision.verdict}")
        place = self._place(_place_id(each))
        at = self._instant(each.at)
        heading = self._text("cli.story.decided", at=at, place=place, verdict=verdict)
        yield f"  {number}. {heading}"
        by_house = "cli.story.house" if each.author.startswith("system:") else "cli.story.nobody"
        author = self.members.get(each.author) or self._text(by_house)
        yield f"     {self._text(f'cli.story.stage.{each.stage}', author=author)}"
        if each.unit is not None:
            yield f"     {self._describe_content(each.unit)}"
        rating = self._text(f"rating.{each.decision.rating}")
        yield f"     {self._text('cli.story.rating', rating=rating)}"
        if each.decision.flags:
            yield f"     {self._text('cli.story.flags', flags=', '.join(each.decision.flags))}"
        for reason in each.reasons:
            yield f"     – {render_message(reason, self.language)}"
        if each.facts is not None and each.unit is not None:
            yield from (
                f"     {line}"
                for line in self._describe_evidence(each.facts, each.unit, each, named)
            )
        yield f"     {self._text(f'cli.story.replay.{each.replay}', rules=each.decision.bundle)}"

    def _describe_content(self, unit: Unit) -> str:
        """Return the amount of content. The text is not repeated: it may contain the prohibited
        term."""
        characters = sum(len(text) for text in unit.visible_texts)
        return self._text("cli.story.content", media=len(unit.media), characters=characters)

    def _describe_evidence(
        self, facts: EvidenceSnapshot, unit: Unit, each: DecisionRecord, named: Mapping[UUID, str]
    ) -> Iterator[str]:
        cards = {medium.card.card.id: medium.card.card for medium in facts.media if medium.card}
        for card in cards.values():
            code = f"cli.story.card.{shoot_card_terms.card_status(card, each.at)}"
            yield self._text(
                code,
                day=str(card.day),
                signed=len(shoot_card_terms.card_signers(card)),
                of=len(card.persons),
            )
        for known in facts.persons:
            here = tuple(
                grant for grant in known.grants if grant.card is None or grant.card in cards
            )
            person = replace(known, grants=here)
            yield from self._describe_person(
                person, unit, each, named.get(person.id, str(person.id))
            )
        looked = [*facts.reviews, *(review for medium in facts.media for review in medium.reviews)]
        for review in looked:
            yield self._describe_review(review, own=review.principal == facts.author_principal)
        if facts.viewer is not None:
            yield self._text(f"cli.story.viewer.{facts.viewer.state}", level=facts.viewer.level)
        if facts.stops:
            yield self._text("cli.story.stops", count=len(facts.stops))

    def _describe_person(
        self, person: PersonFacts, unit: Unit, each: DecisionRecord, name: str
    ) -> Iterator[str]:
        yield self._text(f"cli.story.person.{person.kind}", name=name)
        for identity in person.identities:
            day = self._day(identity.on_day or identity.verified_at)
            yield f"  {self._text('cli.story.identity', day=day)}"
        given = depiction_rules.applicable_consents(
            person.grants,
            platform=unit.platform,
            place=_place_id(each),
            rating=each.decision.rating,
            now=each.at,
        )
        for grant in given:
            what = self._text(f"cli.story.grant.{grant.scope}")
            limit = self._text(f"rating.{Rating(grant.max_rating)}")
            until = self._day(grant.valid_until)
            yield f"  {self._text('cli.story.granted', what=what, limit=limit, until=until)}"
        if person.grants and not given:
            yield f"  {self._text('cli.story.none_granted')}"
        if person.declaration is not None:
            looked = "twice" if person.declaration.reviewed else "once"
            yield f"  {self._text(f'cli.story.declared.{looked}')}"

    def _describe_review(self, review: ReviewFacts, *, own: bool) -> str:
        name = self.members.get(str(review.principal)) or self._text("cli.story.nobody")
        if own:
            verdict = "own"
        elif review.approves:
            verdict = "yes"
        else:
            verdict = "no"
        return self._text(
            f"cli.story.review.{verdict}",
            name=name,
            at=self._instant(review.at),
            percent=review.seen_percent,
        )

    def _describe_follow_up(self, left: PermitRecord) -> Iterator[str]:
        """Yield the verification, the recall and the replacement of published content."""
        found = left.read_back
        if found is not None:
            if found.missing:
                code = "unmarked"
            elif found.there:
                code = "marked"
            else:
                code = "absent"
            yield self._text(
                f"cli.story.readback.{code}",
                at=self._instant(found.at),
                missing=", ".join(found.missing),
            )
        if left.recalled_at is not None and left.recalled_for is not None:
            why = render_message(left.recalled_for, self.language)
            yield self._text("cli.story.called_back", at=self._instant(left.recalled_at), why=why)
            yield self._text("cli.story.beyond")
        if left.replaced_at is not None:
            yield self._text("cli.story.replaced", at=self._instant(left.replaced_at))

    def _describe_permit(self, left: PermitRecord, *, placed: bool) -> str:
        """Return the result of a permit; `placed` is True if published content of the subject is
        known."""
        at = self._instant(left.minted_at)
        if left.void:
            return self._text("cli.story.permit.void", at=at)
        if left.edits is not None:
            return self._describe_edit(left, at)
        if left.gone_at is not None:
            return self._text("cli.story.permit.gone", at=at, gone=self._instant(left.gone_at))
        if left.recalled_at is not None:
            return self._text(
                "cli.story.permit.recalled", at=at, recalled=self._instant(left.recalled_at)
            )
        if left.visible_at is not None:
            seen = self._instant(left.visible_at)
            ids = ", ".join(left.native_ids)
            return self._text("cli.story.permit.visible", at=at, visible=seen, ids=ids)
        return self._text(
            "cli.story.permit.step" if placed else "cli.story.permit.used", at=at, step=left.step
        )

    def _describe_edit(self, left: PermitRecord, at: str) -> str:
        if left.gone_at is not None:
            return self._text("cli.story.changed.over", at=at, gone=self._instant(left.gone_at))
        if left.visible_at is not None:
            return self._text(
                "cli.story.changed.known", at=at, visible=self._instant(left.visible_at)
            )
        return self._text("cli.story.changed.unsure", at=at)


def _place_id(each: DecisionRecord) -> str:
    """Return the surface with its platform, such as `sandbox.post`, as far as it is known."""
    if each.unit is None or each.surface.startswith(f"{each.unit.platform}."):
        return each.surface
    return f"{each.unit.platform}.{each.surface}"
