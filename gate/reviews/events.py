"""What pages ask of the room, with the handlers; and the facts it states (`gate/removal/events.py`)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.outbox.outbox import Queue
from gate.assets import lookalikes
from gate.contract.units import Rating, Verdict
from gate.copies import live_copies
from gate.people import persons
from gate.policy import emergency_stops
from gate.ratings import ratings, seals
from gate.removal import recall
from gate.removal.events import ConsentRevoked, LinkRegistered, SwitchClosed, TakedownOpened, ViewerChanged
from gate.reviews import place_limits, rule_verification
from gate.viewers import age_assurance
from tenants import audit
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Right, has_right, require_right
from tenants.notices import notices

REOPENING_REQUESTED = "switch.reopening"
"""What is noted of who asked for the end of a wide stop, and was alone."""

FACTS = (TakedownOpened, ConsentRevoked, SwitchClosed, ViewerChanged, LinkRegistered)


@dataclass(frozen=True)
class EmergencyStopRequested:
    """A page asks for a stop, or for its end: pages hold no right to the gate's tables. `by` is `member:<id>`."""

    kind: ClassVar[str] = "switch.set"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    scope: str
    target: str
    feature: str
    open: bool
    by: str
    reason: str
    signed: str = ""
    """What they signed with a passkey, by its id; empty where they did not."""

    since: str = ""
    """When the stop whose end they ask for was pressed, as they saw it (ISO 8601): one pressed later stays."""


@dataclass(frozen=True)
class RevocationRequested:
    """A person's page, or a member for them, takes a permission back; `subject_id` is the person, empty scope all."""

    kind: ClassVar[str] = "consent.revoke"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    scope: str
    by: str


@dataclass(frozen=True)
class RatingRequested:
    """A member rated bytes; `subject_id` is the asset, `by` `member:<id>`. `minor` says why something is never allowed:
    somebody shown appears to be under age."""

    kind: ClassVar[str] = "rating.set"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    sha256: str
    rating: str
    minor: bool
    by: str


@dataclass(frozen=True)
class RemovalRequestDue:
    """Somebody wants something gone: freeze it, and call it back when the clock is over; `subject_id` the complaint."""

    kind: ClassVar[str] = "complaint.due"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RemovalRequestDecided:
    """A member decided about a complaint, the subject: `because` says why it may stay, empty that it goes. `found` are
    the digests, with commas between them, of what they found to be meant."""

    kind: ClassVar[str] = "complaint.decide"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    because: str
    by: str
    found: str = ""


@dataclass(frozen=True)
class ReportDue:
    """Somebody reported something to the house: look in which agencies it is. Both ids: the house, the report."""

    kind: ClassVar[str] = "report.seek"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class IntakeDue:
    """See whether the form for removal requests is reached from outside; both ids are the house's."""

    kind: ClassVar[str] = "intake.probe"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class DecisionTargetReached:
    """Somebody should have decided by now about a request, or about the appeal against its ruling `number`."""

    kind: ClassVar[str] = "complaint.target"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    number: int


@dataclass(frozen=True)
class AppealDue:
    """Somebody wants a request decided again: freeze what it is about and tell the members; `subject_id` the appeal."""

    kind: ClassVar[str] = "appeal.due"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AppealDecided:
    """A member decided about an appeal: `because` says why it may stay, empty that it goes; `by` is `member:<id>`."""

    kind: ClassVar[str] = "appeal.decide"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    because: str
    by: str


@dataclass(frozen=True)
class ViewerConfirmed:
    """A member says that `custodian`, outside, confirmed a reader's age by a document; `by` is `member:<id>`."""

    kind: ClassVar[str] = "viewer.confirm"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    custodian: str
    why: str
    by: str


@dataclass(frozen=True)
class PlaceProbeDue:
    """See whether the places where something above General stands are still what they were; both ids the tenant."""

    kind: ClassVar[str] = "copy.probe"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CheckpointDue:
    """Look which logs have come far enough for a checkpoint; `tenant_id` and `subject_id` are the house."""

    kind: ClassVar[str] = "log.checkpoint"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RuleVerified:
    """A member read the rule of a place again at `url` on a day (ISO), and found it unchanged."""

    kind: ClassVar[str] = "rule.read"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    rule: str
    url: str
    read_on: str
    by: str


