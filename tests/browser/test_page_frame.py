"""The frame of every page: its style survives dialogs, and nothing of it covers the page."""

from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.shell.navigation import PAGES
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES
from tenants.agencies.rights import Role
from tests.browser.chromium import Chromium, Visitor
from tests.browser.demo_dashboard import DemoDashboard, seeded
from tests.conftest import Cluster

WIDTHS = (390, 768, 1280, 1440)
PATHS = [
    *("/" if row.name == "home" else f"/{row.name}" for row in PAGES),
    *("/calendar?view=list", "/calendar?view=month", "/calendar?new=1", "/settings?section=email"),
]

LAYOUT = """
() => [...document.querySelectorAll('[data-testid="stMain"] [data-testid="stElementContainer"]')]
  .map(e => e.getBoundingClientRect()).filter(b => b.width && b.height).map(b => Math.round(b.x))
  .concat(document.querySelector('[data-testid="stMain"]').scrollHeight, document.styleSheets.length)
"""
"""Horizontal positions of all drawn elements, the height of the page, and its number of styles."""

COVERED = """
() => {
  const main = document.querySelector('[data-testid="stMain"]'), found = [];
  const fixed = [...document.querySelectorAll('body *')].filter(e => {
    const s = getComputedStyle(e), b = e.getBoundingClientRect();
    return s.position === 'fixed' && s.visibility !== 'hidden' && b.width && b.height;
  });
  for (const e of document.querySelectorAll('a, button, input, select, textarea, summary')) {
    const frame = fixed.find(f => f.contains(e));
    const b = e.getBoundingClientRect();
    if (!b.width || !b.height || b.right > innerWidth || b.left < 0) continue;
    if (!frame && main.contains(e)) {
      const top = main.getBoundingClientRect().top;
      if (fixed.some(f => { const g = f.getBoundingClientRect();
        return g.left < b.right && g.right > b.left && g.top < b.bottom && g.bottom > Math.max(b.top, top)
          && b.bottom > top && b.top < innerHeight; })) found.push(e.outerHTML.slice(0, 120));
    } else if (b.top >= 0 && b.bottom <= innerHeight && getComputedStyle(e).visibility !== 'hidden'
      && !e.closest('.gr-hidden')) {
      const there = document.elementFromPoint(b.left + b.width / 2, b.top + b.height / 2);
      if (there && !e.contains(there) && !there.contains(e) && !there.closest('label')
        && !main.contains(e)) found.push('under ' + e.outerHTML.slice(0, 120));
    }
  }
  return found.slice(0, 4);
}
"""
"""Controls of the page below a fixed element, and controls of the frame below anything else."""

OUTSIDE = """
() => [...document.querySelectorAll('[data-testid="stMain"] :is(a, button, input, textarea, summary)')]
  .filter(e => { const b = e.getBoundingClientRect();
    if (!b.width || !b.height || b.right <= innerWidth + 1) return false;
    for (let p = e.parentElement; p && p.dataset.testid !== 'stMain'; p = p.parentElement)
      if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX)) return false;
    return true; })
  .map(e => 'outside ' + e.outerHTML.slice(0, 120)).slice(0, 4)
"""
"""Controls beyond the right edge of the window that no scrolling region reaches."""

MENU = '[data-testid="stSidebar"]'


@pytest.fixture(scope="module")
def house(
    cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoDashboard]:
    with seeded(
        cluster, tenant, tmp_path_factory.mktemp("seeded"), tmp_path_factory.mktemp("elsewhere")
    ) as made:
        yield made


@pytest.fixture(scope="module")
def owner(chromium: Chromium, house: DemoDashboard) -> Iterator[Visitor]:
    with chromium.visitor(language="fr", cookies=house.session(Role.OWNER, "fr")) as visitor:
        yield visitor


def stable_layout(visitor: Visitor) -> list[int]:
    """Return the layout once charts, which are drawn after the page, no longer change it."""
    visitor.rest()
    layout: list[int] = []
    while (read := visitor.run(LAYOUT)) != layout:
        layout = read
        visitor.page.wait_for_timeout(500)
    return layout


