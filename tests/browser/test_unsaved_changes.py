"""Unsaved changes in a real browser: leaving prompts first, and switching the language returns to
the composer."""

from tests.browser.chromium import Chromium
from tests.browser.test_dashboard import enter
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door


def test_unsaved_text_asks_before_the_language_changes(
    chromium: Chromium, door: Door, lumiere: Agency
) -> None:
    asked: list[str] = []
    with chromium.visitor() as visitor:
        enter(visitor, door, lumiere)
        visitor.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
        visitor.go(f"{door.url}/calendar?new=1")
        visitor.shows("Sélectionnez au moins un compte")
        visitor.rest()
        visitor.page.get_by_label("Texte", exact=True).click()
        visitor.page.keyboard.type("Une idée")
        visitor.page.get_by_role("button", name="English").click()
        visitor.shows("New post")
        assert visitor.page.url == f"{door.url}/calendar?new=1"
        assert asked == ["beforeunload"]
