"""Previews of a post in each platform's feed on the post page, wide and narrow, with options
changed there."""

from connectors.platforms.discord.ids import ChannelRef
from schedules.posts.states import DeliveryState
from tests.browser.installation import RunningAgency
from tests.browser.test_every_page import axe, picture
from tests.schedules.posts.test_channel_prices import NOWHERE

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
LONG = "\n".join(
    [
        "Le port, ce matin.",
        "Voir https://example.test/page et #mer",
        HOSTILE,
        *map(str, range(4, 41)),
    ]
)
PLACES = {
    "x": "post",
    "bluesky": "post",
    "mastodon": "registered",
    "instagram": "post",
    "telegram": "public_channel",
    "discord": "guild_channel",
    "reddit": "other",
}


def test_previews_follow_platform_and_changed_options(lea: RunningAgency) -> None:
    desk = lea.desk
    mark = str(desk.tenant_id)[-6:]
    accounts = {
        "discord": ChannelRef("1", "2", "3").account,
        "reddit": f"mia{mark}@lakes",
        "mastodon": f"{mark}@a.example",
    }
    for platform, surface in PLACES.items():
        place, account = f"{platform}.{surface}", accounts.get(platform, f"{platform}-{mark}")
        desk.connect_to(
            platform, account=account, token="t", platform=platform, surface=place, base_url=NOWHERE
        )
    post_id = desk.write(LONG, title="Au port", media=tuple(desk.photo(one) for one in range(1, 4)))
    deliveries = [desk.wish(post_id, one, after=86400) for one in PLACES]
    desk.approve(post_id)
    with lea.visitor(f"/calendar?post={post_id}", desk.author) as anne:
        anne.shows("Aperçu par compte")
        anne.rest()
        look = {
            one: anne.page.get_by_role("article", name=f"Aperçu sur {one}", exact=True)
            for one in PLACES
        }
        for width in (1280, 390):
            anne.size(width)
            anne.rest()
            picture(anne, f"looks_{width}", width, 900)
            assert anne.overflow <= 0, width
        assert axe(anne) == []
        anne.size(1280)
        assert "40" not in look["bluesky"].locator(".gr-post-words").first.inner_text().split("\n")
        look["bluesky"].get_by_text("… plus").click()
        assert "40" in look["bluesky"].inner_text().split("\n")
        assert look["discord"].get_by_text("APP", exact=True).count() == 1
        assert look["instagram"].locator(".gr-strip .gr-shot").count() == 3
        assert all(
            HOSTILE in look[one].inner_text() for one in ("x", "mastodon", "telegram", "reddit")
        )
        assert look["reddit"].get_by_text("Masqué jusqu’à l’appui").count() == 0
        anne.page.get_by_text("Options pour reddit").click()
        anne.choose("Marquer comme spoiler", "Oui")
        form = anne.page.locator('[data-testid="stForm"]', has_text="Marquer comme spoiler")
        form.get_by_role("button", name="Enregistrer les options").click()
        anne.shows("de nouveau en attente de validation")
        anne.rest()
        look["reddit"].get_by_text("Masqué jusqu’à l’appui").wait_for()
        assert anne.page.title() not in ("1", "2")
    assert {desk.state(one) for one in deliveries} == {DeliveryState.DRAFT}
