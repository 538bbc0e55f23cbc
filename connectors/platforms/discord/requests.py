"""Requests to Discord with the required user agent `DiscordBot (URL, version)`. Discord's edge may
refuse others.

Source: https://docs.discord.com/developers/reference#user-agent
"""

from typing import Any

from connectors.contract.connector import StepKind, WireStep
from foundation.ops import telemetry

HOME = "https://greenroom.example"
"""The URL of the program in the user agent: a reserved domain until the project has a website."""

USER_AGENT = {"user-agent": f"DiscordBot ({HOME}, {telemetry.release_version()})"}


def bot_request(
    name: str, kind: StepKind, method: str, path: str, json: Any = None, **more: Any
) -> WireStep:
    """Return a request of the bot. `more` are further fields of `WireStep`."""
    return WireStep(name, kind, method, path, json, headers=USER_AGENT, **{"token": "bot", **more})
