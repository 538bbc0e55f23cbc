"""Which column of a statement is what. Pure.

No platform documents its file, and what is called the same may mean something else: a heading that
is not wholly ours is read as a member said it is to be read, never by its looks.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from foundation.errors import BadInput
from subscribers.statements.cell_values import DateOrder, DecimalMark

StatementLineKind = Literal["sale", "refund", "payout"]
STATEMENT_LINE_KINDS: tuple[StatementLineKind, ...] = get_args(StatementLineKind)

COLUMN_FIELDS = ("date", "kind", "status", "reference", "gross", "fee", "net", "currency")
"""What a column may be."""

_NAMES: Mapping[str, frozenset[str]] = {
    "date": frozenset({"date", "jour"}),
    "kind": frozenset({"type", "kind", "nature"}),
    "status": frozenset({"status", "statut", "état", "state", "outcome", "result", "résultat"}),
    "reference": frozenset({"reference", "référence", "ref", "id"}),
    "gross": frozenset({"gross", "brut", "amount", "montant"}),
    "fee": frozenset({"fee", "frais", "commission"}),
    "net": frozenset({"net"}),
    "currency": frozenset({"currency", "devise", "monnaie"}),
}
OPTIONAL_COLUMNS = frozenset({"net", "status"})
_OURS = frozenset(COLUMN_FIELDS) - OPTIONAL_COLUMNS
"""A heading that names these is read without asking."""

KIND_WORDS: Mapping[StatementLineKind, tuple[str, ...]] = MappingProxyType(
    {
        "sale": ("sale", "vente", "tip", "pourboire", "subscription", "abonnement"),
        "refund": (
            *("refund", "refunds", "refunded", "remboursement", "remboursé", "remboursée"),
            *("chargeback", "chargebacks", "charged back", "dispute", "disputed"),
            *("contestation", "contesté", "contestée"),
        ),
        "payout": ("payout", "payouts", "virement", "versement"),
    }
)
_REVERSED = frozenset(
    re.findall(
        r"\w+",
        """reversal reversed reverse void voided annulation annule annulee contrepassation
        contrepasse extourne""",
    )
)
"""Words, without accents, that say that a movement was undone."""

_UNDONE = _REVERSED | frozenset(
    re.findall(
        r"\w+",
        """won failed failure returned cancelled canceled cancellation rejected declined denied
        bounced recovered reinstated restored gagne gagnee echec echoue echouee rejete rejetee
        refuse refusee retourne retournee""",
    )
)
"""Words that say so of what went out: the money is back, or never went. Of a sale they may say that
it was never paid."""

_COMPLETED = frozenset(
    re.findall(
        r"\w+",
        """paid complete completed success successful succeeded settled done approved processed
        posted cleared available confirmed ok sent received paye payee termine terminee effectue
        effectuee reussi reussie valide validee confirme confirmee regle reglee envoye envoyee recu
        recue verse versee disponible""",
    )
)
"""States in which the amount of a line counts."""
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
        sale that goes back both are said: it is what goes back. A sale that was reversed goes back
        too; one that "failed" may never have been paid."""
        found, rest = self._match_words(said)
        if found == {"sale"} and rest & _UNDONE:
            return "refund" if rest & _REVERSED else None
        if found == {"sale", "refund"}:
            return "refund"
        return found.pop() if len(found) == 1 else None

    def is_reversal(self, said: str) -> bool:
        """Return True if the words say that a refund or a payout was undone: "chargeback won"."""
        found, rest = self._match_words(said)
        return bool(rest & _UNDONE) and bool(found & {"refund", "payout"})

    def _match_words(self, said: str) -> tuple[set[StatementLineKind], set[str]]:
        """Return the kinds whose words are there, and the other words, without accents."""
        plain = said.casefold()
        found = {
            (kind, word)
            for kind in STATEMENT_LINE_KINDS
            for word in self.words.get(kind, ())
            if _has_word(word, plain)
        }
        for _, word in found:
            plain = plain.replace(word.casefold(), " ")
        return {kind for kind, _ in found}, set(re.findall(r"\w+", _strip_accents(plain)))

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


def is_completed(status: str) -> bool:
    """Return True if a state says that the amount of its line counts, or says nothing."""
    words = re.findall(r"\w+", _strip_accents(status.casefold()))
    return not words or (len(words) == 1 and words[0] in _COMPLETED)


def _strip_accents(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _has_word(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text) is not None
