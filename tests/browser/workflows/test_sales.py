"""Orders and sales, by mouse and keyboard: a sale appears, the table is searched, sorted and
exported, the chart has values, and all creators are compared."""

import csv
import io
from pathlib import Path

from foundation.csv_tables import unescape_formula
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.browser.page_checks import page_faults
from tests.journeys.telegram.test_bot import bought

ROWS = ".gr-rows tbody tr"
CHART = '[data-testid="stVegaLiteChart"]'


def cells(visitor: Visitor) -> list[list[str]]:
    """Return the texts of the table."""
    found: list[list[str]] = visitor.run(
        f"[...document.querySelectorAll('{ROWS}')].map(row => [...row.cells].map(one =>"
        " one.innerText.trim()))"
    )
    return found


def download(visitor: Visitor, label: str) -> list[dict[str, str]]:
    """Press a download and return the lines of the CSV file."""
    with visitor.page.expect_download() as told:
        visitor.press(label)
    text = Path(told.value.path()).read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def tooltip(visitor: Visitor) -> str:
    """Move the mouse over the chart from the last day backwards, and return what it shows first."""
    box = visitor.page.locator(CHART).bounding_box()
    assert box is not None
    for across in range(int(box["width"]) - 4, 0, -6):
        visitor.page.mouse.move(box["x"] + across, box["y"] + box["height"] * 0.55)
        visitor.page.wait_for_timeout(30)
        shown = visitor.run("document.querySelector('.vg-tooltip.visible')?.innerText || ''")
        if shown:
            return str(shown)
    return ""


def test_sale_is_found_sorted_opened_and_exported(lea: RunningAgency) -> None:
    lea.bots.connected()
    bought(lea.bots)
    with lea.visitor("/shop?view=orders") as marc:
        marc.shows("Matin calme")
        marc.page.locator(CHART).wait_for()
        (row,) = cells(marc)
        assert {"@leo", "Matin calme", "Livrée"} <= set(row)
        assert row.count("250 Étoiles") == 2, "gross and net, without a fee"
        (line,) = download(marc, "Exporter en CSV")
        fan = unescape_formula(line["fan"])
        assert (fan, line["gross"], line["fee"], line["net"]) == ("@leo", "250", "0", "250")
        assert (line["currency"], line["state"]) == ("XTR", "delivered")

        assert "250 Étoiles" in tooltip(marc)
        heading = marc.page.get_by_role("button", name="Net", exact=True)
        heading.focus()
        marc.page.keyboard.press("Enter")
        marc.page.locator("th[aria-sort=descending]", has_text="Net").wait_for()
        marc.until("() => document.activeElement.dataset.grSend === 'sort:net'")
        marc.page.keyboard.press("Enter")
        marc.page.locator("th[aria-sort=ascending]", has_text="Net").wait_for()

        marc.type("Rechercher un fan ou un pack", "personne")
        marc.shows("Aucune vente ne correspond à ces filtres")
        marc.type("Rechercher un fan ou un pack", "LEO")
        marc.shows("Matin calme")
        marc.page.locator(ROWS).get_by_role("button", name="Matin calme").press("Enter")
        marc.shows("Pack livré")
        marc.press("Fermer la commande")
        marc.hides("Pack livré")
        assert page_faults(marc, '[data-testid="stMain"] .gr') == []

    with lea.visitor("/shop?view=orders", width=390) as phone:
        phone.shows("Matin calme")
        assert phone.overflow <= 0
