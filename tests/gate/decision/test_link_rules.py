"""Links to our adult pages are adult links in any spelling; custom emoji count as unrated
references."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput
from gate.contract.custom_emoji import find_custom_emoji
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.permits import issuance
from gate.reviews import link_targets
from gate.reviews.link_targets import LinkOwner
from gate.text import urls
from tests.gate.builders import World, unit, world

HOST = "pages.example:8443"
ADULT = f"https://{HOST}/mia/18"
STRICT = ("instagram.post", "tiktok.post", "youtube.video")
WRITTEN = [
    f"look: {ADULT}",
    f"look: {ADULT}/p/abc?x=1",
    "look: HTTPS://PAGES.EXAMPLE:8443/mia/%31%38/",
    f"look: https://{HOST}//mia//18",
    f"look: {HOST}/mia/18",
    f"look: https://you@{HOST}/mia/18",
]


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> Iterator[World]:
    before = urls.own_hosts()
    urls.set_own_hosts((HOST,))
    yield world(tenant, tenant_id)
    urls.set_own_hosts(before)


def decide(here: World, text: str, place: str = "sandbox.post") -> issuance.Decision:
    with here.scope() as scope:
        whole = unit(here, text=text, platform=place.partition(".")[0], surface=place)
        return issuance.preview_decision(scope, whole, author="system:x")


@pytest.mark.parametrize("text", WRITTEN)
def test_link_to_own_adult_page_is_adult(here: World, text: str) -> None:
    for place in STRICT:
        assert Reason.LINK_ADULT_FORBIDDEN in decide(here, text, place).reasons
    found = decide(here, text)
    assert found.rating is Rating.S
    assert not {Reason.LINK_ADULT_FORBIDDEN, Reason.LINK_UNREGISTERED} & set(found.reasons)


@pytest.mark.parametrize("path", ["/mia", "/mia/p/abc", "/report"])
def test_link_to_other_own_pages_is_general(here: World, path: str) -> None:
    for place in ("sandbox.post", "instagram.post"):
        found = decide(here, f"look: https://{HOST}{path}", place)
        assert found.rating is Rating.G
        assert not {Reason.LINK_ADULT_FORBIDDEN, Reason.LINK_UNREGISTERED} & set(found.reasons)


def test_short_link_is_judged_by_its_target(here: World) -> None:
    assert Reason.LINK_UNREGISTERED in decide(here, f"look: https://{HOST}/l/bcfghjlmnpqrt").reasons


def test_own_adult_page_cannot_be_declared_general(here: World) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        with pytest.raises(BadInput) as refused:
            link_targets.declare_link_target(
                scope,
                here.creator_id,
                ADULT,
                owner=LinkOwner.OWN_PAGE,
                rating=Rating.G,
                adult=False,
            )
        assert refused.value.message.code == "link.adult_known"


EMOJI = {
    "discord": ["<:blob:123456789>", "hi <a:dance_1:99999> you", "a<:aa:12345>b"],
    "mastodon": [":blobcat:", "hi :a_b2: you", "(:heart_eyes:)", "x\n:verified:", "wow:) :aa:"],
}
NONE = {
    "discord": ["<3", "<:blob>", ":blob:", "<@123456789>", "12:30", "❤️"],
    "mastodon": ["10:30:45", "a:b:c", ":)", "::", "https://a.test:80:x", "note: this: that", "❤️"],
}


@pytest.mark.parametrize("platform", EMOJI)
def test_custom_emoji_are_references(here: World, platform: str) -> None:
    place = {"discord": "discord.guild_channel", "mastodon": "mastodon.post"}[platform]
    for text in EMOJI[platform]:
        assert find_custom_emoji(platform, [text])
        assert Reason.REMOTE_REFERENCE in decide(here, text, place).reasons
        assert Reason.REMOTE_REFERENCE not in decide(here, text).reasons
    for text in NONE[platform]:
        assert Reason.REMOTE_REFERENCE not in decide(here, text, place).reasons
