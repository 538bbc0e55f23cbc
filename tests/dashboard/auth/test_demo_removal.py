"""The button that removes the demonstration: who may press it, and where the session continues."""

import pytest

from foundation.db.database import OpenScope
from tenants.agencies.rights import Role
from tenants.audit import list_recent_acts
from tenants.auth import demo_removal, sessions
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door

PATH = "/auth/demo"


def link_owners(demo: Agency, own: Agency) -> None:
    here, there = demo.members[Role.OWNER], own.members[Role.OWNER]
    with demo.scope() as scope:
        sessions.link_logins(scope, here, own.tenant_id, there)
    with own.scope() as scope:
        sessions.link_logins(scope, there, demo.tenant_id, here)


def requested(agency: Agency) -> int:
    with agency.scope() as scope:
        count = scope.run(
            "SELECT count(*) FROM outbox WHERE tenant_id = :t AND kind = 'demo.removal'",
            t=agency.tenant_id,
        ).scalar_one()
        acts = [one.act for one in list_recent_acts(scope)]
    assert ("agency.demo_removed" in acts) == bool(count)
    return int(count)


def test_session_moves_from_the_demo_to_the_own_agency(door: Door, tenant: OpenScope) -> None:
    demo, own, other = (create_agency(tenant, demo=number == 0) for number in range(3))
    with door.client() as visitor:
        visitor.post(door.link(demo))
        early = visitor.post(PATH, headers={"accept-language": "en"})
        assert early.status_code == 409
        assert "Créez d’abord votre agence" in early.text
        link_owners(demo, own)
        assert "Supprimer la démo" in visitor.get(PATH).text
        assert visitor.post(PATH, headers={"sec-fetch-site": "cross-site"}).status_code == 403
        assert requested(own) == 0
        moved = visitor.post(PATH)
        assert (moved.status_code, moved.headers["location"]) == (303, "/start")
        found = sessions.find_session(tenant, visitor.cookies["greenroom"])
        assert found == (own.tenant_id, own.members[Role.OWNER])
        again = visitor.post(PATH)
        assert "moins d’une minute" in again.text
    assert requested(own) == 1
    assert requested(demo) == requested(other) == 0


def test_only_the_owner_of_a_linked_or_the_only_agency_may_remove_the_demo(
    door: Door, tenant: OpenScope
) -> None:
    demo, own = create_agency(tenant, demo=True), create_agency(tenant)
    for agency, role, status in (
        (demo, Role.MANAGER, 404),
        (own, Role.MANAGER, 404),
        (own, Role.OWNER, 200),
    ):
        assert door_status(door, agency, role) == status, (agency.tenant_id, role)
    other = create_agency(tenant)
    assert door_status(door, own, Role.OWNER) == door_status(door, other, Role.OWNER) == 404
    link_owners(demo, own)
    assert door_status(door, own, Role.OWNER) == 200
    assert door_status(door, other, Role.OWNER) == 404


def door_status(door: Door, agency: Agency, role: Role) -> int:
    with door.client() as visitor:
        return visitor.get(PATH, headers={"cookie": door.cookie(agency, role)}).status_code


@pytest.mark.parametrize("demo", [True, False])
def test_request_needs_an_owner_of_an_agency_that_remains(tenant: OpenScope, demo: bool) -> None:
    agency = create_agency(tenant, demo=demo)
    role = Role.OWNER if demo else Role.MANAGER
    with (
        pytest.raises(Exception, match=r"demo\.own_first|role\.forbidden"),
        agency.scope(agency.act_as(role)) as scope,
    ):
        demo_removal.request_demo_removal(scope)
