"""Every request with content had exactly one permit: the platform's record compared with the
gate's."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote

from channels.attempts import serialization
from connectors.contract.connector import Connector, Response, Send, StepKind, WireStep
from connectors.registry import loader
from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from gate.contract.units import Unit
from tests.chaos.world import Place, World

CONNECTORS = loader.load_connectors()
Sent = tuple[str, str, str]
"""Method, path and body digest of a request, as the platform recorded it."""

_ATTEMPTS = """
SELECT steps, unit FROM attempts WHERE tenant_id = :tenant AND channel_id = :channel AND kind IN
('send', 'stage')
"""

_RECORD = """
SELECT method, path, digest FROM record WHERE account = ? AND kind IN ('posts', 'messages', 'files')
AND method IN ('POST', 'PUT')
"""


def find_unpermitted_requests(world: World) -> list[str]:
    """Return requests without a permit, permits used twice, and steps whose permit the gate did not
    mint."""
    found: list[str] = []
    for place in world.of_kind("key", "plain", "nolook"):
        found += world.house.read(place.tenant_id, partial(_of_account, world, place))
    for tenant_id in world.tenants:
        found += world.house.read(tenant_id, _of_tenant)
    return found


def _of_account(world: World, place: Place, scope: Scope) -> list[str]:
    made = Counter(
        (row["method"], row["path"], row["digest"]) for row in world.kept(_RECORD, place.account)
    )
    allowed: Counter[Sent] = Counter()
    for row in scope.run(_ATTEMPTS, tenant=scope.tenant_id, channel=place.channel_id):
        allowed.update(_sent(row.steps, serialization.unit_from_json(row.unit), place))
    return [
        f"{place.account}: {request} left {count} times under {allowed[request]} permits"
        for request, count in made.items()
        if count > allowed[request]
    ]


def _sent(steps: list[dict[str, Any]], unit: Unit, place: Place) -> Iterator[Sent]:
    """Yield the requests of an attempt's steps that have a permit."""
    shapes = {step.wire_digest(): step for step in _walk(CONNECTORS["sandbox"], unit)}
    for step in steps:
        shape = shapes.get(step["wire_digest"])
        if step["permit_jti"] is not None and shape is not None:
            path = unquote(shape.path.replace("{account}", place.account))
            digest = (
                shape.file.sha256
                if shape.file
                else hashlib.sha256(canonical_json(shape.json)).hexdigest()
            )
            yield shape.method, path, digest


def _walk(connector: Connector, unit: Unit) -> Iterator[WireStep]:
    """Yield every content step of a unit, as if all requests succeed."""
    answers: tuple[Response, ...] = ()
    while isinstance(turn := connector.next_step(unit, answers), Send):
        yield turn.step
        if turn.step.kind is StepKind.PUBLISH:
            return
        answers = (*answers, Response(turn.step.name, 200, {}, {}))


def _of_tenant(scope: Scope) -> list[str]:
    """Compare the gate's permits with the steps that sent content, one by one."""
    minted = {
        str(row.id)
        for row in scope.run(
            "SELECT id FROM permits WHERE tenant_id = :tenant", tenant=scope.tenant_id
        )
    }
    used = Counter(
        str(row.jti)
        for row in scope.run(
            "SELECT s ->> 'permit_jti' AS jti FROM attempts a, jsonb_array_elements(a.steps) s"
            " WHERE a.tenant_id = :tenant AND s ->> 'kind' IN ('stage', 'publish', 'mutate')",
            tenant=scope.tenant_id,
        )
    )
    return [
        *(f"permit {jti} was minted for no step" for jti in minted - used.keys()),
        *(
            f"a step carried content under permit {jti}, which is none"
            for jti in used.keys() - minted
        ),
        *(f"permit {jti} was used {count} times" for jti, count in used.items() if count > 1),
    ]