@dataclass(frozen=True)
class PlaceLimitRequested:
    """A member keeps a place tighter than its rule from a rating on; or, `end`, wants that no more."""

    kind: ClassVar[str] = "place.limit"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    place: str
    rating: str
    verdict: str
    why: str
    end: bool
    by: str


@dataclass(frozen=True)
class RuleReminderDue:
    """Look which rules grow old, and whom to tell; `tenant_id` and `subject_id` are the house."""

    kind: ClassVar[str] = "policy.notice"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeAssuranceWithdrawn:
    """A member takes a reader's proof of age back: an account that changed hands, a custodian who erred."""

    kind: ClassVar[str] = "viewer.withdraw"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    by: str


def handle_stop_request(event: EmergencyStopRequested, *, tenant: OpenScope) -> None:
    """Do what a page asked of a switch, as the member who asked; for a wide reopening two ask, one after the other."""
    where, about = (event.scope, event.target, event.feature), f"switch:{event.scope}:{event.target}:{event.feature}"
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.open:
                _end_stop(scope, event, where, about)
            else:
                emergency_stops.close_switch(scope, *where, reason=event.reason)
                notices.close_all(scope, [about])  # whoever asked for its end before looked at another one
                _tell_who_can_end(scope, where, about)
                audit.record(scope, "switch.stopped", about)
    except Refused as refused:  # whoever pressed has left the button: they read it at Home
        with tenant(event.tenant_id, event.by) as scope:
            if refused.message.code == emergency_stops.NOT_PERMITTED:  # nobody else is asked for anything
                alone = tenant_reads.get_acting_member(scope, emergency_stops.NOT_PERMITTED).principal_id
                notices.put(scope, refused.message, cause=f"{about}:{alone}", urgent=True, to=alone)
            else:
                anew = (
                    refused.message.code == emergency_stops.STOPPED_AGAIN
                )  # beside what others are asked for meanwhile
                notices.put(scope, refused.message, cause=f"{about}:anew" if anew else about, urgent=True)


def _end_stop(scope: Scope, event: EmergencyStopRequested, where: tuple[str, str, str], about: str) -> None:
    """End a stop, or note that its end was asked for by one person alone: the next one's word then ends it.

    Looked and noted under one lock: of two who asked in the same second, neither found the other, and the stop stayed.
    """
    scope.lock(f"{scope.tenant_id}:{about}")
    second, signed = _find_first_requester(scope, where, about), UUID(event.signed) if event.signed else None
    since = datetime.fromisoformat(event.since) if event.since else None
    try:
        ended = emergency_stops.reopen_switch(
            scope, *where, reason=event.reason, second=second, signed=signed, since=since
        )
    except Refused as alone:
        if alone.message.code not in (emergency_stops.SOLO_TOO_EARLY, emergency_stops.PASSKEY_REQUIRED):
            raise
        notices.close_all(scope, [about])  # once the delay is over another sentence is true
        notices.put(scope, alone.message, cause=about, urgent=True)
        audit.record(scope, REOPENING_REQUESTED, about)
        return
    if ended:
        audit.record(scope, "switch.reopened", about)
    notices.close_all(scope, [about, f"{about}:pressed", f"{about}:anew"])


def _tell_who_can_end(scope: Scope, where: tuple[str, str, str], about: str) -> None:
    """Whoever stops what they cannot let go again is named to those who can."""
    place, target, feature = where
    kind, _, key = scope.actor.partition(":")
    if feature != "sending" or kind != "member":
        return
    member = tenant_reads.get_member(scope, UUID(key))
    try:
        emergency_stops.check_may_reopen(scope, member, place, target)
    except Refused:
        creator = UUID(target) if place == "creator" else None
        said = Message("switch.pressed", {"who": member.name})
        notices.put(scope, said, cause=f"{about}:pressed", urgent=True, creator_id=creator)


