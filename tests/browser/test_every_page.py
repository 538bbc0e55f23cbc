"""Every page for each role, in both languages, with the data of the demo: complete, in plain
language, accessible.

With GREENROOM_PICTURES=FOLDER, a screenshot of each page is written there, for the owner also in
dark mode.
"""

import os
import random
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboard.shell.navigation import PAGES, PageEntry
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, load_catalogue
from tenants.agencies.rights import Role, has_right
from tests.architecture.test_catalogues import BANNED_WORD
from tests.browser.chromium import Chromium, Visitor
from tests.browser.demo_dashboard import DemoDashboard, seeded
from tests.browser.random_input import page_addresses, press_at_random
from tests.conftest import Cluster
from tests.dashboard.streamlit_client import stream

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
SEEDS, VISITS = 6, 12
WIDE, PHONE = (1440, 900), (390, 844)
SERIOUS = {"serious", "critical"}
EXAMINED = "fr"
"""Language of the accessibility checks; texts are checked in both languages."""

INSIDE = {
    "calendar": (
        "?view=list",
        "?view=queue",
        "?view=month",
        "?new=1",
        "?files=1",
        "?week=1",
        "?routine=1",
    ),
    "studio": ("?part=generate",),
}
"""Views of a page that its buttons alone do not open."""

MAIN = '[data-testid="stMain"]'
TARGET = 24
"""Minimum size of targets in CSS pixels (WCAG 2.2, 2.5.8)."""

STREAMLITS_OWN = {
    "list": "the menu places group headings between the entries of one list",
    "listitem": "the same menu",
}
"""Findings of axe that are caused by Streamlit 1.67, reviewed on 2026-11-20: rule → reason for
accepting it."""

SPOKEN = ("service.", "dashboard.language")
"""Message codes of texts to fans, in the language of the fan, which any conversation may contain.
"""

LONG = 13
"""Minimum length in characters of a text part that counts as English."""

ODD = re.compile(
    r"\{(?!platform|account|campaign)\w+\}|\bXT[RS]\b|\bNone\b(?!:)|\bundefined\b|\bNaN\b"
    r"|(?<![\d.,:/\u202f\xa0])1 (?!mois\b|fois\b|plus\b)[a-zé]+s\b"
)
"""Unfilled placeholders, except the campaign marks that users type, codes of Stars and test money,
and a plural after the number 1."""

SMALL = """
() => [...document.querySelectorAll('[data-testid="stMain"] :is(a, button, input, select, \
textarea, summary)')]
  .map(e => e.closest('label') || e)  // what one really presses
  .filter(e => { const b = e.getBoundingClientRect(), s = getComputedStyle(e);
    return b.width > 1 && b.height > 1 && s.visibility !== 'hidden' && s.opacity !== '0' && \
s.display !== 'inline'
      && (e.tabIndex >= 0 || e.matches("label")) && (b.width < LEAST || b.height < LEAST); })
  .map(e => e.outerHTML.slice(0, 160))
""".replace("LEAST", str(TARGET))

MENU_AWAY = """
() => { const menu = document.querySelector('[data-testid="stSidebar"]');
  return !menu || menu.getBoundingClientRect().right <= 0; }
"""

WIDER = """
() => { const main = document.querySelector('[data-testid="stMain"]'), found = [];
  if (main.scrollWidth > main.clientWidth) for (const e of main.querySelectorAll('*')) {
    if (e.getBoundingClientRect().right > innerWidth + 1) found.push(e.outerHTML.slice(0, 120)); }
  return found.slice(0, 3); }
"""


@pytest.fixture(scope="module")
def house(
    cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoDashboard]:
    with seeded(
        cluster, tenant, tmp_path_factory.mktemp("seeded"), tmp_path_factory.mktemp("elsewhere")
    ) as made:
        yield made


def menu(role: Role) -> list[PageEntry]:
    return [row for row in PAGES if any(has_right(role, right) for right in row.rights)]


@cache
def english_only() -> tuple[str, ...]:
    """Return the text parts that occur only in the English catalogue."""
    french = "\n".join(load_catalogue("fr").values()).lower()
    parts = (
        part.strip()
        for code, sentence in load_catalogue("en").items()
        if not code.startswith(SPOKEN)
        for part, *_ in string.Formatter().parse(sentence)
    )
    return tuple({part for part in parts if len(part) >= LONG and part.lower() not in french})


def wrong_words(row: PageEntry, language: str, text: str) -> list[str]:
    """Return internal words, message codes, and English on a French page."""
    operators = row.name in ("system", "settings")
    found = [] if operators else [match[0] for match in BANNED_WORD.finditer(text)]
    codes = load_catalogue(language)
    found += [word for word in re.findall(r"[a-z]+(?:\.[A-Za-z0-9_]+)+", text) if word in codes]
    found += (
        [] if row.name == "studio" else ODD.findall(text)
    )  # prompt templates contain placeholders
    if language == "fr":
        said = text.lower()  # headings are in capitals
        found += [part for part in english_only() if part.lower() in said]
    return found


