"""The facts that decisions are made from: frozen values, read in one go after the locks and stored
with the decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from gate.contract.states import AssuranceState, PersonState
from gate.contract.units import Rating, Unit, Verdict

UNIT_REVIEW_LIFETIME = timedelta(days=100)
"""Time for which the review of a unit counts."""


MIN_SEEN_PERCENT = 95
"""Percentage of a Nudity or Explicit unit that must have been on screen for its review to count."""


TEST_ASSURANCE_METHOD = "test"
CARD_CHECK_METHOD = "credit_card"
"""Last part of the method of an assurance by a credit-card check: `<provider>.credit_card`."""


def is_card_check(method: str) -> bool:
    """Return True if the issuer of a credit card gave the assurance."""
    return method.rpartition(".")[2] == CARD_CHECK_METHOD


MIN_AGREEMENT_PERMILLE = 800
"""Cohen's kappa, in thousandths, below which two reviewers agree too little
(`gate/reviews/calibration.py`)."""


@dataclass(frozen=True)
class RuleVerification:
    """A re-verification of a policy rule: two members, one of them an owner, read the rule again on
    the platform on a given day."""

    row: str
    written: str
    """Digest of the rule as it was written then. A rule that has changed since must be verified
    again."""
    read_on: date
    until: date
    verdicts: Mapping[Rating, Verdict] = field(default_factory=dict)
    """Verdicts that the members found stricter than the written ones."""


@dataclass(frozen=True)
class AgeProof:
    """A proof by a custodian that a person is of age.

    `on_day` is set if the custodian answered for a day in the past.
    """

    verified_at: datetime
    valid_until: datetime | None
    on_day: datetime | None

    def is_of_age_on(self, day: datetime, *, before: bool) -> bool:
        """Return True if the proof covers `day`.

        With `before`, the check itself must have happened by that day.
        """
        return (self.verified_at if before or self.on_day is None else self.on_day) <= day


@dataclass(frozen=True)
class ConsentFacts:
    """A permission of a depicted person; `surfaces` are platforms or single surfaces."""

    scope: str
    surfaces: tuple[str, ...]
    max_rating: Rating
    valid_from: datetime
    valid_until: datetime
    revoked: bool
    card: UUID | None = None
    """The shoot card on which it was signed, if any: the permission then covers the pictures of
    that card only."""


@dataclass(frozen=True)
class DeclarationFacts:
    """The declaration behind a synthetic person; `reviewed` means approved by two members other
    than the declarant."""

    adult_licence: bool
    reviewed: bool
    models: tuple[str, ...] = ()
    """The models declared as used to make the person; empty if none were declared."""


@dataclass(frozen=True)
class ResemblanceFacts:
    """A real person whom a picture resembles.

    `person` is None for someone on the list of depiction bans. `said` are the reviews of members
    who compared both pictures; an approval states that it is a different person.
    """

    person: UUID | None
    said: tuple["ReviewFacts", ...] = ()


@dataclass(frozen=True)
class FaceComparisonFacts:
    """The result of comparing bytes with the faces known to the agency.

    `wanted` is True if a comparison is due, because the agency has known faces or compares faces;
    `searched` is True if these bytes were compared with all of them.
    """

    wanted: bool = False
    searched: bool = False
    resembles: tuple[ResemblanceFacts, ...] = ()


@dataclass(frozen=True)
class PersonFacts:
    """A depicted person. The evidence of an AI double includes that of the real person."""

    id: UUID
    kind: str
    state: PersonState
    identities: tuple[AgeProof, ...] = ()
    grants: tuple[ConsentFacts, ...] = ()
    declaration: DeclarationFacts | None = None
    twin_of: UUID | None = None
    """The real person behind an AI double."""
    likeness: FaceComparisonFacts | None = None
    """Face comparison of the reference pictures of a synthetic person; None if no reference
    pictures are known."""


@dataclass(frozen=True)
class DepictionFacts:
    """A person in an asset; `state` is proposed, confirmed or non_identifiable."""

    person: UUID
    state: str


@dataclass(frozen=True)
class ReviewFacts:
    """A review of a unit or of bytes."""

    principal: UUID
    approves: bool
    seen_percent: int
    at: datetime
    own: bool = False
    """True if the reviewer is a guest who was seen on the device or network of the author, of a
    depicted person, or of someone behind a depicted synthetic person. The reviewer then counts as
    the author."""


@dataclass(frozen=True)
class DoubtFacts:
    """Something that contradicts what members said about a file, or a check that did not run.

    A member other than those in `by` has to confirm the file after `since`. `reviews` are reviews
    of the file, and later statements of other members that say the same.
    """

    reason: str
    since: datetime | None
    by: tuple[UUID, ...] = ()
    reviews: tuple[ReviewFacts, ...] = ()


@dataclass(frozen=True)
class AnswerFacts:
    """The people in a file: a `DepictionAnswer`, "named" if the file has none and two members
    confirmed its people, or "" if it has neither."""

    answer: str
    creators: tuple[UUID, ...] = ()
    """The records of the creator of the file as a real or, for a virtual creator, synthetic
    person."""
    doubts: tuple[DoubtFacts, ...] = ()


@dataclass(frozen=True)
class AccountHolderFacts:
    """A custodian's confirmation that this person, who is this member, holds the account."""

    person: UUID
    principal: UUID
    verified_at: datetime
    valid_until: datetime | None


