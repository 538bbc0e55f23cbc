"""What pages ask of the room, with the handlers; and the facts it states (`gate/stating.py`)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from foundation.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.outbox import Queue
from foundation.words import Message
from gate import attesting, copies, limits, looks, people, ratings, recall, seals, switches, viewers
from gate.stating import ConsentRevoked, LinkRegistered, SwitchClosed, TakedownOpened, ViewerChanged
from gate.units import Rating, Verdict
from tenants import audit, notices
from tenants import reads as tenant_reads
from tenants.roles import Right, may, require

ASKED = "switch.reopening"
"""What is noted of who asked for the end of a wide stop, and was alone."""

FACTS = (TakedownOpened, ConsentRevoked, SwitchClosed, ViewerChanged, LinkRegistered)


@dataclass(frozen=True)
class SwitchWanted:
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
class RevocationWanted:
    """A person's page, or a member for them, takes a permission back; `subject_id` is the person, empty scope all."""

    kind: ClassVar[str] = "consent.revoke"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    scope: str
    by: str


@dataclass(frozen=True)
class RatingWanted:
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
class ComplaintDue:
    """Somebody wants something gone: freeze it, and call it back when the clock is over; `subject_id` the complaint."""

    kind: ClassVar[str] = "complaint.due"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ComplaintDecided:
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
class TargetDue:
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
class CopyProbe:
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
class RuleRead:
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
class LimitWanted:
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
class RulesDue:
    """Look which rules grow old, and whom to tell; `tenant_id` and `subject_id` are the house."""

    kind: ClassVar[str] = "policy.notice"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ProofWithdrawn:
    """A member takes a reader's proof of age back: an account that changed hands, a custodian who erred."""

    kind: ClassVar[str] = "viewer.withdraw"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    by: str


def set_switch(event: SwitchWanted, *, tenant: OpenScope) -> None:
    """Do what a page asked of a switch, as the member who asked; for a wide reopening two ask, one after the other."""
    where, about = (event.scope, event.target, event.feature), f"switch:{event.scope}:{event.target}:{event.feature}"
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.open:
                _end(scope, event, where, about)
            else:
                switches.close(scope, *where, reason=event.reason)
                notices.settle_all(scope, [about])  # whoever asked for its end before looked at another one
                _tell_who_can_end(scope, where, about)
                audit.note(scope, "switch.stopped", about)
    except Refused as refused:  # whoever pressed has left the button: they read it at Home
        with tenant(event.tenant_id, event.by) as scope:
            if refused.message.code == switches.NOT_THEIRS:  # nobody else is asked for anything
                alone = tenant_reads.acting(scope, switches.NOT_THEIRS).principal_id
                notices.put(scope, refused.message, cause=f"{about}:{alone}", urgent=True, to=alone)
            else:
                anew = refused.message.code == switches.PRESSED_ANEW  # beside what others are asked for meanwhile
                notices.put(scope, refused.message, cause=f"{about}:anew" if anew else about, urgent=True)


def _end(scope: Scope, event: SwitchWanted, where: tuple[str, str, str], about: str) -> None:
    """End a stop, or note that its end was asked for by one person alone: the next one's word then ends it.

    Looked and noted under one lock: of two who asked in the same second, neither found the other, and the stop stayed.
    """
    scope.hold(f"{scope.tenant_id}:{about}")
    second, signed = _asked_before(scope, where, about), UUID(event.signed) if event.signed else None
    since = datetime.fromisoformat(event.since) if event.since else None
    try:
        ended = switches.reopen(scope, *where, reason=event.reason, second=second, signed=signed, since=since)
    except Refused as alone:
        if alone.message.code not in (switches.TOO_EARLY, switches.UNSIGNED):
            raise
        notices.settle_all(scope, [about])  # once the delay is over another sentence is true
        notices.put(scope, alone.message, cause=about, urgent=True)
        audit.note(scope, ASKED, about)
        return
    if ended:
        audit.note(scope, "switch.reopened", about)
    notices.settle_all(scope, [about, f"{about}:pressed", f"{about}:anew"])