def picture(visitor: Visitor, name: str, width: int, height: int) -> None:
    """Save the full page: Streamlit scrolls inside, so the window grows to the height of the
    content."""
    if not PICTURES:
        return
    whole = int(visitor.run("document.querySelector('[data-testid=\"stMain\"]').scrollHeight"))
    visitor.size(width, min(max(height, whole + 20), 6000))
    visitor.rest()
    visitor.page.screenshot(path=Path(PICTURES) / f"{name}.png")
    visitor.size(width, height)


def axe(visitor: Visitor) -> list[Any]:
    """Return serious findings of axe, except those in `STREAMLITS_OWN`."""
    found = Axe().run(visitor.page, context="body").response["violations"]
    return [
        (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in SERIOUS and one["id"] not in STREAMLITS_OWN
    ]


def drawn(visitor: Visitor, row: PageEntry, language: str) -> list[Any]:
    """Return everything that is wrong with the open page in its current width."""
    visitor.rest()
    text = visitor.text()
    found: list[Any] = list(wrong_words(row, language, text))
    if not visitor.page.locator(MAIN).inner_text().strip():
        found.append("nothing was drawn")
    if visitor.page.locator(
        '[data-testid="stException"], [data-testid="stAlertContentError"]'
    ).count():
        found.append("an error box")
    if visitor.run("document.documentElement.lang") != language:
        found.append("another language")
    if visitor.overflow > 0:
        found.append(f"{visitor.overflow} px wider than the window")
    found += visitor.run(WIDER)
    if language == EXAMINED:
        found += axe(visitor)
    return found


def both_widths(visitor: Visitor, url: str, row: PageEntry, language: str, name: str) -> list[Any]:
    """Open a page in both widths and return everything that is wrong with it."""
    visitor.size(*WIDE)
    visitor.go(url)
    found = drawn(visitor, row, language)
    picture(visitor, f"{name}-1440", *WIDE)
    visitor.size(*PHONE)
    visitor.until(MENU_AWAY)
    found += drawn(visitor, row, language) + visitor.run(SMALL)
    picture(visitor, f"{name}-390", *PHONE)
    return found


def parts(visitor: Visitor, row: PageEntry, language: str, name: str) -> list[Any]:
    """Check the other parts of the open page, one for each button of its first button group."""
    found: list[Any] = []
    buttons = visitor.page.locator(f'{MAIN} [data-testid="stButtonGroup"]').first.locator("button")
    for number in range(1, buttons.count()):
        visitor.size(*WIDE)  # a phone shows the views of Analytics as a list
        buttons.nth(number).click()
        visitor.size(*PHONE)
        visitor.page.wait_for_timeout(100)  # until the press takes effect
        found += [
            (f"part {number}", one) for one in drawn(visitor, row, language) + visitor.run(SMALL)
        ]
        picture(visitor, f"{name}-part{number}-390", *PHONE)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", list(Role))
def test_every_page_is_free_of_faults(
    chromium: Chromium, house: DemoDashboard, role: Role, language: str
) -> None:
    faults: dict[str, list[Any]] = {}
    before = len(house.troubles())
    with chromium.visitor(language=language, cookies=house.session(role, language)) as visitor:
        for row in menu(role):
            address, name = (
                house.url + ("/" if row.name == "home" else f"/{row.name}"),
                f"{row.name}-{role}-{language}",
            )
            found = both_widths(visitor, address, row, language, name)
            if role is Role.OWNER:
                found += parts(visitor, row, language, name)
                for number, inside in enumerate(INSIDE.get(row.name, ())):
                    found += both_widths(
                        visitor, address + inside, row, language, f"{name}-inside{number}"
                    )
            if found + visitor.complaints:
                faults[row.name] = found + visitor.complaints
            visitor.complaints.clear()
        assert visitor.hosts == {house.url.removeprefix("http://")}
    faults |= {"the door": troubles} if (troubles := house.troubles()[before:]) else {}
    assert not faults, "\n".join(
        f"{name}: {one}" for name, found in faults.items() for one in found
    )


@pytest.mark.parametrize("language", LANGUAGES if PICTURES else (EXAMINED,))
def test_every_page_is_accessible_in_dark_mode(
    chromium: Chromium, house: DemoDashboard, language: str
) -> None:
    faults = {}
    session = house.session(Role.OWNER, language)
    with chromium.visitor(language=language, dark=True, cookies=session) as visitor:
        for row in menu(Role.OWNER):
            visitor.go(house.url + ("/" if row.name == "home" else f"/{row.name}"))
            visitor.rest()
            faults[row.name] = axe(visitor)
            picture(visitor, f"{row.name}-dark-{language}", *WIDE)
    assert not any(faults.values()), faults


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_input_never_breaks_a_page(house: DemoDashboard, seed: int) -> None:
    """Must run last because it changes the data. Each visit uses a new member, since earlier input
    may have removed others."""
    chance, there, before = random.Random(seed), page_addresses(house.tenant), house.troubles()
    for number in range(VISITS):
        role, language = chance.choice([*Role, Role.OWNER, Role.MANAGER]), chance.choice(LANGUAGES)
        path, query = chance.choice(there)
        cookie = house.arriving(role, language, f"{seed}-{number}")
        with stream(house.url, cookie) as page:
            page.may_fail = True  # the assertion below reports what was done
            did = press_at_random(page, chance, path, query)
        assert house.troubles() == before, f"{role}, {language}: {did}"
