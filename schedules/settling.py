"""What an act came to, as the next state of its delivery: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from channels import handing
from connectors.outcomes import (
    Disconnected,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from foundation.words import Message
from schedules.lost import ACCOUNT_LOST
from schedules.states import HANDED_OVER, MARGIN, DeliveryState

S = DeliveryState

FIRST_POLL = timedelta(seconds=5)


@dataclass(frozen=True)
class Settlement:
    """A delivery's next state and what changes with it."""

    state: DeliveryState
    reason: Message | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    again_at: datetime | None = None
    look_at: datetime | None = None


def settlement(outcome: Outcome, *, now: datetime, done: Sequence[str] = (), parts: int = 1) -> Settlement:
    """Turn what the platform answered into the delivery's next state; pure.

    `done` are the native ids of the parts of a thread that stand already, of `parts` in all.
    """
    match outcome:
        case Published() if parts > 1:
            return _one_more(outcome, now=now, done=done, parts=parts)
        case Published(native_id=native_id, url=url):
            return Settlement(S.PUBLISHED, changes={"native_id": native_id, "url": url, "settled_at": now})
        case Processing(by_hand=True):
            return Settlement(S.PROCESSING, Message(HANDED_OVER), look_at=now + handing.LIFE)
        case Processing():
            return Settlement(S.PROCESSING, look_at=now + FIRST_POLL)
        case Retry(after=after, reason=reason):
            return Settlement(waits(done), reason, {"not_before": now + after}, again_at=now + after)
        case Uncertain(reason=reason):
            return Settlement(S.UNCERTAIN, reason, {"uncertain_since": now}, look_at=now + MARGIN)
        case Rejected(reason=reason) if reason.code.startswith("gate."):  # not the platform's no: a person may lift it
            return Settlement(S.BROKEN_OFF if done else S.HELD, reason)
        case Rejected(reason=reason):
            return Settlement(S.BROKEN_OFF if done else S.FAILED, reason, {"settled_at": now})
        case Reauthorize() | Disconnected():  # why stands in the notice of the account and in the attempt
            return Settlement(S.BROKEN_OFF if done else S.HELD, Message(ACCOUNT_LOST))
        case _:
            assert_never(outcome)  # an eighth outcome fails the type check, not a creator's post


def _one_more(stands: Published, *, now: datetime, done: Sequence[str], parts: int) -> Settlement:
    """A part of a thread stands: the next one follows at once, or it was the last."""
    changes: dict[str, Any] = {"part_ids": [*done, stands.native_id], "not_before": None}
    if not done:
        changes |= {"native_id": stands.native_id, "url": stands.url}
    if len(done) + 1 < parts:
        return Settlement(S.PARTLY, changes=changes, again_at=now)
    return Settlement(S.PUBLISHED, changes={**changes, "settled_at": now})


def waits(done: Sequence[str]) -> DeliveryState:
    """Where a delivery waits for its next try."""
    return S.PARTLY if done else S.SCHEDULED
