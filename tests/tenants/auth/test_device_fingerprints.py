"""Device fingerprints: a guest on a member's device or connection counts as that member; no address
is stored."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import SQLAlchemyError

from foundation.db.database import OpenScope
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints
from tests.tenants.builders import Agency, create_small_agency
from tests.tenants.totp_app import KEY

HOME, CAFE = "203.0.113.7", "198.51.100.9"


def guest(house: Agency, name: str = "Gus") -> UUID:
    with house.scope() as scope:
        return agencies.add_member(
            scope,
            name=name,
            email=f"{name}@example.test",
            role=Role.GUEST,
            language="fr",
            zone="UTC",
        )


def seen(house: Agency, member: UUID, address: str, device: str = "", *, key: str = KEY) -> UUID:
    """Record a device of the member and return the ID of the human behind the member."""
    with house.scope() as scope:
        found = queries.get_member(scope, member)
        device_fingerprints.record_device(scope, key, found, address=address, device=device)
        return found.principal_id


def counts_as(house: Agency, principal: UUID) -> frozenset[UUID]:
    with house.scope() as scope:
        assert device_fingerprints.same_humans(scope, principal).get(
            principal, frozenset()
        ) == device_fingerprints.same_humans(scope).get(principal, frozenset())
        return device_fingerprints.same_humans(scope, principal).get(principal, frozenset())


@pytest.mark.parametrize(
    ("mine", "theirs", "one"),
    [
        ((HOME, "a"), (HOME, "b"), True),
        ((HOME, "a"), (CAFE, "a"), True),
        ((HOME, "a"), (CAFE, "b"), False),
        ((HOME, ""), (f"::ffff:{HOME}", ""), True),
        (("2001:db8:1:2::5", ""), ("2001:db8:1:2:ffff::9", ""), True),
        (("2001:db8:1:2::5", ""), ("2001:db8:1:3::5", ""), False),
        (("", ""), ("", ""), False),
    ],
)
def test_guest_counts_as_member_on_same_device_or_network(
    lumiere: Agency, mine: tuple[str, str], theirs: tuple[str, str], one: bool
) -> None:
    owner, gus = seen(lumiere, lumiere.owner, *mine), seen(lumiere, guest(lumiere), *theirs)
    assert counts_as(lumiere, gus) == ({owner} if one else frozenset())
    assert counts_as(lumiere, owner) == ({gus} if one else frozenset())


def test_colleagues_in_one_office_remain_separate(lumiere: Agency) -> None:
    owner, chatter = (
        seen(lumiere, lumiere.owner, HOME, "a"),
        seen(lumiere, lumiere.chatter, HOME, "a"),
    )
    assert counts_as(lumiere, owner) == counts_as(lumiere, chatter) == frozenset()


def test_two_guests_on_one_network_are_one_human(lumiere: Agency) -> None:
    one, other = seen(lumiere, guest(lumiere), HOME), seen(lumiere, guest(lumiere, "Zoe"), HOME)
    assert counts_as(lumiere, one) == {other}


def test_role_change_preserves_fingerprints(lumiere: Agency) -> None:
    owner, gus = seen(lumiere, lumiere.owner, HOME), guest(lumiere)
    human = seen(lumiere, gus, HOME)
    with lumiere.scope() as scope:
        scope.run("UPDATE members SET role = 'manager' WHERE id = :m", m=gus)
    seen(lumiere, gus, HOME)
    assert counts_as(lumiere, owner) == {human}


def test_fingerprint_expires_after_ninety_days(lumiere: Agency) -> None:
    gus = seen(lumiere, guest(lumiere), HOME)
    assert counts_as(lumiere, gus) == frozenset()
    old = device_fingerprints.FINGERPRINT_WINDOW + timedelta(days=1)
    with lumiere.scope() as scope:
        digest = scope.run("SELECT digest FROM sightings").scalar_one()
        scope.run(
            "INSERT INTO sightings (tenant_id, id, principal_id, guest, digest, seen_on) SELECT "
            ":t, gen_random_uuid(),"
            " principal_id, false, :d, CAST(people_now() - CAST(:old AS interval) AS date) FROM "
            "members WHERE id = :m",
            t=lumiere.tenant_id,
            d=digest,
            old=old,
            m=lumiere.owner,
        )
    assert counts_as(lumiere, gus) == frozenset()
    seen(lumiere, lumiere.owner, HOME)
    assert len(counts_as(lumiere, gus)) == 1


def test_addresses_are_not_stored_and_digests_differ_by_tenant(
    tenant: OpenScope, lumiere: Agency
) -> None:
    other = create_small_agency(tenant)
    digests = []
    for house in (lumiere, other):
        seen(house, house.owner, HOME, "browser-1")
        with house.scope() as scope:
            rows = scope.run("SELECT * FROM sightings").all()
        assert not [row for row in rows if HOME in str(row) or "browser-1" in str(row)]
        digests.append({row.digest for row in rows})
    assert not digests[0] & digests[1]
    seen(lumiere, lumiere.owner, HOME, key="")
    with lumiere.scope() as scope:
        assert {row.digest for row in scope.run("SELECT digest FROM sightings")} == digests[0]


@pytest.mark.parametrize("change", ["UPDATE sightings SET guest = false", "DELETE FROM sightings"])
def test_fingerprint_cannot_be_changed_or_deleted(lumiere: Agency, change: str) -> None:
    seen(lumiere, lumiere.owner, HOME)
    with pytest.raises(SQLAlchemyError), lumiere.scope() as scope:
        scope.run(change)
