"""A sample statement of a fictional platform for one month. Pure.

For the demo and for trying an import: the same month and name give the same file.
"""

import random
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from foundation.ids import derived_uuid

SAMPLE_SOURCE = "Autre plateforme"
CURRENCY = "EUR"
FEE_PERCENT = 20
REFUNDED = 12
"""One in this many sales is refunded."""

_KINDS = (
    ("Abonnement", (999, 1499), 5),
    ("Vente", (500, 800, 1250, 2500), 4),
    ("Pourboire", (300, 500, 1000), 3),
)
"""Products of the platform, their prices in cents, and their relative frequency."""


@dataclass(frozen=True)
class _Row:
    at: datetime
    kind: str
    reference: str
    gross: int
    fee: int


def sample_file_name(month: date) -> str:
    """Return the file name of a month."""
    return f"autre-plateforme-{month:%Y-%m}.csv"


def build_sample_statement(month: date, whose: str) -> bytes:
    """Return the file of a month in UTF-8, with a heading, lines by date, and a final line of
    sums."""
    rows = sorted(
        _generate_rows(month.replace(day=1), whose), key=lambda row: (row.at, row.reference)
    )
    lines = ["Date;Type;Référence;Brut;Frais;Devise"]
    lines += [
        f"{row.at:%Y-%m-%d %H:%M};{row.kind};{row.reference}"
        f";{_format_euros(row.gross)};{_format_euros(row.fee)};{CURRENCY}"
        for row in rows
    ]
    signs = [1 if row.kind in {name for name, _, _ in _KINDS} else -1 for row in rows]
    gross = sum(sign * row.gross for sign, row in zip(signs, rows, strict=True))
    fee = sum(sign * row.fee for sign, row in zip(signs, rows, strict=True))
    lines.append(f"Total;;;{_format_euros(gross)};{_format_euros(fee)};{CURRENCY}")
    return ("\r\n".join(lines) + "\r\n").encode()


def sample_net(month: date, whose: str) -> int:
    """Return the net balance after the month in cents, as the platform would report it."""
    names = {name for name, _, _ in _KINDS}
    return sum(
        (row.gross - row.fee) * (1 if row.kind in names else -1)
        for row in _generate_rows(month.replace(day=1), whose)
    )


def _generate_rows(month: date, whose: str) -> Iterator[_Row]:
    # variety, not secrecy
    dice = random.Random(derived_uuid("statement", whose, month).int)  # noqa: S311  see above
    days = monthrange(month.year, month.month)[1]
    earned = 0
    for number in range(dice.randrange(34, 48)):
        kind, prices, _ = dice.choices(_KINDS, [often for _, _, often in _KINDS])[0]
        gross = dice.choice(prices)
        fee = (gross * FEE_PERCENT + 50) // 100
        day = dice.randrange(2, days - 2)
        at = datetime(
            month.year, month.month, day, dice.randrange(7, 22), dice.randrange(60), tzinfo=UTC
        )
        yield _Row(at, kind, f"AP{month:%y%m}-{number + 1:03d}", gross, fee)
        earned += gross - fee
        if number % REFUNDED == REFUNDED - 1:
            later = at.replace(day=min(day + 1, days - 2))
            yield _Row(later, "Remboursement", f"AP{month:%y%m}-{number + 1:03d}R", gross, fee)
            earned -= gross - fee
    paid = earned // 2
    end = datetime(month.year, month.month, days - 1, 9, tzinfo=UTC)
    yield _Row(end, "Virement", f"AP{month:%y%m}-V", paid, 0)


def _format_euros(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    cents = abs(cents)
    return f"{sign}{cents // 100},{cents % 100:02d}"
