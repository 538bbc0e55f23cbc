"""The toolbar above the calendar: one row on a desktop, and every choice of the filters is completely
readable."""

from tests.browser.installation import RunningAgency

CHOSEN = "[...document.querySelectorAll('[data-testid=stPopoverBody] [role=combobox]')]"
CUT = f"{CHOSEN}.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.value)"
ROWS = """new Set([...document.querySelector('.st-key-gr_row_tools').children]
  .map((one) => Math.round(one.getBoundingClientRect().top + one.getBoundingClientRect().height / 2))).size"""


def test_toolbar_is_one_row_and_filters_are_readable(lea: RunningAgency) -> None:
    for view in ("month", "week"):
        with lea.visitor(f"/calendar?view={view}") as marc:
            marc.rest()
            assert marc.run(ROWS) == 1, view
            marc.press("Filtres")
            marc.page.get_by_role("combobox", name="Créateur").wait_for()
            chosen = marc.run(f"{CHOSEN}.map((one) => one.value)")
            assert any("par créateur" in one.lower() for one in chosen), chosen
            assert marc.run(CUT) == [], view
