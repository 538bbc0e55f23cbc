"""One case to decide: the unit, its facts, the rule of its surface, and the values derived from
them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from uuid import UUID

from gate.contract.facts import (
    EvidenceSnapshot,
    LinkFacts,
    MediumFacts,
    PersonFacts,
    PlaceLimitFacts,
    ReferenceFacts,
    ReviewFacts,
)
from gate.contract.units import Medium, Rating, Unit, Verdict, highest_rating
from gate.decision import shoot_card_terms
from gate.decision.shoot_card_terms import CardUse
from gate.policy.bundle import Bundle, PlaceRow, stricter_verdict
from gate.policy.matrix import MatrixRow, PersonKind, PlaceKind
from gate.text import cached_readings, disclosures, language_check, link_readings, text_rating, urls
from gate.text.disclosures import AiDisclosure
from gate.text.language_check import LanguageReading
from gate.text.lexicon import Lexicon
from gate.text.text_rating import TextRating, TextSequence

NO_AI = "none"
WITHOUT_MODEL = frozenset({NO_AI, "template"})
"""AI levels of texts that no model wrote."""
DISCLOSING_FIELDS = frozenset({"body", "title"})
"""Fields that readers see at first, in which a disclosure of AI counts."""


@dataclass(frozen=True)
class Case:
    """The input of every rule. `now` is the time of the database, UTC-aware."""

    facts: EvidenceSnapshot
    unit: Unit
    bundle: Bundle
    now: datetime

    @cached_property
    def referenced_copies(self) -> Mapping[str, ReferenceFacts]:
        """Return our copies that the unit refers to, by native ID."""
        wanted = {each.native_id for each in self.unit.references}
        return {
            known.native_id: known for known in self.facts.references if known.native_id in wanted
        }

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Return every text that viewers may read: of the earlier parts, of the unit, the original
        URLs of its links, and the texts of referenced copies."""
        return (*self.unit.all_texts, *self._lead_targets, *self._referenced_texts)

    @property
    def _lead_targets(self) -> tuple[str, ...]:
        """Return the original URLs of rewritten links, and those that their short links open."""
        leads = self.unit.leads
        return tuple(url for lead in leads for url in (lead.target, lead.opens) if url)

    @property
    def _referenced_texts(self) -> tuple[str, ...]:
        return tuple(text for known in self.referenced_copies.values() for text in known.texts)

    @cached_property
    def text_rating(self) -> TextRating:
        """Return the rating of the texts, including those recognised in pictures and those the same
        viewer read last.

        Parts are rated in reading order, with the text in a picture both before and after the text
        of its part, because platforms differ in the layout. Referenced copies come last.
        """
        words = {medium.sha256: medium.words for medium in self.media_facts}
        above = [(part.visible_texts, part.media) for part in self.unit.before]
        shown = _in_order([*above, (self.unit.visible_texts, self.unit.media)], words)
        own = {medium.sha256 for medium in self.unit.all_media}
        shown += [
            word for medium in self.media_facts if medium.sha256 not in own for word in medium.words
        ]
        shown += [*self._lead_targets, *self._referenced_texts]
        today = self.now.date()
        before = self.facts.recent
        sequences = self._sequences
        initials = self._initials
        return cached_readings.cached_reading(
            ("rating", *shown, before, sequences, initials, today),
            self.lexicon,
            lambda: text_rating.rate_texts(
                shown,
                before=before,
                sequences=sequences,
                initials=initials,
                today=today,
                lexicon=self.lexicon,
            ),
        )

    @property
    def lexicon(self) -> Lexicon:
        """Return the lexicon of the policy with the agency's own terms."""
        return self.bundle.lexicon.with_coded_terms(self.facts.own_terms)

    @property
    def _initials(self) -> tuple[str, ...]:
        """Return the first letters of the posts that viewers saw before, and of this one."""
        own = text_rating.unit_initial(self.unit)
        is_post = own and not (self.unit.service or self.unit.is_surface)
        return tuple(letters + own for letters in self.facts.initials) if is_post else ()

    @property
    def _sequences(self) -> tuple[TextSequence, ...]:
        """Return the texts of the unit, each preceded by the short texts that viewers saw before,
        and each beside the words in its media, without the texts that other fields put between. A
        service text is a complete catalogue sentence, so it has none."""
        if self.unit.service:
            return ()
        fields = self.unit.texts_by_field
        public = not self.unit.viewer
        own_media = {medium.sha256 for medium in self.unit.media}
        words = tuple(
            word for known in self.media_facts if known.sha256 in own_media for word in known.words
        )
        found = [
            TextSequence(words, (text.body,), newest_first=True)
            for text in self.unit.texts
            if words and text.body
        ]
        for window in self.facts.windows:
            own = (fields.get(window.field, ""),) if window.field else self.unit.visible_texts
            if any(own):
                found.append(TextSequence(window.texts, own, newest_first=public))
        return tuple(found)

    @cached_property
    def language_reading(self) -> LanguageReading:
        """Return the languages found in the texts. Names of the creator and of the account are
        ignored."""
        names = (*self.facts.names, self.unit.account)
        there = self.texts[len(self.unit.visible_texts) :]
        texts = (*self.unit.written_texts, *there)
        return cached_readings.cached_reading(
            ("language", *texts, names),
            self.bundle.lexicon,
            lambda: language_check.read_language(texts, names=names, lexicon=self.bundle.lexicon),
        )

    @cached_property
    def media_facts(self) -> tuple[MediumFacts, ...]:
        """Return the facts of the media of the unit, of its earlier parts and of referenced copies.
        Unknown bytes have no entry."""
        wanted = {medium.sha256 for medium in self.unit.all_media}
        wanted |= {sha256 for known in self.referenced_copies.values() for sha256 in known.media}
        return tuple(known for known in self.facts.media if known.sha256 in wanted)

    @cached_property
    def resolved_media(self) -> tuple[MediumFacts, ...]:
        """Return the media with the production date and the depicted persons that their shoot cards
        prove for this use."""
        use = CardUse(
            creator=self.unit.creator_id,
            places=frozenset({self.unit.platform, self.place}),
            rating=self.rating,
            sold=self.unit.is_sold,
            now=self.now,
            checked_first=self.bundle.needs_check_before_shoot,
        )
        return tuple(
            shoot_card_terms.resolve_medium(medium, use, self.people) for medium in self.media_facts
        )

    @cached_property
    def people(self) -> Mapping[UUID, PersonFacts]:
        """Return the depicted persons by ID."""
        return {person.id: person for person in self.facts.persons}

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Return the URLs in the texts. A rewritten link is represented by its original URL."""
        leads = self.unit.leads
        stood_for = {url for lead in leads for url in (lead.shown, lead.opens)}
        stood_for -= {lead.target for lead in leads}
        found = link_readings.extract_links(self.texts, platform=self.unit.platform)
        return tuple(url for url in found if url not in stood_for)

    @cached_property
    def registered_links(self) -> Mapping[str, LinkFacts]:
        """Return the registered links by URL."""
        return {link.url: link for link in self.facts.links}

    @cached_property
    def rating(self) -> Rating:
        """Return the rating of the unit: the highest of its texts, media and link targets."""
        parts = [
            self.text_rating.rating,
            *(known.rating for known in self.media_facts if known.rating is not None),
        ]
        for url in self.links:
            if url in self.registered_links:
                parts += [
                    self.registered_links[url].rating,
                    Rating.S if self.registered_links[url].adult else Rating.G,
                ]
            if urls.is_own_adult_page(url, self.facts.own_hosts):
                parts.append(Rating.S)
        return highest_rating(parts)

    @cached_property
    def is_ai_generated(self) -> bool:
        """Return True if a model made or changed any text or medium.

        Earlier parts carry their own AI flags and are not considered.
        """
        own = {medium.sha256 for medium in self.unit.media}
        own |= {sha256 for known in self.referenced_copies.values() for sha256 in known.media}
        recorded = {known.ai for known in self.media_facts if known.sha256 in own}
        made = recorded | {medium.ai for medium in self.unit.media} | {self.unit.text_ai}
        made |= {known.text_ai for known in self.referenced_copies.values()}
        return bool(made - WITHOUT_MODEL)

    @cached_property
    def disclosure(self) -> AiDisclosure:
        """Return what the texts of the unit and of referenced copies say about AI.

        A mark counts in the body and title of the unit and of the first part, and for a unit
        without content of its own in the texts of the copies. Earlier parts are judged themselves,
        so their denials are not read.
        """
        unit = self.unit
        texts = (*(unit.before[0].texts if unit.before else ()), *unit.texts)
        seen = [text.body for text in texts if text.field in DISCLOSING_FIELDS]
        if not unit.media:
            seen += self._referenced_texts
        own = (*unit.visible_texts, *self._referenced_texts)
        return disclosures.read_disclosure(seen, own, lexicon=self.bundle.lexicon)

    @property
    def is_conversational(self) -> bool:
        """Return True for a message to one viewer and for a reply to a comment."""
        return self.unit.audience == "viewer" or bool(self.unit.comment_id)

    @property
    def needs_ai_words(self) -> bool:
        """Return True if the text must disclose the use of AI, because the surface has no AI flag,
        or has none for replies to comments."""
        unflagged = bool(self.row.ai_flag and self.unit.comment_id)
        return self.is_ai_generated and (self.row.ai_text or unflagged)

    @cached_property
    def row(self) -> PlaceRow:
        """Return the rule of the surface today, with the stricter rules of the agency."""
        found = self.bundle.row(
            self.unit.platform,
            self.unit.surface,
            on=self.now.date(),
            place=self._place_kind,
            people=self._person_kind,
            again=self.facts.again,
        )
        # A price can tighten the rule of a surface, never relax it.
        if self.unit.price is not None:
            found = self.bundle.paid_verdicts(
                found, self.unit.platform, on=self.now.date(), again=self.facts.again
            )
        said = self.facts.foreign
        if said is not None and said.row and not self.bundle.has_platform(self.unit.platform):
            found = self.bundle.third_party_row(
                MatrixRow.model_validate_json(said.row), on=self.now.date()
            )
        return _apply_place_limits(found, self.facts.limits)

    @cached_property
    def adult_link(self) -> Verdict:
        """Return the verdict on links to adult pages: the stricter one of the surface and of the
        surface on which the links of a redirect are shown."""
        platform = self.facts.linking_place.partition(".")[0]
        surface = self.facts.linking_place
        if not surface:
            return self.row.adult_link
        linking = self.bundle.row(platform, surface, on=self.now.date())
        return stricter_verdict(self.row.adult_link, linking.adult_link)

    @property
    def place(self) -> str:
        """Return the ID of the surface, e.g. `sandbox.post`."""
        return self.unit.place_id

    @property
    def _place_kind(self) -> PlaceKind:
        if self.unit.audience == "viewer":
            return "chat"
        pictures = self.unit.all_media or any(
            known.media for known in self.referenced_copies.values()
        )
        return "post" if pictures else "text"

    @property
    def _person_kind(self) -> PersonKind | None:
        kinds = {
            "synthetic" if person.kind == "synthetic" else "real" for person in self.people.values()
        }
        if len(kinds) != 1:
            return None
        return "synthetic" if kinds == {"synthetic"} else "real"


def _in_order(
    parts: Iterable[tuple[Iterable[str], Iterable[Medium]]], words: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return the texts of the parts, each between the texts recognised in its pictures."""
    shown: list[str] = []
    for texts, media in parts:
        seen = [word for medium in media for word in words.get(medium.sha256, ())]
        shown += [*seen, *texts, *seen]
    return shown


def _apply_place_limits(row: PlaceRow, limits: Iterable[PlaceLimitFacts]) -> PlaceRow:
    """Return a row with the stricter rules of the agency. A limit applies to its rating and all
    higher ones, and never relaxes a verdict."""
    verdicts = dict(row.verdicts)
    for limit in limits:
        higher = (rating for rating in verdicts if rating.rank >= limit.rating.rank)
        verdicts |= {rating: stricter_verdict(verdicts[rating], limit.verdict) for rating in higher}
    return replace(row, verdicts=MappingProxyType(verdicts))


def is_adult_medium(medium: MediumFacts) -> bool:
    """Return True if a medium is rated Nudity or higher."""
    return medium.rating is not None and medium.rating.rank >= Rating.N.rank


def latest_reviews(reviews: Iterable[ReviewFacts]) -> Iterable[ReviewFacts]:
    """Return the latest review of each reviewer."""
    last: dict[UUID, ReviewFacts] = {}
    for review in sorted(reviews, key=lambda each: each.at):
        last[review.principal] = review
    return last.values()
