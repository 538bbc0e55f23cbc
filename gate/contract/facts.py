"""What a decision is made from: frozen values, read in one go after the locks, stored beside the
decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from gate.contract.states import AssuranceState, PersonState
from gate.contract.units import Rating, Unit, Verdict

UNIT_REVIEW_LIFETIME = timedelta(days=100)


MIN_SEEN_PERCENT = 95
"""So much of Nudity or Explicit must have been on screen for a review to count."""


TEST_ASSURANCE_METHOD = "test"
CARD_CHECK_METHOD = "credit_card"
"""The last part of the method of an assurance by a credit-card check: `<provider>.credit_card`."""


def is_card_check(method: str) -> bool:
    """Return True for an assurance that an issuer of a credit card gave."""
    return method.rpartition(".")[2] == CARD_CHECK_METHOD


MIN_AGREEMENT_PERMILLE = 800
"""Thousandths of Cohen's kappa below which two reviewers agree too little
(`gate/reviews/calibration.py`)."""


@dataclass(frozen=True)
class RuleVerification:
    """Two members, an owner among them, read a rule again at its platform on a day, and found it
    unchanged."""

    row: str
    written: str
    """Digest of the rule as it was written then: a rule that was changed since has to be read
    anew."""
    read_on: date
    until: date
    verdicts: Mapping[Rating, Verdict] = field(default_factory=dict)
    """What they found stricter than it is written."""


@dataclass(frozen=True)
class AgeProof:
    """A custodian's yes. `on_day` is set for an answer about a day in the past."""

    verified_at: datetime
    valid_until: datetime | None
    on_day: datetime | None

    def is_of_age_on(self, day: datetime, *, before: bool) -> bool:
        """Whether it says that the person was of age on `day`; `before`, that they were checked by
        then."""
        return (self.verified_at if before or self.on_day is None else self.on_day) <= day


@dataclass(frozen=True)
class ConsentFacts:
    """A permission of a depicted person; `surfaces` are platforms or single places."""

    scope: str
    surfaces: tuple[str, ...]
    max_rating: Rating
    valid_from: datetime
    valid_until: datetime
    revoked: bool
    card: UUID | None = None
    """The shoot card it was signed on: it holds for the pictures of that card alone."""


@dataclass(frozen=True)
class DeclarationFacts:
    """The declaration behind an invented person; `reviewed` by two others than who declared."""

    adult_licence: bool
    reviewed: bool
    models: tuple[str, ...] = ()
    """What it was declared to be made with; nothing where that was not said."""


@dataclass(frozen=True)
class ResemblanceFacts:
    """Somebody real whom a picture resembles; `person` is None for who nobody may depict. `said`
    are the words of those who looked at both: a yes says that it is somebody else."""

    person: UUID | None
    said: tuple["ReviewFacts", ...] = ()


@dataclass(frozen=True)
class FaceComparisonFacts:
    """What comparing with the faces known here brought. `wanted` is whether any are known or
    compared in this agency, `searched` whether these bytes were compared with all of them."""

    wanted: bool = False
    searched: bool = False
    resembles: tuple[ResemblanceFacts, ...] = ()


@dataclass(frozen=True)
class PersonFacts:
    """A depicted person. The evidence of a double includes that of the real person."""

    id: UUID
    kind: str
    state: PersonState
    identities: tuple[AgeProof, ...] = ()
    grants: tuple[ConsentFacts, ...] = ()
    declaration: DeclarationFacts | None = None
    twin_of: UUID | None = None
    """The real person behind a double."""
    likeness: FaceComparisonFacts | None = None
    """Of the pictures an invented person is made after; None where nobody said which these are."""


@dataclass(frozen=True)
class DepictionFacts:
    """A person in an asset: proposed, confirmed or non_identifiable."""

    person: UUID
    state: str


@dataclass(frozen=True)
class ReviewFacts:
    """What a person said of a unit or of bytes."""

    principal: UUID
    approves: bool
    seen_percent: int
    at: datetime
    own: bool = False
    """A guest who was seen where the author is, who is shown, or who stands behind an invented
    person shown: to the check they are the author."""


@dataclass(frozen=True)
class AccountHolderFacts:
    """A custodian's word: this person, who is this member's human, holds the account."""

    person: UUID
    principal: UUID
    verified_at: datetime
    valid_until: datetime | None


