"""Events of reviews: members' requests from pages, and due tasks.

Further events are in `gate/removal/events.py`.
"""

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
    """A member registered a link target; `subject_id` is the creator whose posts may contain it."""

    kind: ClassVar[str] = "link.registered"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    url: str


@dataclass(frozen=True)
class PlatformConfirmed:
    """An owner confirmed the rules of a platform; `subject_id` is their principal."""

    kind: ClassVar[str] = "rule.confirmed"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    platform: str


FACTS = (
    TakedownOpened,
    ConsentRevoked,
    SwitchClosed,
    ViewerChanged,
    LinkRegistered,
    PlatformConfirmed,
)


# Web processes cannot write the gate's tables. They put events, which a worker records as the
# member who made them, if that member still has the right.
@dataclass(frozen=True)
class RatingRequested:
    """A member rated bytes; `subject_id` is the asset and `by` is `member:<id>`.

    `minor` is True if the content is never allowed because a depicted person appears to be under
    age.
    """

    kind: ClassVar[str] = "rating.set"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    sha256: str
    rating: str
    minor: bool
    by: str
    shown: str = ""
    """A `DepictionAnswer`, or "" if the member did not say who is shown."""


@dataclass(frozen=True)
class AppealDue:
    """Freeze the content of an appeal, the subject, and notify the members."""

    kind: ClassVar[str] = "appeal.due"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AppealDecided:
    """A member decided an appeal.

    `because` is the reason for keeping the content, or empty to remove it; `by` is `member:<id>`.
    """

    kind: ClassVar[str] = "appeal.decide"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    because: str
    by: str


@dataclass(frozen=True)
class PlatformRulesRead:
    """A member read the pages of a platform on a day (ISO date).

    They are unchanged, or `looser` describes what is allowed now. `urls` are separated by spaces.
    """

    kind: ClassVar[str] = "rule.read"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    urls: str
    read_on: str
    by: str
    looser: str = ""


@dataclass(frozen=True)
class PlaceLimitRequested:
    """A member adds a stricter rule for a destination from a rating on; with `end`, they end it."""

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
    """Find expiring rules and notify the agencies; `tenant_id` and `subject_id` are the
    installation's."""

    kind: ClassVar[str] = "policy.notice"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