@dataclass(frozen=True)
class OwnReleaseFacts:
    """A declaration that the author signed with a passkey: they publish a picture of themselves,
    without other people, as it was then."""

    unit_digest: str
    principal: UUID
    at: datetime
    seen_percent: int
    stands: bool
    """True if it was not withdrawn, its passkey is still valid, and the signer is still a member
    with the right to sign it."""
    holders: tuple[AccountHolderFacts, ...]


@dataclass(frozen=True)
class CardAnswerFacts:
    """The answer of a person named on a shoot card: signed, declined or withdrawn. `by` is the
    actor."""

    person: UUID
    said: str
    at: datetime
    by: str
    digest: str
    """Digest of the card at the time of the answer."""


@dataclass(frozen=True)
class ShootCardFacts:
    """A shoot card in its current state.

    The day of the shoot runs from `starts_at` to `ends_at` in its time zone.
    """

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
    """Maximum number of pictures on the card."""
    valid_until: datetime
    answers: tuple[CardAnswerFacts, ...] = ()


@dataclass(frozen=True)
class CardPositionFacts:
    """The position of a picture on a shoot card, and the time since which the picture is known to
    the agency."""

    card: ShootCardFacts
    place: int
    known_at: datetime
    counts: bool = False
    """True if the card counts for this use. Only `gate/decision/shoot_card_terms.py` sets it."""


@dataclass(frozen=True)
class MediumFacts:
    """The facts about a file.

    `rating` is the highest of the file's own rating, its siblings' and its parents' floor.
    """

    sha256: str
    mime: str
    size: int
    state: str
    ai: str
    produced_at: datetime | None
    rating: Rating | None
    prohibited: str
    """The reason why the file is rated X: minor, category or empty."""
    people_seen: int | None
    shown: tuple[DepictionFacts, ...]
    reviews: tuple[ReviewFacts, ...]
    blocked: str
    """The match with the blocklist: exact, near, close or empty."""
    unsettled: bool = False
    """True if two classifiers disagree widely, or one rated higher than two members, and no member
    has decided since."""
    unanswered: bool = False
    """True if a required classifier did not answer and no member rated the file instead."""
    hidden: bool = False
    """True if the original file contained a preview that shows something else."""
    words: tuple[str, ...] = ()
    """Text that was recognised in the picture."""
    bystanders: int = 0
    """Number of unrecognisable people in the picture, as confirmed by two members."""
    card: CardPositionFacts | None = None
    """The shoot card of the asset it was made from."""
    likeness: FaceComparisonFacts = FaceComparisonFacts()
    """The people it resembles."""
    lowered_by: tuple[UUID, ...] = ()
    """The members behind a reduction of its rating."""
    lowered_own: bool = False
    """True if one of these members is the author of the unit, or counts as the author."""
    lowering_void: bool = False
    """True if a reduction of its rating exists and does not count."""
    model: str = ""
    """The model that made it, if one of our engines did."""
    label: str = ""
    """The label of pictures that must not pass for real work: output of a demonstration model or a
    placeholder. Empty for any other picture."""
    lifted: bool = False
    """True if a member who runs the agency allowed it to be published despite the label."""
    answer: AnswerFacts | None = None
    """The answer to who is shown; None in decisions older than the question."""
    banned: bool = False
    """True if it looks like a picture of a person who must never be depicted."""


@dataclass(frozen=True)
class ViewerFacts:
    """The facts about the age of the single viewer."""

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
    """One of our live copies that a unit refers to by a native ID.

    Its media have facts like those of the unit; its texts are those that viewers read there.
    """

    native_id: str
    texts: tuple[str, ...]
    media: tuple[str, ...]
    """SHA-256 digests."""
    text_ai: str = "none"


@dataclass(frozen=True)
class CommentFacts:
    """A comment received on the account of the unit. `welcome` is True if its author may be
    answered."""

    native_id: str
    welcome: bool


@dataclass(frozen=True)
class LinkFacts:
    """A registered URL."""

    url: str
    adult: bool
    rating: Rating
    active: bool
    expires_at: datetime


INACTIVE_STOP = "inactive"
"""The stop of an inactive creator: it stops everything except fixed service texts and what was paid
for."""