@dataclass(frozen=True)
class OwnReleaseFacts:
    """What the author signed with a passkey: that they publish their own picture alone, as it was
    then."""

    unit_digest: str
    principal: UUID
    at: datetime
    seen_percent: int
    stands: bool
    """It was not taken back, its passkey still works, and who signed it is still here and may still
    do so."""
    holders: tuple[AccountHolderFacts, ...]


@dataclass(frozen=True)
class CardAnswerFacts:
    """What somebody named on a shoot card said of it: signed, declined or withdrawn. `by` is who
    acted."""

    person: UUID
    said: str
    at: datetime
    by: str
    digest: str
    """Of the card as it was then."""


@dataclass(frozen=True)
class ShootCardFacts:
    """A shoot card as it stands: the day it speaks of begins at `starts_at` and ends at `ends_at`
    there."""

    id: UUID
    creator: UUID
    digest: str
    day: date
    zone: str
    starts_at: datetime
    ends_at: datetime
    country: str
    persons: tuple[UUID, ...]
    scopes: tuple[str, ...]
    surfaces: tuple[str, ...]
    max_rating: Rating
    pictures: int
    """How many pictures it is for, at most."""
    valid_until: datetime
    answers: tuple[CardAnswerFacts, ...] = ()


@dataclass(frozen=True)
class CardPositionFacts:
    """A picture's place on a shoot card: which of its pictures it is, and since when the picture is
    known here."""

    card: ShootCardFacts
    place: int
    known_at: datetime
    counts: bool = False
    """Whether the card counts for this use; told by `gate/decision/shoot_card_terms.py` alone."""


@dataclass(frozen=True)
class MediumFacts:
    """What is known of some bytes. `rating` is the highest of the bytes, their siblings' and their
    parents' floor."""

    sha256: str
    mime: str
    size: int
    state: str
    ai: str
    produced_at: datetime | None
    rating: Rating | None
    prohibited: str
    """minor, category or nothing: why the bytes are X."""
    people_seen: int | None
    shown: tuple[DepictionFacts, ...]
    reviews: tuple[ReviewFacts, ...]
    blocked: str
    """exact, near, close or nothing: how the blocklist answers."""
    unsettled: bool = False
    """Two classifiers are far apart, or one went above what two people said, and no person has
    decided since."""
    unanswered: bool = False
    """A classifier should have looked and did not, and no person rated it instead."""
    hidden: bool = False
    """The file it was made from held a preview that shows something else."""
    words: tuple[str, ...] = ()
    """What was read in the picture."""
    bystanders: int = 0
    """So many people in it nobody can recognise, say two members."""
    card: CardPositionFacts | None = None
    """The shoot card of what it was made from."""
    likeness: FaceComparisonFacts = FaceComparisonFacts()
    """Whom it resembles."""
    lowered_by: tuple[UUID, ...] = ()
    """Who stands behind a lowering of its rating."""
    lowered_own: bool = False
    """One of them is the unit's author, or counts as them."""
    lowering_void: bool = False
    """Somebody lowered its rating and that does not count."""
    model: str = ""
    """What made it, where an engine of ours did."""
    label: str = ""
    """What it must not be mistaken for: the work of a demonstration model, a stand-in. Nothing of a
    real one's."""
    lifted: bool = False
    """Somebody who runs the agency lets it leave all the same."""


@dataclass(frozen=True)
class ViewerFacts:
    """What is known of the one reader's age."""

    state: AssuranceState
    level: str
    over_18: bool
    test: bool
    jurisdiction: str
    expires_at: datetime | None
    epoch: int
    card_check: bool = False


@dataclass(frozen=True)
class ReferenceFacts:
    """What lies behind a platform's id that a unit points at: a copy of ours that stands. Its media
    are known like the unit's own, its words are what people read there."""

    native_id: str
    texts: tuple[str, ...]
    media: tuple[str, ...]
    """Digests."""
    text_ai: str = "none"


@dataclass(frozen=True)
class CommentFacts:
    """Something somebody said that was heard on the unit's account; `welcome`: they may be written
    to."""

    native_id: str
    welcome: bool


@dataclass(frozen=True)
class LinkFacts:
    """A registered address."""

    url: str
    adult: bool
    rating: Rating
    active: bool
    expires_at: datetime


