"""How every request to Discord says who asks: `DiscordBot (address, version)`, or its edge may turn
it away.

Source: https://docs.discord.com/developers/reference#user-agent
"""

from typing import Any

from connectors.contract.connector import StepKind, WireStep
from foundation.ops import telemetry

HOME = "https://greenroom.example"
"""Where this program is described: a name that nobody can own stands here until it has an address
of its own."""

USER_AGENT = {"user-agent": f"DiscordBot ({HOME}, {telemetry.release_version()})"}


def bot_request(
    name: str, kind: StepKind, method: str, path: str, json: Any = None, **more: Any
) -> WireStep:
    """One request as the bot; `more` are further fields of `WireStep`."""
    return WireStep(name, kind, method, path, json, headers=USER_AGENT, **{"token": "bot", **more})
