"""Callbacks of age check providers: only our own addresses are accepted, and a callback only
schedules a read."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

import httpx
import pytest

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database
from foundation.ids import uuid7
from workers.listeners.webhooks import server
from workers.listeners.webhooks.age_providers import accept_provider_webhook, age_webhook_token

MASTER = b"m" * 32


@pytest.fixture
def door(database: Database) -> Iterator[httpx.Client]:
    app = server.create_webhook_app(
        lambda channel: None, partial(accept_provider_webhook, database.scope, MASTER)
    )
    with serve_app(app) as url, httpx.Client(base_url=url) as client:
        yield client


def waiting(database: Database, tenant_id: UUID) -> list[UUID]:
    with database.scope(tenant_id, "system:test") as scope:
        rows = scope.run(
            "SELECT subject_id FROM outbox WHERE tenant_id = :tenant AND kind = 'age.look'",
            tenant=tenant_id,
        )
        return [row.subject_id for row in rows]


def test_callback_schedules_one_read_however_often_repeated(
    door: httpx.Client, database: Database
) -> None:
    tenant_id, check_id = uuid7(), uuid7()
    proof = age_webhook_token(MASTER, tenant_id, check_id)
    for body in (b"", b"{}", b"not json", b'{"state": "COMPLETE", "date_of_birth": "1990-07-14"}'):
        assert (
            door.post(f"/hooks/age/{tenant_id}/{check_id}/{proof}", content=body).status_code == 200
        )
    assert waiting(database, tenant_id) == [check_id]


def test_forged_or_moved_callback_is_refused(door: httpx.Client, database: Database) -> None:
    """Another installation's key, another check, another tenant, or no proof."""
    tenant_id, check_id, other = uuid7(), uuid7(), uuid7()
    proof = age_webhook_token(MASTER, tenant_id, check_id)
    for path in (
        f"{tenant_id}/{check_id}/{age_webhook_token(b'x' * 32, tenant_id, check_id)}",
        f"{tenant_id}/{other}/{proof}",
        f"{other}/{check_id}/{proof}",
        f"{tenant_id}/{check_id}/{proof[:-1]}",
        f"{tenant_id}/{check_id}/é",
    ):
        assert door.post(f"/hooks/age/{path}").status_code == 401
    assert door.post(f"/hooks/age/x/{check_id}/{proof}").status_code == 404
    assert door.get(f"/hooks/age/{tenant_id}/{check_id}/{proof}").status_code == 405
    for one in (tenant_id, other):
        assert waiting(database, one) == []
