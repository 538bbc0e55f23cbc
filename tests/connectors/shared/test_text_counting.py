"""The character count displayed in the editor is the one by which the connector rejects."""

from dataclasses import replace

import pytest

from connectors.contract.connector import Connector, SupportsTextCount
from connectors.contract.outcomes import Rejected
from connectors.platforms.bluesky.record import record_key
from connectors.platforms.discord.ids import ChannelRef
from connectors.registry.loader import load_connectors
from foundation.ids import uuid7
from foundation.ops.clock import wall_now
from gate.contract.units import Medium, Subject, Text, Unit

FAMILY = "👨‍👩‍👧‍👦"
ACCOUNTS = {
    "bluesky": "did:plc:mia",
    "byhand": "mia",
    "discord": ChannelRef("1", "2", "3").account,
    "mastodon": "109@social.example",
    "reddit": "mia@lakes",
    "telegram": "mia_bot",
    "threads": "17",
    "tiktok": "open-id-1#SELF_ONLY",
    "x": "42",
    "youtube": "UCmia",
}
FILMS = {"tiktok", "youtube"}  # platforms that require a video
# platforms that would otherwise take the first line as the title
TITLES = {"youtube": (Text("title", "A film"),)}
COUNTING = {
    name: one for name, one in load_connectors().items() if isinstance(one, SupportsTextCount)
}
PICTURE = Medium("a" * 64, "image/png", 100, alt="a lake", ai="none", width=64, height=64)
FILM = Medium("b" * 64, "video/mp4", 100, alt="a lake", ai="none", width=64, height=64)


def unit(connector: Connector, text: str, media: tuple[Medium, ...] = ()) -> Unit:
    can = connector.capabilities
    return Unit(
        tenant_id=uuid7(),
        creator_id=uuid7(),
        subject=Subject("delivery", uuid7()),
        platform=can.platform,
        surface=f"{can.platform}.{can.surfaces[0]}",
        channel_id=uuid7(),
        account=ACCOUNTS[can.platform],
        audience="public",
        texts=(Text("body", text), *TITLES.get(can.platform, ())),
        media=media if can.platform not in FILMS else (FILM,),
        destination="-1001",
        native_key=record_key("k", wall_now()),
    )


def test_every_counting_connector_is_tested() -> None:
    assert COUNTING.keys() == ACCOUNTS.keys()


@pytest.mark.parametrize("media", [(), (PICTURE,)], ids=["text", "picture"])
@pytest.mark.parametrize("text", ["x", FAMILY, "é", "https://a.example/" + "y" * 40 + " "])
@pytest.mark.parametrize("name", sorted(COUNTING))
def test_connector_rejects_by_the_displayed_count(
    name: str, text: str, media: tuple[Medium, ...]
) -> None:
    connector = COUNTING[name]
    one = connector.count_text(unit(connector, text, media))[0]
    most = connector.count_text(unit(connector, "x", media))[1]
    fits = unit(connector, text * (most // one) + "x" * (most % one), media)
    over = replace(fits, texts=(Text("body", fits.text_of("body") + "x"), *fits.texts[1:]))
    assert connector.count_text(fits) == (most, most)
    assert connector.count_text(over)[0] > most
    taken = connector.next_step(fits, ())
    assert not isinstance(taken, Rejected) or taken.reason.code == "connectors.text_too_heavy", (
        "the byte limit is separate"
    )
    refused = connector.next_step(over, ())
    assert isinstance(refused, Rejected)
    told = refused.reason.params
    assert told.get("length", told.get("size")) == most + 1
