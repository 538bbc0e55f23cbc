"""The pending statement of the demo: its file is read to the cent."""

from datetime import date

import pytest

from demo.agency import accounting
from subscribers.statements import file_reader, sample_file


@pytest.mark.parametrize("year", [2024, 2026, 2027, 2028])
@pytest.mark.parametrize("month", range(1, 13))
def test_statement_of_any_month_is_read_to_the_cent(year: int, month: int) -> None:
    first = date(year, month, 1)
    data = accounting.statement_bytes(first)
    sheet = file_reader.read_statement(data, sample_file.SAMPLE_SOURCE)
    assert not sheet.unread
    assert {code: money.minor for code, money in sheet.net_by_currency().items()} == {
        "EUR": sample_file.sample_net(first, "nova")
    }
    assert {line.at.date().replace(day=1) for line in sheet.movements} == {first}
    assert {line.kind for line in sheet.movements} == {"sale", "refund", "payout"}
    assert len({line.key for line in sheet.movements}) == len(sheet.movements)


def test_statement_contains_its_totals() -> None:
    first = date(2026, 10, 1)
    last = accounting.statement_bytes(first).decode().splitlines()[-1].split(";")
    gross, fee = (round(float(cell.replace(",", ".")) * 100) for cell in last[3:5])
    assert gross - fee == sample_file.sample_net(first, "nova")


def test_statement_depends_only_on_its_month() -> None:
    first = date(2026, 10, 1)
    assert accounting.statement_bytes(first) == accounting.statement_bytes(first.replace(day=17))
    assert accounting.statement_bytes(first) != accounting.statement_bytes(date(2026, 9, 1))
