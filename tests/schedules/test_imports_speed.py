"""Ten thousand lines: looked at, written and taken back in seconds."""

import pytest

from foundation.clock import monotonic
from schedules import imports_rows
from tests.fakes.network import Network
from tests.schedules.builders import desk
from tests.schedules.files import Clerk, table
from workers.wiring import Services

SECONDS = 30


@pytest.mark.slow
def test_ten_thousand_lines_take_seconds(services: Services, sandbox: Network) -> None:
    lea = desk(services, sandbox, tiers=0)
    lea.connect("other")
    for number in range(12):  # the database keeps the plans it makes for a few rows
        lea.delivery(f"avant {number}", after=3600)
    clerk, pictures = Clerk(lea), [lea.photo(number) for number in range(3)]
    rows = [
        clerk.row(
            number,
            channels="main|other",
            date=clerk_day,
            time=f"{number % 24:02}:{number // 24 % 60:02}",
            media=str(pictures[number % 3]),
            body=f"Publication numéro {number} " + "et encore des mots " * 8,
        )
        for number, clerk_day in enumerate(days(clerk))
    ]
    took = {}
    data = table(rows)
    begun = monotonic()
    found = clerk.bring(data)
    took["look"] = monotonic() - begun
    assert clerk.shown(found).state == "ready", clerk.problems(found)[:5]
    begun = monotonic()
    clerk.ask(found, plan=True)
    lea.run()
    took["write"] = monotonic() - begun
    assert clerk.shown(found).posts == imports_rows.MAX_ROWS
    begun = monotonic()
    assert clerk.undo(found) == (2 * imports_rows.MAX_ROWS, 0)
    took["undo"] = monotonic() - begun
    assert max(took.values()) < SECONDS, took


def days(clerk: Clerk) -> list[str]:
    """A date for each line, some a day."""
    known = [clerk.day(ahead) for ahead in range(2, 402)]
    return [known[number % 400] for number in range(imports_rows.MAX_ROWS)]
