"""Passkeys in a real browser with a virtual authenticator: added, used to sign in, unusable for
other origins.

With GREENROOM_PICTURES=FOLDER, screenshots of the pages are written there.
"""

import os
import re
from pathlib import Path

import pytest

from foundation.i18n.translation import LANGUAGES
from gate.policy import emergency_stops
from tenants.agencies.rights import Role
from tenants.auth import passkeys, sessions
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.browser.virtual_authenticator import add_virtual_authenticator
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import word

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
WHOLE = """
(() => { const code = document.querySelector('.code svg'), page = code.getBoundingClientRect();
  return [...code.querySelectorAll('path')].every(drawn => { const box = \
drawn.getBoundingClientRect();
    return box.width > 100 && box.right <= page.right + 1 && box.bottom <= page.bottom + 1; }); })()
"""
WIDTHS = {"fr": 1280, "en": 390}


def look(visitor: Visitor, name: str) -> None:
    """Check the accessibility of the page and save a screenshot if requested."""
    assert page_faults(visitor) == []
    if PICTURES:
        visitor.picture(Path(PICTURES) / f"passkeys-{name}.png")


@pytest.mark.parametrize("language", LANGUAGES)
def test_passkey_is_added_used_and_removed(door: Door, chromium: Chromium, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    cookies = f"{door.cookie(who)} at {door.url}"
    with chromium.visitor(WIDTHS[language], language=language, cookies=cookies) as visitor:
        device = add_virtual_authenticator(visitor)
        visitor.go(f"{door.url}/auth/passkeys")
        look(visitor, f"{language}-none")
        visitor.type(word("passkey.name", language), "Mon téléphone")
        visitor.press(word("passkey.add", language))
        visitor.shows(word("passkey.told_added", language))
        visitor.shows("Mon téléphone")
        look(visitor, f"{language}-one")
        assert len(device.all()) == 1
        visitor.page.context.clear_cookies()
        visitor.go(f"{door.url}/auth/login")
        look(visitor, f"{language}-sign-in")
        device.shows_who(False)
        visitor.press(word("passkey.enter", language))
        visitor.shows(word("passkey.cancelled", language))
        device.shows_who(True)
        visitor.page.context.set_offline(True)
        visitor.press(word("passkey.enter", language))
        visitor.shows(word("passkey.no_answer", language))
        visitor.page.context.set_offline(False)
        visitor.press(word("passkey.enter", language))
        visitor.rest()
        visitor.go(f"{door.url}/auth/passkeys")
        visitor.press(word("passkey.remove", language))
        visitor.shows(word("passkey.told_removed", language))
        visitor.page.context.clear_cookies()
        visitor.go(f"{door.url}/auth/login")
        visitor.press(word("passkey.enter", language))
        visitor.shows(word("passkey.wrong", language))


def test_guest_signs_in_with_a_passkey_instead_of_a_code(door: Door, chromium: Chromium) -> None:
    who = create_agency(door.tenant, language="en")
    with chromium.visitor(390, language="en") as visitor:
        device = add_virtual_authenticator(visitor)
        visitor.go(door.url + door.link(who, Role.GUEST))
        visitor.press(word("dashboard.enter", "en"))
        look(visitor, "guest-first")
        assert visitor.run(WHOLE), "the QR code is cut off"
        visitor.press(word("passkey.set_up", "en"))
        visitor.rest()
        visitor.page.context.clear_cookies()
        visitor.go(door.url + door.link(who, Role.GUEST))
        visitor.press(word("dashboard.enter", "en"))
        look(visitor, "guest-again")
        assert word("second.code", "en") not in visitor.text()
        visitor.press(word("passkey.enter", "en"))
        visitor.rest()
        visitor.go(f"{door.url}/auth/passkeys")
        visitor.press(word("passkey.remove", "en"))
        visitor.shows(word("passkey.last", "en"))
        assert len(device.all()) == 1


def test_passkey_is_unusable_for_another_origin(door: Door, chromium: Chromium) -> None:
    """A page of another origin cannot request the passkey, and its form is refused."""
    who = create_agency(door.tenant, language="en")
    with chromium.visitor(language="en", cookies=f"{door.cookie(who)} at {door.url}") as visitor:
        device = add_virtual_authenticator(visitor)
        visitor.go(f"{door.url}/auth/passkeys")
        visitor.type(word("passkey.name", "en"), "Phone")
        visitor.press(word("passkey.add", "en"))
        visitor.shows(word("passkey.told_added", "en"))
        asked = visitor.run(
            "fetch('/auth/passkey/ask', {method: 'POST', body: JSON.stringify({act: "
            "'enter'})}).then(a => a.json())"
        )["options"]
        elsewhere = door.url.replace("localhost", "127.0.0.1")
        visitor.go(f"{elsewhere}/auth/login")
        wanted = (
            "(async () => { try { await navigator.credentials.get({publicKey: {challenge: new "
            "Uint8Array(32),"
            f" rpId: '{asked['rpId']}'}}}}); return 'given'; }} catch (e) {{ return e.name; }} "
            "})()"
        )
        assert visitor.run(wanted) == "SecurityError"
        assert len(device.all()) == 1
    with door.client() as stranger:
        for path in ("/auth/passkey/ask", "/auth/passkey/answer"):
            answer = stranger.post(
                path, json={"act": "enter"}, headers={"origin": "https://evil.example"}
            )
            assert (answer.status_code, "options" in answer.text) == (403, False)


def test_one_member_ends_a_wide_stop_with_a_passkey(door: Door, chromium: Chromium) -> None:
    who = create_agency(door.tenant, language="fr")
    with who.scope(who.act_as(Role.OWNER)) as scope:
        emergency_stops.close_switch(scope, "tenant", "", "sending", reason="essai")
    with chromium.visitor(390, cookies=f"{door.cookie(who)} at {door.url}") as visitor:
        add_virtual_authenticator(visitor)
        visitor.go(f"{door.url}/auth/passkeys")
        visitor.type(word("passkey.name"), "Téléphone")
        visitor.press(word("passkey.add"))
        visitor.shows(word("passkey.told_added"))
        visitor.go(f"{door.url}/settings?section=stop")
        visitor.rest()
        visitor.page.get_by_text(word("passkey.reopen_link")).first.click()
        visitor.shows(word("passkey.reopen_now"))
        look(visitor, "reopen")
        visitor.type(word("system.why_reopen"), "fausse alerte")
        visitor.press(word("passkey.reopen_now"))
        visitor.page.wait_for_url(re.compile(r"/settings\?section=stop$"))
    with who.scope(who.act_as(Role.OWNER)) as scope:
        (wish,) = scope.run(
            "SELECT args FROM outbox WHERE tenant_id = :t AND kind = 'switch.set'", t=who.tenant_id
        )
        about = emergency_stops.reopen_signing_text("tenant", "", "sending", "fausse alerte")
        assert passkeys.consume_signature(
            scope, sessions.UUID(wish.args["signed"]), act=emergency_stops.REOPEN_ACT, about=about
        )
