"""What platforms tell of the places we post to, and of what we posted there: values and two abilities. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from connectors.contract import Answer, Copy, Send
from connectors.outcomes import Outcome


@dataclass(frozen=True)
class Destination:
    """The place an account posts to, by the platform's `id` where it has several, and what we know of who may read.

    `by_request`: a person said lately that nobody comes in who was not let in. `adults` are readers of ours on the
    platform whose age is proven.
    """

    account: str
    id: str = ""
    by_request: bool = False
    adults: tuple[str, ...] = ()
    register: Mapping[str, Any] = field(default_factory=dict)
    """What somebody said of the place when its account was connected, in the connector's own form."""


@dataclass(frozen=True)
class Seen:
    """What a look at a place found, in the words of the policy: what holds, and what surely does not.

    What is in neither is not known: nothing goes there for that, and nothing is taken away for it.
    """

    holds: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()


@runtime_checkable
class Seeable(Protocol):
    """A platform that tells what the place we post to is set to."""

    def see(self, place: Destination, answers: tuple[Answer, ...]) -> Send | Seen | Outcome:
        """The next request (kind control, action look), what was seen, or why nobody can see."""
        ...


@dataclass(frozen=True)
class Shown:
    """A copy as the platform shows it: the marks it was sent with and does not bear. `there`: it can be seen."""

    missing: tuple[str, ...] = ()
    there: bool = True


@runtime_checkable
class ReadsBack(Protocol):
    """A platform that shows which marks a post of ours bears."""

    def read_back(self, copy: Copy, flags: tuple[str, ...], answers: tuple[Answer, ...]) -> Send | Shown | Outcome:
        """The next request (kind control, action look), how the copy stands, or why nobody can see."""
        ...
