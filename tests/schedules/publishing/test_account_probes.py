"""Accounts with an open circuit breaker that cannot be probed."""

from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency


def _moved(lea: SandboxAgency, url: str) -> str:
    with lea.scope() as scope:
        home: str = scope.run(
            "SELECT base_url FROM channels WHERE id = :id", id=lea.channels["main"]
        ).scalar_one()
        scope.run(
            "UPDATE channels SET base_url = :url WHERE id = :id", url=url, id=lea.channels["main"]
        )
    return home


def test_next_post_tests_account_that_cannot_be_probed(lea: SandboxAgency) -> None:
    """The base URL of the account is forbidden, so its probe is abandoned."""
    lea.fault("reset_before")
    first = lea.delivery("first", late_ok=None)
    lea.run()
    home = _moved(lea, "ftp://127.0.0.1/")
    for _ in range(40):
        lea.pass_time(hours=1)
        lea.run()
    assert [row.state for row in lea.rows("channel.probe")] == ["dead"]
    _moved(lea, home)
    second = lea.delivery("second", late_ok=None)
    lea.live(minutes=10)
    assert lea.state(second) is DeliveryState.PUBLISHED
    assert lea.texts() == ["second"]
    assert lea.state(first) is DeliveryState.UNCERTAIN, (
        "no lookup was possible, so a member decides"
    )
