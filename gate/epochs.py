"""Epochs: whatever could turn a yes into a no is locked shared by who sends, alone by who changes it.

The locks are advisory and live as long as the transaction; they come first in the lock order of the house.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlmodel import select

from foundation.database import PLAN_ONCE, Scope
from foundation.ids import uuid7
from gate import references
from gate.models import Epoch
from gate.units import Unit

_LOCKED = "gate.epochs"
_HOUSE = "house"

KEYS = """
line AS (
  SELECT r.asset_id AS asset, r.asset_id AS id, 0 AS depth
  FROM renditions r WHERE r.tenant_id = :tenant AND r.sha256 = ANY(CAST((SELECT CAST(:digests AS text[])) AS text[]))
  UNION SELECT l.asset, p.parent_id, l.depth + 1
  FROM line l JOIN asset_parents p ON p.tenant_id = :tenant AND p.asset_id = l.id WHERE l.depth < 20),
named AS (
  SELECT d.asset_id AS asset, d.person_id FROM depictions d
  WHERE d.tenant_id = :tenant AND d.asset_id IN (SELECT asset FROM line)
  UNION SELECT l.asset, c.person_id FROM line l
  JOIN shoot_card_assets b ON b.tenant_id = :tenant AND b.asset_id = l.id
  JOIN shoot_card_people c ON c.tenant_id = :tenant AND c.card_id = b.card_id),
keys AS (
  SELECT e FROM unnest(CAST((SELECT CAST(:fixed AS text[])) AS text[])) e
  UNION SELECT :an_asset || CAST(l.id AS text) FROM line l WHERE l.id IS NOT NULL
  UNION SELECT :a_person || CAST(one.id AS text) FROM named n, unnest(ARRAY[n.person_id,
    (SELECT p.twin_of FROM persons p WHERE p.tenant_id = :tenant AND p.id = n.person_id)]) one(id)
  WHERE one.id IS NOT NULL)
"""
"""The epochs of a unit as `keys(e)`: those of `fixed`, of the assets of its bytes and of what these were made from, as
what is said of that is said of them (`gate/ratings.py`, `gate/likeness.py`); of whom they show or their cards name, and
of those whose doubles these are. For the head of a recursive query with the values of `asked`: a claim asks twice.
Arrays stand in queries of their own, so that no plan is made for each length."""

_KEYS = f"WITH RECURSIVE {KEYS} SELECT e FROM keys"  # noqa: S608 - a constant of our own

_SHARED = f"""
WITH RECURSIVE {KEYS}
SELECT e, pg_advisory_xact_lock_shared(k), {PLAN_ONCE}
FROM (SELECT e, hashtextextended(e, 0) AS k FROM keys ORDER BY k) s
"""  # noqa: S608 - a constant of the house

_ALONE = """
SELECT pg_advisory_xact_lock(k)
FROM (SELECT DISTINCT hashtextextended(e, 0) AS k FROM unnest(CAST(:keys AS text[])) e ORDER BY k) s
"""
_GROW = """
INSERT INTO epochs (tenant_id, id, key, value) VALUES (:tenant, :id, :key, 1)
ON CONFLICT (tenant_id, key) DO UPDATE SET value = epochs.value + 1, updated_at = house_now()
"""


def house() -> str:
    """What holds for every tenant."""
    return _HOUSE


def platform(name: str) -> str:
    """A platform, for every tenant."""
    return f"platform:{name}"


def tenant(scope: Scope) -> str:
    """A whole tenant."""
    return f"{scope.tenant_id}:tenant"


def creator(scope: Scope, creator_id: UUID) -> str:
    """A creator."""
    return f"{scope.tenant_id}:creator:{creator_id}"


def channel(scope: Scope, channel_id: UUID) -> str:
    """An account on a platform."""
    return f"{scope.tenant_id}:channel:{channel_id}"


def chat(scope: Scope, channel_id: UUID, viewer: str) -> str:
    """One chat of an account."""
    return f"{scope.tenant_id}:chat:{channel_id}:{viewer}"


def viewer(scope: Scope, name: str, user_id: str) -> str:
    """A reader on a platform."""
    return f"{scope.tenant_id}:viewer:{name}:{user_id}"


def person(scope: Scope, person_id: UUID | str) -> str:
    """A depicted person."""
    return f"{scope.tenant_id}:person:{person_id}"


def asset(scope: Scope, asset_id: UUID | str) -> str:
    """An asset with its renditions."""
    return f"{scope.tenant_id}:asset:{asset_id}"


def faces(scope: Scope) -> str:
    """The faces that are known in a tenant."""
    return f"{scope.tenant_id}:faces"


def asked(scope: Scope, unit: Unit | None = None) -> dict[str, Any]:
    """The values of `KEYS` for a unit, with what this transaction holds already; for no unit there are no keys."""
    fixed, digests = set[str](), list[str]()
    if unit is not None:
        fixed = {*shared(scope), house(), platform(unit.platform), tenant(scope)}
        fixed |= {creator(scope, unit.creator_id), channel(scope, unit.channel_id)}
        digests = references.digests(scope, unit)
        if unit.viewer:
            fixed |= {viewer(scope, unit.platform, unit.viewer), chat(scope, unit.channel_id, unit.viewer)}
        if digests:
            fixed.add(faces(scope))
    prefixes = {"an_asset": asset(scope, ""), "a_person": person(scope, "")}
    return {"tenant": scope.tenant_id, "fixed": sorted(fixed), "digests": digests, **prefixes}


def of(scope: Scope, unit: Unit) -> tuple[str, ...]:
    """Every epoch that a unit depends on, sorted, as its evidence stands in this statement, and those that are held."""
    return tuple(sorted(scope.run(_KEYS, **asked(scope, unit)).scalars()))


def share(scope: Scope, unit: Unit) -> None:
    """Lock every epoch of the unit, shared, sorted. The first thing a claim does; again in its transaction is free."""
    found = scope.run(_SHARED, **asked(scope, unit)).scalars()
    scope.session.info.setdefault(_LOCKED, set()).update(found)


def shared(scope: Scope) -> frozenset[str]:
    """The epochs this transaction holds."""
    return frozenset(scope.session.info.get(_LOCKED, ()))


def alone(scope: Scope, *keys: str) -> None:
    """Lock epochs alone, in order, and add one to each: every earlier yes that depends on them is void.

    Waits until the claims that hold them have ended; those that come later wait for this transaction.
    """
    ordered = sorted(set(keys))
    bar(scope, *ordered)
    with scope.acting_as("gate"):
        for key in ordered:
            scope.run(_GROW, tenant=scope.tenant_id, id=uuid7(), key=key)


def bar(scope: Scope, *keys: str) -> None:
    """Lock epochs alone without counting: for the doors, which may not write them."""
    scope.run(_ALONE, keys=sorted(set(keys)))


def values(scope: Scope, keys: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """The counters of this tenant among `keys`, sorted; one that never grew is absent."""
    found = scope.session.exec(
        select(Epoch.key, Epoch.value).where(
            Epoch.tenant_id == scope.tenant_id,
            Epoch.key.in_(list(keys)),  # type: ignore[attr-defined]  # column
        )
    )
    return tuple(sorted((key, value) for key, value in found))
