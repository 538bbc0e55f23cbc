"""Every page: search by keyboard, help, first steps, language of the visitor, and short pages on a
phone. With GREENROOM_PICTURES=FOLDER, screenshots are written there."""

import os
from pathlib import Path

import pytest

from foundation.i18n.translation import LANGUAGES
from tenants.agencies.rights import Role
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import word

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
MAX_PHONE_HEIGHT = 2000
"""Maximum height of Home on a phone, in CSS pixels."""


def picture(visitor: Visitor, name: str) -> None:
    if PICTURES:
        visitor.picture(Path(PICTURES) / f"{name}.png")


@pytest.mark.parametrize("language", LANGUAGES)
def test_post_is_found_and_opened_by_keyboard(
    door: Door, chromium: Chromium, language: str
) -> None:
    who = create_agency(door.tenant, language=language)
    who.post("Un café à la plage", minutes=90)
    cookies = f"{door.cookie(who, Role.OWNER)} at {door.url}"
    with chromium.visitor(language=language, cookies=cookies) as visitor:
        visitor.go(f"{door.url}/team")
        visitor.rest()
        visitor.page.keyboard.press("Control+k")
        box = visitor.page.get_by_placeholder(word("search.placeholder", language))
        box.wait_for()
        visitor.shows(word("search.hint", language))
        visitor.page.wait_for_timeout(300)
        assert box.evaluate("one => one === document.activeElement"), "one can type at once"
        visitor.page.keyboard.type("cafe pla")
        visitor.shows("Un café à la plage")
        picture(visitor, f"search-{language}")
        assert page_faults(visitor, "[role=dialog]") == []
        visitor.page.keyboard.press("Tab")
        for _ in range(4):
            if visitor.run("document.activeElement.getAttribute('href') || ''"):
                break
            visitor.page.keyboard.press("Tab")
        visitor.page.keyboard.press("Enter")
        visitor.page.wait_for_url("**/calendar?post=*")
        visitor.rest()
        visitor.shows("Un café à la plage")
        assert visitor.complaints == []


def test_search_and_help_work_on_a_phone(door: Door, chromium: Chromium) -> None:
    who = create_agency(door.tenant)
    cookies = f"{door.cookie(who, Role.MANAGER)} at {door.url}"
    with chromium.visitor(390, 844, cookies=cookies) as visitor:
        visitor.go(f"{door.url}/calendar")
        visitor.rest()
        visitor.press(word("help.open", "fr"))
        visitor.shows("Le calendrier planifie les publications")
        assert page_faults(visitor, "[role=dialog]") == []
        picture(visitor, "help-390")
        visitor.page.keyboard.press("Escape")
        visitor.page.locator("[role=dialog]").wait_for(state="hidden")
        visitor.press(word("search.open", "fr"))
        visitor.page.get_by_placeholder(word("search.placeholder", "fr")).fill("mia")
        visitor.shows("Créateurs")
        assert visitor.overflow <= 0
        picture(visitor, "search-390")


def test_home_of_a_busy_agency_is_short_on_a_phone(door: Door, chromium: Chromium) -> None:
    who = create_agency(door.tenant)
    for number in range(9):
        who.post(f"Publication {number}", minutes=20 + number)
    for number in range(3):
        who.post(f"En direct {number}", minutes=-1 - number, state="published")
    who.notice("gate.CONSENT_MISSING")
    who.sold(0, 1250, orders=3)
    cookies = f"{door.cookie(who, Role.OWNER)} at {door.url}"
    with chromium.visitor(390, 844, cookies=cookies) as visitor:
        visitor.go(door.url)
        visitor.rest()
        visitor.shows("Premiers pas")
        height = int(visitor.run("document.querySelector('[data-testid=\"stMain\"]').scrollHeight"))
        assert height <= MAX_PHONE_HEIGHT
        picture(visitor, "home-390")
