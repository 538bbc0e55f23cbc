"""What platforms tell of the places we post to, and of what we posted there: values and three
abilities. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from connectors.contract.connector import PlatformCopy, Send, StepResult
from connectors.contract.outcomes import Outcome

MAX_ADDRESS_LENGTH = 500


@dataclass(frozen=True)
class Destination:
    """The place an account posts to, by the platform's `id` where it has several, and what we know
    of who may read.

    `by_request`: a person said lately that nobody comes in who was not let in. `adults` are readers
    of ours on the platform whose age is proven.
    """

    account: str
    id: str = ""
    by_request: bool = False
    adults: tuple[str, ...] = ()
    register: Mapping[str, Any] = field(default_factory=dict)
    """What somebody said of the place when its account was connected, in the connector's own
    form."""


@dataclass(frozen=True)
class DestinationReport:
    """What a look at a place found, in the words of the policy: what holds, and what surely does
    not.

    What is in neither is not known: nothing goes there for that, and nothing is taken away for
    it.
    """

    holds: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()


@runtime_checkable
class SupportsDestinationCheck(Protocol):
    """A platform that tells what the place we post to is set to."""

    def inspect_destination(
        self, place: Destination, answers: tuple[StepResult, ...]
    ) -> Send | DestinationReport | Outcome:
        """The next request (kind control, action look), what was seen, or why nobody can see."""
        ...


@dataclass(frozen=True)
class MarkReport:
    """A copy as the platform shows it: the marks it was sent with and does not bear. `there`: it
    can be seen."""

    missing: tuple[str, ...] = ()
    there: bool = True


@runtime_checkable
class SupportsMarkCheck(Protocol):
    """A platform that shows which marks a post of ours bears."""

    def read_marks(
        self, copy: PlatformCopy, flags: tuple[str, ...], answers: tuple[StepResult, ...]
    ) -> Send | MarkReport | Outcome:
        """The next request (kind control, action look), how the copy stands, or why nobody can
        see."""
        ...


@dataclass(frozen=True)
class PostAddress:
    """Where people find a copy, and what the platform calls it now where that is another name than
    before."""

    url: str
    native_id: str = ""


@runtime_checkable
class SupportsAddressQuery(Protocol):
    """A platform that says where a post stands only after it took it."""

    def find_address(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostAddress | None:
        """The next request (kind control, action look), where people find the copy, or None while
        nobody can say."""
        ...


def clean_address(told: object, *hosts: str) -> str:
    """An address as a platform told it, without what follows a question mark; "" for one that is
    not at its hosts."""
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
