"""Notices of access that ends soon: only for tokens that cannot be renewed, urgent on the last day,
closed after a new connection."""

from datetime import timedelta

import pytest

from channels.accounts import credentials, token_expiry
from tenants.notices.queries import list_open_notices
from tests.channels.builders import World

MONTH = timedelta(days=60)


def store(lea: World, lifetime: timedelta, *, renews: bool = False) -> None:
    token = lea.channel().token
    assert token is not None
    with lea.scope() as scope:
        refresh = token if renews else None
        credentials.store_credentials(scope, lea.channel_id, token, refresh, scope.now + lifetime)


def told(lea: World, passed: timedelta) -> list[tuple[str, bool]]:
    """Return code and urgency of the open notices this long after the connection."""
    with lea.scope() as scope:
        scope.run(
            "UPDATE tokens SET since = since - CAST(:by AS interval),"
            " expires_at = expires_at - CAST(:by AS interval) WHERE channel_id = :id",
            by=passed,
            id=lea.channel_id,
        )
        token_expiry.report_expiring_tokens(scope)
        return [(one.message.code, one.urgent) for one in list_open_notices(scope)]


def test_members_are_notified_a_week_and_a_day_before_the_access_ends(lea: World) -> None:
    store(lea, MONTH)
    assert told(lea, timedelta(days=52)) == []
    assert told(lea, timedelta(days=2)) == [("channel.token_ends", False)]
    assert told(lea, timedelta(days=5, hours=1)) == [("channel.token_ends_soon", True)]
    store(lea, MONTH)
    assert told(lea, timedelta()) == []


@pytest.mark.parametrize(("lifetime", "renews"), [(MONTH, True), (timedelta(days=6), False)])
def test_renewed_and_short_tokens_are_not_announced(
    lea: World, lifetime: timedelta, renews: bool
) -> None:
    store(lea, lifetime, renews=renews)
    assert told(lea, lifetime - timedelta(days=2)) == []
