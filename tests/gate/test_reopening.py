"""A wide stop ended by one person: after a quarter of an hour, and with their passkey where they have one."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from foundation.database import OpenScope
from foundation.errors import Refused
from foundation.ids import uuid7
from gate import events as gate_events
from gate import switches
from gate.events import SwitchWanted
from tenants import ceremonies, challenges, passkeys, reads
from tenants.challenges import Who
from tests.conftest import AT_THE_HOUR, Cluster
from tests.gate import releases
from tests.gate.builders import World, world
from tests.gate.opening import SITE, key_of, passes
from tests.tenants.authenticators import Authenticator

STOP = ("tenant", "", "sending")
WHY = "false alarm"


@pytest.fixture(autouse=True)
def _clock(cluster: Cluster) -> Iterator[None]:
    yield
    with releases.past_the_gate(cluster) as connection:
        connection.execute(text(AT_THE_HOUR))


@pytest.fixture
def here(tenant: OpenScope) -> World:
    """ann alone, who stopped everything."""
    found = world(tenant, uuid7(), solo=True)
    with found.scope(f"member:{found.ann}") as scope:
        switches.close(scope, *STOP, reason="a phone was stolen")
    return found


def signs(here: World, device: Authenticator, about: str = "") -> UUID:
    who, about = Who(here.tenant_id, here.ann), about or switches.signed_as(*STOP, WHY)
    with here.scope(who.actor) as scope:
        asked = challenges.ask(scope, SITE, act=switches.REOPEN, about=about, member_id=here.ann)
    return ceremonies.sign(here.open, SITE, who, device.signs(asked), act=switches.REOPEN, about=about)


def reopens(here: World, **how: Any) -> None:
    with here.scope(f"member:{here.ann}") as scope:
        switches.reopen(scope, *STOP, **{"reason": WHY, **how})


def stopped(here: World) -> bool:
    with here.scope() as scope:
        return switches.closed(scope, "sending")


def test_who_has_no_passkey_waits_and_nothing_more(here: World, tenant: OpenScope) -> None:
    with pytest.raises(Refused, match=switches.TOO_EARLY):
        reopens(here)
    passes(tenant, 16)
    reopens(here)
    assert not stopped(here)


def test_who_has_one_signs_this_very_stop(here: World, tenant: OpenScope) -> None:
    device = key_of(here, here.ann)
    with pytest.raises(Refused, match=switches.TOO_EARLY):  # a signature shortens nothing
        reopens(here, signed=signs(here, device))
    passes(tenant, 16)
    with pytest.raises(Refused, match=switches.UNSIGNED):
        reopens(here)
    for about in (switches.signed_as(*STOP, "another reason"), switches.signed_as("tenant", "", "nudity", WHY)):
        with pytest.raises(Refused, match="not_fresh"):
            reopens(here, signed=signs(here, device, about))
    assert stopped(here)
    signed = signs(here, device)
    reopens(here, signed=signed)
    assert not stopped(here)
    with here.scope(f"member:{here.ann}") as scope:
        switches.close(scope, *STOP, reason="again")
    passes(tenant, 16)
    with pytest.raises(Refused, match="not_fresh"):  # it ended one stop, not the next
        reopens(here, signed=signed)


def test_nobody_sheds_the_duty_by_putting_the_passkey_away(here: World, tenant: OpenScope, cluster: Cluster) -> None:
    key_of(here, here.ann)
    with here.scope(f"member:{here.ann}") as scope:
        passkeys.remove(scope, here.ann, passkeys.keys(scope, here.ann)[0].id)
    passes(tenant, 16)
    with pytest.raises(Refused, match=switches.UNSIGNED):
        reopens(here)
    with releases.past_the_gate(cluster) as connection:
        aged = "UPDATE passkeys SET ended_at = ended_at - interval '25 hours' WHERE tenant_id = :t"
        connection.execute(text(aged), {"t": here.tenant_id})
    reopens(here)  # who lost their device is not locked out for ever


def test_the_workers_do_what_was_signed(here: World, tenant: OpenScope) -> None:
    device = key_of(here, here.ann)
    passes(tenant, 16)

    def wanted(signed: str) -> SwitchWanted:
        where = dict(zip(("scope", "target", "feature"), STOP, strict=True))
        return SwitchWanted(
            here.tenant_id, uuid7(), **where, open=True, by=f"member:{here.ann}", reason=WHY, signed=signed
        )

    gate_events.set_switch(wanted(""), tenant=tenant)
    assert stopped(here)
    with here.scope() as scope:
        assert [one.message.code for one in reads.open_notices(scope)] == [switches.UNSIGNED]
    gate_events.set_switch(wanted(str(signs(here, device))), tenant=tenant)
    assert not stopped(here)
    with here.scope() as scope:
        assert reads.open_notices(scope) == []


def test_stopping_and_a_narrow_stop_ask_for_no_passkey(here: World) -> None:
    key_of(here, here.ann)
    with here.scope(f"member:{here.ann}") as scope:
        creator = ("creator", str(here.creator_id), "sending")
        switches.close(scope, *creator, reason="x")
        switches.reopen(scope, *creator, reason="y")
