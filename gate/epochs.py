"""Epochs: counters of everything that can turn an approval into a refusal.

A claim locks the epochs of its unit shared; a change locks them exclusively and advances them. The
locks are advisory, last until the transaction ends, and come first in the lock order of the system.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, select

from foundation.db.database import GENERIC_PLAN_SQL, Scope
from foundation.db.tables import FOREVER, TenantRow, table_arguments
from foundation.ids import uuid7
from gate.contract.units import Unit
from gate.copies import post_references


class Epoch(TenantRow, table=True):
    """A counter that only grows. Every change that can turn an approval into a refusal adds one."""

    __tablename__ = "epochs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"), about="none", keep=FOREVER
    )
    key: str
    value: int = Field(sa_type=BigInteger)


_LOCKED = "gate.epochs"
_HOUSE = "house"

_FIXED_KEYS_SQL = """
keys AS (SELECT e FROM unnest(CAST((SELECT CAST(:fixed AS text[])) AS text[])) e)
"""
_ALL_KEYS_SQL = """
line AS (
  SELECT r.asset_id AS asset, r.asset_id AS id, 0 AS depth
  FROM renditions r WHERE r.tenant_id = :tenant AND r.sha256 = ANY(CAST((SELECT CAST(:digests AS
  text[])) AS text[]))
  UNION SELECT l.asset, p.parent_id, l.depth + 1
  FROM line l JOIN asset_parents p ON p.tenant_id = :tenant AND p.asset_id = l.id WHERE l.depth <
  20),
named AS (
  SELECT d.asset_id AS asset, d.person_id FROM depictions d
  WHERE d.tenant_id = :tenant AND d.asset_id IN (SELECT asset FROM line)
  UNION SELECT l.asset, c.person_id FROM line l
  JOIN shoot_card_assets b ON b.tenant_id = :tenant AND b.asset_id = l.id
  JOIN shoot_card_people c ON c.tenant_id = :tenant AND c.card_id = b.card_id
  UNION SELECT l.asset, p.id FROM line l
  JOIN depiction_answers w ON w.tenant_id = :tenant AND w.asset_id = l.id AND w.answer = 'creator'
  JOIN persons p ON p.tenant_id = :tenant AND p.creator_id = w.creator_id),
keys AS (
  SELECT e FROM unnest(CAST((SELECT CAST(:fixed AS text[])) AS text[])) e
  UNION SELECT :an_asset || CAST(l.id AS text) FROM line l WHERE l.id IS NOT NULL
  UNION SELECT :a_person || CAST(one.id AS text) FROM named n, unnest(ARRAY[n.person_id,
    (SELECT p.twin_of FROM persons p WHERE p.tenant_id = :tenant AND p.id = n.person_id)]) one(id)
  WHERE one.id IS NOT NULL)