RESTORE_STOP = "restored"
"""Reason of the emergency stop that the system itself presses for everything after a backup was
restored. Members end it after they have checked the accounts."""


@dataclass(frozen=True)
class PlaceLimitFacts:
    """A stricter rule of an agency: the surface is at least this strict for `rating` and higher
    ratings."""

    rating: Rating
    verdict: Verdict


@dataclass(frozen=True)
class ThirdPartyRuleFacts:
    """The rule of a third-party package for the surface of the unit, as the owner admitted it."""

    row: str
    """The written row as JSON; empty if the package has no rule for this surface."""
    fault: bool = False
    """True if the rules differ from those admitted or exceed their bounds. They then count as
    absent."""


@dataclass(frozen=True)
class StopFacts:
    """An emergency stop that applies to this unit."""

    scope: str
    feature: str


@dataclass(frozen=True)
class TextWindow:
    """Short texts that viewers saw before the unit, oldest first: those of one field of the
    messages sent, or of all fields if `field` is ""."""

    field: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class EvidenceSnapshot:
    """Everything a decision reads besides the unit, the policy bundle and the time."""

    tenant_id: UUID
    author: str
    """The author, as the actor of a scope; empty if unknown."""
    author_principal: UUID | None
    ceiling: Rating
    adult_chat: bool = False
    """True if the author is trained for adult texts in chats."""
    uncalibrated: bool = False
    """True if the last two members who rated the same pictures agreed too little."""
    creator_known: bool = True
    demo: bool = False
    """True if the agency is a demonstration: content on its own page reaches no real audience."""
    names: tuple[str, ...] = ()
    """Names of the creator, which the language check ignores."""
    media: tuple[MediumFacts, ...] = ()
    persons: tuple[PersonFacts, ...] = ()
    references: tuple[ReferenceFacts, ...] = ()
    """Our copies that the unit refers to. A reference to anything else has no entry here."""
    remarks: tuple[CommentFacts, ...] = ()
    """Comments that the unit answers. A comment that was never received has no entry here."""
    viewer: ViewerFacts | None = None
    links: tuple[LinkFacts, ...] = ()
    own_hosts: tuple[str, ...] = ()
    linking_place: str = ""
    """The surface on which the links of a redirect are shown; "" for any."""
    stops: tuple[StopFacts, ...] = ()
    reviews: tuple[ReviewFacts, ...] = ()
    recent: tuple[str, ...] = ()
    """The last texts that this viewer read, oldest first, because a term may be spread over several
    messages."""
    windows: tuple[TextWindow, ...] = ()
    """Short texts over which a term may be spread: of single fields, and of public posts."""
    initials: tuple[str, ...] = ()
    """The first letters of the last public posts of the creator, and of the account, oldest first:
    they may spell a term."""
    epochs: tuple[tuple[str, int], ...] = ()
    changed: bool = False
    """True if other content of the same subject was approved, and this content was not."""
    above_known: bool = False
    """True if the unit replies to one of our copies, of the same subject, on the same account."""
    above_gone: bool = False
    """True if an earlier part of the thread was recalled or deleted."""
    rules_fault: str = ""
    """Code of the reason why the stored policy allows nothing to be published; empty if there is
    none."""
    limits: tuple[PlaceLimitFacts, ...] = ()
    """Stricter rules of the agency for this surface."""
    own_terms: tuple[tuple[str, str], ...] = ()
    """Kind and encoded text of the terms that the agency adds to the lexicon."""
    again: tuple[RuleVerification, ...] = ()
    """Re-verifications by members of the overdue rules of the surface."""
    foreign: ThirdPartyRuleFacts | None = None
    """The third-party rule of a platform for which the policy has no rule."""
    skewed: bool = False
    """True if the clocks of the sending machine and of the database differ: one of them is wrong,
    and it is unknown which."""
    release: OwnReleaseFacts | None = None
    """The latest own-picture release of this subject."""
    intake_down: bool = False
    """True if the form for removal requests was not reachable within the last hour, or its state is
    unknown."""
    unlocked: tuple[str, ...] = ()
    """Epochs that appeared after the locks were taken: the caller must start again."""


_SNAPSHOT: TypeAdapter[Any] = TypeAdapter(EvidenceSnapshot)
_UNIT: TypeAdapter[Any] = TypeAdapter(Unit)


def parse_snapshot(stored: str) -> EvidenceSnapshot:
    """Return the snapshot of a stored decision. Raises pydantic.ValidationError if invalid."""
    found: EvidenceSnapshot = _SNAPSHOT.validate_json(stored)
    return found


def parse_unit(stored: str) -> Unit:
    """Return the unit of a stored decision. Raises pydantic.ValidationError if invalid."""
    found: Unit = _UNIT.validate_json(stored)
    return found
