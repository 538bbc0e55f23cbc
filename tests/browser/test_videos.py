"""Videos in a real browser: viewing every frame enables the decision, the video plays, and the
keyboard is enough.

With GREENROOM_PICTURES=FOLDER, screenshots of the pages are written there, narrow and wide.
"""

import json
import os
from pathlib import Path

import pytest

from foundation.i18n.translation import LANGUAGES
from gate.contract.units import Rating
from studio.library import assets
from studio.library.states import ShelfState
from tests.browser.chromium import Chromium, Visitor
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_video_files import brought
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.pages.approvals.test_review_sheets import looked
from tests.generators import video_builders
from tests.generators.builders import a_picture

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
ROLL = """
() => { const sheets = document.querySelectorAll('.gr-film img');
  if (!sheets.length || Date.now() - (window.rolledAt || 0) < 500) return true;  // it draws what \
it shows
  window.rolledAt = Date.now();
  window.rolled = ((window.rolled || 0) + 1) % sheets.length; \
sheets[window.rolled].scrollIntoView(); return true; }
"""
PLAYS = """
() => { const film = document.querySelector('.gr-film video');
  if (!film) return false;
  if (film.paused && !film.ended) { film.muted = true; film.play(); }
  return film.currentTime > 0.2 || film.ended; }
"""
WIDTHS = {"fr": 1280, "en": 390}


def scenes(seconds: float) -> bytes:
    """Return a video of three smooth pictures."""
    each = [
        (a_picture(video_builders.WIDE, video_builders.HIGH, seed=seed), seconds / 3)
        for seed in (1, 2, 3)
    ]
    return video_builders.encode_video(video_builders.build_frames(*each), words="HELLO")


@pytest.mark.parametrize("language", LANGUAGES)
def test_video_is_viewed_frame_by_frame_and_approved(
    door: Door, chromium: Chromium, language: str
) -> None:
    who = create_agency(door.tenant, language=language)
    asset = brought(door, who, scenes(15.0), Rating.N)
    with who.scope() as scope:
        assets.set_shelf_state(scope, asset, ShelfState.KEPT)
    cookies = f"{door.cookie(who)} at {door.url}"
    allow = word("approvals.allow", language)
    with chromium.visitor(WIDTHS[language], language=language, cookies=cookies) as visitor:
        visitor.go(f"{door.url}/approvals")
        visitor.shows(word("approvals.reveal_one", language))
        assert allow not in visitor.page.inner_text("body")
        _keep(visitor, f"{language}-film-blurred")
        visitor.page.keyboard.press("p")
        visitor.until("document.querySelector('.gr-film img') !== null")
        visitor.until(f"({ROLL})() && document.body.innerText.includes({json.dumps(allow)})", 60)
        visitor.until(f"({PLAYS})()")
        _keep(visitor, f"{language}-film-clear")
        assert visitor.overflow <= 0
        visitor.page.keyboard.press("a")
        visitor.shows(word("approvals.nothing", language)[:20])
    assert looked(who, [asset]) == ["approve"]


def test_library_plays_a_video(door: Door, chromium: Chromium) -> None:
    who = create_agency(door.tenant, language="en")
    brought(door, who, scenes(6.0), Rating.G)
    with chromium.visitor(
        1280, language="en", cookies=f"{door.cookie(who)} at {door.url}"
    ) as visitor:
        visitor.go(f"{door.url}/studio")
        visitor.shows("0:06")
        visitor.page.get_by_text("la mer qui bouge").first.click()
        visitor.until(f"({PLAYS})()")
        _keep(visitor, "library-film")


def _keep(visitor: Visitor, name: str) -> None:
    """Save a screenshot of the page if requested."""
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        visitor.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