def dialog_changes(visitor: Visitor, opener: str) -> list[str]:
    """Open and close a dialog of the header and return the differences of the page."""
    before = stable_layout(visitor)
    visitor.page.locator(f".st-key-{opener} button").click()
    visitor.page.get_by_role("dialog").wait_for()
    during = stable_layout(visitor)
    visitor.page.keyboard.press("Escape")
    visitor.page.get_by_role("dialog").wait_for(state="hidden")
    after = stable_layout(visitor)
    return [
        f"{opener} {moment}: {before[-2:]} became {now[-2:]}"
        for moment, now in (("open", during), ("closed", after))
        if now != before
    ]


@pytest.mark.parametrize("path", PATHS)
def test_help_and_search_leave_the_page_as_it_was(
    owner: Visitor, house: DemoDashboard, path: str
) -> None:
    owner.size(1440)
    owner.go(house.url + path)
    changes = dialog_changes(owner, "help-open") + dialog_changes(owner, "search-open")
    assert not changes, changes


@pytest.mark.parametrize("path", PATHS)
def test_frame_covers_nothing_and_nothing_is_wider_than_the_window(
    owner: Visitor, house: DemoDashboard, path: str
) -> None:
    faults: list[Any] = []
    owner.size(WIDTHS[-1])
    owner.go(house.url + path)
    for width in WIDTHS:
        owner.size(width)
        owner.page.wait_for_timeout(150)  # until Streamlit has folded or unfolded the menu
        owner.rest()
        for place in ("0", "main.scrollHeight / 3", "main.scrollHeight"):
            owner.run(
                f"(() => {{ const main = document.querySelector('[data-testid=\"stMain\"]');"
                f" main.scrollTo(0, {place}); }})()"
            )
            faults += [(width, place, one) for one in owner.run(COVERED)]
        faults += [(width, one) for one in owner.run(OUTSIDE)]
        if owner.overflow > 0:
            faults.append((width, f"{owner.overflow} px wider than the window"))
    assert not faults, "\n".join(map(str, faults))


def test_menu_of_a_phone_can_be_closed_and_closes_after_a_choice(
    chromium: Chromium, house: DemoDashboard
) -> None:
    session = house.session(Role.OWNER, "en")
    with chromium.visitor(390, 844, language="en", cookies=session) as visitor:
        visitor.go(house.url + "/calendar")
        visitor.rest()
        gone = f"document.querySelector('{MENU}').getBoundingClientRect().right <= 0"
        for close in (
            visitor.page.locator('[data-testid="stSidebarCollapseButton"] button'),
            visitor.page.locator('[data-testid="stSidebarNavLink"]').nth(2),
        ):
            visitor.page.locator('[data-testid="stExpandSidebarButton"]').click()
            visitor.until(f"!({gone})")
            close.click(timeout=10_000)
            visitor.until(gone, 10)
        visitor.until("location.pathname === '/studio'")


@pytest.mark.parametrize("language", LANGUAGES)
def test_tools_of_the_calendar_fit_in_one_row(
    chromium: Chromium, house: DemoDashboard, language: str
) -> None:
    with chromium.visitor(
        language=language, cookies=house.session(Role.OWNER, language)
    ) as visitor:
        visitor.go(house.url + "/calendar")
        visitor.rest()
        rows = visitor.run(
            "[...document.querySelector('.st-key-gr_row_tools').children]"
            ".map(e => e.getBoundingClientRect()).filter(b => b.height)"
            ".map(b => Math.round((b.top + b.bottom) / 2))"
        )
        assert max(rows) - min(rows) < 10, rows
        visitor.size(1280)
        visitor.rest()
        visitor.button({"fr": "Plus", "en": "More"}[language]).click()
        visitor.until(
            "document.querySelector('[data-testid=\"stPopoverBody\"]')?.getBoundingClientRect()"
            ".right <= innerWidth"
        )