def _tell_who_can_end(scope: Scope, where: tuple[str, str, str], about: str) -> None:
    """Whoever stops what they cannot let go again is named to those who can."""
    place, target, feature = where
    kind, _, key = scope.actor.partition(":")
    if feature != "sending" or kind != "member":
        return
    member = tenant_reads.member(scope, UUID(key))
    try:
        switches.check_end(scope, member, place, target)
    except Refused:
        creator = UUID(target) if place == "creator" else None
        said = Message("switch.pressed", {"who": member.name})
        notices.put(scope, said, cause=f"{about}:pressed", urgent=True, creator_id=creator)


def _asked_before(scope: Scope, where: tuple[str, str, str], about: str) -> UUID | None:
    """The other member who asked for the end of this very stop and may; None where nobody else did."""
    asked = audit.last(scope, ASKED, about)
    since = next((one.since for one in switches.stops(scope) if (one.where, one.target, one.feature) == where), None)
    if asked is None or since is None or asked.at < since:
        return None
    others = (one for one in tenant_reads.members(scope) if f"member:{one.id}" != scope.actor)
    return next((one.id for one in others if f"member:{one.id}" == asked.actor and may(one.role, Right.REOPEN)), None)


def revoke_consent(event: RevocationWanted, *, tenant: OpenScope) -> None:
    """Take a permission back, and with it every copy that leaned on it."""
    with tenant(event.tenant_id, event.by) as scope:
        people.revoke(scope, event.subject_id, what=event.scope or None)


def confirm_viewer(event: ViewerConfirmed, *, tenant: OpenScope) -> None:
    """Write down what a member says, if they may still review; whoever may not is told at Home why nothing came."""

    def confirm(scope: Scope) -> None:
        viewers.confirm(scope, event.platform, event.user_id, custodian=event.custodian, why=event.why)

    _as_reviewer(event, tenant, confirm)


def withdraw_proof(event: ProofWithdrawn, *, tenant: OpenScope) -> None:
    """Forget a reader's proof at once, as the member who asked; what is for adults is closed to them again."""

    def withdraw(scope: Scope) -> None:
        if viewers.level(scope, event.platform, event.user_id).over_18:
            viewers.reset(scope, event.platform, event.user_id)
            audit.note(scope, "viewer.withdrawn", f"viewer.withdraw:{event.subject_id}")

    _as_reviewer(event, tenant, withdraw)


def read_rule(event: RuleRead, *, tenant: OpenScope) -> None:
    """Write down what a member read, as that member; whoever may not say so is told at Home why nothing came."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            attesting.attest(scope, event.rule, event.url, read_on=date.fromisoformat(event.read_on))
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def set_limit(event: LimitWanted, *, tenant: OpenScope) -> None:
    """Keep a place tighter, as the member who asked; or one of the two who end that."""
    what = (event.place, Rating(event.rating), Verdict(event.verdict))
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.end:
                limits.end(scope, *what)
            else:
                limits.keep(scope, *what, why=event.why)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def _as_reviewer(event: ViewerConfirmed | ProofWithdrawn, tenant: OpenScope, act: Callable[[Scope], None]) -> None:
    try:
        with tenant(event.tenant_id, event.by) as scope:
            _may_review(scope)
            act(scope)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def _may_review(scope: Scope) -> None:
    """Raises Refused unless the actor is a member who carries the right to review, now."""
    roles = {f"member:{one.id}": one.role for one in tenant_reads.members(scope)}
    if scope.actor not in roles:
        raise Refused("viewer.person_decides")
    require(roles[scope.actor], Right.REVIEW)


def set_rating(event: RatingWanted, *, tenant: OpenScope) -> None:
    """Rate bytes as the member said; what was raised further meanwhile stays. What is never allowed is frozen and
    called back from where it went, with what was made of it; where a minor is the reason, it is sealed."""
    rating = Rating(event.rating)
    reason = Message("prohibited.minor" if event.minor else "prohibited.category") if rating is Rating.X else None
    try:
        with tenant(event.tenant_id, event.by) as scope:
            ratings.rate(scope, event.sha256, rating, source=event.by, reason=reason)
            if rating is Rating.X:
                ratings.freeze(scope, event.sha256)
            if event.minor:
                seals.put(scope, event.sha256, by=event.by)
            elif rating is Rating.X:
                outside = copies.showing_bytes(scope, *looks.made_with(scope, event.sha256))
                recall.open_takedowns(scope, outside, Message("recall.never"))
    except (Refused, NotFound):
        return
