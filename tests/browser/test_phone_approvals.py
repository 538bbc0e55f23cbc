"""Approvals on a phone with a width of 390 pixels: a swipe approves, another one asks for changes,
and all pages show the same number."""

from schedules.posts.states import DeliveryState
from tests.browser.chromium import Chromium, Visitor
from tests.browser.test_every_page import axe
from tests.browser.test_phone import come_in, look
from tests.conftest import wait_until
from tests.dashboard.phone.conftest import (  # noqa: F401  fixtures
    address,
    home,
    lea,
    running,
    sandbox,
    services,
)
from tests.schedules.builders import SandboxAgency

HOUR = 3600.0


def swipe(visitor: Visitor, x: int) -> None:
    """Move the top card by a number of pixels."""
    box = visitor.page.locator("#cards > article").first.locator("h2").bounding_box()
    assert box is not None
    at = (box["x"] + 60, box["y"] + 8)
    visitor.page.mouse.move(*at)
    visitor.page.mouse.down()
    visitor.page.mouse.move(at[0] + x, at[1], steps=5)
    visitor.page.mouse.up()


def test_posts_are_decided_by_swiping(
    chromium: Chromium,
    lea: SandboxAgency,  # noqa: F811  the fixture
    address: str,  # noqa: F811  the fixture
) -> None:
    posts = [lea.write(f"Publication {number}", media=(lea.photo(number),)) for number in range(3)]
    first, second, third = (
        lea.wish(post_id, after=HOUR * (number + 1)) for number, post_id in enumerate(posts)
    )
    with chromium.visitor(390, 844) as visitor:
        come_in(visitor, lea, address)
        visitor.shows("3 publications en attente de validation.")
        visitor.page.locator("a[href='/phone/approvals']").tap()
        visitor.shows("Balayez vers la droite")
        visitor.shows("Publication 0")
        assert "Publication 1" not in visitor.page.locator("main").inner_text()
        assert axe(visitor) == []
        assert not visitor.page.locator("#undo").is_visible()
        look(visitor, "approvals")
        swipe(visitor, 30)  # Too short to count as a swipe.
        swipe(visitor, 150)
        visitor.shows("2 publications en attente")
        visitor.shows("Publication 1")
        wait_until(lambda: lea.state(first) is DeliveryState.SCHEDULED, 20)
        visitor.page.locator("#undo button").tap()
        visitor.shows("3 publications en attente")
        wait_until(lambda: lea.state(first) is DeliveryState.DRAFT, 20)
        swipe(visitor, 150)
        visitor.shows("Publication 1")
        swipe(visitor, -150)
        visitor.page.get_by_label("Commentaire").first.fill("Autre image")
        look(visitor, "approvals_change")
        visitor.page.get_by_role("button", name="Envoyer la demande").first.tap()
        visitor.shows("Publication 2")
        visitor.page.keyboard.press("ArrowRight")
        visitor.shows("Aucune publication en attente de validation.")
        visitor.go(f"{address}/phone")
        visitor.shows("Aucune publication en attente de validation.")
        assert visitor.complaints == []
    assert [lea.state(one) for one in (first, second, third)] == [
        DeliveryState.SCHEDULED,
        DeliveryState.DRAFT,
        DeliveryState.SCHEDULED,
    ]
