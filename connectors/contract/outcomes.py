"""Outcomes of requests: a closed union that callers match exhaustively. Exceptions are for bugs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from foundation.i18n.translation import Message


@dataclass(frozen=True)
class Published:
    """The platform confirmed the post. `at` is the platform's time, if reported (UTC-aware).
    `files` are its IDs of the files, if they can be reused without another upload. `fewer` is True
    if some files are missing."""

    native_id: str
    url: str = ""
    at: datetime | None = None
    files: tuple[str, ...] = ()
    fewer: bool = False


@dataclass(frozen=True)
class Processing:
    """The platform accepted the post but has not finished: it is polled a limited number of times
    and never sent again.

    With `by_hand` a member publishes the post manually; it is not polled, because only they know
    its status.
    """

    poll_token: str
    by_hand: bool = False


@dataclass(frozen=True)
class Retry:
    """Nothing was created, and a later attempt is safe. Scope `app` pauses every account of the app
    key.

    `uploads_gone` means that the platform deleted the staged files, so all are staged again.
    """

    after: timedelta
    scope: Literal["account", "app"]
    reason: Message
    uploads_gone: bool = False


@dataclass(frozen=True)
class Rejected:
    """The platform refused the post. With `permanent=False` it waits for an edit by a member."""

    reason: Message
    permanent: bool


@dataclass(frozen=True)
class Reauthorize:
    """The token is invalid or lacks a permission; the owner must reconnect the account."""

    reason: Message


@dataclass(frozen=True)
class Disconnected:
    """The account was deleted or suspended, or access to it was withdrawn."""

    reason: Message


@dataclass(frozen=True)
class Uncertain:
    """The request may have taken effect. Look it up; never just send it again.

    `stands` is True if the platform refuses the post as a duplicate, which may be our earlier
    attempt.
    """

    reason: Message
    stands: bool = False


Outcome = Published | Processing | Retry | Rejected | Reauthorize | Disconnected | Uncertain


@dataclass(frozen=True)
class Found:
    """A look-up found the post."""

    native_id: str
    url: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Absent:
    """A look-up that would see the post did not find it.

    `confirmed` means that a second source of the platform, independent of its lists, confirms that
    nothing was published: the state of the upload, or the latest entry of the place.
    """

    confirmed: bool = False


@dataclass(frozen=True)
class Unknown:
    """A look-up failed or was inconclusive; it does not count as a look-up."""

    reason: Message


@dataclass(frozen=True)
class Failed:
    """A look-up found that the platform finally refused the post: nothing is published.

    A repeat would not help, unless the error was on the platform's side. In that case the post is
    sent again after `again`.
    """

    reason: Message
    again: timedelta | None = None


LookupResult = Found | Absent | Unknown | Failed
