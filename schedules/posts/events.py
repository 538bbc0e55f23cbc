"""The room's event kinds and facts; their handlers are in `schedules/publishing/handlers.py`."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PublishDue:
    """The delivery's time has come."""

    kind: ClassVar[str] = "delivery.publish"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PreflightDue:
    """A day before, and ten minutes before: would it go out?"""

    kind: ClassVar[str] = "delivery.preflight"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class StageDue:
    """Ten minutes before: what the post shows is uploaded; only the last step is left. Lane `stage:<channel>`."""

    kind: ClassVar[str] = "delivery.stage"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ReconcileDue:
    """Find out what became of a delivery whose answer is missing."""

    kind: ClassVar[str] = "delivery.reconcile"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SweepDue:
    """Once a minute: no delivery waits for a row that will not come."""

    kind: ClassVar[str] = "delivery.sweep"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class UncertainDeliveryResolved:
    """A person knows what became of a delivery in doubt: `url` is where it stands, "" that it does not. `by` is who,
    `at` when they said so."""

    kind: ClassVar[str] = "delivery.end_doubt"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    url: str
    by: str
    at: datetime | None = None


@dataclass(frozen=True)
class EditDue:
    """Other words for a post that stands outside may leave; the subject is the edit. Lane `channel:<id>`."""

    kind: ClassVar[str] = "delivery.edit"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class EditResolved:
    """A person, `by`, knows which words stand outside: the new ones where they `came`. The subject is the edit."""

    kind: ClassVar[str] = "delivery.edit_said"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    came: bool
    by: str


@dataclass(frozen=True)
class DeliveryPublished:
    """Fact: the post stands outside."""

    kind: ClassVar[str] = "delivery.published"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AccountReconnected:
    """Listener of `channel.connected`: an account may send again; the subject is the channel."""

    kind: ClassVar[str] = "delivery.account_back"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class LinkHoldsDue:
    """Listener of `link.registered`: an address is on a creator's list, the subject."""

    kind: ClassVar[str] = "delivery.link_known"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    url: str


@dataclass(frozen=True)
class RemovedCopyDue:
    """Listener of `copy.removed`: a copy of something is proven gone; the subject is its permit."""

    kind: ClassVar[str] = "delivery.copy_gone"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID


@dataclass(frozen=True)
class ExpiryDue:
    """A platform takes a delivery away by itself about now: write down that nothing of it is left outside."""

    kind: ClassVar[str] = "delivery.end"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CopyAddressDue:
    """Listener of `copy.addressed`: a platform told where people find a copy; the subject is its permit."""

    kind: ClassVar[str] = "delivery.address_known"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    before: str
    native_id: str
    url: str


@dataclass(frozen=True)
class ManualOutcomeDue:
    """Listener of `handover.ended`: a person said what became of a post; the subject is their task."""

    kind: ClassVar[str] = "delivery.handed_back"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    end: str
    why: str
    by: str
    native_id: str
    url: str


@dataclass(frozen=True)
class PauseOver:
    """The days of a pause are over; the subject is the pause."""

    kind: ClassVar[str] = "pause.over"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ExtendDue:
    """The next deliveries of a series are to be made; the subject is the series."""

    kind: ClassVar[str] = "series.extend"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PoolDue:
    """A pool looks for room on the calendar; the subject is the pool."""

    kind: ClassVar[str] = "pool.fill"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ClocksDue:
    """Once a day: every planned time is what its clock says under the rules of time zones we have now."""

    kind: ClassVar[str] = "calendar.clocks"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ImportCheck:
    """A file was brought in: look at it, write nothing else."""

    kind: ClassVar[str] = "import.check"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ImportApply:
    """Somebody said that the posts of a file are to be written; `by` is who."""

    kind: ClassVar[str] = "import.apply"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    by: str


@dataclass(frozen=True)
class FeedReadDue:
    """A feed is to be read; the subject is the feed."""

    kind: ClassVar[str] = "feed.read"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class WeekTextsDue:
    """The words of a proposed week are to be written; the subject is the proposal."""

    kind: ClassVar[str] = "week.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CaptionSetDue:
    """Texts around one idea are to be written; the subject is the kit."""

    kind: ClassVar[str] = "kit.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AltTextDue:
    """A model that sees is to propose words for a picture; the subject is the proposal. It takes the card."""

    kind: ClassVar[str] = "picture.words"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class IdeasDue:
    """Ideas for posts are to be written; the subject is their round."""

    kind: ClassVar[str] = "idea.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
