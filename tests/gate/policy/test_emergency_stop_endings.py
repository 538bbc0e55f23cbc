"""The end of a broad stop by one member: after a quarter of an hour, and with their passkey, if
any."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import uuid7
from gate.policy import emergency_stops
from gate.policy.events import EmergencyStopRequested
from gate.policy.handlers import handle_stop_request
from tenants import audit
from tenants.auth import ceremonies, challenges, passkeys
from tenants.auth.challenges import ChallengedMember
from tenants.notices.queries import list_open_notices
from tests.conftest import WAITS_FOR_US, Cluster, wait_until
from tests.gate import policy_releases
from tests.gate.builders import World, world
from tests.gate.own_release_builders import SITE, advance_clock, register_passkey
from tests.start_hour import AT_THE_HOUR
from tests.tenants.passkey_authenticator import Authenticator

STOP = ("tenant", "", "sending")
WHY = "false alarm"


@pytest.fixture(autouse=True)
def _clock(cluster: Cluster) -> Iterator[None]:
    yield
    with policy_releases.past_the_gate(cluster) as connection:
        connection.execute(text(AT_THE_HOUR))


@pytest.fixture
def here(tenant: OpenScope) -> World:
    """An agency of one member, Ann, who stopped everything."""
    found = world(tenant, uuid7(), solo=True)
    with found.scope(f"member:{found.ann}") as scope:
        emergency_stops.close_switch(scope, *STOP, reason="a phone was stolen")
    return found


def signs(here: World, device: Authenticator, about: str = "") -> UUID:
    who, about = (
        ChallengedMember(here.tenant_id, here.ann),
        about or emergency_stops.reopen_signing_text(*STOP, WHY),
    )
    with here.scope(who.actor_id) as scope:
        asked = challenges.create_signing_challenge(
            scope, SITE, act=emergency_stops.REOPEN_ACT, about=about, member_id=here.ann
        )
    return ceremonies.sign_act(
        here.open, SITE, who, device.signs(asked), act=emergency_stops.REOPEN_ACT, about=about
    )


def reopens(here: World, **how: Any) -> None:
    with here.scope(f"member:{here.ann}") as scope:
        emergency_stops.reopen_switch(scope, *STOP, **{"reason": WHY, **how})


def stopped(here: World) -> bool:
    with here.scope() as scope:
        return emergency_stops.is_stopped(scope, "sending")


def test_member_without_passkey_waits_fifteen_minutes(here: World, tenant: OpenScope) -> None:
    with pytest.raises(Refused, match=emergency_stops.SOLO_TOO_EARLY):
        reopens(here)
    advance_clock(tenant, 16)
    reopens(here)
    assert not stopped(here)


def test_member_with_passkey_signs_this_stop(here: World, tenant: OpenScope) -> None:
    device = register_passkey(here, here.ann)
    with pytest.raises(
        Refused, match=emergency_stops.SOLO_TOO_EARLY
    ):  # a signature does not shorten the wait
        reopens(here, signed=signs(here, device))
    advance_clock(tenant, 16)
    with pytest.raises(Refused, match=emergency_stops.PASSKEY_REQUIRED):
        reopens(here)
    for about in (
        emergency_stops.reopen_signing_text(*STOP, "another reason"),
        emergency_stops.reopen_signing_text("tenant", "", "nudity", WHY),
    ):
        with pytest.raises(Refused, match="not_fresh"):
            reopens(here, signed=signs(here, device, about))
    assert stopped(here)
    signed = signs(here, device)
    reopens(here, signed=signed)
    assert not stopped(here)
    with here.scope(f"member:{here.ann}") as scope:
        emergency_stops.close_switch(scope, *STOP, reason="again")
    advance_clock(tenant, 16)
    with pytest.raises(Refused, match="not_fresh"):  # the signature was valid for one stop
        reopens(here, signed=signed)


def test_removed_passkey_is_still_required_for_a_day(
    here: World, tenant: OpenScope, cluster: Cluster
) -> None:
    register_passkey(here, here.ann)
    with here.scope(f"member:{here.ann}") as scope:
        passkeys.remove_passkey(scope, here.ann, passkeys.list_passkeys(scope, here.ann)[0].id)
    advance_clock(tenant, 16)
    with pytest.raises(Refused, match=emergency_stops.PASSKEY_REQUIRED):
        reopens(here)
    with policy_releases.past_the_gate(cluster) as connection:
        aged = "UPDATE passkeys SET ended_at = ended_at - interval '25 hours' WHERE tenant_id = :t"
        connection.execute(text(aged), {"t": here.tenant_id})
    reopens(here)  # a member who lost their device is not locked out


def test_workers_require_wait_and_signature(here: World, tenant: OpenScope) -> None:
    device = register_passkey(here, here.ann)

    def wanted(signed: str) -> EmergencyStopRequested:
        where = dict(zip(("scope", "target", "feature"), STOP, strict=True))
        return EmergencyStopRequested(
            here.tenant_id,
            uuid7(),
            **where,
            open=True,
            by=f"member:{here.ann}",
            reason=WHY,
            signed=signed,
        )

    for minutes, why in (
        (1, emergency_stops.SOLO_TOO_EARLY),
        (16, emergency_stops.PASSKEY_REQUIRED),
    ):  # the last notice remains
        advance_clock(tenant, minutes)
        handle_stop_request(wanted(""), tenant=tenant)
        assert stopped(here)
        with here.scope() as scope:
            assert [one.message.code for one in list_open_notices(scope)] == [why]
    handle_stop_request(wanted(str(signs(here, device))), tenant=tenant)
    assert not stopped(here)
    with here.scope() as scope:
        assert list_open_notices(scope) == []


def test_stop_and_narrow_reopen_need_no_passkey(here: World) -> None:
    register_passkey(here, here.ann)
    with here.scope(f"member:{here.ann}") as scope:
        creator = ("creator", str(here.creator_id), "sending")
        emergency_stops.close_switch(scope, *creator, reason="x")
        emergency_stops.reopen_switch(scope, *creator, reason="y")


@pytest.fixture
def apart(tenant: OpenScope) -> Iterator[Callable[[World, Callable[[Scope], None]], Thread]]:
    """Run operations of Ann in separate threads, so that two can wait for each other."""
    begun: list[Thread] = []

    def act(here: World, does: Callable[[Scope], None]) -> Thread:
        def run() -> None:
            with here.scope(f"member:{here.ann}") as scope, suppress(Refused):
                does(scope)

        begun.append(Thread(target=run))
        begun[-1].start()
        return begun[-1]

    yield act
    for one in begun:
        one.join(60)


def test_solo_reopen_waits_for_concurrent_stop(
    here: World, tenant: OpenScope, apart: Callable[[World, Callable[[Scope], None]], Thread]
) -> None:
    advance_clock(tenant, 16)
    with here.scope(f"member:{here.ann}") as scope:
        emergency_stops.close_switch(scope, *STOP, reason="it is real")  # not committed yet
        ending = apart(here, lambda other: emergency_stops.reopen_switch(other, *STOP, reason=WHY))
        wait_until(lambda: scope.run(WAITS_FOR_US).scalar_one() > 0)
    ending.join(60)
    assert stopped(here)


def test_reopen_request_does_not_end_later_stop(here: World, tenant: OpenScope) -> None:
    creator = ("creator", str(here.creator_id), "sending")

    def seen() -> str:
        with here.scope() as scope:
            return next(
                one.since.isoformat()
                for one in emergency_stops.list_stops(scope)
                if one.where == "creator"
            )

    def ends(since: str) -> bool:
        where = dict(zip(("scope", "target", "feature"), creator, strict=True))
        wish = EmergencyStopRequested(
            here.tenant_id,
            uuid7(),
            **where,
            open=True,
            by=f"member:{here.ann}",
            reason=WHY,
            since=since,
        )
        handle_stop_request(wish, tenant=tenant)
        with here.scope() as scope:
            return not any(one.where == "creator" for one in emergency_stops.list_stops(scope))

    for why in ("a leak", "another leak"):
        with here.scope(f"member:{here.ann}") as scope:
            emergency_stops.close_switch(scope, *creator, reason=why)
        if why == "a leak":
            first = seen()
    assert not ends(first)
    with here.scope() as scope:
        assert [one.message.code for one in list_open_notices(scope)] == [
            emergency_stops.STOPPED_AGAIN
        ]
    assert ends(seen())
    with here.scope() as scope:
        assert list_open_notices(scope) == []
        ended = audit.find_last_act(
            scope, "switch.reopened", f"switch:creator:{here.creator_id}:sending"
        )
    assert ends(first)  # a repeated request: the first one ended the stop
    with here.scope() as scope:
        assert (
            audit.find_last_act(
                scope, "switch.reopened", f"switch:creator:{here.creator_id}:sending"
            )
            == ended
        )
