"""A fan of the sandbox who comes with the scene: asks whether Nova is a person, is told, and buys a pack. A script."""

import unicodedata
from datetime import datetime, timedelta
from urllib.parse import quote

from channels.reads import Channel
from workers.demo_cast import NOVA
from workers.sandbox_calls import control

WRITES = timedelta(seconds=45)
"""From the opening of Home to the first message."""

NAMES = ("Léo", "Inès", "Hugo", "Manon", "Karim", "Zoé", "Théo", "Jade", "Malik", "Clara", "Simon", "Lina")
"""Who comes: somebody new each time."""

WANTED = NOVA.packs[0]
"""The pack they ask for: 500 of test money."""

WORDS = (
    "Bonjour ! Tu es une vraie personne ?",
    f"D’accord, merci de le dire. Tu as le pack « {WANTED.title} » à me proposer ?",
)
READING, DECIDING = 1.0, 0.3
"""Seconds: to read both answers to the question, and to press a button."""


def fan_id(number: int, opened_at: datetime) -> str:
    """The fan's id on the sandbox; one for each opening."""
    plain = unicodedata.normalize("NFD", name(number)).encode("ascii", "ignore").decode().lower()
    return f"{plain}-{opened_at:%Y%m%d%H%M%S}"


def name(number: int) -> str:
    """What people read, of the scene of this number (from 0)."""
    return NAMES[number % len(NAMES)]


def play(channel: Channel, number: int, *, opened_at: datetime, now: datetime) -> None:
    """Let the fan act by themselves, from the second they are due on; once. Raises Unavailable without the sandbox."""
    account, fan = quote(channel.account, safe=""), fan_id(number, opened_at)
    said = control(channel.base_url, "GET", f"truth/{account}")["messages"]
    if any(message["fan"] == fan for message in said):
        return
    wait = max((opened_at + WRITES - now).total_seconds(), 0.0)
    control(channel.base_url, "POST", f"scripts/{account}/{fan}", {"steps": _script(name(number), wait)})


def _script(handle: str, wait: float) -> list[dict[str, object]]:
    first, second = WORDS
    return [
        {"type": "message", "text": first, "handle": handle, "language": "fr", "after": wait},
        {"type": "message", "text": second, "when": "reply", "after": READING},
        {"type": "button", "ref": "buy", "when": "button:buy", "after": DECIDING},
        {"type": "pay", "when": "invoice", "after": DECIDING},
    ]
