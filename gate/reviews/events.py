"""What pages ask of the room, with the handlers; and the facts it states
(`gate/removal/events.py`)."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue
from gate.consent.events import ConsentRevoked
from gate.policy.events import SwitchClosed
from gate.removal.events import TakedownOpened
from gate.viewers.events import ViewerChanged


@dataclass(frozen=True)
class LinkRegistered:
    """A member said what lies behind an address; `subject_id` is the creator whose posts may carry
    it."""

    kind: ClassVar[str] = "link.registered"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    url: str


FACTS = (TakedownOpened, ConsentRevoked, SwitchClosed, ViewerChanged, LinkRegistered)


@dataclass(frozen=True)
class RatingRequested:
    """A member rated bytes; `subject_id` is the asset, `by` `member:<id>`. `minor` says why
    something is never allowed: somebody shown appears to be under age."""

    kind: ClassVar[str] = "rating.set"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    sha256: str
    rating: str
    minor: bool
    by: str


@dataclass(frozen=True)
class AppealDue:
    """Somebody wants a request decided again: freeze what it is about and tell the members;
    `subject_id` the appeal."""

    kind: ClassVar[str] = "appeal.due"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AppealDecided:
    """A member decided about an appeal: `because` says why it may stay, empty that it goes; `by` is
    `member:<id>`."""

    kind: ClassVar[str] = "appeal.decide"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    because: str
    by: str


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
    """A member keeps a place tighter than its rule from a rating on; or, `end`, wants that no
    more."""

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
