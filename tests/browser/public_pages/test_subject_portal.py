"""Shoot cards in a real browser: signed with two presses in the subject portal, and withdrawn."""

import os
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium
from tests.browser.page_checks import page_faults
from tests.web.builders import CreatorPage
from tests.web.removal.test_subject_portal_shoot_cards import card_for, said, somebody, work

PICTURES = os.environ.get("GREENROOM_PICTURES", "")


@pytest.mark.parametrize("width", [390, 1440])
def test_shoot_card_is_signed_and_withdrawn(
    chromium: Chromium, mia: CreatorPage, width: int
) -> None:
    (ida, path), (tom, _) = somebody(mia, "Ida"), somebody(mia, "Tom")
    card_for(mia, ida, tom)
    card_for(mia, ida)
    with chromium.visitor(width, language="en") as visitor:
        visitor.go(f"{str(mia.room.client.base_url).rstrip('/')}{path}")
        visitor.shows("Awaiting your signature")
        assert page_faults(visitor) == []
        if PICTURES:
            visitor.picture(Path(PICTURES) / f"person-{width}.png")
        for summary, sure in (
            ("Sign card", "Yes, I sign"),
            ("Withdraw my signature", "Yes, revoke"),
        ):
            visitor.page.locator("summary", has_text=summary).first.click()
            visitor.button(sure).locator("visible=true").first.click()
            visitor.shows("Saving…")
            assert work(mia) == 1
            visitor.page.reload()
        visitor.shows("Signature withdrawn")
        assert page_faults(visitor) == []
    assert [what for _, what, _ in said(mia)] == ["signed", "withdrawn"]
