"""Lines of statements: what is uncertain is not booked, and what is booked is the file's own net."""

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.money import Money
from subscribers.statements import bookings, file_reader
from subscribers.statements.file_reader import StatementFile
from tests.subscribers.builders import Studio

HEAD = "date,type,reference,gross,fee,currency\n"
NET_HEAD = "date,type,reference,gross,fee,net,currency\n"
SALE = "2031-01-02 10:00,sale,s,70.00,7.00,EUR\n"
KINDS = (
    "sale",
    "tip",
    "subscription",
    "refund",
    "chargeback",
    "payout",
    "vente",
    "remboursement",
    "virement",
    "abonnement",
)
STATES = """pending|scheduled|requested|on hold|held|initiated|opened|declined|reversed|not completed
no|non|expired|under review|in review|awaiting bank|processing|queued|unpaid|in progress|submitted
rejected|failed|canceled|voided|authorised|expected|en attente|planifié|demandé|suspendu|en cours
ouverte|à venir|refusé|annulé|non effectué|sans effet|ausstehend|beantragt|nicht ausgeführt|storniert
abgelehnt|eröffnet|pendiente|solicitado|en revisión|rechazado|in attesa|richiesto|annullato|pendente
em análise|recusado|in behandeling|geweigerd|aangevraagd""".replace("\n", "|").split("|")


def read(lines: str, head: str = HEAD) -> StatementFile:
    return file_reader.read_statement((head + lines).encode(), "Other")


@pytest.mark.parametrize("state", STATES)
def test_movement_with_an_open_or_denied_state_is_not_booked(state: str) -> None:
    for kind, order in itertools.product(
        KINDS, ("{0} {1}", "{1} {0}", "{0} ({1})", "{1}: {0}", "{0}-{1}")
    ):
        words = order.format(kind, state)
        found = read(f"{SALE}2031-01-03 11:00,{words},a,50.00,0,EUR\n")
        assert [one.number for one in found.unread] == [3], words
        assert [one.reference for one in found.movements] == ["s"], words


@pytest.mark.parametrize(
    "words",
    [
        "sale",
        "new subscription",
        "tip from anna",
        "payout completed",
        "refund of tip",
        "chargeback lost",
        "vente effectuée",
    ],
)
def test_settled_movement_is_booked(words: str) -> None:
    assert not read(f"{SALE}2031-01-03 11:00,{words},a,50.00,0,EUR\n").unread


AMOUNTS = st.tuples(st.integers(1, 9999), st.integers(0, 9999))
OUTGOING = ("refund", "chargeback", "dispute", "remboursement", "payout")


