"""What a platform asks for each request of a program, as data, and what an answer came to. Pure.

X bills what an application did: https://docs.x.com/x-api/getting-started/pricing (pay per use, read 2026-11).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

from connectors.allowances import PUBLISH
from connectors.answers import MESSAGE, body_of
from connectors.contract import Answer, Response, StepAnswerLost
from connectors.x_text import has_address
from foundation.money import Price

What = Literal["post", "link_post", "message", "delete", "post_read", "person_read", "message_read"]

REMOVE, UPDATES = "delete", "updates"
"""Steps that take away, and that ask what people wrote."""


@dataclass(frozen=True)
class Charges:
    """Minor units of `currency` for one of each; `linked` tells whether words hold an address."""

    name: str
    """What the platform is called everywhere."""
    currency: str
    each: Mapping[What, Decimal]
    linked: Callable[[str], bool]

    def post(self, words: str) -> What:
        """What a post of these words is."""
        return "link_post" if self.linked(words) else "post"

    def price(self, what: What) -> Price:
        """Of one of them."""
        return Price(self.each[what], self.currency)


CHARGES: Mapping[str, Charges] = {
    "x": Charges(
        "X",
        "USD",
        {
            "post": Decimal("1.5"),
            "link_post": Decimal(20),
            "message": Decimal("1.5"),
            "delete": Decimal(1),
            "post_read": Decimal("0.5"),
            "person_read": Decimal(1),
            "message_read": Decimal(1),
        },
        has_address,
    )
}
"""By platform. What X does not list (uploads, answers that are hidden, authors named beside a post) counts nothing."""


@runtime_checkable
class Metered(Protocol):
    """A platform that charges for what it tells to whoever listens."""

    def charged(self, cursor: str, answers: tuple[Answer, ...]) -> Mapping[What, int]:
        """How many of each the answers of a poll came to that began at `cursor`."""
        ...


def of(platform: str) -> Charges | None:
    """What a platform asks; None where programs post for nothing."""
    return CHARGES.get(platform)


def came_to(charges: Charges, answer: Answer, words: str) -> Mapping[What, int]:
    """How many of each a request came to; `words` are those it published.

    A post whose answer was lost counts as one: it may stand. What was refused or never left counts nothing. What
    listening came to is counted by whom it is asked of (`Metered`), since a platform tells the same thing many times.
    """
    if answer.step in (PUBLISH, MESSAGE):
        return {charges.post(words) if answer.step == PUBLISH else "message": 1} if _perhaps(answer) else {}
    if not isinstance(answer, Response) or not answer.ok or answer.step == UPDATES:
        return {}
    if answer.step == REMOVE:
        return {"delete": 1}
    found = list(_things(body_of(answer).get("data")))
    messages = sum("event_type" in one for one in found)
    posts, people = sum("text" in one for one in found), sum("username" in one for one in found)
    counted: dict[What, int] = {
        "post_read": 0 if messages else posts,
        "person_read": people,
        "message_read": messages,
    }
    return {what: count for what, count in counted.items() if count}


def _perhaps(answer: Answer) -> bool:
    """Whether it was taken in, as far as can be told."""
    if isinstance(answer, Response):
        return answer.ok or answer.status >= 500 or answer.status == 408
    return isinstance(answer, StepAnswerLost)


def _things(data: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in (data if isinstance(data, list) else [data]) if isinstance(one, dict))
