"""Approvals and Studio in a browser: one number in the menu, on Home and on the page; several
posts decided together; a hold with the link that resolves it; quick actions on images.

With GREENROOM_PICTURES=FOLDER, screenshots are written there, narrow and wide.
"""

import os
from pathlib import Path

import pytest

from foundation.i18n.translation import LANGUAGES
from gate.contract.units import Rating
from schedules.posts.states import DeliveryState
from tenants.agencies.rights import Role
from tests.browser.chromium import Chromium, Visitor
from tests.browser.test_every_page import axe
from tests.conftest import wait_until
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_page import asked, state, word
from tests.dashboard.pages.home.test_page import stopped

PICTURES = os.environ.get("GREENROOM_PICTURES", "")


def look(visitor: Visitor, name: str) -> None:
    if PICTURES:
        visitor.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def cookies(door: Door, who: Agency, role: Role = Role.OWNER) -> str:
    return f"{door.cookie(who, role)} at {door.url}"


@pytest.mark.parametrize(("language", "width"), zip(LANGUAGES, (1440, 390), strict=True))
def test_several_posts_are_decided_together(
    door: Door, chromium: Chromium, language: str, width: int
) -> None:
    who = create_agency(door.tenant, language=language)
    made = [asked(who, f"Post {number}", minutes=60 + number)[1] for number in range(3)]
    stopped(who, DeliveryState.HELD, "gate.CONSENT_MISSING")
    mine = word(
        "approvals.counted", language, what=word("dashboard.page.approvals", language), count=4
    )
    with chromium.visitor(width, language=language, cookies=cookies(door, who)) as visitor:
        visitor.go(door.url)
        visitor.shows(mine)
        visitor.shows(word("home.to_approve", language, count=3))
        look(visitor, f"home_{language}")
        visitor.page.locator('main a[href="/approvals?part=posts"]').first.click()
        visitor.shows(
            word("approvals.counted", language, what=word("approvals.posts", language), count=3)
        )
        visitor.page.get_by_text(word("approvals.several", language), exact=True).click()
        for number in (0, 1):
            label = word("approvals.several_mark", language, creator="Mia", post=f"Post {number}")
            visitor.page.get_by_text(label, exact=True).click()
        visitor.rest()
        assert visitor.button(word("approvals.several_now", language, count=2)).is_visible()
        look(visitor, f"several_{language}")
        assert axe(visitor) == []
        visitor.press(word("approvals.several_now", language, count=2))
        visitor.shows(word("approvals.approved_one", language))
        look(visitor, f"results_{language}")
        wait_until(lambda: state(who, made[1]) is DeliveryState.SCHEDULED, 20)
        visitor.go(f"{door.url}/approvals?part=holds")
        visitor.shows(word("gate.CONSENT_MISSING", language).split(". ")[0])
        look(visitor, f"hold_{language}")
        visitor.page.locator("a.gr-do").click()
        visitor.page.wait_for_url("**/people")
        assert visitor.complaints == []
    assert [state(who, one) for one in made] == [
        DeliveryState.SCHEDULED,
        DeliveryState.SCHEDULED,
        DeliveryState.DRAFT,
    ]


@pytest.mark.parametrize(("language", "width"), zip(LANGUAGES, (1440, 390), strict=True))
def test_image_is_archived_and_used_from_its_tile(
    door: Door, chromium: Chromium, language: str, width: int
) -> None:
    who = create_agency(door.tenant, language=language)
    shots = [picture(door, who, seed=number, rating=Rating.G) for number in range(4)]
    with chromium.visitor(width, language=language, cookies=cookies(door, who)) as visitor:
        visitor.go(f"{door.url}/studio")
        menu = visitor.page.get_by_role("button", name=word("studio.tile_actions", language))
        menu.first.scroll_into_view_if_needed()
        look(visitor, f"studio_{language}")
        assert axe(visitor) == []
        menu.first.click()
        visitor.page.get_by_text(word("studio.put_away", language), exact=True).last.click()
        visitor.shows(word("studio.shelved_away_one", language, count=1))
        visitor.page.get_by_role("tab", name=word("studio.tab.generate", language)).click()
        visitor.page.get_by_text(word("studio.examples", language)).click()
        visitor.shows(word("studio.example_use", language))
        look(visitor, f"examples_{language}")
        visitor.page.get_by_role("tab", name=word("studio.tab.library", language)).click()
        visitor.page.locator("a.gr-use").first.click()
        visitor.page.wait_for_url("**/calendar?new=1**")
        assert visitor.complaints == []
    assert len(shots) == 4
