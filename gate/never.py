"""People of whom an agency must never make pictures: their names, and how pictures of them look.

An entry is one member's word and ends by another's. Who looks the same by face is sought elsewhere; here are the rows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.database import Scope, TenantRow, jsonb, table
from foundation.errors import BadInput, NotFound, Refused
from gate.looks import NEAR
from gate.models import FOREVER
from tenants import audit, sightings
from tenants import reads as tenants
from tenants.roles import Right, require

LONGEST_NAME = 80
SHORTEST_NAME = 3
"""Shorter ones stand in ordinary words."""


class NeverDepicted(TenantRow, table=True):
    """Somebody of whom no picture is made; `looks` are perceptual hashes of pictures. `ended_by` is an actor."""

    __tablename__ = "never_depicted"
    __table_args__ = table(about="person", keep=FOREVER)
    name: str
    looks: list[str] = jsonb(list)
    noted_by: str
    ended_by: str = ""


@dataclass(frozen=True)
class Entry:
    """An entry as members read it; `looks` is how many pictures it knows."""

    id: UUID
    name: str
    looks: int
    noted_by: str
    since: datetime


def note(scope: Scope, name: str, *, pictures: Collection[UUID] = ()) -> UUID:
    """Put somebody on the list, as the acting member; `pictures` are assets of them. Raises Refused, BadInput."""
    member = tenants.acting(scope, "person.people_only")
    require(member.role, Right.RUN)
    said = " ".join(name.split())
    if not SHORTEST_NAME <= len(said) <= LONGEST_NAME:
        raise BadInput("never.bad_name", least=SHORTEST_NAME, most=LONGEST_NAME)
    row = NeverDepicted(tenant_id=scope.tenant_id, name=said, looks=_looks(scope, pictures), noted_by=scope.actor)
    scope.add(row)
    audit.note(scope, "never.noted", f"never:{row.id}")
    return row.id


def _looks(scope: Scope, pictures: Collection[UUID]) -> list[str]:
    rows = scope.run(
        "SELECT DISTINCT phash FROM renditions WHERE tenant_id = :tenant AND asset_id = ANY(:assets)"
        " AND look IS NOT NULL ORDER BY phash",
        tenant=scope.tenant_id,
        assets=list(pictures),
    )
    return list(rows.scalars())


def end(scope: Scope, entry_id: UUID) -> None:
    """Take an entry off the list: by another person than put it there. Raises Refused, NotFound."""
    member = tenants.acting(scope, "person.people_only")
    require(member.role, Right.RUN)
    entry = next((one for one in entries(scope) if one.id == entry_id), None)
    if entry is None:
        raise NotFound("person.unknown")
    first = next((one.principal_id for one in tenants.members(scope) if f"member:{one.id}" == entry.noted_by), None)
    if first is not None and member.principal_id in {first, *sightings.same(scope, first).get(first, ())}:
        raise Refused("never.another_ends")
    scope.run(
        "UPDATE never_depicted SET ended_by = :by, updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=entry_id,
        by=scope.actor,
    )
    audit.note(scope, "never.ended", f"never:{entry_id}")


def entries(scope: Scope) -> list[Entry]:
    """Who is on the list, by name."""
    rows = scope.run(
        "SELECT id, name, jsonb_array_length(looks) AS looks, noted_by, created_at FROM never_depicted"
        " WHERE tenant_id = :tenant AND ended_by = '' ORDER BY lower(name), id",
        tenant=scope.tenant_id,
    )
    return [Entry(row.id, row.name, row.looks, row.noted_by, row.created_at) for row in rows]


def refuse_words(scope: Scope, words: str) -> None:
    """Raise Refused where words that a picture is made from name somebody on the list, whatever the case."""
    said = f" {_plain(words)} "
    if any(f" {_plain(one.name)} " in said for one in entries(scope)):
        raise Refused("never.named")


def _plain(words: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in words.casefold()).split())


_NEAR = """
SELECT EXISTS (SELECT FROM never_depicted n CROSS JOIN LATERAL jsonb_array_elements_text(n.looks) known
  JOIN renditions r ON r.tenant_id = n.tenant_id AND r.sha256 = ANY(:digests) AND bit_count(
    CAST(r.look AS bit(64)) # CAST('x' || known AS bit(64))) <= :near
  WHERE n.tenant_id = :tenant AND n.ended_by = '')
"""


def refuse_looks(scope: Scope, digests: Collection[str]) -> None:
    """Raise Refused where one of these pictures looks like one of somebody on the list."""
    near = scope.run(_NEAR, tenant=scope.tenant_id, digests=list(digests), near=NEAR).scalar_one()
    if digests and near:
        raise Refused("never.looks_like")
