"""Scripted fans of the test network: they ask whether they talk to a human, and buy a pack."""

import unicodedata
from dataclasses import dataclass
from datetime import date, time, timedelta
from urllib.parse import quote

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from sandbox.client import call_control
from subscribers.history import fan_timeline
from workers.creator_day.shiftable_clock import CONVERSATION_STRIDE, ShiftableClock
from workers.creator_day.timeline import DAY_ACTOR, Timeline
from workers.wiring import Services

FAN_VISITS = ((time(11, 30), "Léo"), (time(18, 0), "Inès"))
"""The local times at which fans write, with their names."""

FAN_MESSAGES = {
    "fr": (
        "Bonjour ! Tu es une vraie personne ?",
        "D'accord, merci. Tu as un pack à me proposer ?",
    ),
    "en": ("Hello! Are you a real person?", "All right, thanks. Do you have a pack for me?"),
}
READING_SECONDS = 1.0
DECIDING_SECONDS = 0.3
"""Seconds that a fan takes to read the replies to a question, and to press a button."""

CONVERSATION_WAIT = timedelta(minutes=5)
"""Maximum duration of a conversation on the installation's clock; a longer one continues without
the day."""


@dataclass(frozen=True)
class ScriptedFan:
    """A fan, new on each day: `id` on the test network, and the displayed `name`."""

    id: str
    name: str


def fan_for_day(name: str, day: date) -> ScriptedFan:
    """Return the fan of that name for a day."""
    plain = unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().lower()
    return ScriptedFan(f"{plain}-{day:%Y%m%d}", name)


def play_fan(
    services: Services,
    channel: Channel,
    fan: ScriptedFan,
    language: str,
    *,
    clock: ShiftableClock,
    timeline: Timeline,
) -> bool:
    """Run the fan's script, once a day, and wait for the delivery of the pack; returns True if it
    was delivered.

    Raises Unavailable if the test network does not respond.
    """
    if _has_pack(services, channel, fan):
        return True
    if not _has_begun(channel, fan):
        timeline.print_line(clock.now(), "day.fan_plays", fan=fan.name)
        steps = {"steps": _compose_script(fan, language)}
        call_control(
            channel.base_url, "POST", f"scripts/{quote(channel.account, safe='')}/{fan.id}", steps
        )
    clock.wait_for(
        lambda: _is_over(services, channel, fan),
        at_most=CONVERSATION_WAIT,
        stride=CONVERSATION_STRIDE,
    )
    bought = _has_pack(services, channel, fan)
    if not bought:
        timeline.print_line(clock.now(), "day.fan_left", fan=fan.name)
    return bought


def _compose_script(fan: ScriptedFan, language: str) -> list[dict[str, object]]:
    first, second = FAN_MESSAGES[language]
    return [
        {"type": "message", "text": first, "handle": fan.name, "language": language},
        {"type": "message", "text": second, "when": "reply", "after": READING_SECONDS},
        {"type": "button", "ref": "buy", "when": "button:buy", "after": DECIDING_SECONDS},
        {"type": "pay", "when": "invoice", "after": DECIDING_SECONDS},
    ]


def _has_pack(services: Services, channel: Channel, fan: ScriptedFan) -> bool:
    with services.tenant(channel.tenant_id, DAY_ACTOR) as scope:
        return fan_timeline.count_packs_delivered(scope, channel.id, fan.id) > 0


def _is_over(services: Services, channel: Channel, fan: ScriptedFan) -> bool:
    """Return True if the fan owns the pack or the channel is no longer active."""
    with services.tenant(channel.tenant_id, DAY_ACTOR) as scope:
        lost = queries.get_channel(scope, channel.id).state != ChannelState.ACTIVE
    return lost or _has_pack(services, channel, fan)


def _has_begun(channel: Channel, fan: ScriptedFan) -> bool:
    """Return True if the fan has already written, before the day was interrupted: the test network
    continues the script on its own."""
    messages = call_control(channel.base_url, "GET", f"truth/{quote(channel.account, safe='')}")[
        "messages"
    ]
    return any(message["fan"] == fan.id for message in messages)
