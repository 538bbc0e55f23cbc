"""Terms that an agency adds to the shipped lexicon.

One member adds terms with immediate effect; two members, one after the other, end one. Terms are
stored in base64, as the shipped ones are.
"""

import base64
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.ids import derived_uuid, uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.copies.events import request_reread
from gate.policy import agency_lexicon
from gate.text.lexicon import KINDS, fold_term
from gate.text.text_rating import TextRating, rate_texts
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

MAX_TERM_LENGTH = 64
"""Maximum number of characters in a term."""
MIN_TERM_LETTERS = 3
"""Minimum letters of a term: shorter ones occur in every text."""
MAX_TERMS_AT_ONCE = 100
"""Maximum terms in one request."""
MAX_SENTENCE_LENGTH = 1000
"""Maximum number of characters of a text that a member tests."""
MAX_OWN_TERMS = 500
"""Maximum open terms of an agency."""

_ADD = """
INSERT INTO own_terms (tenant_id, id, kind, term, by, open)
VALUES (:tenant, :id, :kind, :term, :by, true)
ON CONFLICT (tenant_id, kind, term) WHERE open
DO UPDATE SET ended_by = NULL, by = excluded.by, updated_at = house_now()
"""
_LIST = """
SELECT id, kind, term, by, ended_by FROM own_terms WHERE tenant_id = :tenant AND open
ORDER BY kind, created_at, id
"""
_END = """
UPDATE own_terms SET open = (ended_by IS NULL OR ended_by = :principal), updated_at = house_now(),
  ended_by = COALESCE(ended_by, :principal)
WHERE tenant_id = :tenant AND id = :id AND open RETURNING open
"""


@dataclass(frozen=True)
class OwnTermSummary:
    """A term of the agency; `ending` is True if one of two members requested its end."""

    id: UUID
    kind: str
    term: str
    by: str
    ending: bool


@dataclass(frozen=True)
class OwnTermsRequested:
    """A member adds terms of a kind, encoded and separated by spaces, or requests the end of the
    term `ended`.

    The subject is the request and `by` is `member:<id>`.
    """

    kind: ClassVar[str] = "own_terms.change"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    of: str
    terms: str
    ended: str
    by: str


def encode_term(term: str) -> str:
    """Return a term in stored form: base64 of UTF-8."""
    return base64.b64encode(term.encode()).decode()


def decode_term(coded: str) -> str:
    """Return a stored term as text. Raises ValueError for invalid input."""
    return base64.b64decode(coded, validate=True).decode()


def parse_terms(typed: str) -> tuple[str, ...]:
    """Parse terms, one per line, without duplicates. Raises BadInput for an invalid length."""
    found = tuple(dict.fromkeys(" ".join(line.split()) for line in typed.splitlines()))
    found = tuple(term for term in found if term)
    for term in found:
        letters = sum(map(str.isalnum, term))
        if not MIN_TERM_LETTERS <= letters <= len(term) <= MAX_TERM_LENGTH:
            raise BadInput("terms.length", least=MIN_TERM_LETTERS, most=MAX_TERM_LENGTH).about(
                "terms"
            )
    return found


def request_own_terms(scope: Scope, press_id: UUID, kind: str, typed: str) -> int:
    """Request new terms, one per line, as the acting member; return their number.

    Raises BadInput for invalid terms, and Refused if the member lacks the right.
    """
    require_right(queries.get_acting_member(scope, "terms.people_only").role, Right.STAFF)
    terms = parse_terms(typed)
    if not terms or kind not in KINDS:
        raise BadInput("terms.none").about("terms")
    if len(terms) > MAX_TERMS_AT_ONCE:
        raise BadInput("terms.too_many", most=MAX_TERMS_AT_ONCE).about("terms")
    _put_request(scope, press_id, kind, " ".join(map(encode_term, terms)), "")
    return len(terms)