def _find_first_requester(scope: Scope, where: tuple[str, str, str], about: str) -> UUID | None:
    """The other member who asked for the end of this very stop and may; None where nobody else did."""
    asked = audit.find_last_act(scope, REOPENING_REQUESTED, about)
    since = next(
        (one.since for one in emergency_stops.list_stops(scope) if (one.where, one.target, one.feature) == where), None
    )
    if asked is None or since is None or asked.at < since:
        return None
    others = (one for one in tenant_reads.list_members(scope) if f"member:{one.id}" != scope.actor)
    return next(
        (one.id for one in others if f"member:{one.id}" == asked.actor and has_right(one.role, Right.REOPEN)), None
    )


def handle_revocation(event: RevocationRequested, *, tenant: OpenScope) -> None:
    """Take a permission back, and with it every copy that leaned on it."""
    with tenant(event.tenant_id, event.by) as scope:
        persons.revoke_consent(scope, event.subject_id, what=event.scope or None)


def handle_viewer_confirmed(event: ViewerConfirmed, *, tenant: OpenScope) -> None:
    """Write down what a member says, if they may still review; whoever may not is told at Home why nothing came."""

    def confirm(scope: Scope) -> None:
        age_assurance.confirm_age(scope, event.platform, event.user_id, custodian=event.custodian, why=event.why)

    _as_reviewer(event, tenant, confirm)


def handle_age_assurance_withdrawn(event: AgeAssuranceWithdrawn, *, tenant: OpenScope) -> None:
    """Forget a reader's proof at once, as the member who asked; what is for adults is closed to them again."""

    def withdraw(scope: Scope) -> None:
        if age_assurance.get_assurance(scope, event.platform, event.user_id).over_18:
            age_assurance.reset_assurance(scope, event.platform, event.user_id)
            audit.record(scope, "viewer.withdrawn", f"viewer.withdraw:{event.subject_id}")

    _as_reviewer(event, tenant, withdraw)


def handle_rule_verified(event: RuleVerified, *, tenant: OpenScope) -> None:
    """Write down what a member read, as that member; whoever may not say so is told at Home why nothing came."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            rule_verification.verify_rule(scope, event.rule, event.url, read_on=date.fromisoformat(event.read_on))
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def handle_place_limit(event: PlaceLimitRequested, *, tenant: OpenScope) -> None:
    """Keep a place tighter, as the member who asked; or one of the two who end that."""
    what = (event.place, Rating(event.rating), Verdict(event.verdict))
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.end:
                place_limits.end_place_limit(scope, *what)
            else:
                place_limits.set_place_limit(scope, *what, why=event.why)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def _as_reviewer(
    event: ViewerConfirmed | AgeAssuranceWithdrawn, tenant: OpenScope, act: Callable[[Scope], None]
) -> None:
    try:
        with tenant(event.tenant_id, event.by) as scope:
            _may_review(scope)
            act(scope)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def _may_review(scope: Scope) -> None:
    """Raises Refused unless the actor is a member who carries the right to review, now."""
    roles = {f"member:{one.id}": one.role for one in tenant_reads.list_members(scope)}
    if scope.actor not in roles:
        raise Refused("viewer.person_decides")
    require_right(roles[scope.actor], Right.REVIEW)


def handle_rating_request(event: RatingRequested, *, tenant: OpenScope) -> None:
    """Rate bytes as the member said; what was raised further meanwhile stays. What is never allowed is frozen and
    called back from where it went, with what was made of it; where a minor is the reason, it is sealed."""
    rating = Rating(event.rating)
    reason = Message("prohibited.minor" if event.minor else "prohibited.category") if rating is Rating.X else None
    try:
        with tenant(event.tenant_id, event.by) as scope:
            ratings.record_rating(scope, event.sha256, rating, source=event.by, reason=reason)
            if rating is Rating.X:
                ratings.freeze_bytes(scope, event.sha256)
            if event.minor:
                seals.seal_bytes(scope, event.sha256, by=event.by)
            elif rating is Rating.X:
                outside = live_copies.live_copies_of_bytes(scope, *lookalikes.rated_family(scope, event.sha256))
                recall.open_takedowns(scope, outside, Message("recall.never"))
    except (Refused, NotFound):
        return
