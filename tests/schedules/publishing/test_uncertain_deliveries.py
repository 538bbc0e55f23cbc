"""Decisions of members about uncertain deliveries, made by a process that cannot write the gate's
records."""

from collections.abc import Callable
from uuid import UUID

import pytest

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, GreenroomError, Refused
from schedules.drafts import drafts
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.publishing import uncertain_deliveries
from tenants.agencies.rights import Role
from tests.schedules.approvals.test_decisions import member
from tests.schedules.builders import SandboxAgency


def in_doubt(lea: SandboxAgency, mode: str = "accept_then_hang") -> UUID:
    lea.fault(mode)
    delivery_id = lea.delivery("once")
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.UNCERTAIN
    return delivery_id


def page_of(lea: SandboxAgency, native: str, channel: str = "main") -> str:
    """Return the public URL of a post."""
    return f"{lea.network.url}/t/{lea.accounts[channel]}/{native}"


def say(lea: SandboxAgency, delivery_id: UUID, url: str, who: UUID | None = None) -> None:
    who = who or lea.manager
    with lea.scope(f"member:{who}") as scope:
        uncertain_deliveries.resolve_uncertain_delivery(scope, delivery_id, member_id=who, url=url)


def test_link_confirms_uncertain_delivery(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea)
    native = lea.posts()[0]["id"]
    say(lea, delivery_id, page_of(lea, native))
    lea.run()
    entry = lea.entry(delivery_id)
    assert (entry.state, entry.native_id, entry.url) == (
        DeliveryState.PUBLISHED,
        native,
        page_of(lea, native),
    )
    assert len(lea.asked()) == 1
    with pytest.raises(Conflict):
        say(lea, delivery_id, "")


def test_absent_delivery_is_sent_again(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea, "reset_before")
    say(lea, delivery_id, "")
    say(lea, delivery_id, "")  # submitted twice
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.texts() == ["once"]


def test_lookup_wins_over_pending_decision(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea)
    say(lea, delivery_id, "")
    with lea.scope() as scope:  # the decision waits, and the lookup is faster
        scope.run(
            "UPDATE outbox SET available_at = house_now() + interval '1 hour' WHERE kind = "
            "'delivery.end_doubt'"
        )
    lea.live(minutes=70)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.texts() == ["once"]


@pytest.mark.parametrize(
    "url",
    ["example.test/p/1", "javascript:alert(1)", "https://", "http://[", "https://x/" + "a" * 600],
)
def test_invalid_link_is_refused(lea: SandboxAgency, url: str) -> None:
    with pytest.raises(BadInput):
        say(lea, in_doubt(lea), url)


def test_member_without_permission_cannot_resolve_delivery(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea)
    for who in (member(lea, Role.CHATTER), member(lea, creators=("zoe",))):
        with pytest.raises(Refused):
            say(lea, delivery_id, "", who)


def test_only_uncertain_delivery_can_be_resolved(lea: SandboxAgency) -> None:
    with pytest.raises(GreenroomError):
        say(lea, lea.delivery("later"), "")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("https://example.test/p/{native}", "naming.no_post"),
        ("{site}/t/somebody/{native}", "naming.other_account"),
        ("{site}/t/{account}/p999999", "naming.not_there"),
    ],
)
def test_link_to_no_post_of_account_is_refused_and_reported(
    lea: SandboxAgency, path: str, why: str
) -> None:
    """Any link was once accepted: the last path segment counted as the post ID, and its removal
    proved the post absent."""
    delivery_id = in_doubt(lea)
    native = lea.posts()[0]["id"]
    say(
        lea,
        delivery_id,
        path.format(native=native, site=lea.network.url, account=lea.accounts["main"]),
    )
    lea.run()
    entry = lea.entry(delivery_id)
    assert (entry.state, entry.native_id, entry.reason.code if entry.reason else "") == (
        DeliveryState.UNCERTAIN,
        None,
        why,
    )
    assert lea.notices()[f"delivery:{delivery_id}"] == why
    say(lea, delivery_id, page_of(lea, native))  # the correct link resolves it
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert f"delivery:{delivery_id}" not in lea.notices()


