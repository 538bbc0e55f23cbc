"""How every request to Discord says who asks: `DiscordBot (address, version)`, or its edge may turn it away.

Source: https://docs.discord.com/developers/reference#user-agent
"""

from typing import Any

from connectors.contract import StepKind, WireStep
from foundation import telemetry

HOME = "https://greenroom.example"
"""Where this program is described: a name that nobody can own stands here until it has an address of its own."""

AGENT = {"user-agent": f"DiscordBot ({HOME}, {telemetry.release()})"}


def step(name: str, kind: StepKind, method: str, path: str, json: Any = None, **more: Any) -> WireStep:
    """One request as the bot; `more` are further fields of `WireStep`."""
    return WireStep(name, kind, method, path, json, headers=AGENT, **{"token": "bot", **more})
