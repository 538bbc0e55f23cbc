"""What a platform's answer meant: a closed union, matched exhaustively. Exceptions are for bugs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from foundation.i18n.translation import Message


@dataclass(frozen=True)
class Published:
    """The platform confirmed it. `at` is the platform's own time where it tells; `files` is what it
    calls the files of it from now on, where they can be shown again without being sent; `fewer`:
    not all of them are there."""

    native_id: str
    url: str = ""
    at: datetime | None = None
    files: tuple[str, ...] = ()
    fewer: bool = False


@dataclass(frozen=True)
class Processing:
    """Accepted, not finished: polled with bounds, never sent again.

    `by_hand`: a person finishes it; nobody but them can say how it stands, so nothing is polled.
    """

    poll_token: str
    by_hand: bool = False


@dataclass(frozen=True)
class Retry:
    """Nothing was created; later is fine. `app` pauses every account of the app key.

    `uploads_gone`: the platform no longer has what was staged for it, so everything is staged
    again.
    """

    after: timedelta
    scope: Literal["account", "app"]
    reason: Message
    uploads_gone: bool = False


@dataclass(frozen=True)
class Rejected:
    """Refused. `permanent=False` waits for a person's edit."""

    reason: Message
    permanent: bool


@dataclass(frozen=True)
class Reauthorize:
    """The token is dead or lacks a right: the owner must reconnect."""

    reason: Message


@dataclass(frozen=True)
class Disconnected:
    """The account is gone, suspended, or threw us out."""

    reason: Message


@dataclass(frozen=True)
class Uncertain:
    """The request may have taken effect: look, never send again blindly.

    `stands`: the platform refuses it for what stands there already, which may be an earlier try of
    ours.
    """

    reason: Message
    stands: bool = False


Outcome = Published | Processing | Retry | Rejected | Reauthorize | Disconnected | Uncertain


@dataclass(frozen=True)
class Found:
    """A look-up saw it."""

    native_id: str
    url: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Absent:
    """A look-up able to see it did not."""


@dataclass(frozen=True)
class Unknown:
    """The look-up failed or cannot tell; it is no look."""

    reason: Message


@dataclass(frozen=True)
class Failed:
    """A look-up learnt that the platform refused it after all: nothing stands, and sending it again
    would not help, unless the fault was the platform's: then once more after a while."""

    reason: Message
    again: timedelta | None = None


LookupResult = Found | Absent | Unknown | Failed