def request_own_terms_file(scope: Scope, press_id: UUID, kind: str, data: bytes) -> int:
    """Request the terms of a text file in UTF-8, one per line, as the acting member; return their
    number.

    Raises BadInput for a file that is not text, an invalid term, or more than `MAX_OWN_TERMS`, and
    Refused.
    """
    try:
        terms = parse_terms(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput("terms.file") from error
    if len(terms) > MAX_OWN_TERMS:
        raise BadInput("terms.too_many", most=MAX_OWN_TERMS).about("terms")
    for start in range(0, max(1, len(terms)), MAX_TERMS_AT_ONCE):
        part = terms[start : start + MAX_TERMS_AT_ONCE]
        request_own_terms(scope, derived_uuid(press_id, start), kind, "\n".join(part))
    return len(terms)


def rate_sentence(scope: Scope, text: str) -> TextRating:
    """Rate a text with the lexicon in force and the agency's own terms. Store nothing.

    Raises BadInput for an empty text and one longer than `MAX_SENTENCE_LENGTH`.
    """
    if not text.strip() or len(text) > MAX_SENTENCE_LENGTH:
        raise BadInput("terms.sentence", most=MAX_SENTENCE_LENGTH).about("sentence")
    lexicon = agency_lexicon.current_lexicon(scope)
    return rate_texts([text], today=scope.now.date(), lexicon=lexicon)


def request_own_term_end(scope: Scope, press_id: UUID, term_id: UUID) -> None:
    """Request the end of a term as the acting member. Raises Refused."""
    require_right(queries.get_acting_member(scope, "terms.people_only").role, Right.REOPEN)
    _put_request(scope, press_id, "", "", str(term_id))


def _put_request(scope: Scope, press_id: UUID, kind: str, terms: str, ended: str) -> None:
    wanted = OwnTermsRequested(scope.tenant_id, press_id, kind, terms, ended, scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"own_terms:{press_id}")


def handle_own_terms(event: OwnTermsRequested, *, tenant: OpenScope) -> None:
    """Change the terms as the member who asked for it. A refusal becomes a notice."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.ended:
                end_own_term(scope, UUID(event.ended))
            else:
                add_own_terms(scope, event.of, tuple(map(decode_term, event.terms.split())))
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def list_own_terms(scope: Scope) -> list[OwnTermSummary]:
    """Return the agency's own terms by kind, oldest first."""
    rows = scope.run(_LIST, tenant=scope.tenant_id)
    return [
        OwnTermSummary(row.id, row.kind, decode_term(row.term), row.by, row.ended_by is not None)
        for row in rows
    ]


def add_own_terms(scope: Scope, kind: str, terms: tuple[str, ...]) -> None:
    """Add terms as the acting member; they apply to everything that is not yet claimed.

    Raises Refused if the member lacks the right, and BadInput for an unknown kind, an invalid term
    or more than `MAX_OWN_TERMS`.
    """
    member = queries.get_acting_member(scope, "terms.people_only")
    require_right(member.role, Right.STAFF)
    terms = parse_terms("\n".join(terms))
    try:
        for term in terms:
            fold_term(kind, term)
    except ValueError as error:
        raise BadInput("terms.none").about("terms") from error
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    if len(list_own_terms(scope)) + len(terms) > MAX_OWN_TERMS:
        raise BadInput("terms.too_many", most=MAX_OWN_TERMS).about("terms")
    with scope.acting_as("gate"):
        for term in terms:
            row = {"kind": kind, "term": encode_term(term), "by": scope.actor}
            scope.run(_ADD, tenant=scope.tenant_id, id=uuid7(), **row)
    request_reread(scope)
    audit.record(scope, "terms.added", f"terms:{kind}", count=len(terms))


def end_own_term(scope: Scope, term_id: UUID) -> bool:
    """Request the end of a term as the acting member; return True if this was the second request.

    Raises Refused if the member lacks the right to reopen, and NotFound for a term that is not
    open.
    """
    member = queries.get_acting_member(scope, "terms.people_only")
    require_right(member.role, Right.REOPEN)
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    with scope.acting_as("gate"):
        still = scope.run(
            _END, tenant=scope.tenant_id, id=term_id, principal=member.principal_id
        ).scalar_one_or_none()
    if still is None:
        raise NotFound("terms.unknown")
    audit.record(scope, "terms.end_asked" if still else "terms.ended", f"term:{term_id}")
    return not still
