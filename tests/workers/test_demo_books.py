"""The statement that waits: what is read of it is what the platform that is none would say, to the cent."""

from datetime import date

import pytest

from subscribers.rails import sample, statement
from workers import demo_books


@pytest.mark.parametrize("year", [2024, 2026, 2027, 2028])
@pytest.mark.parametrize("month", range(1, 13))
def test_statement_of_any_month_is_read_to_the_cent(year: int, month: int) -> None:
    first = date(year, month, 1)
    data = demo_books.statement(first)
    sheet = statement.read(data, sample.SOURCE)
    assert not sheet.unread
    assert {code: money.minor for code, money in sheet.nets().items()} == {"EUR": sample.net(first, "nova")}
    assert {line.at.date().replace(day=1) for line in sheet.movements} == {first}
    assert {line.kind for line in sheet.movements} == {"sale", "refund", "payout"}
    assert len({line.key for line in sheet.movements}) == len(sheet.movements)


def test_statement_says_its_own_sums() -> None:
    first = date(2026, 10, 1)
    last = demo_books.statement(first).decode().splitlines()[-1].split(";")
    gross, fee = (round(float(cell.replace(",", ".")) * 100) for cell in last[3:5])
    assert gross - fee == sample.net(first, "nova")


def test_statement_is_the_same_on_every_machine() -> None:
    first = date(2026, 10, 1)
    assert demo_books.statement(first) == demo_books.statement(first.replace(day=17))
    assert demo_books.statement(first) != demo_books.statement(date(2026, 9, 1))
