"""Verification of AI labels: a live post that lost its label is removed."""

import pytest

from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency


def forgetful(lea: SandboxAgency) -> None:
    """Connect an account that drops AI labels."""
    account = f"lost-{str(lea.tenant_id)[-8:]}-nomarks"
    lea.network.account(account)
    lea.connect_to("lost", account=account, token=lea.network.tokens[account])


@pytest.mark.parametrize("channel", ["main", "lost"])
def test_post_that_lost_ai_label_is_removed(lea: SandboxAgency, channel: str) -> None:
    forgetful(lea)
    sent = lea.delivery("fait avec une IA", channel=channel, text_ai="generated")
    plain = lea.delivery("sans rien", channel=channel)
    lea.run()
    assert lea.state(sent) is (
        DeliveryState.PUBLISHED if channel == "main" else DeliveryState.REMOVED
    )
    assert lea.state(plain) is DeliveryState.PUBLISHED, "a post without a label is not checked"
    assert ("copy.unmarked" in lea.notices().values()) == (channel == "lost")
    assert sum(post["deleted_at"] is not None for post in lea.posts(channel)) == (channel == "lost")


def test_unreadable_post_is_checked_later(lea: SandboxAgency) -> None:
    forgetful(lea)
    lea.fault("status:503", channel="lost", on="lookups", times=2)
    sent = lea.delivery("fait avec une IA", channel="lost", text_ai="generated")
    lea.run()
    assert lea.state(sent) is DeliveryState.PUBLISHED, "an unreadable post is not known to be wrong"
    lea.live(minutes=1)
    assert lea.state(sent) is DeliveryState.REMOVED


def test_externally_deleted_post_is_no_incident(lea: SandboxAgency) -> None:
    forgetful(lea)
    lea.fault("status:503", channel="lost", on="lookups")
    sent = lea.delivery("fait avec une IA", channel="lost", text_ai="generated")
    lea.run()
    lea.network.api("DELETE", lea.accounts["lost"], f"posts/{lea.posts('lost')[0]['id']}")
    lea.live(minutes=1)
    assert lea.state(sent) is DeliveryState.PUBLISHED
    assert "copy.unmarked" not in lea.notices().values()
