"""Destination settings and the published state of posts: values and three optional protocols."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from connectors.contract.connector import PlatformCopy, Send, StepResult
from connectors.contract.outcomes import Outcome

MAX_ADDRESS_LENGTH = 500


@dataclass(frozen=True)
class Destination:
    """The destination to which an account posts, with the platform's `id` if the account has
    several, and the facts known about its readers.

    `by_request` is True if a member recently confirmed that only admitted users can read it.
    `adults` are users of the platform whose age is verified.
    """

    account: str
    id: str = ""
    by_request: bool = False
    adults: tuple[str, ...] = ()
    register: Mapping[str, Any] = field(default_factory=dict)
    """The details that a member gave when the account was connected, in the connector's format."""


@dataclass(frozen=True)
class DestinationReport:
    """The result of a destination check, in terms of the policy: the conditions that hold and those
    that certainly fail.

    A condition in neither list is unknown: content that needs it is not published there, and no
    content is removed because of it.
    """

    holds: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()


@runtime_checkable
class SupportsDestinationCheck(Protocol):
    """A platform that reports the settings of a destination."""

    def inspect_destination(
        self, place: Destination, answers: tuple[StepResult, ...]
    ) -> Send | DestinationReport | Outcome:
        """Return the next request (kind control, action look), the report, or the failure."""
        ...


@dataclass(frozen=True)
class MarkReport:
    """The content flags of a published copy: those that were sent and are `missing`. `there` is
    False if the copy is not visible."""

    missing: tuple[str, ...] = ()
    there: bool = True


@runtime_checkable
class SupportsMarkCheck(Protocol):
    """A platform that reports the content flags of our posts."""

    def read_marks(
        self, copy: PlatformCopy, flags: tuple[str, ...], answers: tuple[StepResult, ...]
    ) -> Send | MarkReport | Outcome:
        """Return the next request (kind control, action look), the report, or the failure."""
        ...


@dataclass(frozen=True)
class PostAddress:
    """The URL of a copy, and its current native ID if it differs from the stored one."""

    url: str
    native_id: str = ""


@runtime_checkable
class SupportsAddressQuery(Protocol):
    """A platform that reports the URL of a post only after accepting it."""

    def find_address(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostAddress | None:
        """Return the next request (kind control, action look), or the address of the copy. Return
        None while it is unknown."""
        ...


def clean_address(told: object, *hosts: str) -> str:
    """Return a URL from a response without its query and fragment, or "" if it is not an https URL
    of these hosts."""
    if not isinstance(told, str) or not told.isascii() or not told.isprintable():
        return ""
    try:
        parts = urlsplit(told)
        host = parts.hostname or ""
    except ValueError:
        return ""
    theirs = any(host == own or host.endswith(f".{own}") for own in hosts)
    short = len(told) <= MAX_ADDRESS_LENGTH and parts.username is None
    return f"https://{host}{parts.path}" if theirs and short and parts.scheme == "https" else ""
