"""What a platform asks for each request of a program, as data, and what an answer came to. Pure.

X bills what an application did: https://docs.x.com/x-api/getting-started/pricing (pay per use, read
2026-11).

Refusals that stop an application until somebody does something: credits are bought, Greenroom is
updated. Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

from connectors.contract.connector import Response, StepAnswerLost, StepResult
from connectors.shared.http_responses import MESSAGE_STEP, json_body
from connectors.shared.rate_limits import PUBLISH_STEP
from connectors.shared.text_counting import has_link
from foundation.i18n.translation import Message
from foundation.money import Price

RequestCostKind = Literal[
    "post", "link_post", "message", "delete", "post_read", "person_read", "message_read"
]

REMOVE_STEP = "delete"
UPDATES_STEP = "updates"
"""Steps that take away, and that ask what people wrote."""


@dataclass(frozen=True)
class PriceList:
    """Minor units of `currency` for one of each; `linked` tells whether words hold an address."""

    name: str
    """What the platform is called everywhere."""
    currency: str
    each: Mapping[RequestCostKind, Decimal]
    linked: Callable[[str], bool]

    def post_kind(self, words: str) -> RequestCostKind:
        """What a post of these words is."""
        return "link_post" if self.linked(words) else "post"

    def price_of(self, what: RequestCostKind) -> Price:
        """Of one of them."""
        return Price(self.each[what], self.currency)


PRICE_LISTS: Mapping[str, PriceList] = {
    "x": PriceList(
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
        has_link,
    )
}
"""By platform. What X does not list (uploads, answers that are hidden, authors named beside a post)
counts nothing."""


@runtime_checkable
class SupportsRequestCosts(Protocol):
    """A platform that charges for what it tells to whoever listens."""

    def count_poll_charges(
        self, cursor: str, answers: tuple[StepResult, ...]
    ) -> Mapping[RequestCostKind, int]:
        """How many of each the answers of a poll came to that began at `cursor`."""
        ...


def price_list_of(platform: str) -> PriceList | None:
    """What a platform asks; None where programs post for nothing."""
    return PRICE_LISTS.get(platform)


def count_charges(
    charges: PriceList, answer: StepResult, words: str
) -> Mapping[RequestCostKind, int]:
    """How many of each a request came to; `words` are those it published.

    A post whose answer was lost counts as one: it may stand. What was refused or never left counts
    nothing. What listening came to is counted by whom it is asked of (`Metered`), since a platform
    tells the same thing many times.
    """
    if answer.step in (PUBLISH_STEP, MESSAGE_STEP):
        return (
            {charges.post_kind(words) if answer.step == PUBLISH_STEP else "message": 1}
            if _is_possibly_accepted(answer)
            else {}
        )
    if not isinstance(answer, Response) or not answer.is_success or answer.step == UPDATES_STEP:
        return {}
    if answer.step == REMOVE_STEP:
        return {"delete": 1}
    found = list(_iter_entries(json_body(answer).get("data")))
    messages = sum("event_type" in one for one in found)
    posts = sum("text" in one for one in found)
    people = sum("username" in one for one in found)
    counted: dict[RequestCostKind, int] = {
        "post_read": 0 if messages else posts,
        "person_read": people,
        "message_read": messages,
    }
    return {what: count for what, count in counted.items() if count}


def _is_possibly_accepted(answer: StepResult) -> bool:
    """Whether it was taken in, as far as can be told."""
    if isinstance(answer, Response):
        return answer.is_success or answer.status >= 500 or answer.status == 408
    return isinstance(answer, StepAnswerLost)


def _iter_entries(data: Any) -> Iterator[Mapping[str, Any]]:
    yield from (
        one for one in (data if isinstance(data, list) else [data]) if isinstance(one, dict)
    )


STOP_CODES: Mapping[str, Mapping[int, Message]] = {
    "x": {402: Message("x.credits_gone")},  # https://docs.x.com/x-api/getting-started/pricing
    "fanvue": {410: Message("fanvue.version_gone")},  # https://api.fanvue.com/docs/versioning
}
"""What people are told, by platform and status; all accounts of the application wait meanwhile and
go on alone."""


def app_stop_reason(platform: str, answer: StepResult) -> Message | None:
    """What a refusal asks of people; None for any other answer."""
    return STOP_CODES.get(platform, {}).get(answer.status) if isinstance(answer, Response) else None


def is_app_running(platform: str, answer: StepResult) -> bool:
    """Whether an answer shows that an application that could be stopped is not."""
    return platform in STOP_CODES and isinstance(answer, Response) and answer.is_success
