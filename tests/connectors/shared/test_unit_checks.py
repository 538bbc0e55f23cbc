"""Custom emoji are rejected before anything is sent; standard emoji are text."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.connector import StepKind, WireStep
from connectors.contract.outcomes import Rejected
from connectors.platforms.discord.publisher import Discord
from connectors.platforms.mastodon.publisher import Mastodon
from connectors.transport import references
from foundation.ids import uuid7
from gate.contract.units import Subject, Text, Unit

UNIT = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "discord", "discord.guild_channel", uuid7(), "1:2:3", "public"
)  # fmt: skip
PLATFORMS: dict[str, tuple[Any, str]] = {
    "discord": (Discord(), "<:blob:123456789>"),
    "mastodon": (Mastodon(), ":blobcat:"),
}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("around", ["{}", "good morning {} to you", "{}\nsecond line"])
def test_custom_emoji_is_rejected_with_its_name(platform: str, around: str) -> None:
    connector, emoji = PLATFORMS[platform]
    unit = replace(UNIT, platform=platform, surface="", texts=(Text("body", around.format(emoji)),))
    for found in (connector.next_step(unit, ()), connector.edit(unit, "1", ())):
        assert isinstance(found, Rejected)
        assert (found.reason.code, found.reason.params["emoji"]) == (
            "connectors.custom_emoji",
            emoji,
        )
    plain = replace(unit, texts=(Text("body", around.format("❤️")),))
    assert not isinstance(connector.next_step(plain, ()), Rejected)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_transport_refuses_custom_emoji(platform: str) -> None:
    field = {"discord": "content", "mastodon": "status"}[platform]
    for text, code in ((PLATFORMS[platform][1], "egress.remote_reference"), ("❤️ 10:30:45", "")):
        step = WireStep("publish", StepKind.PUBLISH, "POST", "/x", {field: f"see {text} now"})
        assert references.stray_reference(step, platform, ()) == code
