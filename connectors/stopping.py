"""Refusals that stop an application until somebody does something: credits are bought, Greenroom is updated. Pure."""

from collections.abc import Mapping

from connectors.contract import Answer, Response
from foundation.words import Message

STOPS: Mapping[str, Mapping[int, Message]] = {
    "x": {402: Message("x.credits_gone")},  # https://docs.x.com/x-api/getting-started/pricing
    "fanvue": {410: Message("fanvue.version_gone")},  # https://api.fanvue.com/docs/versioning
}
"""What people are told, by platform and status; all accounts of the application wait meanwhile and go on alone."""


def stopped(platform: str, answer: Answer) -> Message | None:
    """What a refusal asks of people; None for any other answer."""
    return STOPS.get(platform, {}).get(answer.status) if isinstance(answer, Response) else None


def goes_on(platform: str, answer: Answer) -> bool:
    """Whether an answer shows that an application that could be stopped is not."""
    return platform in STOPS and isinstance(answer, Response) and answer.ok
