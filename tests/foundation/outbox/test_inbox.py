"""The inbox stores each received item once."""

from uuid import UUID

import pytest

from foundation.db.database import Database, OpenScope
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.outbox import inbox

ME = "system:test"


def test_same_item_is_received_once_per_source(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, ME) as scope:
        first = inbox.receive(scope, "sandbox:a", "1", {"text": "allô ✓"})
        assert first is not None
        assert inbox.receive(scope, "sandbox:a", "1", {"text": "again"}) is None
        assert inbox.receive(scope, "sandbox:b", "1", {"text": "other account"}) is not None
    with tenant(tenant_id, ME) as scope:
        assert inbox.get_body(scope, first) == {"text": "allô ✓"}


def test_unsupported_characters_are_removed(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, ME) as scope:
        entry = inbox.receive(scope, "s", "1", {"te\x00xt": ["un \x00 signe \ud83d", {"n": 1}]})
        assert entry is not None
    with tenant(tenant_id, ME) as scope:
        assert inbox.get_body(scope, entry) == {"text": ["un  signe ?", {"n": 1}]}


def test_another_tenant_cannot_read_inbox(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, ME) as scope:
        entry = inbox.receive(scope, "s", "1", {})
    assert entry is not None
    with pytest.raises(NotFound), tenant(uuid7(), ME) as scope:
        inbox.get_body(scope, entry)


def test_web_role_may_receive(pages: Database, tenant_id: UUID) -> None:
    with pages.scope(tenant_id, "guest:hook", role="door") as scope:
        assert inbox.receive(scope, "s", "1", {"a": 1}) is not None