def text_of(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


@given(
    st.lists(st.tuples(st.sampled_from(OUTGOING), AMOUNTS, st.booleans()), max_size=5),
    st.booleans(),
)
def test_booked_lines_add_up_to_the_signed_columns(
    rows: list[tuple[str, tuple[int, int], bool]], negative: bool
) -> None:
    """In a file with signs, a line changes the balance by its gross minus its charged fee."""
    way = -1 if negative else 1
    lines = f"2031-01-02 10:00,sale,s,70.00,{text_of(700 * way)},EUR\n"
    total = 6300
    for kind, (gross, fee), given_back in rows:
        charged = -min(fee, gross) if given_back else fee
        lines += f"2031-01-03 10:00,{kind},r,{text_of(-gross)},{text_of(charged * way)},EUR\n"
        total -= gross + charged
    found = read(lines)
    assert not found.unread
    assert found.net_by_currency() == {"EUR": Money(total, "EUR")}


@given(
    st.sampled_from(OUTGOING),
    AMOUNTS,
    st.booleans(),
    st.tuples(*(st.sampled_from((1, -1)) for _ in range(3))),
)
def test_line_is_reconciled_with_its_net_in_every_sign(
    kind: str,
    amounts: tuple[int, int],
    given_back: bool,
    signs: tuple[int, int, int],
) -> None:
    gross, fee = amounts
    fee = min(fee, gross) if given_back else fee
    net = gross - fee if given_back else gross + fee
    cells = ",".join((text_of(gross * signs[0]), text_of(fee * signs[1]), text_of(net * signs[2])))
    found = read(f"2031-01-03 10:00,{kind},r,{cells},EUR\n", NET_HEAD)
    assert not found.unread
    assert found.net_by_currency() == {"EUR": Money(-net, "EUR")}
    wrong = cells.rpartition(",")[0] + "," + text_of(net + 1 if net != gross - fee - 1 else net + 2)
    if net + 1 not in {gross + fee, abs(gross - fee)}:
        assert read(f"2031-01-03 10:00,{kind},r,{wrong},EUR\n", NET_HEAD).unread


@pytest.mark.parametrize("zone", ["America/Toronto", "Asia/Tokyo", "Pacific/Apia", "UTC"])
@pytest.mark.parametrize(
    "written", ["Dec 1, 2026 12:30 AM", "2026-12-01T00:30", "1/12/2026 00:30:00"]
)
def test_time_without_a_zone_is_that_of_the_creator(
    studio: Studio, zone: str, written: str
) -> None:
    with studio.scope() as scope:
        scope.run(
            "UPDATE creators SET zone = :zone WHERE tenant_id = :t", zone=zone, t=scope.tenant_id
        )
        lines = read(
            f'"{written}",sale,a,5.00,1.00,USD\n2026-12-01T00:30:00+02:00,sale,b,5.00,1.00,USD\n'
        )
        local, exact = bookings.booking_times(scope, studio.world.creator_id, lines.movements)
    assert local.at == datetime(2026, 12, 1, 0, 30, tzinfo=ZoneInfo(zone))
    assert exact.at == datetime(2026, 11, 30, 22, 30, tzinfo=UTC)
    assert [one.zoned for one in lines.movements] == [False, True]


@pytest.mark.parametrize("space", ["\u202f", "\u00a0", " ", "\u2009", ""])
@pytest.mark.parametrize("half", ["AM", "am", "a.m."])
def test_time_with_any_space_before_am_is_read(space: str, half: str) -> None:
    (one,) = read(f'"1/3/2031, 11:00:00{space}{half}",tip,a,10.00,2.00,USD\n').movements
    assert one.at.hour == 11


FIELD = Path(os.environ.get("GREENROOM_SHARED", "/nowhere")) / "data"
needs_field = pytest.mark.skipif(not FIELD.exists(), reason="needs the shared field files")


def read_field(name: str) -> StatementFile:
    return file_reader.read_statement((FIELD / name).read_bytes(), "Other")


@needs_field
def test_statements_from_the_field(studio: Studio) -> None:
    states = read_field("field2/st_states.csv")
    assert ([one.reference for one in states.movements], len(states.unread)) == (["a"], 8)
    dispute = read_field("field2/st_dispute_fee.csv")
    assert not dispute.unread
    assert dispute.net_by_currency() == {"EUR": Money(-1675, "EUR")}
    with_net = read_field("field2/st_dispute_fee_net.csv")
    assert not with_net.unread
    assert [one.net.minor for one in with_net.movements] == [4825, -6500, 455, -2000]
    assert len(read_field("field2/st_utf16.csv").movements) == 2
    assert read_field("field2/st_nnbsp.csv").movements[0].at.hour == 11
    zero = read_field("field/st_zero.csv")
    assert [one.is_empty for one in zero.movements] == [True, False]
    local = read_field("field2/st_local_time.csv")
    with studio.scope() as scope:
        scope.run(
            "UPDATE creators SET zone = 'America/Toronto' WHERE tenant_id = :t", t=scope.tenant_id
        )
        times = bookings.booking_times(scope, studio.world.creator_id, local.movements)
    assert [one.at.astimezone(ZoneInfo("America/Toronto")).month for one in times] == [12, 11]
