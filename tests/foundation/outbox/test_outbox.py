"""The outbox interface of packages (put, cancel, retry, statistics), under row-level security."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import ProgrammingError

from foundation.db.database import Database, OpenScope
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from foundation.outbox import outbox, row_leases
from tests.foundation.events import ChatDue, DayDue, PostDue, count_states, put_chat, put_posts

ME = "system:test"


def test_event_round_trips_through_outbox(tenant: OpenScope, tenant_id: UUID) -> None:
    event = DayDue(tenant_id, uuid7(), date(2026, 3, 29), offer_id=uuid4())
    with tenant(tenant_id, ME) as scope:
        outbox.put(scope, event)
    with tenant(tenant_id, ME) as scope:
        row = row_leases.claim_rows(scope, "make", places=1, room=1)[0]
        taken = row_leases.take_row(scope, row.id, row.token, deadline=timedelta(seconds=30))
    assert taken is not None
    assert outbox.rebuild_event(DayDue, taken.tenant_id, taken.subject_id, taken.args) == event


def test_rolled_back_change_writes_no_row(tenant: OpenScope, tenant_id: UUID) -> None:
    def change() -> None:
        with tenant(tenant_id, ME) as scope:
            outbox.put(scope, PostDue(tenant_id, uuid7()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()
    assert count_states(tenant, tenant_id) == {}


def test_dedupe_key_allows_one_unfinished_row(tenant: OpenScope, tenant_id: UUID) -> None:
    assert put_chat(tenant, tenant_id, 1, dedupe="k") is not None
    assert put_chat(tenant, tenant_id, 2, dedupe="k") is None
    with tenant(tenant_id, ME) as scope:
        row = row_leases.claim_rows(scope, "chat", places=4, room=4)[0]
    assert put_chat(tenant, tenant_id, 3, dedupe="k") is None, "the row is running"
    with tenant(tenant_id, ME) as scope:
        taken = row_leases.take_row(scope, row.id, row.token, deadline=timedelta(seconds=30))
        assert taken is not None
        row_leases.finish_row(scope, taken)
    assert put_chat(tenant, tenant_id, 4, dedupe="k") is not None, "the row is finished"


def test_cancel_removes_waiting_rows_only(tenant: OpenScope, tenant_id: UUID) -> None:
    first, second = put_posts(tenant, tenant_id, 2, lane="channel:a")
    with tenant(tenant_id, ME) as scope:
        row_leases.claim_rows(scope, "publish", places=4, room=4)
        assert outbox.cancel(scope, PostDue.kind, first) == 0
        assert outbox.cancel(scope, ChatDue.kind, second) == 0
        assert outbox.cancel(scope, PostDue.kind, second) == 1
        assert outbox.is_pending(scope, first, PostDue.kind)
        assert not outbox.is_pending(scope, second)
    assert count_states(tenant, tenant_id) == {"leased": 1}


def test_another_tenant_cannot_see_or_cancel_rows(tenant: OpenScope, tenant_id: UUID) -> None:
    subject = put_posts(tenant, tenant_id, 1)[0]
    stranger = uuid7()
    with tenant(stranger, ME) as scope:
        assert outbox.cancel(scope, PostDue.kind, subject) == 0
        assert scope.run("DELETE FROM outbox").rowcount == 0
        assert not outbox.is_pending(scope, subject)
        assert all(row.waiting == 0 for row in outbox.queue_stats(scope))
    with pytest.raises(ProgrammingError, match="row-level security"), tenant(stranger, ME) as scope:
        outbox.put(scope, PostDue(tenant_id, subject))
    assert count_states(tenant, tenant_id) == {"waiting": 1}


def test_web_role_may_put_but_not_read(pages: Database, tenant: OpenScope, tenant_id: UUID) -> None:
    with pages.scope(tenant_id, "guest:door", role="door") as scope:
        assert outbox.put(scope, PostDue(tenant_id, uuid7()), dedupe="d") is not None
        assert outbox.put(scope, PostDue(tenant_id, uuid7()), dedupe="d") is None
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        pages.scope(tenant_id, ME, role="door") as scope,
    ):
        outbox.queue_stats(scope)
    assert count_states(tenant, tenant_id) == {"waiting": 1}


def test_dead_row_is_listed_and_retried(tenant: OpenScope, tenant_id: UUID) -> None:
    event_id = put_chat(tenant, tenant_id, 1, dedupe="k", lane="chat:a", holds_lane=True)
    assert event_id is not None
    with pytest.raises(NotFound), tenant(tenant_id, ME) as scope:
        outbox.retry_dead(scope, event_id)
    with tenant(tenant_id, ME) as scope:
        row = row_leases.claim_rows(scope, "chat", places=4, room=4)[0]
        taken = row_leases.take_row(scope, row.id, row.token, deadline=timedelta(seconds=30))
        assert taken is not None
        assert row_leases.fail_row(
            scope, taken, error="Bug x", backoff=row_leases.Backoff(dead_at=1)
        )
    with tenant(tenant_id, ME) as scope:
        assert [(row.id, row.error, row.tries) for row in outbox.list_dead(scope)] == [
            (event_id, "Bug x", 1)
        ]
        assert sum(row.dead for row in outbox.queue_stats(scope)) == 1
    put_chat(tenant, tenant_id, 2, dedupe="k")
    with pytest.raises(Conflict), tenant(tenant_id, ME) as scope:
        outbox.retry_dead(scope, event_id)
    with tenant(tenant_id, ME) as scope:
        scope.run("DELETE FROM outbox WHERE state = 'waiting'")
        outbox.retry_dead(scope, event_id)
    with tenant(tenant_id, ME) as scope:
        assert [row.id for row in row_leases.claim_rows(scope, "chat", places=4, room=4)] == [
            event_id
        ]


def test_event_with_unsupported_field_type_is_rejected() -> None:
    class Odd(PostDue):
        pass

    Odd.__annotations__ = {"body": dict}
    with pytest.raises(TypeError, match="IDs and small values"):
        outbox._field_reader(Odd, "body", dict[str, int])
    # Collections would be stored as one text.
    for several in (list[str], tuple[str, ...], set[int]):
        with pytest.raises(TypeError, match="IDs and small values"):
            outbox._field_reader(Odd, "body", several)
