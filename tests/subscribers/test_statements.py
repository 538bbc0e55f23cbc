"""Files of platforms we do not call: read without a guess, looked at before, booked once, closed by month."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.database import Scope
from foundation.errors import BadInput, Refused
from foundation.money import Money
from subscribers import closing, ledger, statements
from subscribers.rails import statement
from subscribers.statements import Fate
from tests.subscribers.builders import Studio

SOURCE = "Autre plateforme"
ENGLISH = """date,type,reference,gross,fee,currency
2026-09-02 10:00,sale,a1,50.00,10.00,EUR
2026-09-02 10:00,sale,a1,50.00,10.00,EUR
2026-09-05,tip,a2,12.34,2.47,EUR
2026-09-09,refund,a2,-12.34,-2.47,EUR
2026-09-30,payout,p1,60.00,0,EUR
Total,,,149.68,,
"""
FRENCH = """date;type;référence;brut;frais;devise
03/10/2026 09:15;Vente;b1;1 234,50;246,90;EUR
04/10/2026;Abonnement;b2;9,99;2,00;EUR
05/10/2026;vente;b3;20;4;USD
"""


def sheet(text: str) -> statement.Sheet:
    return statement.read(text.encode(), SOURCE)


def bring(scope: Scope, creator: UUID, text: str) -> int:
    return statements.bring_in(scope, creator, sheet(text), source=SOURCE, name="releve.csv")


def test_both_ways_of_writing_are_read() -> None:
    english, french = sheet(ENGLISH), sheet(FRENCH)
    assert english.nets() == {"EUR": Money(5000 - 1000 + 5000 - 1000 + 1234 - 247 - 1234 + 247 - 6000, "EUR")}
    assert [line.gross for line in french.movements] == [Money(123450, "EUR"), Money(999, "EUR"), Money(2000, "USD")]
    assert french.movements[0].at == datetime(2026, 10, 3, 9, 15, tzinfo=UTC)
    assert not english.unread + french.unread
    assert len({line.key for line in english.movements}) == 5, "two equal lines are two movements"
    marked = statement.read(b"\xef\xbb\xbf" + ENGLISH.encode(), SOURCE)
    assert [line.key for line in marked.movements] == [line.key for line in english.movements]
    assert statement.read(FRENCH.encode("cp1252"), SOURCE).movements == french.movements


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ("2026-13-02,sale,a1,5.00,1.00,EUR", "date"),
        ("hier,sale,a1,5.00,1.00,EUR", "date"),
        ("2026-09-02,gift,a1,5.00,1.00,EUR", "type"),
        ("2026-09-02,sale,a1,five,1.00,EUR", "gross"),
        ("2026-09-02,sale,a1,5.001,1.00,EUR", "gross"),
        ("2026-09-02,sale,a1,0,0,EUR", "gross"),
        ("2026-09-02,sale,a1,5.00,6.00,EUR", "gross"),
        ("2026-09-02,sale,a1,5.00,1.00,euros", "currency"),
        ("2026-09-02,sale", "currency"),
    ],
)
def test_a_line_that_says_nothing_is_told_and_stops_the_file(studio: Studio, cell: str, column: str) -> None:
    text = ENGLISH + cell + "\n"
    (line,) = sheet(text).unread
    assert (line.number, line.reason.params["column"]) == (8, column)
    with studio.scope() as scope, pytest.raises(BadInput):
        bring(scope, studio.world.creator_id, text)


@pytest.mark.parametrize("text", ["", "hello", "date,type\n2026-01-01,sale\n", "\x00\x01\x02"])
def test_what_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        sheet(text)


@given(st.binary(max_size=400))
def test_any_file_is_read_or_refused(data: bytes) -> None:
    for head in (b"", b"date,type,reference,gross,fee,currency\n"):
        try:
            statement.read(head + data, SOURCE)
        except BadInput:
            continue


def rail(scope: Scope) -> dict[str, int]:
    return dict(ledger.balance(scope, ledger.rail_account(statement.RAIL, SOURCE)))


def test_file_is_booked_to_the_cent_and_never_twice(studio: Studio) -> None:
    creator = studio.world.creator_id
    with studio.scope() as scope:
        ledger.set_split(
            scope,
            creator,
            ledger.SplitShares(4000, 6000, 1000),
            effective_from=datetime(2026, 1, 1, tzinfo=UTC),
        )
        assert {one.fate for one in statements.weigh(scope, creator, sheet(ENGLISH), source=SOURCE)} == {Fate.NEW}
        assert bring(scope, creator, ENGLISH) == 5
        assert bring(scope, creator, ENGLISH) == 0
        assert rail(scope) == {"EUR": sheet(ENGLISH).nets()["EUR"].minor}
        assert statements.sums(scope, [creator]) == {(creator, SOURCE, "EUR"): sheet(ENGLISH).nets()["EUR"].minor}
        longer = ENGLISH.replace("Total", "2026-09-30,sale,a9,1.00,0.20,EUR\nTotal")
        fates = [one.fate for one in statements.weigh(scope, creator, sheet(longer), source=SOURCE)]
        assert fates.count(Fate.KNOWN) == 5
        assert bring(scope, creator, longer) == 1
        (total,) = ledger.totals(scope, creator, datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
        assert (total.gross_minor, total.refunds_minor) == (5000 + 5000 + 1234 + 100, 1234)
        assert total.creator_minor + total.agency_minor + total.staff_minor == total.net_minor
        assert len(statements.recent(scope, [creator])) == 2


def test_same_file_as_another_platforms_is_refused(studio: Studio) -> None:
    with studio.scope() as scope:
        bring(scope, studio.world.creator_id, ENGLISH)
        with pytest.raises(Refused):
            statements.bring_in(scope, studio.world.creator_id, sheet(ENGLISH), source="Une autre", name="x")
        for bad in ("", " : ", "x" * 61):
            with pytest.raises(BadInput):
                statements.check_source(bad)


def test_closed_month_keeps_its_digest_and_what_comes_later_moves(studio: Studio) -> None:
    creator = studio.world.creator_id
    with studio.scope() as scope:
        bring(scope, creator, ENGLISH)
        told = closing.close(scope, creator, date(2026, 9, 15))
        assert closing.close(scope, creator, date(2026, 9, 1)) == told
        found = closing.month(scope, creator, date(2026, 9, 1))
        assert found.close is not None
        assert (found.close.unchanged, found.close.digest, len(found.lines) > 5) == (True, told, True)
        longer = ENGLISH.replace("Total", "2026-09-30,sale,a9,1.00,0.20,EUR\nTotal")
        weighed = statements.weigh(scope, creator, sheet(longer), source=SOURCE)
        assert [one.fate for one in weighed].count(Fate.MOVED) == 1
        assert bring(scope, creator, longer) == 1
        again = closing.month(scope, creator, date(2026, 9, 1))
        assert again.close is not None
        assert again.close.unchanged
        assert rail(scope) == {"EUR": sheet(longer).nets()["EUR"].minor}
        now = scope.now.date()
        with pytest.raises(Refused):
            closing.close(scope, creator, now)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(["Europe/Paris", "America/New_York", "UTC"]))
def test_months_follow_each_other(day: date, zone: str) -> None:
    since, until = closing.bounds(zone, day)
    assert since.astimezone(since.tzinfo).day == until.astimezone(until.tzinfo).day == 1
    assert timedelta(days=27) < until - since < timedelta(days=32)
    assert closing.bounds(zone, until.date())[0] == until


def test_statements_are_of_one_tenant(studio: Studio) -> None:
    with studio.scope() as scope:
        bring(scope, studio.world.creator_id, ENGLISH)
        names = {row.tenant_id for row in scope.run("SELECT tenant_id FROM statement_lines")}
    assert names == {studio.world.tenant_id}
