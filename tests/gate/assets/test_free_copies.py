"""Pictures that were published without a price, by generated histories of their copies."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.money import Money
from gate.assets.free_copies import find_posted_free
from gate.assets.lookalikes import NEAR_BITS
from gate.contract.units import Medium, Rating, Unit
from gate.copies import live_copies
from gate.permits import issuance
from tests.gate.builders import KEY, Step, World, message, picture, unit, world

OUTCOMES = ("visible", "removed", "void", "unknown")
AUDIENCES = ("public", "priced", "sold", "viewer")
LOOK = 0x0123456789ABCDEF
FLAT = 0xFF


def asset_of(scope: Scope, medium: Medium) -> UUID:
    found: UUID = scope.run(
        "SELECT asset_id FROM renditions WHERE tenant_id = :t AND sha256 = :sha",
        t=scope.tenant_id,
        sha=medium.sha256,
    ).scalar_one()
    return found


def hash_text(look: int) -> str:
    return f"{look:016x}"


def publish(here: World, asked: Unit, outcome: str) -> None:
    with here.scope() as scope:
        issuance.lock_unit(scope, asked)
        flags = issuance.required_flags_of_unit(scope, asked)
        asked = replace(asked, flags=flags)
        permit = issuance.mint_permit(scope, asked, Step(), key=KEY, author=f"member:{here.ann}")
    with here.scope() as scope:
        if outcome == "void":
            live_copies.void_permit(scope, permit.jti, "not_sent")
        elif outcome != "unknown":
            live_copies.record_copy(scope, permit.jti, str(uuid7()), scope.now)
            if outcome == "removed":
                live_copies.record_removed(scope, permit.jti, "404")


def address(here: World, medium: Medium, audience: str) -> Unit:
    if audience == "viewer":
        return message(here, "fan", media=[medium])
    asked = unit(here, media=[medium])
    if audience == "priced":
        return replace(asked, price=Money(50, "XTS"))
    return replace(asked, sold=audience == "sold")


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("audience", AUDIENCES)
def test_picture_was_posted_free_if_everyone_could_see_it(
    here: World, audience: str, outcome: str
) -> None:
    with here.scope() as scope:
        shown = picture(scope, here, Rating.G, phash=hash_text(LOOK))
        other = picture(scope, here, Rating.G, phash=hash_text(~LOOK & (2**64 - 1)))
        assets = [asset_of(scope, shown), asset_of(scope, other)]
    publish(here, address(here, shown, audience), outcome)
    with here.scope() as scope:
        found = find_posted_free(scope, here.creator_id, assets)
    free = audience == "public" and outcome in ("visible", "removed")
    assert found == (frozenset(assets[:1]) if free else frozenset())


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.integers(0, 63), max_size=NEAR_BITS + 3),
    st.booleans(),
    st.booleans(),
    st.sampled_from([LOOK, FLAT]),
)
def test_near_copies_count_and_derivatives_and_flat_pictures_do_not(
    tenant: OpenScope, bits: set[int], derived: bool, foreign: bool, look: int
) -> None:
    here = world(tenant, uuid7())
    changed = look
    for bit in bits:
        changed ^= 1 << bit
    with here.scope() as scope:
        sold = picture(scope, here, Rating.G, phash=hash_text(look))
        asset = asset_of(scope, sold)
        parent = asset if derived else None
        posted = picture(scope, here, Rating.G, phash=hash_text(changed), parent=parent)
    publish(here, address(here, posted, "public"), "visible")
    reader = world(tenant, uuid7()) if foreign else here
    with reader.scope() as scope:
        found = find_posted_free(scope, reader.creator_id, [asset])
    copies = len(bits) <= NEAR_BITS and look == LOOK and not derived and not foreign
    assert found == (frozenset([asset]) if copies else frozenset())
