"""Blocked accounts: one notice per cause, however many posts wait for a stop, a pause, an outage or
a lost account."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.i18n.translation import Message, render_message
from gate.policy import emergency_stops
from schedules.notices import blocked_account, lost_account
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.rescheduling import account_failover
from tenants.notices.queries import list_open_notices
from tests.schedules.builders import SandboxAgency

pytestmark = pytest.mark.heavy

HALF = timedelta(minutes=30)


def over_three_hours(lea: SandboxAgency, number: int, *channels: str) -> list[UUID]:
    """Create deliveries spread over three hours, each with an allowed delay of half an hour."""
    at = [60 + n * (3 * 3600 - 120) / number for n in range(number)]
    return [
        lea.delivery(f"{n}", channel=channels[n % len(channels)], after=one, late_ok=HALF)
        for n, one in enumerate(at)
    ]


def pass_by(lea: SandboxAgency, minutes: int, *, step: int = 20) -> None:
    """Advance the time in long steps: a waiting post retries every half minute."""
    for _ in range(0, minutes, step):
        lea.pass_time(minutes=step)
        lea.run()


def said(lea: SandboxAgency, cause: str) -> Message:
    with lea.scope() as scope:
        return next(one.message for one in list_open_notices(scope) if one.cause == cause)


def stop(lea: SandboxAgency) -> Callable[[], object]:
    lea.act(emergency_stops.close_switch, "creator", str(lea.creator_id), "sending", reason="test")
    return lambda: lea.act(
        emergency_stops.reopen_switch, "creator", str(lea.creator_id), "sending", reason="over"
    )


# Emergency stop, pause and outage


@pytest.mark.parametrize("accounts", [1, 4, 40])
def test_emergency_stop_over_forty_posts_creates_one_notice(
    lea: SandboxAgency, accounts: int
) -> None:
    names = ["main", *(f"a{n}" for n in range(1, accounts))]
    for name in names[1:]:
        lea.connect(name)
    reopen = stop(lea)
    late = over_three_hours(lea, 40, *names)
    pass_by(lea, 120)
    assert lea.notices() == {}
    assert {lea.state(one) for one in late} == {DeliveryState.SCHEDULED}
    pass_by(lea, 60)
    reopen()
    lea.live(minutes=2)
    assert list(lea.notices().values()) == ["downtime.told"]
    assert {lea.state(one) for one in late} <= {
        DeliveryState.HELD,
        DeliveryState.SCHEDULED,
        DeliveryState.PUBLISHED,
    }
    assert lea.state(late[0]) is DeliveryState.HELD
    pass_by(lea, 120, step=5)
    for one in late:
        entry = lea.entry(one)
        assert entry.state in (DeliveryState.HELD, DeliveryState.PUBLISHED)
        if entry.settled_at is not None:
            assert entry.settled_at <= entry.due_at + HALF + timedelta(minutes=1), (
                "no post is published after its allowed delay"
            )
    texts = [text for name in names for text in lea.texts(name)]
    assert len(texts) == len(set(texts))


def test_paused_account_has_one_notice_and_a_summary(lea: SandboxAgency) -> None:
    lea.act(
        lifecycle.pause_account,
        lea.channels["main"],
        Message("channel.is_paused", {"account": "main"}),
    )
    late = over_three_hours(lea, 12, "main")
    cause = f"{blocked_account.CAUSE}{lea.channels['main']}"
    pass_by(lea, 180)
    lea.act(blocked_account.refresh_blocked_account_notices)
    assert lea.notices() == {cause: "waiting.paused"}
    assert said(lea, cause).params == {"account": "main", "posts": 12}
    assert {lea.state(one) for one in late} == {DeliveryState.SCHEDULED}
    lea.act(lifecycle.resume_account, lea.channels["main"])
    lea.live(minutes=2)
    lea.act(blocked_account.refresh_blocked_account_notices)
    assert list(lea.notices().values()) == ["downtime.told"]


def test_rate_limited_account_has_one_notice(lea: SandboxAgency) -> None:
    lea.fault("status:429", retry_after=3 * 3600)
    first = lea.delivery("first", late_ok=None)
    late = [lea.delivery(f"{n}", after=60 + n, late_ok=timedelta(minutes=5)) for n in range(5)]
    lea.live(minutes=20)
    lea.act(blocked_account.refresh_blocked_account_notices)
    assert list(lea.notices().values()) == ["waiting.limited"]
    assert {lea.state(one) for one in late} == {DeliveryState.SCHEDULED}
    pass_by(lea, 180)
    lea.live(minutes=2)
    lea.act(blocked_account.refresh_blocked_account_notices)
    assert list(lea.notices().values()) == ["downtime.told"]
    assert lea.state(first) is DeliveryState.PUBLISHED
    assert [lea.why(one) for one in late] == ["downtime.too_late"] * 5


def test_platform_outage_has_one_notice_per_account(
    lea: SandboxAgency,
) -> None:
    lea.fault("status:503", on="*", times=10_000)
    late = [lea.delivery(f"{n}", after=60 * n, late_ok=timedelta(minutes=5)) for n in range(5)]
    lea.live(minutes=15)
    lea.act(blocked_account.refresh_blocked_account_notices)
    assert lea.state(late[0]) is DeliveryState.UNCERTAIN, "one uncertain delivery has a notice"
    told = lea.notices()
    assert told.pop(f"delivery:{late[0]}")
    assert told == {f"{blocked_account.CAUSE}{lea.channels['main']}": "waiting.down"}
    assert {lea.state(one) for one in late[1:]} == {DeliveryState.SCHEDULED}


# Lost account


def lose(lea: SandboxAgency, name: str = "main") -> None:
    lea.network.json("POST", f"/control/token/{lea.accounts[name]}", {"revoke": True})


def found_again(lea: SandboxAgency, name: str = "main") -> None:
    _, told = lea.network.json("POST", f"/control/token/{lea.accounts[name]}", {})
    lea.network.tokens[lea.accounts[name]] = told["token"]
    lea.connect(name)


def test_lost_account_has_one_notice_until_it_reconnects(
    lea: SandboxAgency,
) -> None:
    lose(lea)
    late = [lea.delivery(f"{n}", after=60 * n, late_ok=None) for n in range(10)]
    ahead = lea.delivery("ahead", after=3600)  # its preflight check also meets the lost account
    cause = f"channel:{lea.channels['main']}:reauthorize"
    lea.live(minutes=55)
    assert {lea.why(one) for one in late} == {"delivery.account_lost"}
    assert lea.state(ahead) is DeliveryState.SCHEDULED
    assert lea.notices() == {cause: "channel.notice_reauthorize_posts"}
    assert said(lea, cause).params == {"account": "main", "posts": 10}
    for language in ("fr", "en"):
        assert "10" in render_message(said(lea, cause), language)
    found_again(lea)
    lea.run()
    assert cause not in lea.notices()
    pass_by(lea, 180, step=11)
    assert {lea.state(one) for one in late} == {DeliveryState.PUBLISHED}


def test_notice_excludes_cancelled_or_moved_posts(lea: SandboxAgency) -> None:
    lose(lea)
    late = [lea.delivery(f"{n}", after=n, late_ok=None) for n in range(4)]
    cause = f"channel:{lea.channels['main']}:reauthorize"
    lea.live(minutes=1)
    lea.act(deliveries.cancel_delivery, late[0])
    lea.act(lost_account.refresh_lost_account_notices)
    assert said(lea, cause).params["posts"] == 3
    lea.connect("spare")
    found = lea.act(account_failover.preview_failover, lea.channels["main"], lea.channels["spare"])
    lea.act(
        account_failover.move_to_spare_account,
        lea.channels["main"],
        lea.channels["spare"],
        seen=found.seen_versions,
    )
    lea.act(lost_account.refresh_lost_account_notices)
    assert said(lea, cause) == Message("channel.notice_reauthorize", {"account": "main"})
