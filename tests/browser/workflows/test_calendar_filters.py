"""The filters above the calendar on a desktop: each choice is completely readable, and all are in
one row."""

from tests.browser.installation import RunningAgency

CHOSEN = "[...document.querySelectorAll('.st-key-gr_row_lists [role=combobox]')]"
CUT = f"{CHOSEN}.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.value)"
ROWS = """new Set([...document.querySelectorAll('.st-key-gr_row_lists [data-testid="stSelectbox"]')]
  .map((one) => Math.round(one.getBoundingClientRect().bottom))).size"""


def test_filters_are_readable_in_one_row(lea: RunningAgency) -> None:
    for view in ("month", "week"):
        with lea.visitor(f"/calendar?view={view}") as marc:
            marc.rest()
            marc.size(1280)
            marc.rest()
            chosen = marc.run(f"{CHOSEN}.map((one) => one.value)")
            assert any("par créateur" in one.lower() for one in chosen), chosen
            assert marc.run(CUT) == [], view
            assert marc.run(ROWS) == 1, view
