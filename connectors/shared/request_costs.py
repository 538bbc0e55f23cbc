"""Costs of API requests as data, the charges of a response, and refusals that stop an application
until a member acts, for example by buying credits or updating Greenroom.

X charges per use: https://docs.x.com/x-api/getting-started/pricing (read 2026-11).
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
"""Name of the step that polls for messages. `REMOVE_STEP` is the name of the step that deletes a
post."""


@dataclass(frozen=True)
class PriceList:
    """The price of each kind of request in minor units of `currency`. `linked` returns True for a
    text with a URL."""

    name: str
    """Display name of the platform."""
    currency: str
    each: Mapping[RequestCostKind, Decimal]
    linked: Callable[[str], bool]

    def post_kind(self, words: str) -> RequestCostKind:
        """Return the kind of a post with this text."""
        return "link_post" if self.linked(words) else "post"

    def price_of(self, what: RequestCostKind) -> Price:
        """Return the price of one request of a kind."""
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
"""Price lists by platform. Requests that X does not list are free: uploads, hiding replies, and
authors expanded with a post."""


@runtime_checkable
class SupportsRequestCosts(Protocol):
    """A platform that charges for the data that a poll returns."""

    def count_poll_charges(
        self, cursor: str, answers: tuple[StepResult, ...]
    ) -> Mapping[RequestCostKind, int]:
        """Return the number of charged items, by kind, in the answers of a poll that began at
        `cursor`."""
        ...


def price_list_of(platform: str) -> PriceList | None:
    """Return the price list of a platform, or None if its API is free."""
    return PRICE_LISTS.get(platform)


def count_charges(
    charges: PriceList, answer: StepResult, words: str
) -> Mapping[RequestCostKind, int]:
    """Return the number of charged items of a request, by kind; `words` is the published text.

    A post whose answer was lost counts, because it may exist. Refused and unsent requests are free.
    Polls are counted by the connector (`SupportsRequestCosts`), since a platform returns the same
    item repeatedly.
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
        # Events of messages have a `text` too, so they are not counted as posts.
        "post_read": 0 if messages else posts,
        "person_read": people,
        "message_read": messages,
    }
    return {what: count for what, count in counted.items() if count}


def _is_possibly_accepted(answer: StepResult) -> bool:
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
"""Message codes of refusals that stop an application, by platform and status. All accounts of the
application pause and resume automatically."""


def app_stop_reason(platform: str, answer: StepResult) -> Message | None:
    """Return the message of a refusal that stops the application, or None."""
    return STOP_CODES.get(platform, {}).get(answer.status) if isinstance(answer, Response) else None


def is_app_running(platform: str, answer: StepResult) -> bool:
    """Return True if a response proves that an application that can be stopped is running."""
    return platform in STOP_CODES and isinstance(answer, Response) and answer.is_success
