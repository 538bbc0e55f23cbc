"""The dashboard in a real browser: sign-in link, Home in both languages, revocation within seconds,
no foreign requests."""

import pytest

from foundation.db.database import OpenScope
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door

LOCKED_SECONDS = 20.0
"""Five seconds for the refresh of the page, the rest for a busy machine."""


def enter(visitor: Visitor, door: Door, who: Agency, role: Role = Role.OWNER) -> None:
    """Open the sign-in link and press the button."""
    visitor.go(door.url + door.link(who, role))
    assert page_faults(visitor) == []
    visitor.page.keyboard.press("Enter")  # the button has the focus
    visitor.rest()


@pytest.fixture
def busy(tenant: OpenScope) -> Agency:
    """Return an agency with recent activity."""
    made = create_agency(tenant, mark="Lumière", demo=True)
    made.post(
        "Le matin au bord de l'eau", state="published", url="https://example.test/p/1", minutes=-3
    )
    made.post("Peut-être partie", state="uncertain", minutes=-1)
    made.post("Le soir, la ville", minutes=1.5)
    made.notice("gate.CONSENT_MISSING")
    made.notice("gate.PROHIBITED_MINOR", urgent=True)
    for back in range(0, 20, 2):
        made.sold(back, 1000 + 300 * back)
    return made


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_home_is_accessible_in_every_width_and_theme(
    chromium: Chromium, door: Door, busy: Agency, width: int, dark: bool
) -> None:
    with chromium.visitor(width, dark=dark) as visitor:
        enter(visitor, door, busy)
        visitor.shows("2 tâches requièrent votre attention")
        visitor.shows("secondes")
        assert page_faults(visitor, ".gr") == []
        assert visitor.complaints == []
        assert visitor.hosts == {door.url.removeprefix("http://")}


def test_chatter_home_is_english_without_money(
    chromium: Chromium, door: Door, busy: Agency
) -> None:
    with chromium.visitor(language="en") as visitor:
        enter(visitor, door, busy, Role.CHATTER)
        visitor.shows("No pending tasks")
        visitor.shows("assigned to other members")
        assert "€" not in visitor.text()
        assert visitor.run("document.documentElement.lang") == "en"


def test_page_of_revoked_session_is_emptied(chromium: Chromium, door: Door, busy: Agency) -> None:
    with chromium.visitor() as visitor:
        enter(visitor, door, busy)
        visitor.shows("Le soir, la ville")
        with busy.scope() as scope:
            sessions.revoke_sessions(scope, busy.members[Role.OWNER])
        visitor.shows("Vous êtes déconnecté", LOCKED_SECONDS)
        # the refresh that reports it also removes the content
        visitor.hides("Le soir, la ville", 1.0)
        visitor.go(door.url)
        visitor.shows("propriétaire de votre agence")
        assert "Le soir, la ville" not in visitor.text()


def test_member_signs_out(chromium: Chromium, door: Door, busy: Agency) -> None:
    with chromium.visitor() as visitor:
        enter(visitor, door, busy)
        visitor.page.locator('a[href="/auth/leave"]').click()
        visitor.shows("Se déconnecter de cet appareil")
        visitor.page.locator("button").click()
        visitor.shows("Vous êtes déconnecté")
        visitor.go(door.url)
        visitor.shows("Vous êtes déconnecté")


def test_home_refreshes_itself(chromium: Chromium, door: Door, busy: Agency) -> None:
    with chromium.visitor() as visitor:
        enter(visitor, door, busy)
        busy.notice("gate.RATING_MISSING")
        visitor.shows("3 tâches requièrent votre attention", LOCKED_SECONDS)


def test_press_counts_for_the_button_where_it_began(
    chromium: Chromium, door: Door, busy: Agency
) -> None:
    """The page is redrawn between mouse down and mouse up, and new content moves the button."""
    lost = busy.post("Reçue ou pas ?", state="uncertain")
    busy.notice("gate.RATING_MISSING", cause=f"delivery:{lost}")
    with chromium.visitor() as visitor:
        enter(visitor, door, busy)
        visitor.page.get_by_text("Examiner et décider").click()
        asked = visitor.hold("Pas en ligne : renvoyer…")
        before = asked.bounding_box()
        busy.notice("gate.CONSENT_MISSING", urgent=True)
        visitor.shows("4 tâches requièrent votre attention")
        visitor.rest()
        assert asked.bounding_box() != before
        visitor.page.mouse.up()
        visitor.shows("elle apparaîtra deux fois")
