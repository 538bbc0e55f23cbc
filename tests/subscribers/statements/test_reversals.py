"""Reversed movements: a won chargeback, a failed payout."""

import hashlib
import itertools

import pytest

from foundation.db.database import Scope
from foundation.money import Money
from subscribers.ledger import entries
from subscribers.statements import bookings, file_reader
from subscribers.statements.columns import StatementFormat
from subscribers.statements.file_reader import StatementFile
from tests.subscribers.builders import Studio

SOURCE = "Other"
HEAD = "date,type,reference,gross,fee,currency\n"

UNDOING = ("reversed", "reversal", "won", "failed", "returned", "Cancelled", "VOIDED", "annulé")
OUTGOING = ("refund", "Chargeback", "Remboursement", "dispute", "payout", "Virement")
ORDERS = (  # how platforms combine the two words
    "{base} {undone}",
    "{base} ({undone})",
    "{undone}: {base}",
    "{base} – {undone}",
)


def read(lines: str, head: str = HEAD) -> StatementFile:
    return file_reader.read_statement((head + lines).encode(), SOURCE)


@pytest.mark.parametrize(("base", "undone"), list(itertools.product(OUTGOING, UNDOING)))
def test_reversed_outgoing_movement_is_credited(base: str, undone: str) -> None:
    for order, sign in itertools.product(ORDERS, ("", "-")):
        words = order.format(base=base, undone=undone)
        found = read(
            f"2031-01-03,{base},a,{sign}40.00,0,USD\n2031-01-05,{words},a,40.00,0,USD\n"
            f"Total,,,0.00,0,USD\n"
        )
        assert not found.unread, words
        assert found.net_by_currency() == {"USD": Money(0, "USD")}, words
        assert [one.is_reversal for one in found.movements] == [False, True]


@pytest.mark.parametrize(
    "words", ["tip refunded", "subscription – charged back", "sale reversed", "Vente remboursée"]
)
def test_reversed_sale_is_debited(words: str) -> None:
    sale = "2031-01-02,tip,a,40.00,8.00,USD\n"
    _, one = read(f"{sale}2031-01-03,{words},a,40.00,8.00,USD\n").movements
    assert (one.kind, one.net) == ("refund", Money(-3200, "USD"))


@pytest.mark.parametrize(
    "line",
    [
        "2031-01-03,sale failed,a,40.00,0,USD",
        "2031-01-03,subscription cancelled,a,40.00,0,USD",
        "2031-01-03,payout failed,a,-40.00,0,USD",
        "2031-01-03,payout,b,-10.00,0,USD\n2031-01-03,payout failed,a,-40.00,0,USD",
    ],
)
def test_ambiguous_line_is_refused(line: str) -> None:
    assert [one.number for one in read(line + "\n").unread] == [line.count("\n") + 2]


@pytest.mark.parametrize("status", ["failed", "Reversed", "won", "pending", "échoué", "on hold"])
def test_unsettled_status_is_refused(status: str) -> None:
    head = "date,type,status,reference,gross,fee,currency\n"
    found = read(
        f"2031-01-03,payout,{status},a,40.00,0,USD\n2031-01-04,payout,Payé,b,5.00,0,USD\n", head
    )
    assert [one.reason.params["column"] for one in found.unread] == ["status"]
    assert [one.reference for one in found.movements] == ["b"]


def test_member_defined_terms_apply_to_reversals() -> None:
    known = StatementFormat(
        {"date": 0, "kind": 1, "gross": 2},
        "USD",
        words={"sale": ("won auction",), "refund": ("storno",), "payout": ()},
    )
    data = (
        b"day,what,sum\n2031-01-03,Won auction,5.00\n2031-01-03,Storno,2.00\n"
        b"2031-01-04,Storno reversed,2.00\n"
    )
    found = file_reader.read_statement(data, SOURCE, known)
    assert [(one.kind, one.net.minor) for one in found.movements] == [
        ("sale", 500),
        ("refund", -200),
        ("refund", 200),
    ]


def rail(scope: Scope) -> dict[str, int]:
    account = entries.rail_ledger_account(file_reader.STATEMENT_RAIL, SOURCE)
    return dict(entries.account_balance(scope, account))


def test_ledger_matches_a_file_with_reversals_and_empty_lines(studio: Studio) -> None:
    lines = (
        "2026-09-01,subscription,free trial,0.00,0.00,USD\n"
        "2026-09-02,tip,a,50.00,10.00,USD\n"
        "2026-09-03,chargeback,a,50.00,10.00,USD\n"
        "2026-09-04,payout,p,20.00,0,USD\n"
        "2026-09-05,payout failed,p,20.00,0,USD\n"
        "2026-09-09,chargeback won,a,50.00,10.00,USD\n"
    )
    creator = studio.world.creator_id
    with studio.scope() as scope:
        found = read(lines)
        fates = [
            one.fate for one in bookings.preview_statement(scope, creator, found, source=SOURCE)
        ]
        assert fates == ["empty", *["new"] * 5]
        assert bookings.import_statement(scope, creator, found, source=SOURCE, name="x") == 5
        assert bookings.import_statement(scope, creator, found, source=SOURCE, name="x") == 0
        assert rail(scope) == {"USD": 4000}
        assert bookings.sum_statements(scope, [creator]) == {(creator, SOURCE, "USD"): 4000}
        assert entries.account_balance(scope, entries.REFUNDS_ACCOUNT) == {"USD": 0}


@pytest.mark.parametrize(
    ("amount", "currency", "written", "fee"),
    [
        ("10000", "KRW", "10000.00 KRW", "0.00 KRW"),
        ("1.250", "OMR", "1.25 OMR", "0.00 OMR"),
        ("1.255", "OMR", "1.255 OMR", "0.00 OMR"),
        ("5.00", "EUR", "5.00 EUR", "0.00 EUR"),
        ("500", "XTR", "500 XTR", "0 XTR"),
        ("1.250", "KWD", "1.250 KWD", "0.000 KWD"),
    ],
)
def test_line_key_is_independent_of_currency_digits(
    amount: str, currency: str, written: str, fee: str
) -> None:
    """Files imported earlier are identified by keys computed from the old currency table."""
    (one,) = read(f"2031-01-03,sale,a,{amount},0,{currency}\n").movements
    same = "\x1f".join((SOURCE, "2031-01-03T00:00:00+00:00", "sale", "a", written, fee))
    assert one.key == hashlib.sha256(f"{same}\x1f1".encode()).hexdigest()
