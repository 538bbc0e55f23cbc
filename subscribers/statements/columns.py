"""Which column of a statement is what. Pure.

No platform documents its file, and what is called the same may mean something else: a heading that
is not wholly ours is read as a member said it is to be read, never by its looks.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from foundation.errors import BadInput
from subscribers.statements.cell_values import DateOrder, DecimalMark

StatementLineKind = Literal["sale", "refund", "payout"]
STATEMENT_LINE_KINDS: tuple[StatementLineKind, ...] = get_args(StatementLineKind)

COLUMN_FIELDS = ("date", "kind", "reference", "gross", "fee", "net", "currency")
"""What a column may be."""

_NAMES: Mapping[str, frozenset[str]] = {
    "date": frozenset({"date", "jour"}),
    "kind": frozenset({"type", "kind", "nature"}),
    "reference": frozenset({"reference", "référence", "ref", "id"}),
    "gross": frozenset({"gross", "brut", "amount", "montant"}),
    "fee": frozenset({"fee", "frais", "commission"}),
    "net": frozenset({"net"}),
    "currency": frozenset({"currency", "devise", "monnaie"}),
}
_OURS = frozenset(COLUMN_FIELDS) - {"net"}
"""A heading that names these is read without asking."""

KIND_WORDS: Mapping[StatementLineKind, tuple[str, ...]] = MappingProxyType(
    {
        "sale": ("sale", "vente", "tip", "pourboire", "subscription", "abonnement"),
        "refund": ("refund", "remboursement", "chargeback", "contestation"),
        "payout": ("payout", "virement", "versement"),
    }
)
MAX_WORDS = 40
MAX_WORD_LENGTH = 40


@dataclass(frozen=True)
class StatementFormat:
    """How a file is read. `places` are columns from 0, by what they are; `currency` is meant where
    no column says one; `words` say what a line is, and without such a column its sign does."""

    places: Mapping[str, int]
    currency: str = ""
    dates: DateOrder = "day_first"
    decimals: DecimalMark = "either"
    words: Mapping[StatementLineKind, tuple[str, ...]] = field(default_factory=lambda: KIND_WORDS)

    def kind(self, said: str) -> StatementLineKind | None:
        """What the words of a cell say; None where they say nothing, or two things at once. Of a
        sale that goes back both are said: it is what goes back."""
        plain = said.casefold()
        found = {
            kind
            for kind in STATEMENT_LINE_KINDS
            if any(_has_word(word, plain) for word in self.words[kind])
        }
        if found == {"sale", "refund"}:
            return "refund"
        return found.pop() if len(found) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "places": dict(self.places),
            "currency": self.currency,
            "dates": self.dates,
            "decimals": self.decimals,
            "words": {kind: list(words) for kind, words in self.words.items()},
        }


def load_format(kept: Mapping[str, Any]) -> StatementFormat:
    """The value of `Columns.to_json`."""
    words = {cast("StatementLineKind", kind): tuple(words) for kind, words in kept["words"].items()}
    return StatementFormat(kept["places"], kept["currency"], kept["dates"], kept["decimals"], words)


def heading_fingerprint(heading: Sequence[str]) -> str:
    """The same for every file with these columns in this order."""
    return hashlib.sha256(
        "\x1f".join(_normalize_header(cell) for cell in heading).encode()
    ).hexdigest()


def guess_columns(heading: Sequence[str]) -> dict[str, int]:
    """The columns that are called as ours are: what to propose where somebody is asked."""
    places = {_normalize_header(cell): place for place, cell in reversed(list(enumerate(heading)))}
    return {
        each: next(places[name] for name in sorted(names) if name in places)
        for each, names in _NAMES.items()
        if names & places.keys()
    }


def own_format(heading: Sequence[str]) -> StatementFormat | None:
    """How a file with all of our headings is read; None for any other."""
    found = guess_columns(heading)
    return StatementFormat(found) if found.keys() >= _OURS else None


def check_format(columns: StatementFormat, heading: Sequence[str]) -> StatementFormat:
    """What a member said about a heading. Raises BadInput for what no file could be read with."""
    places = list(columns.places.values())
    if not {"date", "gross"} <= columns.places.keys():
        raise BadInput("statement.columns_needed")
    if len(set(places)) != len(places) or any(not 0 <= place < len(heading) for place in places):
        raise BadInput("statement.columns_twice")
    if "currency" not in columns.places and not re.fullmatch(r"[A-Z]{3}", columns.currency):
        raise BadInput("statement.columns_currency")
    said = [(kind, word) for kind in STATEMENT_LINE_KINDS for word in columns.words.get(kind, ())]
    if len(said) > MAX_WORDS or any(not 0 < len(word) <= MAX_WORD_LENGTH for _, word in said):
        raise BadInput("statement.columns_words", most=MAX_WORDS)
    if len({word.casefold() for _, word in said}) != len(said):
        raise BadInput("statement.columns_words", most=MAX_WORDS)
    return columns


def _normalize_header(cell: str) -> str:
    return " ".join(cell.split()).casefold()


def _has_word(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text) is not None
