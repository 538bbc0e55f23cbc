"""The region of a picture to regenerate, painted by mouse and touch in a real browser and saved
with a recipe.

With GREENROOM_PICTURES=FOLDER the pages are also saved there as pictures. Review them.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from gate.contract.units import Rating
from studio.recipes import specs
from studio.recipes.queries import list_recipes
from studio.recipes.specs import RecipeSpec
from tests.browser.chromium import Chromium, Visitor
from tests.browser.test_videos import _keep
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.library.test_variations import able  # noqa: F401  fixture
from tests.dashboard.pages.studio.test_page import word
from tests.studio.builders import build_spec

SHEET = "svg[role=img]"
Stroke = Callable[[Page, list[tuple[float, float]]], None]


def by_mouse(page: Page, places: list[tuple[float, float]]) -> None:
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def by_finger(page: Page, places: list[tuple[float, float]]) -> None:
    hand = page.context.new_cdp_session(page)
    for kind, place in zip(("touchStart", *["touchMove"] * (len(places) - 1)), places, strict=True):
        touched = [{"x": place[0], "y": place[1]}]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    hand.detach()


def painted(visitor: Visitor, stroke: Stroke, *percents: tuple[float, float]) -> None:
    """Paint a stroke through these points, in per cent of the picture's sides."""
    sheet = visitor.page.locator(SHEET).last
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    assert box is not None
    before = sheet.locator("polyline").count()
    stroke(
        visitor.page,
        [
            (box["x"] + box["width"] * x / 100, box["y"] + box["height"] * y / 100)
            for x, y in percents
        ],
    )
    visitor.until(f"document.querySelectorAll('{SHEET} polyline').length === {before + 1}")
    visitor.rest()


def kept(who: Agency) -> RecipeSpec:
    with who.scope() as scope:
        (card,) = list_recipes(scope, who.creator_id)
    return card.spec


@pytest.mark.parametrize(
    ("width", "stroke"), [(1280, by_mouse), (390, by_finger)], ids=["mouse", "finger"]
)
def test_region_is_painted_erased_and_saved(
    able: Door,  # noqa: F811  the fixture
    lumiere: Agency,
    chromium: Chromium,
    width: int,
    stroke: Stroke,
) -> None:
    picture(able, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec())
    with chromium.visitor(width, cookies=f"{able.cookie(lumiere)} at {able.url}") as visitor:
        visitor.go(f"{able.url}/studio")
        visitor.rest()
        visitor.page.get_by_role("tab", name=word("studio.tab.generate")).click()
        visitor.page.get_by_text(word("studio.edit_recipe")).first.click()
        visitor.press(word("begin.way.begin"))
        visitor.page.get_by_text(word("vary.part")).first.click()
        visitor.press(word("vary.way.painted"))
        visitor.shows(word("paint.how"))
        visitor.rest()
        visitor.press(word("begin.keep"))
        visitor.shows(word("job.mask_none"))
        painted(visitor, stroke, (20, 20), (50, 30), (40, 60))
        painted(visitor, stroke, (80, 80), (90, 85))
        _keep(visitor, f"painting-{width}")
        assert visitor.overflow <= 0
        visitor.press(word("paint.undo"))
        visitor.until(f"document.querySelectorAll('{SHEET} polyline').length === 1")
        visitor.rest()
        visitor.press(word("paint.eraser"))
        painted(visitor, stroke, (50, 30), (60, 30))
        _keep(visitor, f"erasing-{width}")
        visitor.press(word("begin.keep"))
        visitor.shows(word("studio.recipe_kept", name="morning"))
        assert visitor.complaints == []
    begin = kept(lumiere).begin
    assert begin is not None
    line, erased = begin.part
    assert (line.kind, line.width, erased.kind) == ("stroke", 12, "eraser")
    first, last = line.points[0], line.points[-1]
    assert (round(first[0] / 5), round(first[1] / 5), round(last[0] / 5), round(last[1] / 5)) == (
        4,
        4,
        8,
        12,
    )