"""
"""The epochs of a unit: those in `fixed`; those of the assets of its bytes and of their ancestors
(up to 20 generations), because a finding on an ancestor applies to its descendants
(`gate/ratings/ratings.py`, `gate/faces/resemblances.py`); and those of the persons whom these
assets depict or whose shoot cards they are on, or who are the creator that a member said is shown,
with the real persons behind AI doubles. A claim
runs the query twice. Arrays are read in subqueries so that PostgreSQL does not make a plan for each
array length.
"""

_KEYS = "SELECT e FROM keys"

# Both statements take their locks in the order of the hash, so that transactions cannot deadlock.
_SHARED = f"""
SELECT e, pg_advisory_xact_lock_shared(k), {GENERIC_PLAN_SQL}
FROM (SELECT e, hashtextextended(e, 0) AS k FROM keys ORDER BY k) s
"""  # noqa: S608 - only constants

_ALONE = """
SELECT pg_advisory_xact_lock(k)
FROM (SELECT DISTINCT hashtextextended(e, 0) AS k FROM unnest(CAST(:keys AS text[])) e ORDER BY k) s
"""
_GROW = """
INSERT INTO epochs (tenant_id, id, key, value) VALUES (:tenant, :id, :key, 1)
ON CONFLICT (tenant_id, key) DO UPDATE SET value = epochs.value + 1, updated_at = house_now()
"""


def installation_key() -> str:
    """Return the epoch of the whole installation."""
    return _HOUSE


def platform_key(name: str) -> str:
    """Return the epoch of a platform, shared by all tenants."""
    return f"platform:{name}"


def tenant_key(scope: Scope) -> str:
    """Return the epoch of the tenant."""
    return f"{scope.tenant_id}:tenant"


def creator_key(scope: Scope, creator_id: UUID) -> str:
    """Return the epoch of a creator."""
    return f"{scope.tenant_id}:creator:{creator_id}"


def channel_key(scope: Scope, channel_id: UUID) -> str:
    """Return the epoch of a platform account."""
    return f"{scope.tenant_id}:channel:{channel_id}"


def chat_key(scope: Scope, channel_id: UUID, viewer: str) -> str:
    """Return the epoch of one chat of an account."""
    return f"{scope.tenant_id}:chat:{channel_id}:{viewer}"


def viewer_key(scope: Scope, name: str, user_id: str) -> str:
    """Return the epoch of a viewer on a platform."""
    return f"{scope.tenant_id}:viewer:{name}:{user_id}"


def person_key(scope: Scope, person_id: UUID | str) -> str:
    """Return the epoch of a depicted person."""
    return f"{scope.tenant_id}:person:{person_id}"


def asset_key(scope: Scope, asset_id: UUID | str) -> str:
    """Return the epoch of an asset and its renditions."""
    return f"{scope.tenant_id}:asset:{asset_id}"


def faces_key(scope: Scope) -> str:
    """Return the epoch of the faces known in the tenant."""
    return f"{scope.tenant_id}:faces"


def key_parameters(scope: Scope, unit: Unit | None = None) -> dict[str, Any]:
    """Return the parameters of `epoch_keys_sql` for a unit, with the epochs that this transaction
    has locked already. Without a unit, the query finds no keys."""
    fixed = set[str]()
    digests = list[str]()
    if unit is not None:
        fixed = {
            *held_keys(scope),
            installation_key(),
            platform_key(unit.platform),
            tenant_key(scope),
        }
        fixed |= {creator_key(scope, unit.creator_id), channel_key(scope, unit.channel_id)}
        digests = post_references.shown_digests(scope, unit)
        if unit.viewer:
            fixed |= {
                viewer_key(scope, unit.platform, unit.viewer),
                chat_key(scope, unit.channel_id, unit.viewer),
            }
        if digests:
            fixed.add(faces_key(scope))
    prefixes = {"an_asset": asset_key(scope, ""), "a_person": person_key(scope, "")}
    return {"tenant": scope.tenant_id, "fixed": sorted(fixed), "digests": digests, **prefixes}


def epoch_keys_sql(parameters: Mapping[str, Any]) -> str:
    """Return the epochs of a unit as `keys(e)`, for the head of a recursive query with these
    `key_parameters`.

    A unit that shows no files depends on no assets and persons. Its query is separate because
    PostgreSQL prepares all parts of a query each time, which takes longer than running them.
    """
    return _ALL_KEYS_SQL if parameters["digests"] else _FIXED_KEYS_SQL


def unit_keys(scope: Scope, unit: Unit) -> tuple[str, ...]:
    """Return every epoch that the unit depends on by its current evidence, and those that this
    transaction has locked, sorted."""
    parameters = key_parameters(scope, unit)
    statement = f"WITH RECURSIVE {epoch_keys_sql(parameters)} {_KEYS}"
    return tuple(sorted(scope.run(statement, **parameters).scalars()))


def lock_shared(scope: Scope, unit: Unit) -> None:
    """Lock every epoch of the unit in shared mode, in sorted order.

    This is the first step of a claim. Calling it again in the same transaction costs nothing.
    """
    parameters = key_parameters(scope, unit)
    statement = f"WITH RECURSIVE {epoch_keys_sql(parameters)} {_SHARED}"
    found = scope.run(statement, **parameters).scalars()
    scope.session.info.setdefault(_LOCKED, set()).update(found)


def held_keys(scope: Scope) -> frozenset[str]:
    """Return the epochs that this transaction has locked."""
    return frozenset(scope.session.info.get(_LOCKED, ()))


def lock_and_advance(scope: Scope, *keys: str) -> None:
    """Lock epochs exclusively, in order, and add one to each. This voids every earlier decision
    that depends on them.

    Blocks until the claims that have locked them end; later claims wait for this transaction.
    """
    ordered = sorted(set(keys))
    lock_exclusive(scope, *ordered)
    with scope.acting_as("gate"):
        for key in ordered:
            scope.run(_GROW, tenant=scope.tenant_id, id=uuid7(), key=key)


def lock_exclusive(scope: Scope, *keys: str) -> None:
    """Lock epochs exclusively without advancing them, for processes that have no right to write
    them."""
    scope.run(_ALONE, keys=sorted(set(keys)))


def epoch_values(scope: Scope, keys: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return the counters of this tenant among `keys`, sorted. An epoch that never advanced is
    absent."""
    found = scope.session.exec(
        select(Epoch.key, Epoch.value).where(
            Epoch.tenant_id == scope.tenant_id,
            Epoch.key.in_(list(keys)),  # type: ignore[attr-defined]  # column
        )
    )
    return tuple(sorted((key, value) for key, value in found))
