"""`greenroom gate explain`: why something was or was not allowed to leave, told in plain words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from babel.dates import format_date, format_datetime

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import LANGUAGES, Message, load_catalogue, render_message
from foundation.ops import settings
from foundation.ops.wall_time import load_zone
from gate.contract.facts import EvidenceSnapshot, PersonFacts, ReviewFacts
from gate.contract.units import Rating, Subject, Unit
from gate.decision import depiction_rules, shoot_card_terms
from gate.log import subject_history
from gate.log.subject_history import DecisionRecord, PermitRecord
from schedules.posts import queries
from tenants.agencies.queries import get_agency, list_members
from tenants.scope import list_tenant_ids
from workers.terminal.session import connect_installation
from workers.wiring import Services

TERMINAL_ACTOR = "system:terminal"
_ID = re.compile(r"[0-9a-f]{6,32}")
IDS_LISTED = 8
"""Ids named when a beginning fits several."""


def resolve_language(language: str) -> str:
    """The language somebody asked for; the terminal's when nobody did. Raises BadInput for one we
    do not speak."""
    if language and language not in LANGUAGES:
        raise BadInput("cli.story.language", language=language[:20])
    return language or settings.terminal_language()


def print_decision_explanation(what: str, *, language: str) -> str:
    """The story of a post, or of anything else that was judged, in the house that runs here. See
    `tell`."""
    spoken = resolve_language(language)
    with connect_installation("gate") as services:
        return render_decision(services, what, spoken)


def render_decision(services: Services, what: str, language: str) -> str:
    """The story of a post, a delivery, a message or a pack, by its id or how that begins.

    Raises NotFound where nothing has such an id, BadInput where several have, or where it cannot be
    one.
    """
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
    tenant_id, post, subjects = found[0]
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        return "\n".join(_Teller.of(scope, language).story(scope, post, subjects))


def _parse_id_bounds(what: str) -> tuple[UUID, UUID]:
    digits = what.strip().lower().replace("-", "")
    if not _ID.fullmatch(digits):
        raise BadInput("cli.story.no_id", what=what[:40])
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _list_subject_groups(
    scope: Scope, low: UUID, high: UUID
) -> list[tuple[UUID | None, list[Subject]]]:
    """What fits: a post with the deliveries asked for, or a subject that is none of a post."""
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
class _Teller:
    """Says things in a language, with an agency's clock and the names of its people."""

    language: str
    zone: str
    agency: str
    members: Mapping[str, str]
    """By `member:<id>`, and by the id of the human behind."""

    @classmethod
    def of(cls, scope: Scope, language: str) -> "_Teller":
        agency = get_agency(scope)
        people = list_members(scope)
        known = {f"member:{one.id}": one.name for one in people} | {
            str(one.principal_id): one.name for one in people
        }
        return cls(language, agency.zone, agency.name, known)

    def say(self, code: str, **params: str | int) -> str:
        return render_message(Message(code, params), self.language)

    def when(self, at: datetime) -> str:
        return format_datetime(at, "medium", tzinfo=load_zone(self.zone), locale=self.language)

    def day(self, at: datetime) -> str:
        return format_date(
            at.astimezone(load_zone(self.zone)).date(), "medium", locale=self.language
        )

    def place(self, surface: str) -> str:
        code = f"place.{surface}"
        return (
            render_message(Message(code), self.language)
            if code in load_catalogue(self.language)
            else surface
        )

    def story(self, scope: Scope, post: UUID | None, subjects: Sequence[Subject]) -> Iterator[str]:
        yield self.say(
            "cli.story.head", agency=self.agency, zone=self.zone, id=str(post or subjects[0].id)
        )
        for subject in subjects:
            judged = subject_history.list_decisions(scope, subject)
            yield ""
            yield self.say(f"cli.story.subject.{subject.kind}", id=str(subject.id))
            if not judged:
                yield f"  {self.say('cli.story.never')}"
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
        verdict = self.say(f"cli.story.verdict.{each.decision.verdict}")
        place = self.place(_place_id(each))
        yield (
            f"  {number}. "
            f"{self.say('cli.story.decided', at=self.when(each.at), place=place, verdict=verdict)}"
        )
        by_house = "cli.story.house" if each.author.startswith("system:") else "cli.story.nobody"
        author = self.members.get(each.author) or self.say(by_house)
        yield f"     {self.say(f'cli.story.stage.{each.stage}', author=author)}"
        if each.unit is not None:
            yield f"     {self._describe_content(each.unit)}"
        yield f"     {self.say('cli.story.rating', rating=self.say(f'rating.{each.decision.rating}'))}"
        if each.decision.flags:
            yield f"     {self.say('cli.story.flags', flags=', '.join(each.decision.flags))}"
        for reason in each.reasons:
            yield f"     – {render_message(reason, self.language)}"
        if each.facts is not None and each.unit is not None:
            yield from (
                f"     {line}"
                for line in self._describe_evidence(each.facts, each.unit, each, named)
            )
        yield f"     {self.say(f'cli.story.replay.{each.replay}', rules=each.decision.bundle)}"

    def _describe_content(self, unit: Unit) -> str:
        """How much was judged; the words themselves are not repeated: one of them may be what was
        found."""
        characters = sum(len(text) for text in unit.visible_texts)
        return self.say("cli.story.content", media=len(unit.media), characters=characters)

    def _describe_evidence(
        self, facts: EvidenceSnapshot, unit: Unit, each: DecisionRecord, named: Mapping[UUID, str]
    ) -> Iterator[str]:
        cards = {medium.card.card.id: medium.card.card for medium in facts.media if medium.card}
        for card in cards.values():
            code = f"cli.story.card.{shoot_card_terms.card_status(card, each.at)}"
            yield self.say(
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
            yield self.say(f"cli.story.viewer.{facts.viewer.state}", level=facts.viewer.level)
        if facts.stops:
            yield self.say("cli.story.stops", count=len(facts.stops))

    def _describe_person(
        self, person: PersonFacts, unit: Unit, each: DecisionRecord, name: str
    ) -> Iterator[str]:
        yield self.say(f"cli.story.person.{person.kind}", name=name)
        for identity in person.identities:
            yield f"  {self.say('cli.story.identity', day=self.day(identity.on_day or identity.verified_at))}"
        given = depiction_rules.applicable_consents(
            person.grants,
            platform=unit.platform,
            place=_place_id(each),
            rating=each.decision.rating,
            now=each.at,
        )
        for grant in given:
            what = self.say(f"cli.story.grant.{grant.scope}")
            limit = self.say(f"rating.{Rating(grant.max_rating)}")
            until = self.day(grant.valid_until)
            yield f"  {self.say('cli.story.granted', what=what, limit=limit, until=until)}"
        if person.grants and not given:
            yield f"  {self.say('cli.story.none_granted')}"
        if person.declaration is not None:
            looked = "twice" if person.declaration.reviewed else "once"
            yield f"  {self.say(f'cli.story.declared.{looked}')}"

    def _describe_review(self, review: ReviewFacts, *, own: bool) -> str:
        name = self.members.get(str(review.principal)) or self.say("cli.story.nobody")
        if own:
            verdict = "own"
        elif review.approves:
            verdict = "yes"
        else:
            verdict = "no"
        return self.say(
            f"cli.story.review.{verdict}",
            name=name,
            at=self.when(review.at),
            percent=review.seen_percent,
        )

    def _describe_follow_up(self, left: PermitRecord) -> Iterator[str]:
        """What was read back of a copy, and why it was called back."""
        found = left.read_back
        if found is not None:
            if found.missing:
                code = "unmarked"
            elif found.there:
                code = "marked"
            else:
                code = "absent"
            yield self.say(
                f"cli.story.readback.{code}",
                at=self.when(found.at),
                missing=", ".join(found.missing),
            )
        if left.recalled_at is not None and left.recalled_for is not None:
            why = render_message(left.recalled_for, self.language)
            yield self.say("cli.story.called_back", at=self.when(left.recalled_at), why=why)
            yield self.say("cli.story.beyond")
        if left.replaced_at is not None:
            yield self.say("cli.story.replaced", at=self.when(left.replaced_at))

    def _describe_permit(self, left: PermitRecord, *, placed: bool) -> str:
        """What became of a permit; `placed` says that one of its subject is known to lie
        somewhere."""
        at = self.when(left.minted_at)
        if left.void:
            return self.say("cli.story.permit.void", at=at)
        if left.edits is not None:
            return self._describe_edit(left, at)
        if left.gone_at is not None:
            return self.say("cli.story.permit.gone", at=at, gone=self.when(left.gone_at))
        if left.recalled_at is not None:
            return self.say(
                "cli.story.permit.recalled", at=at, recalled=self.when(left.recalled_at)
            )
        if left.visible_at is not None:
            seen = self.when(left.visible_at)
            ids = ", ".join(left.native_ids)
            return self.say("cli.story.permit.visible", at=at, visible=seen, ids=ids)
        return self.say(
            "cli.story.permit.step" if placed else "cli.story.permit.used", at=at, step=left.step
        )

    def _describe_edit(self, left: PermitRecord, at: str) -> str:
        """What became of other words for a copy."""
        if left.gone_at is not None:
            return self.say("cli.story.changed.over", at=at, gone=self.when(left.gone_at))
        if left.visible_at is not None:
            return self.say("cli.story.changed.known", at=at, visible=self.when(left.visible_at))
        return self.say("cli.story.changed.unsure", at=at)


def _place_id(each: DecisionRecord) -> str:
    """The id of the place, e.g. `sandbox.post`; as much of it as is known."""
    if each.unit is None or each.surface.startswith(f"{each.unit.platform}."):
        return each.surface
    return f"{each.unit.platform}.{each.surface}"
