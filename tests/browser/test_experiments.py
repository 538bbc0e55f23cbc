"""Best times, experiments and forecasts of posts in a real browser, wide and on a phone."""

from dataclasses import replace

import pytest

from subscribers.replies import persona, script_tests
from tests.browser.chromium import Chromium
from tests.browser.page_checks import page_faults
from tests.browser.test_dashboard import enter
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.analytics.test_posting_views import running
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.pages.queue.test_best_times import past, peak

MAIN = '[data-testid="stMain"] .gr'


@pytest.fixture
def measured(lumiere: Agency) -> Agency:
    """Return an agency with measured posts and two versions of a persona."""
    channel_id = connected(lumiere)
    past(lumiere, channel_id, *peak(150, effect=1.2))
    running(lumiere, channel_id, 20)
    with lumiere.scope() as scope:
        first = replace(persona.default_persona("Mia", "virtual", ["fr"]), voice="Calme")
        made = persona.create_persona_version(scope, lumiere.creator_id, first)
        persona.activate_persona(scope, made)
        other = replace(first, greeting="Bonjour !")
        persona.create_persona_version(scope, lumiere.creator_id, other)
    return lumiere


@pytest.mark.parametrize("width", [1440, 390])
def test_member_reads_best_times_and_starts_a_test_of_scripts(
    chromium: Chromium, door: Door, measured: Agency, width: int
) -> None:
    with chromium.visitor(width) as visitor:
        enter(visitor, door, measured)
        visitor.go(f"{door.url}/insights?view=best_time")
        visitor.shows("Par rapport à l’habitude")
        visitor.page.locator("[data-testid=stVegaLiteChart]").first.wait_for()
        assert visitor.overflow == 0
        assert page_faults(visitor, MAIN) == []
        visitor.go(f"{door.url}/insights?view=post_forecasts")
        visitor.shows("Données insuffisantes")
        visitor.go(f"{door.url}/insights?view=experiments")
        visitor.shows("Aucun test de scripts du bot")
        visitor.page.get_by_text("Nouveau test de scripts du bot").click()
        visitor.choose("Versions à comparer à la persona active", "Version 2 (brouillon)")
        visitor.page.keyboard.press("Escape")
        visitor.press("Lancer le test de scripts")
        visitor.shows("Fans encore nécessaires")
        assert visitor.overflow == 0
        assert page_faults(visitor, MAIN) == []
        assert visitor.complaints == []
    with measured.scope() as scope:
        (test,) = script_tests.list_script_tests(scope, [measured.creator_id])
    assert test.ended_at is None