def test_post_of_another_delivery_is_refused_and_reported(lea: SandboxAgency) -> None:
    first = lea.delivery("other words")
    lea.run()
    delivery_id = in_doubt(lea, "reset_before")
    say(lea, delivery_id, str(lea.entry(first).url))
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.UNCERTAIN,
        "delivery.linked_elsewhere",
    )
    assert lea.notices()[f"delivery:{delivery_id}"] == "delivery.linked_elsewhere"


def test_link_is_checked_again_after_failed_lookup(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea)
    lea.fault("status:503", on="lookups", times=99)
    native = lea.posts()[0]["id"]
    say(lea, delivery_id, page_of(lea, native))
    lea.live(minutes=1)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.UNCERTAIN,
        "connectors.answer_lost",
    )
    lea.network.clear()
    lea.live(minutes=1)
    assert (lea.state(delivery_id), lea.entry(delivery_id).native_id) == (
        DeliveryState.PUBLISHED,
        native,
    )


def test_unreachable_platform_is_reported(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea)
    lea.fault("status:503", on="lookups", times=999)
    say(lea, delivery_id, page_of(lea, lea.posts()[0]["id"]))
    lea.live(minutes=6)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.UNCERTAIN,
        "naming.nobody_tells",
    )
    assert lea.rows("delivery.end_doubt") == []


def test_latest_decision_counts(lea: SandboxAgency) -> None:
    """A link that is still being checked does not override a later decision."""
    delivery_id = in_doubt(lea, "reset_before")
    lea.fault("status:503", on="lookups", times=99)
    say(lea, delivery_id, page_of(lea, "p1"))
    lea.run()
    say(lea, delivery_id, "")
    lea.network.clear()
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.texts() == ["once"]


def test_check_of_link_survives_crash(lea: SandboxAgency) -> None:
    for at in range(1, 12):
        delivery_id = in_doubt(lea)
        say(lea, delivery_id, page_of(lea, lea.posts()[-1]["id"]))
        died = lea.crash(at=at)
        lea.live(seconds=30)
        assert lea.state(delivery_id) is DeliveryState.PUBLISHED, at
        lea.live(minutes=5)  # consecutive failures increase the wait
        if not died:
            return


def leave(lea: SandboxAgency, delivery_id: UUID) -> None:
    lea.act(uncertain_deliveries.close_uncertain_delivery, delivery_id, member_id=lea.manager)


def test_closed_uncertain_delivery_stays_closed(lea: SandboxAgency) -> None:
    """No lookup and no request follow, and the notice closes."""
    delivery_id = in_doubt(lea, "reset_before")
    leave(lea, delivery_id)
    lea.live(hours=30)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.CANCELLED,
        "delivery.left_in_doubt",
    )
    assert lea.notices() == {}
    assert lea.texts() == []
    with pytest.raises(Conflict):
        leave(lea, delivery_id)


@pytest.mark.parametrize("button", [deliveries.cancel_delivery, drafts.remove_channel_from_post])
def test_uncertain_delivery_cannot_be_cancelled(
    lea: SandboxAgency, button: Callable[[Scope, UUID], None]
) -> None:
    """The post may be live: only an approver closes it, through the action for uncertain
    deliveries."""
    delivery_id = in_doubt(lea, "reset_after")
    with pytest.raises(Conflict) as told:
        lea.act(button, delivery_id)
    assert (told.value.message.code, lea.state(delivery_id)) == (
        "delivery.maybe_online",
        DeliveryState.UNCERTAIN,
    )


def test_member_without_permission_cannot_close_delivery(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea)
    with lea.scope() as scope, pytest.raises(Refused):
        uncertain_deliveries.close_uncertain_delivery(
            scope, delivery_id, member_id=member(lea, Role.CHATTER)
        )
