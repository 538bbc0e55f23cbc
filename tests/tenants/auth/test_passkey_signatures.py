"""Passkey signatures: valid for one act of one member, once, within five minutes, while the passkey
is active."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from foundation.errors import Refused
from tenants.auth import ceremonies, passkeys
from tests.conftest import Cluster
from tests.gate.policy_releases import past_the_gate
from tests.tenants.auth.test_passkeys import ACT, SITE, adds, asked, signs, spend, who
from tests.tenants.builders import Agency


def test_signature_is_valid_once_for_one_act_of_one_member(lumiere: Agency) -> None:
    device, other = adds(lumiere, lumiere.owner), adds(lumiere, lumiere.chatter)
    signed = signs(lumiere, lumiere.owner, device)
    for member, changes in (
        (lumiere.owner, {"about": "another stop"}),
        (lumiere.owner, {"act": "own.release"}),
        (lumiere.chatter, {}),
    ):
        with pytest.raises(Refused, match="not_fresh"):
            spend(lumiere, member, signed, **changes)
    assert spend(lumiere, lumiere.owner, signed)
    with pytest.raises(Refused, match="not_fresh"):
        spend(lumiere, lumiere.owner, signed)
    body = device.signs(asked(lumiere, lumiere.owner))
    with pytest.raises(Refused, match="not_fresh"):  # requested for one act, submitted for another
        ceremonies.sign_act(
            lumiere.open, SITE, who(lumiere, lumiere.owner), body, act=ACT["act"], about="another"
        )
    body = other.signs(asked(lumiere, lumiere.owner))
    with pytest.raises(Refused, match="another"):
        ceremonies.sign_act(lumiere.open, SITE, who(lumiere, lumiere.owner), body, **ACT)
    with lumiere.scope("system:test") as scope, pytest.raises(Refused):
        passkeys.consume_signature(scope, signed, **ACT)


@pytest.mark.parametrize(("old", "good"), [(4, True), (6, False)])
def test_signature_expires_after_five_minutes(
    lumiere: Agency, cluster: Cluster, old: int, good: bool
) -> None:
    signed = signs(lumiere, lumiere.owner, adds(lumiere, lumiere.owner))
    with past_the_gate(cluster) as connection:
        aged = "UPDATE passkey_asks SET answered_at = answered_at - :by WHERE id = :id"
        connection.execute(text(aged), {"by": timedelta(minutes=old), "id": signed})
    if good:
        assert spend(lumiere, lumiere.owner, signed)
        return
    with pytest.raises(Refused, match="not_fresh"):
        spend(lumiere, lumiere.owner, signed)


def test_challenge_of_six_minutes_ago_is_refused(lumiere: Agency, cluster: Cluster) -> None:
    device = adds(lumiere, lumiere.owner)
    body = device.signs(asked(lumiere, lumiere.owner))
    with past_the_gate(cluster) as connection:
        aged = (
            "UPDATE passkey_asks SET expires_at = expires_at - interval '6 minutes' WHERE "
            "tenant_id = :t"
        )
        connection.execute(text(aged), {"t": lumiere.tenant_id})
    with pytest.raises(Refused, match="not_fresh"):
        ceremonies.sign_act(lumiere.open, SITE, who(lumiere, lumiere.owner), body, **ACT)


def test_signature_is_refused_after_passkey_removal(lumiere: Agency) -> None:
    signed = signs(lumiere, lumiere.owner, adds(lumiere, lumiere.owner))
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        passkeys.remove_passkey(
            scope, lumiere.owner, passkeys.list_passkeys(scope, lumiere.owner)[0].id
        )
    with pytest.raises(Refused, match="not_fresh"):
        spend(lumiere, lumiere.owner, signed)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE passkeys SET ended = '', ended_at = NULL",
        "UPDATE passkeys SET count = 0",
        "UPDATE passkeys SET public_key = 'x'",
        "UPDATE passkey_asks SET spent_at = NULL",
        "UPDATE passkey_asks SET about = 'another'",
    ],
)
def test_database_refuses_changes_to_signed_data(lumiere: Agency, change: str) -> None:
    device = adds(lumiere, lumiere.owner)
    spend(lumiere, lumiere.owner, signs(lumiere, lumiere.owner, device))
    with lumiere.scope() as scope:
        passkeys.end_all_passkeys(scope, lumiere.owner)
    for role in ("app", "door"):
        with pytest.raises(SQLAlchemyError), lumiere.scope(role=role) as scope:
            scope.run(change)
