"""Incoming comments: none is lost despite faults, and hostile content changes nothing."""

from datetime import timedelta

import pytest

from channels.accounts import queries as channel_reads
from channels.listening import comments as asking
from connectors.contract.comments import Comment
from subscribers.comments import incoming_comments
from subscribers.erasure import erase_fan
from subscribers.fans import directory
from tests.schedules.builders import SandboxAgency
from tests.subscribers.comments.comment_actions import (
    add_comment,
    find_conversation_id,
    list_comments,
    publish_post,
    receive_comments,
)
from workers.relay.ticks import TICKS

SCRIPT = "javascript:alert(1)"

SCRIPT = "javascript:alert(1)"


def test_old_and_hostile_comments_change_nothing(lea: SandboxAgency) -> None:
    post = publish_post(lea)
    with lea.scope() as scope:
        channel = channel_reads.get_channel(scope, lea.channels["main"])
        for one in (
            Comment("r900", "old", "old", "long ago", post, at=scope.now - timedelta(days=8)),
            Comment("", "ann", "ann", "no id", post),
            Comment("r901", "", "", "nobody", post),
            Comment("r" * 4000, "ann", "ann", "an id that is none", post),
        ):
            incoming_comments.receive_comment(scope, channel, one)
        incoming_comments.receive_comment(
            scope,
            channel,
            Comment("r902", "bob\x00", "b\x00ob", "a\x00b" + "x" * 20_000, post, SCRIPT),
        )
    (one,) = list_comments(lea, "bob")
    assert one.text.startswith("ab")
    assert len(one.text) == 10_000
    assert one.url == "", "an address that a browser would execute"
    with pytest.raises(AssertionError):
        find_conversation_id(lea, "old")


@pytest.mark.parametrize("mode", ["garbage", "status:503", "status:401", "reset_after", "hang"])
def test_platform_fault_loses_no_comment(lea: SandboxAgency, mode: str) -> None:
    add_comment(lea, "where is this?", post=publish_post(lea))
    lea.fault(mode, on="remarks")
    receive_comments(lea)
    lea.live(minutes=10)
    receive_comments(lea)
    assert [one.text for one in list_comments(lea)] == ["where is this?"]


def test_crash_at_any_point_receives_each_comment_once(lea: SandboxAgency) -> None:
    post, at, lived = publish_post(lea), 0, False
    while not lived:
        at += 1
        add_comment(lea, f"word {at}", post=post, fan=f"fan{at}")
        lea.pass_time(minutes=2)
        next(one for one in TICKS if one.name == "remarks").write_rows(lea.services.tenant)
        lived = not lea.crash(at)
        lea.run()
        assert [one.text for one in list_comments(lea, f"fan{at}")] == [f"word {at}"]
    assert at > 3


def test_account_without_comments_is_polled_once_a_day(lea: SandboxAgency) -> None:
    page = lea.connect_to(
        "page", account="lea", token="t", platform="own_page", surface="own_page.public"
    )
    receive_comments(lea)
    with lea.scope() as scope:
        assert page not in asking.accounts_due_for_comments(scope)
    lea.pass_time(hours=25)
    with lea.scope() as scope:
        assert page in asking.accounts_due_for_comments(scope)


def test_unreadable_account_is_reported_once_and_resolved_when_readable(
    lea: SandboxAgency,
) -> None:
    def told() -> list[bool]:
        with lea.scope() as scope:
            found = scope.run(
                "SELECT settled_at FROM notices WHERE tenant_id = :t AND cause = :cause",
                t=lea.tenant_id,
                cause=f"remarks:{lea.channels['main']}",
            )
            return [row.settled_at is None for row in found]

    publish_post(lea)
    lea.fault("status:403", on="remarks", times=9)
    for _ in range(3):
        receive_comments(lea)
    assert told() == [], "a short outage is not reported"
    lea.pass_time(hours=25)
    for _ in range(2):
        receive_comments(lea)
    assert told() == [True]
    lea.network.clear()
    receive_comments(lea)
    assert told() == [False]


def test_comment_of_an_erased_fan_is_not_received_again(lea: SandboxAgency) -> None:
    """Some platforms list the last day again at each reading."""
    native_id = add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    with lea.scope() as scope:
        channel = channel_reads.get_channel(scope, lea.channels["main"])
        known = directory.find_fan_identity(scope, channel.id, "ann")
        assert known is not None
        for _ in range(2):
            erase_fan(scope, known.fan_id)
        incoming_comments.receive_comment(
            scope, channel, Comment(native_id, "ann", "ann", "where is this?", "p", at=scope.now)
        )
        assert directory.find_fan_identity(scope, channel.id, "ann") is None
        incoming_comments.receive_comment(
            scope, channel, Comment("r-new", "ann", "ann", "hello again", "p", at=scope.now)
        )
    assert [one.text for one in list_comments(lea)] == ["hello again"]
    with lea.scope() as scope:
        kept = (
            scope.run("SELECT native_id FROM remarks WHERE tenant_id = :t", t=lea.tenant_id)
            .scalars()
            .all()
        )
    assert native_id not in kept
