"""Columns of statements and the meaning of their words. Pure.

Platforms do not document their files, and equal names may differ in meaning. A heading that is not
our own template is therefore read as a member defines it, never by similarity.
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
"""The fields that a column can contain."""

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
"""A heading with all of these fields is read without a member's mapping."""

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
"""Words, without accents, for a movement that was undone."""

_UNDONE = _REVERSED | frozenset(
    re.findall(
        r"\w+",
        """won failed failure returned cancelled canceled cancellation rejected declined denied
        bounced recovered reinstated restored gagne gagnee echec echoue echouee rejete rejetee
        refuse refusee retourne retournee""",
    )
)
"""Words for an outgoing movement that was undone or never completed; of a sale they may mean that
it was never paid."""

_CERTAIN = frozenset(
    re.findall(r"\w+", "won recovered reinstated restored gagne gagnee recupere recuperee")
)
"""Words for an outgoing movement whose amount has come back. With all others of `_UNDONE`, the
movement may never have left: it counts only if the file has it too."""

_NEGATIONS = frozenset(
    re.findall(
        r"\w+",
        """not no non never pas sans aucun aucune jamais ne nicht kein keine nie sin nunca
        jamas senza nao sem niet geen nooit t""",
    )
)
_OPEN = tuple(
    re.findall(
        r"\w+",
        """pend schedul request hold held initiat open expir review await processing queue
        unpaid unsettled unclear incomplete unsuccessful uncaptured unrefund authoriz
        authoris estimat expected upcoming future draft progress inquir enquir investigat
        escalat appeal submitted created started reserv frozen froze block suspend paus
        delay retry attempt overdue due wait tentative provisional projected lapsed inactive
        warning required refus abort abandon withdrawn retract dropp attente planifi
        programm demand suspen initi ouvert ouvr cours examen retenu impaye expire prevu
        estim venir bloqu report traitement provisoire gele ausstehend offen beantragt
        angefordert geplant vorgemerkt eingeleitet abgelaufen gesperrt prufung bearbeitung
        unbezahlt erwartet warte eroffnet geoffnet storn ruckgang abgelehnt fehlgeschlag
        gescheitert pendient solicitad programad retenid iniciad abiert vencid caducad
        revision espera curso impagad previst cancelad rechazad denegad fallid revertid
        anulad devuelt attesa sospes richiest trattenut avviat apert scadut verifica corso
        annullat rifiutat respint fallit agendad retid abert expirad analise andamento
        aguard recusad falhou falhad estornad afwachting aangevraagd gepland ingehouden
        geopend verlopen behandeling wacht geannuleerd geweigerd mislukt teruggedraaid""",
    )
)
"""Beginnings of words, without accents, for a movement that is not settled, in English, French,
German, Spanish, Italian, Portuguese and Dutch."""

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
    """The format of a file. `places` maps fields to columns from 0. `currency` applies if there is
    no such column.

    `words` map the words of a kind column to kinds. Without a kind column, the sign of the amount
    decides.
    """

    places: Mapping[str, int]
    currency: str = ""
    dates: DateOrder = "day_first"
    decimals: DecimalMark = "either"
    words: Mapping[StatementLineKind, tuple[str, ...]] = field(default_factory=lambda: KIND_WORDS)

    def kind(self, said: str) -> StatementLineKind | None:
        """Return the kind that the text of a cell names, or None if it names none or several.

        A refund of a sale names both and is a refund. A reversed sale is a refund too, but one that
        "failed" may never have been paid. A movement that is open, expected or denied ("not
        refunded") has none.
        """
        found, rest = self._match_words(said)
        if rest & _NEGATIONS or any(word.startswith(_OPEN) for word in rest):
            return None
        if found == {"sale"} and rest & _UNDONE:
            return "refund" if rest & _REVERSED else None
        if found == {"sale", "refund"}:
            return "refund"
        return found.pop() if len(found) == 1 else None

    def is_reversal(self, said: str) -> bool:
        """Return True if the text says that a refund or payout was undone, such as "chargeback
        won"."""
        found, rest = self._match_words(said)
        return bool(rest & _UNDONE) and bool(found & {"refund", "payout"})

    def needs_original(self, said: str) -> bool:
        """Return True if the text says that a movement was undone which may never have happened,
        such as "refund declined": the file must have that movement too."""
        _, rest = self._match_words(said)
        return bool(rest & _UNDONE) and not rest & _CERTAIN

    def _match_words(self, said: str) -> tuple[set[StatementLineKind], set[str]]:
        """Return the kinds named in the text, and the remaining words, without accents."""
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
        """Return the format as stored JSON."""
        return {
            "places": dict(self.places),
            "currency": self.currency,
            "dates": self.dates,
            "decimals": self.decimals,
            "words": {kind: list(words) for kind, words in self.words.items()},
        }


def load_format(kept: Mapping[str, Any]) -> StatementFormat:
    """Return the format stored by `StatementFormat.to_json`."""
    words = {cast("StatementLineKind", kind): tuple(words) for kind, words in kept["words"].items()}
    return StatementFormat(kept["places"], kept["currency"], kept["dates"], kept["decimals"], words)


def heading_fingerprint(heading: Sequence[str]) -> str:
    """Return a digest that is equal for all files with the same columns in the same order."""
    return hashlib.sha256(
        "\x1f".join(_normalize_header(cell) for cell in heading).encode()
    ).hexdigest()


def guess_columns(heading: Sequence[str]) -> dict[str, int]:
    """Return the columns with known names, as a proposal for the member who maps the rest."""
    places = {_normalize_header(cell): place for place, cell in reversed(list(enumerate(heading)))}
    return {
        each: next(places[name] for name in sorted(names) if name in places)
        for each, names in _NAMES.items()
        if names & places.keys()
    }


def own_format(heading: Sequence[str]) -> StatementFormat | None:
    """Return the format of a file with our own headings, or None for any other."""
    found = guess_columns(heading)
    return StatementFormat(found) if found.keys() >= _OURS else None


def check_format(columns: StatementFormat, heading: Sequence[str]) -> StatementFormat:
    """Return a member's format if it is usable with this heading. Raises BadInput otherwise."""
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
    """Return True if a state is empty or says that the amount of its line counts."""
    words = re.findall(r"\w+", _strip_accents(status.casefold()))
    return not words or (len(words) == 1 and words[0] in _COMPLETED)


def names_dispute(said: str) -> bool:
    """Return True if the text of a kind column names a chargeback or dispute."""
    return re.search(r"charge ?back|charged back|disput|contest", said, re.IGNORECASE) is not None


def _strip_accents(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _has_word(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text) is not None
