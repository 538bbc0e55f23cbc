"""What stands outside bears the marks it was sent with, or it does not stand there long."""

import pytest

from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency


def forgetful(lea: SandboxAgency) -> None:
    """An account on which marks are lost."""
    account = f"lost-{str(lea.tenant_id)[-8:]}-nomarks"
    lea.network.account(account)
    lea.connect_to("lost", account=account, token=lea.network.tokens[account])


@pytest.mark.parametrize("channel", ["main", "lost"])
def test_a_post_whose_mark_is_lost_is_taken_down_at_once(lea: SandboxAgency, channel: str) -> None:
    forgetful(lea)
    sent = lea.delivery("fait avec une IA", channel=channel, text_ai="generated")
    plain = lea.delivery("sans rien", channel=channel)
    lea.run()
    assert lea.state(sent) is (
        DeliveryState.PUBLISHED if channel == "main" else DeliveryState.REMOVED
    )
    assert lea.state(plain) is DeliveryState.PUBLISHED, "it bore no mark, and lost none"
    assert ("copy.unmarked" in lea.notices().values()) == (channel == "lost")
    assert sum(post["deleted_at"] is not None for post in lea.posts(channel)) == (channel == "lost")


def test_a_post_that_cannot_be_read_is_read_later(lea: SandboxAgency) -> None:
    forgetful(lea)
    lea.fault("status:503", channel="lost", on="lookups", times=2)
    sent = lea.delivery("fait avec une IA", channel="lost", text_ai="generated")
    lea.run()
    assert lea.state(sent) is DeliveryState.PUBLISHED, (
        "what nobody could read is not known to be wrong"
    )
    lea.live(minutes=1)
    assert lea.state(sent) is DeliveryState.REMOVED


def test_a_post_somebody_removed_meanwhile_is_no_incident(lea: SandboxAgency) -> None:
    forgetful(lea)
    lea.fault("status:503", channel="lost", on="lookups")
    sent = lea.delivery("fait avec une IA", channel="lost", text_ai="generated")
    lea.run()
    lea.network.api("DELETE", lea.accounts["lost"], f"posts/{lea.posts('lost')[0]['id']}")
    lea.live(minutes=1)
    assert lea.state(sent) is DeliveryState.PUBLISHED
    assert "copy.unmarked" not in lea.notices().values()
