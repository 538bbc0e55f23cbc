"""Terms that an agency adds to the shipped lexicon: by one person at once; ended by two, one after
the other. They are stored coded, as the shipped ones are."""

import base64
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.text.lexicon import KINDS, fold_term
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

MAX_TERM_LENGTH = 64
"""Characters of a term."""
MIN_TERM_LETTERS = 3
"""Letters of a term: shorter ones are in every text."""
MAX_TERMS_AT_ONCE = 100
"""Terms that are added by one press."""
MAX_OWN_TERMS = 500
"""Terms of an agency that are open."""

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
    """A term of the agency; `ending` where one of two members wants it no more."""

    id: UUID
    kind: str
    term: str
    by: str
    ending: bool


@dataclass(frozen=True)
class OwnTermsRequested:
    """A member adds terms of a kind, coded and separated by blanks; with `ended` they want that
    term no more. The subject is the press, `by` `member:<id>`."""

    kind: ClassVar[str] = "own_terms.change"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    of: str
    terms: str
    ended: str
    by: str


def encode_term(term: str) -> str:
    """A term as it is stored: base64 of UTF-8."""
    return base64.b64encode(term.encode()).decode()


def decode_term(coded: str) -> str:
    """A stored term. Raises ValueError for anything else."""
    return base64.b64decode(coded, validate=True).decode()


def parse_terms(typed: str) -> tuple[str, ...]:
    """Terms typed one a line, each once. Raises BadInput for one that is too short or too long."""
    found = tuple(dict.fromkeys(" ".join(line.split()) for line in typed.splitlines()))
    found = tuple(term for term in found if term)
    for term in found:
        letters = sum(map(str.isalnum, term))
        if not MIN_TERM_LETTERS <= letters <= len(term) <= MAX_TERM_LENGTH:
            raise BadInput("terms.length", least=MIN_TERM_LETTERS, most=MAX_TERM_LENGTH)
    return found


def request_own_terms(scope: Scope, press_id: UUID, kind: str, typed: str) -> int:
    """Have the workers add terms typed one a line, as the acting member; how many there are.

    Raises BadInput for terms that are none, Refused for a member without the right.
    """
    require_right(queries.get_acting_member(scope, "terms.people_only").role, Right.STAFF)
    terms = parse_terms(typed)
    if not terms or kind not in KINDS:
        raise BadInput("terms.none")
    if len(terms) > MAX_TERMS_AT_ONCE:
        raise BadInput("terms.too_many", most=MAX_TERMS_AT_ONCE)
    _put_request(scope, press_id, kind, " ".join(map(encode_term, terms)), "")
    return len(terms)


def request_own_term_end(scope: Scope, press_id: UUID, term_id: UUID) -> None:
    """Have the workers note that the acting member wants a term no more. Raises Refused."""
    require_right(queries.get_acting_member(scope, "terms.people_only").role, Right.REOPEN)
    _put_request(scope, press_id, "", "", str(term_id))


def _put_request(scope: Scope, press_id: UUID, kind: str, terms: str, ended: str) -> None:
    wanted = OwnTermsRequested(scope.tenant_id, press_id, kind, terms, ended, scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"own_terms:{press_id}")


def handle_own_terms(event: OwnTermsRequested, *, tenant: OpenScope) -> None:
    """Change the terms as the member who asked; a refusal is shown to them at Home."""
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
    """The agency's own terms, by kind, the oldest first."""
    rows = scope.run(_LIST, tenant=scope.tenant_id)
    return [
        OwnTermSummary(row.id, row.kind, decode_term(row.term), row.by, row.ended_by is not None)
        for row in rows
    ]


def add_own_terms(scope: Scope, kind: str, terms: tuple[str, ...]) -> None:
    """Add terms as the acting member; whatever is not yet claimed is judged by them.

    Raises Refused for a member without the right, BadInput for a kind or a term that is none and
    for more than `MAX_OWN_TERMS`.
    """
    member = queries.get_acting_member(scope, "terms.people_only")
    require_right(member.role, Right.STAFF)
    terms = parse_terms("\n".join(terms))
    try:
        for term in terms:
            fold_term(kind, term)
    except ValueError as error:
        raise BadInput("terms.none") from error
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    if len(list_own_terms(scope)) + len(terms) > MAX_OWN_TERMS:
        raise BadInput("terms.too_many", most=MAX_OWN_TERMS)
    with scope.acting_as("gate"):
        for term in terms:
            row = {"kind": kind, "term": encode_term(term), "by": scope.actor}
            scope.run(_ADD, tenant=scope.tenant_id, id=uuid7(), **row)
    audit.record(scope, "terms.added", f"terms:{kind}", count=len(terms))


def end_own_term(scope: Scope, term_id: UUID) -> bool:
    """End a term as the acting member; True once a second person has asked for it.

    Raises Refused for a member without the right to reopen, NotFound for a term that is not open.
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
