"""The connect form in a real browser: a refused server address stays, with its reason below it."""

import pytest

from foundation.i18n.translation import Message, render_message
from tests.browser.chromium import Chromium
from tests.browser.test_dashboard import enter
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door

TYPED = {"handle": "mia.example", "app_password": "abcd-efgh-ijkl-mnop", "server": "ftp://pds"}

BELOW = """
([label, reason]) => {
  const of = [...document.querySelectorAll('input')].find(e => e.ariaLabel === label);
  const field = of.getBoundingClientRect();
  const alert = [...document.querySelectorAll('[data-testid="stMain"] [data-testid="stAlert"]')]
    .find(e => e.textContent.includes(reason)).getBoundingClientRect();
  return alert.top >= field.bottom && alert.top - field.bottom < 60;
}
"""
"""True if the alert with the reason stands directly below the field."""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_refused_server_address_keeps_what_was_typed(
    chromium: Chromium, door: Door, language: str
) -> None:
    def text(code: str) -> str:
        return render_message(Message(code), language)

    agency = create_agency(door.tenant, language=language)
    with chromium.visitor(language=language) as visitor:
        enter(visitor, door, agency)
        visitor.go(f"{door.url}/channels?connect=1")
        visitor.page.get_by_text("Bluesky", exact=False).first.click()
        visitor.shows(text("connect.bluesky.handle"))
        for name, value in TYPED.items():
            visitor.type(text(f"connect.bluesky.{name}"), value)
        visitor.press(text("channels.connect_now"))
        visitor.shows(text("enrolment.address_refused"))
        for name, value in TYPED.items():
            field = visitor.page.get_by_label(text(f"connect.bluesky.{name}"), exact=True)
            assert field.input_value() == value, name
        places = [text("connect.bluesky.server"), text("enrolment.address_refused")]
        assert visitor.page.evaluate(BELOW, places)
