"""Face recognition in a real browser: two faces side by side on Approvals, the ban list, and
consent in the subject portal.

With GREENROOM_PICTURES=FOLDER, screenshots of the pages are written there, narrow and wide.
"""

import os
from pathlib import Path

import pytest

from foundation.i18n.translation import LANGUAGES
from foundation.sealed import Sealed
from gate.faces import known_faces
from gate.reviews import resemblance_reviews
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.browser.test_every_page import axe
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.pages.approvals.test_resemblance_reviews import alike, work
from tests.web.builders import CreatorPage, small_png
from tests.web.removal.test_subject_portal_face_consent import agreed, known
from tests.web.removal.test_subject_portal_shoot_cards import somebody

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
WIDTHS = {"fr": 1280, "en": 390}


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_faces_are_compared_side_by_side(door: Door, chromium: Chromium, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    alike(door, who, name="Ida")
    with chromium.visitor(
        WIDTHS[language], language=language, cookies=f"{door.cookie(who)} at {door.url}"
    ) as visitor:
        visitor.go(f"{door.url}/approvals")
        visitor.shows(word("likeness.needed", language, count=2, agreed=0))
        _keep(visitor, f"alike-{language}")
        assert visitor.overflow <= 0
        visitor.choose(word("likeness.why", language), word("likeness.because.marks", language))
        visitor.press(word("likeness.answer.other", language))
        visitor.shows(word("likeness.done.other", language)[:20])
    work(who)
    with who.scope() as scope:
        (one,) = resemblance_reviews.list_face_comparisons(scope, [who.creator_id])
        assert [said.approves for said in one.said] == [True]


BROWSE = (
    "getComputedStyle(document.querySelector('[data-testid=stFileUploaderDropzone] button'), "
    "'::after').content"
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_ban_list_shows_names_and_faces(door: Door, chromium: Chromium, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    photo = small_png(3)
    with chromium.visitor(
        WIDTHS[language], language=language, cookies=f"{door.cookie(who)} at {door.url}"
    ) as visitor:
        visitor.go(f"{door.url}/people")
        visitor.rest()
        visitor.press(word("people.part.never", language))
        visitor.shows(word("people.never_empty", language))
        visitor.type(word("people.never_name", language), "Lou Martin")
        visitor.press(word("people.never_now", language))
        visitor.shows(word("people.never_noted", language, name="Lou Martin"))
        visitor.rest()
        assert visitor.page.get_by_label(word("people.never_name", language)).input_value() == ""
        visitor.press(word("people.never_way.face", language))
        visitor.shows(word("people.never_picture", language))
        assert visitor.run(BROWSE) == f'"{word("dashboard.browse", language)}"', (
            "the button has a translated label"
        )
        visitor.page.locator('input[type="file"]').set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": photo}
        )
        visitor.shows("a.png")
        visitor.type(word("people.never_why", language), "asked us not to")
        visitor.press(word("people.never_now", language))
        visitor.shows(word("people.never_looking", language)[:40])
        with who.scope() as scope:
            (wish,) = scope.run("SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND "
                                "kind = 'face.bar'",
                                t=who.tenant_id)  # fmt: skip
        with who.scope(wish.args["by"]) as scope:
            known_faces.add_face_ban(
                scope,
                subject_id=wish.subject_id,
                why=wish.args["why"],
                model="m@1",
                box=Sealed(b"sealed"),
            )
        visitor.page.reload()
        visitor.rest()
        visitor.press(word("people.part.never", language))
        visitor.shows("asked us not to")
        visitor.shows("Lou Martin")
        visitor.shows(word("people.never_other", language))
        _keep(visitor, f"list-{language}")
        assert visitor.overflow <= 0
        visitor.press(word("people.never_end", language))
        visitor.shows(word("people.never_face_ending", language))
        visitor.go(f"{door.url}/system")
        visitor.rest()
        visitor.hides("asked us not to")


@pytest.mark.parametrize("width", [390, 1280])
def test_face_protection_is_turned_on_in_the_portal(
    chromium: Chromium, mia: CreatorPage, width: int
) -> None:
    ida, path = somebody(mia, "Ida")
    with chromium.visitor(width, language="en") as visitor:
        visitor.go(f"{str(mia.room.client.base_url).rstrip('/')}{path}")
        visitor.page.locator("summary", has_text="Turn on face protection").click()
        assert page_faults(visitor) == []
        if PICTURES:
            visitor.picture(Path(PICTURES) / f"face-{width}.png")
        visitor.button("Yes, I agree").locator("visible=true").first.click()
        visitor.shows("Saving…")
        assert agreed(mia) == [ida]
        visitor.page.reload()
        visitor.shows("Active. You can withdraw")
    assert known(mia, ida)


def _keep(visitor: Visitor, name: str) -> None:
    visitor.rest()
    assert axe(visitor) == []
    if PICTURES:
        visitor.picture(Path(PICTURES) / f"{name}.png")
