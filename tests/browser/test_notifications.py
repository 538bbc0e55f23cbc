"""Notifications in a browser: the bell counts on every page, opens the remedy, and is refreshed; the
settings work on a phone."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from foundation.i18n.translation import Message
from insights.alerts.states import AlertKind
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.notices import member_notices, notices
from tests.browser.chromium import Chromium, Visitor
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.notifications.test_alerts import open_alert

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
SERIOUS = {"serious", "critical"}


def put(who: Agency, cause: str, code: str, **params: str | int) -> None:
    with who.scope() as scope:
        notices.put(
            scope, Message(code, params), cause=cause, urgent=True, creator_id=who.creator_id
        )


def unread(who: Agency, role: Role = Role.OWNER) -> int:
    with who.scope() as scope:
        return member_notices.count_unread(scope, tenant_reads.get_member(scope, who.members[role]))


def picture(visitor: Visitor, name: str) -> None:
    if PICTURES:
        visitor.picture(Path(PICTURES) / f"{name}.png")


def open_page(visitor: Visitor, url: str) -> None:
    visitor.go(url)
    visitor.rest()


def check_access(visitor: Visitor) -> None:
    found = [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in Axe().run(visitor.page).response["violations"]
        if one["impact"] in SERIOUS and one["id"] not in {"list", "listitem"}
    ]
    assert not found, "\n".join(found)


def test_bell_counts_opens_the_remedy_and_marks_everything_read(
    door: Door, lumiere: Agency, chromium: Chromium
) -> None:
    delivery = lumiere.post("Canary à la plage", state="failed")
    put(lumiere, f"delivery:{delivery}", "state.delivery.failed")
    put(lumiere, "channel:1", "channel.notice_gone", account="@mia")
    with chromium.visitor(cookies=f"{door.cookie(lumiere)} at {door.url}") as visitor:
        open_page(visitor, f"{door.url}/team")
        bell = visitor.page.get_by_role("button", name="Notifications 2")
        bell.click()
        visitor.shows("Canary à la plage")
        visitor.shows("Tout marquer comme lu")
        picture(visitor, "bell-wide")
        check_access(visitor)
        visitor.page.locator("a", has_text="@mia").first.click()
        visitor.page.wait_for_url("**/channels*")
        visitor.rest()
        assert unread(lumiere) == 1
        visitor.page.get_by_role("button", name="Notifications 1").click()
        visitor.press("Tout marquer comme lu")
        visitor.page.get_by_role("button", name="Notifications", exact=True).wait_for()
        assert unread(lumiere) == 0
        assert not visitor.complaints, visitor.complaints


@pytest.mark.parametrize(("role", "save"), [(Role.OWNER, "Enregistrer"), (Role.CHATTER, "Save")])
def test_settings_and_items_fit_a_phone(
    door: Door, lumiere: Agency, chromium: Chromium, role: Role, save: str
) -> None:
    put(lumiere, "chat:1", "chat.unreadable")
    with chromium.visitor(390, 844, cookies=f"{door.cookie(lumiere, role)} at {door.url}") as seen:
        open_page(seen, f"{door.url}/notifications")
        assert seen.page.get_by_role("button", name="Notifications 1").is_visible()
        picture(seen, f"items-phone-{role}")
        assert seen.overflow <= 0
        check_access(seen)
        open_page(seen, f"{door.url}/notifications?section=settings")
        picture(seen, f"settings-phone-{role}")
        assert seen.overflow <= 0
        check_access(seen)
        seen.press(save)
        seen.shows(
            "Réglages des notifications enregistrés" if role is Role.OWNER else "settings saved"
        )
        seen.size(1440)
        seen.rest()
        picture(seen, f"settings-wide-{role}")
        seen.go(f"{door.url}/auth/push")
        picture(seen, f"push-wide-{role}")
        check_access(seen)


def test_alerts_are_acknowledged_and_rules_added_on_a_phone(
    door: Door, lumiere: Agency, chromium: Chromium
) -> None:
    open_alert(lumiere, metric="net")
    open_alert(lumiere, AlertKind.WAITING_CHATS)
    with chromium.visitor(390, 844, cookies=f"{door.cookie(lumiere)} at {door.url}") as seen:
        open_page(seen, f"{door.url}/notifications?section=alerts")
        seen.shows("50 % sous le niveau attendu")
        picture(seen, "alerts-phone")
        assert seen.overflow <= 0
        check_access(seen)
        seen.page.get_by_role("button", name="Prendre en charge").first.click()
        seen.shows("prise en charge par")
        seen.choose("Modifier une règle", "Ajouter une règle")
        seen.shows("Que vérifier")
        seen.rest()
        picture(seen, "alert-rule-phone")
        assert seen.overflow <= 0
        check_access(seen)
        seen.press("Ajouter la règle")
        seen.shows("Règle d’alerte ajoutée")
        seen.size(1440)
        open_page(seen, f"{door.url}/notifications?section=alerts")
        picture(seen, "alerts-wide")
        assert not seen.complaints, seen.complaints
    with chromium.visitor(cookies=f"{door.cookie(lumiere, Role.ACCOUNTANT)} at {door.url}") as seen:
        open_page(seen, f"{door.url}/notifications?section=alerts")
        picture(seen, "alerts-accountant-wide")
        assert seen.page.get_by_role("button", name="Acknowledge").count() == 0
        check_access(seen)