RESTORE_STOP = "restored"
"""The stop of everything that the house itself closes where a backup was brought back: people look,
and end it."""


@dataclass(frozen=True)
class PlaceLimitFacts:
    """An agency's own: from `rating` on, the place is at least this strict."""

    rating: Rating
    verdict: Verdict


@dataclass(frozen=True)
class ThirdPartyRuleFacts:
    """What a stranger's package says of the unit's place, as the owner admitted it: a row as it is
    written."""

    row: str
    """JSON; empty where they say nothing of this place."""
    fault: bool = False
    """They are not what was admitted, or go beyond their bounds: they count as absent."""


@dataclass(frozen=True)
class StopFacts:
    """A closed switch that reaches this unit."""

    scope: str
    feature: str


@dataclass(frozen=True)
class TextWindow:
    """Short texts that readers saw before the unit, oldest first: those of one field of what was
    sent, or with the field "" of all of them."""

    field: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class EvidenceSnapshot:
    """Everything a decision reads beside the unit, the bundle and the time."""

    tenant_id: UUID
    author: str
    """Who wrote it, as the actor of a scope; empty when nobody knows."""
    author_principal: UUID | None
    ceiling: Rating
    adult_chat: bool = False
    """The author is trained for adult words in chats."""
    uncalibrated: bool = False
    """The last two who rated the same pictures agreed too little."""
    creator_known: bool = True
    demo: bool = False
    """The agency is a demonstration: what it shows on its own page, it shows itself."""
    names: tuple[str, ...] = ()
    """What the creator is called: no words of a language."""
    media: tuple[MediumFacts, ...] = ()
    persons: tuple[PersonFacts, ...] = ()
    references: tuple[ReferenceFacts, ...] = ()
    """Copies of ours that the unit points at; what it points at and is none of them is missing
    here."""
    remarks: tuple[CommentFacts, ...] = ()
    """What others said and the unit answers; what nobody heard is missing here."""
    viewer: ViewerFacts | None = None
    links: tuple[LinkFacts, ...] = ()
    own_hosts: tuple[str, ...] = ()
    stops: tuple[StopFacts, ...] = ()
    reviews: tuple[ReviewFacts, ...] = ()
    recent: tuple[str, ...] = ()
    """What this viewer read last, oldest first: a term may be spread over messages."""
    windows: tuple[TextWindow, ...] = ()
    """Short texts that a term may be spread over: of single fields, and of public posts."""
    epochs: tuple[tuple[str, int], ...] = ()
    changed: bool = False
    """Somebody said yes to other content of the same subject, and to this one nobody did."""
    above_known: bool = False
    """What the unit is put under is a copy of ours, of the same subject, on the same account."""
    above_gone: bool = False
    """A part above was called back or is gone."""
    rules_fault: str = ""
    """The code of the reason why nothing may leave by the rules, as they stand in the database."""
    limits: tuple[PlaceLimitFacts, ...] = ()
    """What the agency keeps tighter at this place."""
    own_terms: tuple[tuple[str, str], ...] = ()
    """Kind and coded text of the terms that the agency adds to the lexicon."""
    again: tuple[RuleVerification, ...] = ()
    """What members say they read again of the rules of its place that are past their day."""
    foreign: ThirdPartyRuleFacts | None = None
    """Rules of a stranger's, of a platform that no rule of ours knows."""
    skewed: bool = False
    """The clocks of the machine that sends and of the database are apart: one is wrong, and nobody
    knows which."""
    release: OwnReleaseFacts | None = None
    """The last one of this subject."""
    intake_down: bool = False
    """Nobody reached the form for removal requests within the hour, or nobody knows."""
    unlocked: tuple[str, ...] = ()
    """Epochs that appeared after the locks were taken: whoever asked must begin anew."""


_SNAPSHOT: TypeAdapter[Any] = TypeAdapter(EvidenceSnapshot)
_UNIT: TypeAdapter[Any] = TypeAdapter(Unit)


def parse_snapshot(stored: str) -> EvidenceSnapshot:
    """The snapshot of a stored decision. Raises pydantic.ValidationError for anything else."""
    found: EvidenceSnapshot = _SNAPSHOT.validate_json(stored)
    return found


def parse_unit(stored: str) -> Unit:
    """The unit of a stored decision. Raises pydantic.ValidationError for anything else."""
    found: Unit = _UNIT.validate_json(stored)
    return found
