"""A fan of the sandbox plays their part: asks, is told the truth, buys a pack. A script, and said so."""

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import ChannelState
from subscribers import journal
from workers.clockwork import TALKING, Clockwork
from workers.sandbox_calls import control
from workers.timeline import WATCHING, Timeline
from workers.wiring import Services

WORDS = {
    "fr": ("Bonjour ! Tu es une vraie personne ?", "D'accord, merci. Tu as un pack à me proposer ?"),
    "en": ("Hello! Are you a real person?", "All right, thanks. Do you have a pack for me?"),
}
READING, DECIDING = 1.0, 0.3
"""Seconds a fan takes: to read both answers to a question, and to press a button."""

PATIENCE = timedelta(minutes=5)
"""Of the house's time; a conversation that takes longer goes on without us."""


@dataclass(frozen=True)
class Fan:
    """Somebody new each day: `id` is the sandbox's, `name` what people read."""

    id: str
    name: str


def fan_of(name: str, day: date) -> Fan:
    """The fan of that name who comes on that day."""
    plain = unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().lower()
    return Fan(f"{plain}-{day:%Y%m%d}", name)


def play(
    services: Services, channel: Channel, fan: Fan, language: str, *, clock: Clockwork, timeline: Timeline
) -> bool:
    """Let the fan act, once a day, and wait until their pack is delivered; whether it was.

    Raises Unavailable when the sandbox does not answer.
    """
    if _owns(services, channel, fan):
        return True
    if not _has_begun(channel, fan):
        timeline.say(clock.now(), "day.fan_plays", fan=fan.name)
        steps = {"steps": _script(fan, language)}
        control(channel.base_url, "POST", f"scripts/{quote(channel.account, safe='')}/{fan.id}", steps)
    clock.wait_for(lambda: _is_over(services, channel, fan), at_most=PATIENCE, stride=TALKING)
    bought = _owns(services, channel, fan)
    if not bought:
        timeline.say(clock.now(), "day.fan_left", fan=fan.name)
    return bought


def _script(fan: Fan, language: str) -> list[dict[str, object]]:
    first, second = WORDS[language]
    return [
        {"type": "message", "text": first, "handle": fan.name, "language": language},
        {"type": "message", "text": second, "when": "reply", "after": READING},
        {"type": "button", "ref": "buy", "when": "button:buy", "after": DECIDING},
        {"type": "pay", "when": "invoice", "after": DECIDING},
    ]


def _owns(services: Services, channel: Channel, fan: Fan) -> bool:
    with services.tenant(channel.tenant_id, WATCHING) as scope:
        return journal.packs_delivered(scope, channel.id, fan.id) > 0


def _is_over(services: Services, channel: Channel, fan: Fan) -> bool:
    """Whether nothing more is to come: they own their pack, or the account was lost meanwhile."""
    with services.tenant(channel.tenant_id, WATCHING) as scope:
        lost = channel_reads.channel(scope, channel.id).state != ChannelState.ACTIVE
    return lost or _owns(services, channel, fan)


def _has_begun(channel: Channel, fan: Fan) -> bool:
    """Whether the fan has written already, when the day was interrupted: their script goes on by itself."""
    messages = control(channel.base_url, "GET", f"truth/{quote(channel.account, safe='')}")["messages"]
    return any(message["fan"] == fan.id for message in messages)
