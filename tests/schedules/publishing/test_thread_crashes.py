"""Threads: complete removal, and crashes without lost or repeated parts."""

from datetime import datetime

import pytest

from channels.attempts import attempts
from foundation.ids import uuid7
from gate.contract.units import Subject
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from schedules.publishing.handlers import PUBLISHING
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.thread_builders import (
    IN_ORDER,
    WORDS,
    build_thread,
    list_permits,
    list_reply_chain,
    publish_parts,
    schedule_thread,
)

MOST = 120
"""More points than a thread of three parts has."""


# Removal


def deleted(lea: SandboxAgency) -> list[str]:
    """Return the deleted texts, in the order of their deletion."""
    gone = [one for one in lea.posts() if one["deleted_at"]]
    return [
        one["text"]
        for one in sorted(gone, key=lambda one: datetime.fromisoformat(one["deleted_at"]))
    ]


def test_removal_deletes_every_part_last_first(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    lea.run()
    assert lea.act(post_removal.request_post_removal, delivery_id) == 4
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    assert deleted(lea) == list(WORDS[::-1])
    assert all(copy.removed_at is not None for copy in list_permits(lea, delivery_id))


def test_part_that_cannot_be_deleted_keeps_removal_open(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    lea.run()
    lea.fault("refuse", on="deletes", times=1)
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.REMOVING
    assert len(list_reply_chain(lea, standing=True)) == 1
    lea.live(hours=2)
    assert lea.state(delivery_id) is DeliveryState.REMOVED


@pytest.mark.parametrize(
    "state", [DeliveryState.PARTLY, DeliveryState.BROKEN_OFF, DeliveryState.UNCERTAIN]
)
def test_unfinished_thread_can_be_removed_from_any_state(
    lea: SandboxAgency, state: DeliveryState
) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 2)
    if state is DeliveryState.BROKEN_OFF:
        lea.fault("refuse")
        publish_parts(lea, delivery_id, 1)
    elif state is DeliveryState.UNCERTAIN:
        lea.fault("reset_after")
        publish_parts(lea, delivery_id, 1)
    assert lea.state(delivery_id) is state
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.live(minutes=5)
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    assert list_reply_chain(lea, standing=True) == []
    assert len(lea.posts()) == (3 if state is DeliveryState.UNCERTAIN else 2)


# Crashes


@pytest.mark.parametrize("mode", ["", "reset_after"], ids=["words", "lost"])
def test_killed_process_neither_repeats_nor_loses_thread_part(
    lea: SandboxAgency, mode: str
) -> None:
    for at in range(0, MOST, 3):
        mia = create_sandbox_agency(lea.services, lea.network)
        delivery_id = mia.delivery(WORDS[0], parts=build_thread(*WORDS[:3]))
        if mode:
            publish_parts(mia, delivery_id, 1)
            mia.fault(mode)
        died = mia.crash(at=at)
        mia.live(minutes=13)
        assert list_reply_chain(mia) == IN_ORDER[:3], (at, mia.states(delivery_id))
        assert mia.state(delivery_id) is DeliveryState.PUBLISHED, (at, mia.states(delivery_id))
        if not died:
            break
    assert not died
    assert at > (9 if mode else 30)


def test_repeated_outbox_row_sends_no_thread_part_twice(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    lea.run()
    publish_parts(lea, delivery_id, 3)
    assert list_reply_chain(lea) == IN_ORDER


def test_sweep_finds_thread_without_outbox_row(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 2)
    with lea.scope() as scope:
        scope.run(
            "DELETE FROM outbox WHERE subject_id = :id AND kind = 'delivery.publish'",
            id=delivery_id,
        )
    lea.pass_time(minutes=2)
    sweep = lea.routes.by_kind["delivery.sweep"]
    sweep.handler(sweep.event(lea.tenant_id, uuid7()))
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_reply_chain(lea) == IN_ORDER


def test_stored_attempt_keeps_unit_and_digest(lea: SandboxAgency) -> None:
    """A resumed attempt uses the same unit: the stored unit has the same digest."""
    delivery_id = schedule_thread(lea)
    lea.run()
    with lea.services.tenant(lea.tenant_id, PUBLISHING) as scope:
        rows = attempts.list_attempts(scope, Subject("delivery", delivery_id), None, ("send",))
    from channels.attempts import serialization

    for row in rows:
        unit = serialization.unit_from_json(row.unit)
        assert unit.digest() == row.unit_digest
        assert len(unit.before) == row.part
        assert bool(unit.reply_to) is bool(row.part)
