"""Statement files of platforms without an API: parsed strictly, previewed, booked once, closed by
month."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Refused
from foundation.ids import uuid7
from foundation.money import Money
from subscribers.ledger import entries, month_close
from subscribers.statements import bookings, cell_values, column_mappings, columns, file_reader
from subscribers.statements.bookings import LineOutcome
from subscribers.statements.columns import StatementFormat
from tests.subscribers.builders import Studio

SOURCE = "Autre plateforme"
ENGLISH = """date,type,reference,gross,fee,currency
2026-09-02 10:00,sale,a1,50.00,10.00,EUR
2026-09-02 10:00,sale,a1,50.00,10.00,EUR
2026-09-05,tip,a2,12.34,2.47,EUR
2026-09-09,refund,a2,-12.34,-2.47,EUR
2026-09-30,payout,p1,60.00,0,EUR
Total,,,100.00,20.00,
"""
LATER = """2026-09-30,sale,a9,1.00,0.20,EUR
Total,,,101.00,20.20,"""
FRENCH = """date;type;référence;brut;frais;devise
03/10/2026 09:15;Vente;b1;1 234,50;246,90;EUR
04/10/2026;Abonnement;b2;9,99;2,00;EUR
05/10/2026;vente;b3;20;4;USD
"""


def sheet(text: str) -> file_reader.StatementFile:
    return file_reader.read_statement(text.encode(), SOURCE)


def bring(scope: Scope, creator: UUID, text: str) -> int:
    return bookings.import_statement(scope, creator, sheet(text), source=SOURCE, name="releve.csv")


def test_english_and_french_formats_are_read() -> None:
    english, french = sheet(ENGLISH), sheet(FRENCH)
    assert english.net_by_currency() == {
        "EUR": Money(5000 - 1000 + 5000 - 1000 + 1234 - 247 - 1234 + 247 - 6000, "EUR")
    }
    assert [line.gross for line in french.movements] == [
        Money(123450, "EUR"),
        Money(999, "EUR"),
        Money(2000, "USD"),
    ]
    assert french.movements[0].at == datetime(2026, 10, 3, 9, 15, tzinfo=UTC)
    assert not english.unread + french.unread
    assert len({line.key for line in english.movements}) == 5, "two equal lines are two movements"
    marked = file_reader.read_statement(b"\xef\xbb\xbf" + ENGLISH.encode(), SOURCE)
    assert [line.key for line in marked.movements] == [line.key for line in english.movements]
    assert file_reader.read_statement(FRENCH.encode("cp1252"), SOURCE).movements == french.movements


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ("2026-13-02,sale,a1,5.00,1.00,EUR", "date"),
        ("hier,sale,a1,5.00,1.00,EUR", "date"),
        ("2026-09-02,gift,a1,5.00,1.00,EUR", "type"),
        ("2026-09-02,sale,a1,five,1.00,EUR", "gross"),
        ("2026-09-02,sale,a1,5.001,1.00,EUR", "gross"),
        ('2026-09-02,sale,a1,"12,500",1.00,EUR', "gross"),
        ("2026-09-02,sale,a1,2.500,1.00,EUR", "gross"),
        ('2026-09-02,sale,a1,5000,"1,000",EUR', "fee"),
        ("2026-09-02,sale,a1,5.00,6.00,EUR", "gross"),
        ("2026-09-02,sale,a1,5.00,1.00,euros", "currency"),
        ("2026-09-02,sale", "currency"),
    ],
)
def test_unreadable_line_is_reported_and_blocks_the_file(
    studio: Studio, cell: str, column: str
) -> None:
    text = ENGLISH + cell + "\n"
    (line,) = sheet(text).unread
    assert (line.number, line.reason.params["column"]) == (8, column)
    with studio.scope() as scope, pytest.raises(BadInput):
        bring(scope, studio.world.creator_id, text)


@pytest.mark.parametrize("text", ["", "hello", "date,type\n2026-01-01,sale\n", "\x00\x01\x02"])
def test_file_that_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        sheet(text)


@given(st.binary(max_size=400))
def test_any_file_is_read_or_refused(data: bytes) -> None:
    for head in (b"", b"date,type,reference,gross,fee,currency\n"):
        try:
            file_reader.read_statement(head + data, SOURCE)
        except BadInput:
            continue


HEAD = "date,type,reference,gross,fee,currency\n"


@pytest.mark.parametrize(
    ("lines", "net"),
    [
        ("2026-09-02,sale,a1,50.00,10.00,EUR\n2026-09-03,subscription,a1,-50.00,-10.00,EUR\n", 0),
        ("2026-09-02,sale,a1,50.00,10.00,EUR\n2026-09-03,tip,a1,(20.00),0,EUR\n", 2000),
        ("2026-09-02,sale,a1,50.00,-10.00,EUR\n2026-09-03,tip,a1,-50.00,10.00,EUR\n", 0),
        ("2026-09-02,sale,a1,50.00,10.00,EUR\n2026-09-03,tip,a1,\N{MINUS SIGN}20.00,0,EUR\n", 2000),
        ("2026-09-02,sale,a1,50.00,0,EUR\n2026-09-30,payout,p1,-50.00,0,EUR\n", 0),
    ],
)
def test_negative_sale_is_a_refund(lines: str, net: int) -> None:
    found = sheet(HEAD + lines)
    assert not found.unread
    assert found.net_by_currency() == {"EUR": Money(net, "EUR")}
    assert {line.kind for line in found.movements} in ({"sale", "refund"}, {"sale", "payout"})


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ("2026-09-02,sale,a1,50.00,10.00,EUR\n2026-09-03,tip,a1,-50.00,10.00,EUR\n", 3),
        ("2026-09-02,sale,a1,50.00,-10.00,EUR\n2026-09-03,sale,a1,50.00,10.00,EUR\n", 3),
        ("2026-09-02,payout,a1,-50.00,0,EUR\n2026-09-03,payout,a1,50.00,0,EUR\n", 3),
        ("2026-09-02,refund,a1,50.00,0,EUR\n2026-09-03,refund,a1,-50.00,0,EUR\n", 2),
    ],
)
def test_ambiguous_sign_is_reported(lines: str, number: int) -> None:
    assert [line.number for line in sheet(HEAD + lines).unread] == [number]


@pytest.mark.parametrize(
    "total", ["Total,,,55.00,,", "Total,,,,9.00,", "TOTAL,,,50.00,100.00,", "Total,,,ten,,"]
)
def test_total_that_differs_from_the_lines_is_reported(total: str) -> None:
    """Truncated or duplicated lines are detected by their total."""
    lines = "2026-09-02,sale,a1,50.00,10.00,EUR\n"
    (line,) = sheet(HEAD + lines + total + "\n").unread
    assert line.number == 3
    for good in ("Total,,,50.00,10.00,EUR", "Somme,,,,,", "total,,,50.00,-10.00,"):
        assert not sheet(HEAD + lines + good + "\n").unread


def test_reference_starting_with_total_is_no_total_line() -> None:
    text = "reference,date,type,gross,fee,currency\nTotal pack,2026-09-02,sale,5.00,1.00,EUR\n"
    assert len(sheet(text).movements) == 1


THEIRS = """Date & time;Description;Amount;Fee;Net
Sep 2, 2026 10:05 pm;Subscription from u1;$9.99;-$2.00;$7.99
Sep 3, 2026 09:00 am;Payment for message from u2;$1.000,00;-$200,00;$800,00
Sep 4, 2026 09:00 am;Refund of tip from u2;-$20,00;$4,00;-$16,00
"""
READ = StatementFormat(
    {"date": 0, "kind": 1, "gross": 2, "fee": 3, "net": 4},
    currency="USD",
    decimals="comma",
    words={**columns.KIND_WORDS, "sale": (*columns.KIND_WORDS["sale"], "payment")},
)


def test_mapped_heading_is_read_with_the_stored_format(studio: Studio) -> None:
    text = THEIRS.replace("9.99", "9,99").replace("2.00", "2,00").replace("7.99", "7,99")
    with studio.scope() as scope:
        with pytest.raises(BadInput):
            column_mappings.read_known_statement(scope, text.encode(), SOURCE)
        column_mappings.store_format(scope, file_reader.parse_table(text.encode()).heading, READ)
        found = column_mappings.read_known_statement(scope, text.encode(), SOURCE)
        assert not found.unread
        assert found.net_by_currency() == {"USD": Money(799 + 80000 - 1600, "USD")}
        assert found.movements[0].at == datetime(2026, 9, 2, 22, 5, tzinfo=UTC)
        creator = studio.world.creator_id
        assert bookings.import_statement(scope, creator, found, source=SOURCE, name="x") == 3
        column_mappings.store_format(
            scope,
            file_reader.parse_table(text.encode()).heading,
            StatementFormat(READ.places, "EUR"),
        )
        otherwise = file_reader.read_statement(text.encode(), SOURCE, replace(READ, currency="CAD"))
        with pytest.raises(Refused):
            bookings.import_statement(scope, creator, otherwise, source=SOURCE, name="x")


def test_deviation_from_the_stored_format_is_reported() -> None:
    """A point where commas are configured is not read as a thousands separator, nor euros as
    dollars."""
    assert [
        one.number for one in file_reader.read_statement(THEIRS.encode(), SOURCE, READ).unread
    ] == [2]
    euros = THEIRS.replace("$9.99", "€9,99").replace("2.00", "2,00").replace("7.99", "7,99")
    assert [
        one.reason.params["column"]
        for one in file_reader.read_statement(euros.encode(), SOURCE, READ).unread
    ] == ["gross"]


@pytest.mark.parametrize(
    ("said", "currency", "minor"),
    [
        ("12,500.00", "USD", 1_250_000),
        ("0,500", "EUR", 50),
        ("1.250", "KWD", 1250),
        ("12 500", "EUR", 1_250_000),
    ],
)
def test_unambiguous_amount_is_read(said: str, currency: str, minor: int) -> None:
    assert cell_values.parse_amount("gross", said, currency) == Money(minor, currency)


def test_net_column_determines_the_fee_or_reveals_an_error() -> None:
    text = "day,amount,net\n02/09/2026,10.00,8.00\n09/03/2026,-10.00,-8.00\n03/09/2026,5.00,6.00\n"
    found = file_reader.read_statement(
        text.encode(),
        SOURCE,
        StatementFormat({"date": 0, "gross": 1, "net": 2}, "EUR", "month_first"),
    )
    assert [(one.kind, one.fee.minor, one.at.month) for one in found.movements] == [
        ("sale", 200, 2),
        ("refund", 200, 9),
    ]
    assert [one.number for one in found.unread] == [4]


@pytest.mark.parametrize(
    "said",
    [
        StatementFormat({"gross": 0}, "EUR"),
        StatementFormat({"date": 0, "gross": 0}, "EUR"),
        StatementFormat({"date": 0, "gross": 9}, "EUR"),
        StatementFormat({"date": 0, "gross": 1}, "euros"),
        StatementFormat(
            {"date": 0, "gross": 1}, "EUR", words={"sale": ("x",), "refund": ("X",), "payout": ()}
        ),
    ],
)
def test_unusable_format_is_not_stored(studio: Studio, said: StatementFormat) -> None:
    with studio.scope() as scope, pytest.raises(BadInput):
        column_mappings.store_format(scope, ("a", "b"), said)


def test_stored_format_is_private_to_its_agency(studio: Studio, tenant: OpenScope) -> None:
    with studio.scope() as scope:
        column_mappings.store_format(
            scope, ("a", "b"), StatementFormat({"date": 0, "gross": 1}, "EUR")
        )
        assert column_mappings.known_format(scope, (" A ", "b")) is not None
        assert column_mappings.known_format(scope, ("b", "a")) is None
    with tenant(uuid7(), "system:test") as scope:
        assert column_mappings.known_format(scope, ("a", "b")) is None


def rail(scope: Scope) -> dict[str, int]:
    return dict(
        entries.account_balance(
            scope, entries.rail_ledger_account(file_reader.STATEMENT_RAIL, SOURCE)
        )
    )


def test_file_is_booked_to_the_cent_and_never_twice(studio: Studio) -> None:
    creator = studio.world.creator_id
    with studio.scope() as scope:
        entries.set_revenue_split(
            scope,
            creator,
            entries.SplitShares(4000, 6000, 1000),
            effective_from=datetime(2026, 1, 1, tzinfo=UTC),
        )
        assert {
            one.fate
            for one in bookings.preview_statement(scope, creator, sheet(ENGLISH), source=SOURCE)
        } == {LineOutcome.NEW}
        assert bring(scope, creator, ENGLISH) == 5
        assert bring(scope, creator, ENGLISH) == 0
        assert rail(scope) == {"EUR": sheet(ENGLISH).net_by_currency()["EUR"].minor}
        assert bookings.sum_statements(scope, [creator]) == {
            (creator, SOURCE, "EUR"): sheet(ENGLISH).net_by_currency()["EUR"].minor
        }
        longer = ENGLISH.replace("Total,,,100.00,20.00,", LATER)
        fates = [
            one.fate
            for one in bookings.preview_statement(scope, creator, sheet(longer), source=SOURCE)
        ]
        assert fates.count(LineOutcome.KNOWN) == 5
        assert bring(scope, creator, longer) == 1
        (total,) = entries.creator_totals(
            scope, creator, datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
        )
        assert (total.gross_minor, total.refunds_minor) == (5000 + 5000 + 1234 + 100, 1234)
        assert total.creator_minor + total.agency_minor + total.staff_minor == total.net_minor
        assert len(bookings.list_imported_statements(scope, [creator])) == 2


def test_same_file_for_another_platform_is_refused(studio: Studio) -> None:
    with studio.scope() as scope:
        bring(scope, studio.world.creator_id, ENGLISH)
        with pytest.raises(Refused):
            bookings.import_statement(
                scope, studio.world.creator_id, sheet(ENGLISH), source="Une autre", name="x"
            )
        for bad in ("", " : ", "x" * 61):
            with pytest.raises(BadInput):
                bookings.ledger_source_name(scope, studio.world.creator_id, bad)


@pytest.mark.parametrize("other", ["autre  plateforme", "Autre-Plateforme", "autreplateforme.com"])
def test_platform_name_is_matched_across_spellings(studio: Studio, other: str) -> None:
    """Lines of another file with an overlapping period are matched under the name of the first
    import."""
    creator, longer = studio.world.creator_id, ENGLISH.replace("Total,,,100.00,20.00,", LATER)
    with studio.scope() as scope:
        bring(scope, creator, ENGLISH)
        written = file_reader.read_statement(longer.encode(), other)
        with pytest.raises(Refused, match=r"statement\.other_source"):
            bookings.import_statement(scope, creator, written, source=other, name="x.csv")
        source = bookings.ledger_source_name(scope, creator, other)
        count = bookings.import_statement(
            scope,
            creator,
            file_reader.read_statement(longer.encode(), source),
            source=source,
            name="x.csv",
        )
        assert (source, count) == (SOURCE, 1)
        assert rail(scope) == {"EUR": sheet(longer).net_by_currency()["EUR"].minor}
        assert (
            bookings.ledger_source_name(scope, creator, "Autres plateformes")
            == "Autres plateformes"
        )


def test_closed_month_keeps_its_digest_and_later_lines_move(studio: Studio) -> None:
    creator = studio.world.creator_id
    with studio.scope() as scope:
        bring(scope, creator, ENGLISH)
        told = month_close.close_month(scope, creator, date(2026, 9, 15))
        assert month_close.close_month(scope, creator, date(2026, 9, 1)) == told
        found = month_close.load_ledger_month(scope, creator, date(2026, 9, 1))
        assert found.close is not None
        assert (found.close.unchanged, found.close.digest, len(found.lines) > 5) == (
            True,
            told,
            True,
        )
        longer = ENGLISH.replace("Total,,,100.00,20.00,", LATER)
        weighed = bookings.preview_statement(scope, creator, sheet(longer), source=SOURCE)
        assert [one.fate for one in weighed].count(LineOutcome.MOVED) == 1
        assert bring(scope, creator, longer) == 1
        again = month_close.load_ledger_month(scope, creator, date(2026, 9, 1))
        assert again.close is not None
        assert again.close.unchanged
        assert rail(scope) == {"EUR": sheet(longer).net_by_currency()["EUR"].minor}
        now = scope.now.date()
        with pytest.raises(Refused):
            month_close.close_month(scope, creator, now)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Europe/Paris", "Pacific/Kiritimati"])
def test_date_is_independent_of_the_creators_time_zone(studio: Studio, zone: str) -> None:
    creator = studio.world.creator_id
    with studio.scope() as scope:
        scope.run(
            "UPDATE creators SET zone = :zone WHERE tenant_id = :t", zone=zone, t=scope.tenant_id
        )
        bring(
            scope,
            creator,
            HEAD + "2026-10-01,sale,a1,5.00,1.00,EUR\n2026-10-31,sale,a2,7.00,1.00,EUR\n",
        )
        bring(scope, creator, HEAD + "2026-10-01,sale,a1,5.00,1.00,EUR\n")
        grosses = [
            [
                total.gross_minor
                for total in month_close.load_ledger_month(
                    scope, creator, date(2026, month, 1)
                ).totals
            ]
            for month in (9, 10, 11)
        ]
    assert grosses == [[], [1200], []]


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["Europe/Paris", "America/New_York", "UTC"]),
)
def test_months_are_contiguous(day: date, zone: str) -> None:
    since, until = month_close.month_bounds(zone, day)
    assert since.astimezone(since.tzinfo).day == until.astimezone(until.tzinfo).day == 1
    assert timedelta(days=27) < until - since < timedelta(days=32)
    assert month_close.month_bounds(zone, until.date())[0] == until


def test_statements_belong_to_one_tenant(studio: Studio) -> None:
    with studio.scope() as scope:
        bring(scope, studio.world.creator_id, ENGLISH)
        names = {row.tenant_id for row in scope.run("SELECT tenant_id FROM statement_lines")}
    assert names == {studio.world.tenant_id}
