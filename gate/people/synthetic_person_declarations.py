"""Declarations of synthetic persons: their tables, their reviews, and the facts that decisions
read.

A declaration covers one model, adapter and reference set. A change of any of them needs a new
declaration and new reviews. Except for the tables, the module is pure.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint

import gate.people.models  # noqa: F401  foreign keys refer to its tables
from foundation.canonical_json import canonical_json
from foundation.db.tables import FOREVER, TenantRow, jsonb_column, table_arguments
from gate.contract.facts import DeclarationFacts

MODEL_PART = "model"
ADAPTER_PART = "adapter"
REFERENCES_PART = "references"
SOURCE_PARTS = (MODEL_PART, ADAPTER_PART, REFERENCES_PART)
REQUIRED_LOOKS = 2
"""Number of members, other than the declarant, who must review a declaration before Nudity and
Explicit content is allowed."""

MIN_REFERENCES = 12
"""Minimum number of reference pictures that a reviewer sees."""


class Declaration(TenantRow, table=True):
    """A member's declaration that a person is synthetic, with sources and licences. Append-only;
    the latest counts."""

    __tablename__ = "declarations"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "person_id"], ["persons.tenant_id", "persons.id"]),
        Index("declarations_person", "tenant_id", "person_id"),
        about="person",
        keep=FOREVER,
    )
    person_id: UUID
    source_digest: str
    """Digest of model, adapter and reference set; a change of them needs a new declaration."""
    adult_licence: bool
    declared_by: UUID
    """The principal of the declarant."""
    sources: list[dict[str, Any]] = jsonb_column(list)
    reference_set: list[str] = jsonb_column(list)
    """Digests of pictures in the library."""


class DeclarationLook(TenantRow, table=True):
    """The review of the reference pictures of a declaration by another member. Append-only."""

    __tablename__ = "invented_looks"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(
            ["tenant_id", "declaration_id"], ["declarations.tenant_id", "declarations.id"]
        ),
        UniqueConstraint("tenant_id", "declaration_id", "principal_id", name="invented_looks_once"),
        about="member",
        keep=FOREVER,
    )
    declaration_id: UUID
    principal_id: UUID
    resembles: bool
    """True if a real person is recognisable."""
    doubts: list[str] = jsonb_column(list)
    """References that may look younger than 25."""
    tiles: int


@dataclass(frozen=True)
class DeclaredSource:
    """A source that a synthetic person is made with.

    `digest` is that of the file in 64 hexadecimal digits, or empty without a file; `adult` means
    that the licence allows commercial adult use.
    """

    part: str
    name: str
    digest: str
    licence: str
    adult: bool


def source_digest(sources: Sequence[DeclaredSource], references: Collection[str]) -> str:
    """Return the digest that a declaration is bound to, as 64 hexadecimal digits."""
    said = {"sources": [asdict(one) for one in sources], "references": sorted(references)}
    return hashlib.sha256(canonical_json(said)).hexdigest()


@dataclass(frozen=True)
class LookResult:
    """The review by one principal."""

    principal: UUID
    resembles: bool
    doubts: tuple[str, ...]
    tiles: int

    @property
    def is_clear(self) -> bool:
        """Return True if the review contains no objection."""
        return not self.resembles and not self.doubts


def is_cleared(looks: Iterable[LookResult], declared_by: UUID) -> bool:
    """Return True if two other members reviewed the declaration, and no review of other members
    contains an objection."""
    others = [look for look in looks if look.principal != declared_by]
    return len({look.principal for look in others}) >= REQUIRED_LOOKS and all(
        look.is_clear for look in others
    )


def look_agreement(one: LookResult, other: LookResult) -> float | None:
    """Return Cohen's kappa of two reviews of the same tiles, each tile being doubted or not.

    Return None if it is undefined: no tile was doubted, or both doubted all. Source: J. Cohen, A
    Coefficient of Agreement for Nominal Scales, 1960.
    """
    total = min(one.tiles, other.tiles)
    first = set(one.doubts)
    second = set(other.doubts)
    if total == 0 or len(first | second) > total:
        return None
    both = len(first & second)
    neither = total - len(first | second)
    observed = (both + neither) / total
    p = len(first) / total
    q = len(second) / total
    chance = p * q + (1 - p) * (1 - q)
    return None if chance == 1 else (observed - chance) / (1 - chance)


DECLARATION_SQL = """
(SELECT to_jsonb(d) || jsonb_build_object(
    'looks', (SELECT jsonb_agg(jsonb_build_array(l.principal_id, l.resembles, l.doubts, l.tiles)
    ORDER BY l.id)
      FROM invented_looks l WHERE l.tenant_id = d.tenant_id AND l.declaration_id = d.id),
    'lost', EXISTS (SELECT FROM jsonb_array_elements_text(d.reference_set) e
      LEFT JOIN renditions r ON r.tenant_id = d.tenant_id AND r.sha256 = e WHERE r.state IS
      DISTINCT FROM 'made'))
  FROM declarations d WHERE d.tenant_id = :tenant AND d.person_id = k.id ORDER BY d.id DESC LIMIT 1)
"""
"""A column next to a person `k`: the latest declaration with its reviews, and `lost`, which is true
if a reference was deleted or frozen by a removal request since."""


def parse_looks(
    stored: Iterable[tuple[str, bool, Sequence[str], int]] | None,
) -> tuple[LookResult, ...]:
    """Return the reviews that `DECLARATION_SQL` reads."""
    return tuple(
        LookResult(UUID(who), resembles, tuple(doubts), tiles)
        for who, resembles, doubts, tiles in stored or ()
    )


def declaration_facts(row: Mapping[str, Any] | None) -> DeclarationFacts | None:
    """Return the facts of a declaration that `DECLARATION_SQL` reads.

    Return None without a declaration, if one of its references is lost, and if a reviewer
    recognised a real person.
    """
    looks = parse_looks(row["looks"]) if row is not None else ()
    if row is None or row["lost"] or any(look.resembles for look in looks):
        return None
    models = (source["name"] for source in row["sources"] if source["part"] == MODEL_PART)
    return DeclarationFacts(
        row["adult_licence"], is_cleared(looks, UUID(row["declared_by"])), tuple(models)
    )
