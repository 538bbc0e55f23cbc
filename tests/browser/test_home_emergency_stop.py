"""A creator presses the emergency stop on Home, on a phone and on a desktop, in both languages.

With GREENROOM_PICTURES=FOLDER, screenshots of the pages are written there.
"""

import os
from pathlib import Path

import pytest

from dashboard.pages.home.page import REFRESH_INTERVAL
from foundation.i18n.translation import LANGUAGES
from tenants.agencies.rights import Role
from tests.browser.chromium import Chromium
from tests.browser.page_checks import page_faults
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import word

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
WIDTHS = {"fr": 390, "en": 1280}


@pytest.mark.parametrize("language", LANGUAGES)
def test_creator_stops_her_posts_from_home(door: Door, chromium: Chromium, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    who.post("bonjour")
    cookies = f"{door.cookie(who, Role.CREATOR)} at {door.url}"
    with chromium.visitor(WIDTHS[language], language=language, cookies=cookies) as visitor:
        visitor.go(door.url)
        visitor.press(word("system.stop", language))
        visitor.type(word("system.why", language), "stolen")
        visitor.page.wait_for_timeout(
            1000 * (int(REFRESH_INTERVAL.removesuffix("s")) + 1)
        )  # Home refreshes itself during this time
        assert visitor.page.get_by_label(word("system.why", language)).input_value() == "stolen"
        assert page_faults(visitor, "[data-testid=stPopoverBody]") == []
        if PICTURES:
            visitor.picture(Path(PICTURES) / f"home-stop-{language}.png")
        visitor.press(word("system.stop_now", language, whom="Mia"))
        visitor.shows(word("home.stopping", language, whom="Mia"))
    with who.scope() as scope:
        (wish,) = scope.run(
            "SELECT args FROM outbox WHERE tenant_id = :t AND kind = 'switch.set'", t=who.tenant_id
        )
        assert (wish.args["scope"], wish.args["reason"]) == ("creator", "stolen")
