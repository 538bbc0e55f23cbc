"""What comes in twice is kept once."""

from uuid import UUID

import pytest

from foundation.db.database import Database, OpenScope
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.outbox import inbox

ME = "system:test"


def test_the_same_thing_comes_in_once(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, ME) as scope:
        first = inbox.receive(scope, "sandbox:a", "1", {"text": "allô ✓"})
        assert first is not None
        assert inbox.receive(scope, "sandbox:a", "1", {"text": "again"}) is None
        assert inbox.receive(scope, "sandbox:b", "1", {"text": "other account"}) is not None
    with tenant(tenant_id, ME) as scope:
        assert inbox.get_body(scope, first) == {"text": "allô ✓"}


def test_signs_that_no_database_keeps_cost_nothing_else(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, ME) as scope:
        entry = inbox.receive(scope, "s", "1", {"te\x00xt": ["un \x00 signe \ud83d", {"n": 1}]})
        assert entry is not None
    with tenant(tenant_id, ME) as scope:
        assert inbox.get_body(scope, entry) == {"text": ["un  signe ?", {"n": 1}]}


def test_another_tenant_reads_nothing(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, ME) as scope:
        entry = inbox.receive(scope, "s", "1", {})
    assert entry is not None
    with pytest.raises(NotFound), tenant(uuid7(), ME) as scope:
        inbox.get_body(scope, entry)


def test_the_door_may_receive(pages: Database, tenant_id: UUID) -> None:
    with pages.scope(tenant_id, "guest:hook", role="door") as scope:
        assert inbox.receive(scope, "s", "1", {"a": 1}) is not None
