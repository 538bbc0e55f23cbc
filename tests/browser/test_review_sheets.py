"""A review sheet in a real browser: it can be decided once all pictures were shown, and with the
keyboard alone.

With GREENROOM_PICTURES=FOLDER, screenshots of the sheet are written there, narrow and wide.
"""

import json
import os
from pathlib import Path

import pytest

from foundation.i18n.translation import LANGUAGES
from gate.contract.units import Rating
from gate.reviews import content_reviews
from studio.library import assets as library
from tenants.agencies.rights import Role
from tests.browser.chromium import Chromium, Visitor
from tests.browser.test_every_page import axe
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.pages.approvals.test_review_sheets import looked, sheet

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
ROLL = """
() => { const shots = document.querySelectorAll('.gr-shot img');
  window.rolled = ((window.rolled || 0) + 1) % shots.length; \
shots[window.rolled].scrollIntoView(); return true; }
"""
"""Scroll to the next picture: pictures are loaded when they come into view, and the page is redrawn
in between."""

WIDTHS = {"fr": 1440, "en": 390}


@pytest.mark.parametrize("language", LANGUAGES)
def test_sheet_is_viewed_and_approved_by_keyboard(
    door: Door, chromium: Chromium, language: str
) -> None:
    who = create_agency(door.tenant, language=language)
    assets = sheet(door, who, 8)
    old = picture(door, who, seed=40, rating=Rating.N)
    with who.scope(role="gate") as scope:
        looks = (
            "UPDATE renditions SET phash = '00000000000000ff' WHERE tenant_id = :t AND sha256 = "
            "ANY(:some)"
        )
        scope.run(
            looks,
            t=who.tenant_id,
            some=[library.get_asset(scope, one).sha256 for one in (old, assets[2])],
        )
    with who.scope(who.act_as(Role.MANAGER)) as scope:
        content_reviews.review_bytes(scope, library.get_asset(scope, old).sha256, verdict="refuse")
    cookies = f"{door.cookie(who)} at {door.url}"
    with chromium.visitor(WIDTHS[language], language=language, cookies=cookies) as visitor:
        visitor.go(f"{door.url}/approvals")
        visitor.shows(word("sheets.shown", language, count=0, total=8))
        _keep(visitor, f"{language}-blurred")
        visitor.page.keyboard.press("p")
        said = word("sheets.shown", language, count=8, total=8)
        visitor.until(f"({ROLL})() && document.body.innerText.includes({json.dumps(said)})")
        _keep(visitor, f"{language}-clear")
        assert visitor.overflow <= 0
        visitor.page.keyboard.press("a")
        visitor.shows(word("approvals.nothing", language)[:20])
    assert looked(who, assets) == ["approve"] * 8


def _keep(visitor: Visitor, name: str) -> None:
    visitor.rest()
    assert axe(visitor) == []
    if PICTURES:
        visitor.picture(Path(PICTURES) / f"sheet-{name}.png")
