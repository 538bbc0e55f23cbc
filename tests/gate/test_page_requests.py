"""Requests of pages to the workers: processed once, audited, and reported to the right members
only."""

import re
from dataclasses import replace
from threading import Thread
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from gate import epochs
from gate.consent import subject_portal
from gate.consent.grants import revoke_consent
from gate.consent.subject_portal import LinkedPerson
from gate.contract.states import RemovalRequestState
from gate.contract.units import Rating
from gate.people import persons
from gate.policy import emergency_stops
from gate.policy.events import EmergencyStopRequested
from gate.policy.handlers import handle_stop_request
from gate.ratings import ratings
from gate.removal import removal_requests
from gate.removal.events import RemovalRequestDecided, RemovalRequestDue
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.conftest import wait_until
from tests.gate.builders import World, asset_of, picture, real_person, world

ALL_WHO_WAIT = """
WITH RECURSIVE waiting AS (
  SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
  UNION SELECT l.pid FROM pg_locks l JOIN waiting w ON w.pid = ANY(pg_blocking_pids(l.pid)) WHERE
  NOT l.granted)
SELECT count(*) FROM waiting
"""
"""Count the backends that wait for this transaction, directly or through another backend."""


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def waiting(here: World, kind: str) -> list[tuple[Any, ...]]:
    with here.scope() as scope:
        rows = scope.run("SELECT priority, args FROM outbox WHERE tenant_id = :t AND kind = :kind "
                         "ORDER BY id",
                         t=here.tenant_id, kind=kind)  # fmt: skip
        return [(row.priority, row.args) for row in rows]


def noted(here: World, about: str) -> list[tuple[str, str]]:
    with here.scope() as scope:
        rows = scope.run(
            "SELECT act, actor FROM audit_entries WHERE about = :about ORDER BY id", about=about
        )
        return [tuple(row) for row in rows]


def press(here: World, tenant: OpenScope, who: UUID, *, open_: bool) -> None:
    asked = EmergencyStopRequested(
        here.tenant_id,
        uuid7(),
        "tenant",
        "",
        "offers",
        open=open_,
        by=f"member:{who}",
        reason="enough",
    )
    handle_stop_request(asked, tenant=tenant)


def test_sequential_requests_of_two_members_end_stop(here: World, tenant: OpenScope) -> None:
    press(here, tenant, here.ann, open_=False)
    for _ in range(2):
        press(here, tenant, here.rob, open_=True)
        with here.scope() as scope:
            assert [one.feature for one in emergency_stops.list_stops(scope)] == ["offers"]
    press(here, tenant, here.ann, open_=False)
    press(here, tenant, here.rob, open_=True)
    press(here, tenant, second(here), open_=True)
    with here.scope() as scope:
        assert emergency_stops.list_stops(scope) == []


def told(here: World) -> list[str]:
    with here.scope() as scope:
        return sorted(one.message.code for one in list_open_notices(scope))


def test_request_to_end_new_stop_is_reported_again(here: World, tenant: OpenScope) -> None:
    """The home page once showed a request for a second approval that had no effect, without the
    reason for the remaining stop."""
    press(here, tenant, here.ann, open_=False)
    with here.scope() as scope:
        first = emergency_stops.list_stops(scope)[0].since.isoformat()
    press(here, tenant, here.rob, open_=True)
    assert told(here) == [emergency_stops.SOLO_TOO_EARLY]
    press(here, tenant, here.ann, open_=False)
    assert told(here) == []
    press(here, tenant, here.rob, open_=True)
    asked = EmergencyStopRequested(
        here.tenant_id, uuid7(), "tenant", "", "offers", True, f"member:{second(here)}", "over"
    )
    handle_stop_request(replace(asked, since=first), tenant=tenant)
    assert told(here) == [emergency_stops.SOLO_TOO_EARLY, emergency_stops.STOPPED_AGAIN]
    handle_stop_request(replace(asked, subject_id=uuid7()), tenant=tenant)
    assert told(here) == []


def test_simultaneous_requests_of_two_members_end_stop(here: World, tenant: OpenScope) -> None:
    asking = (here.rob, second(here))
    press(here, tenant, here.ann, open_=False)
    begun = [
        Thread(target=press, args=(here, tenant, who), kwargs={"open_": True}) for who in asking
    ]
    with here.scope() as scope:
        epochs.lock_exclusive(
            scope, epochs.tenant_key(scope)
        )  # so that neither ends before the other begins
        for one in begun:
            one.start()
        wait_until(lambda: scope.run(ALL_WHO_WAIT).scalar_one() == len(asking))
    for one in begun:
        one.join(60)
    with here.scope() as scope:
        assert emergency_stops.list_stops(scope) == []
        assert list_open_notices(scope) == []  # no notice asks for a second member


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    "code",
    [
        emergency_stops.SOLO_TOO_EARLY,
        emergency_stops.PASSKEY_REQUIRED,
        emergency_stops.STOPPED_AGAIN,
    ],
)
def test_stop_notice_addresses_all_members(code: str, language: str) -> None:
    told = render_message(
        Message(code, {"minutes": 15}), language
    )  # all members read it on the home page
    assert not re.search(r"\b(you|your|vous|votre|voyez)\b", told, re.IGNORECASE), told


def second(here: World) -> UUID:
    with here.scope() as scope:
        found: UUID = agencies.add_member(
            scope, name="eve", email="eve@example.test", role=Role.OWNER, language="en", zone="UTC"
        )
    return found


def test_linkable_people_are_listed_once(here: World) -> None:
    with here.scope() as scope:
        ida, zoe = (real_person(scope, display_ref=name) for name in ("Ida", "Zoe"))
        persons.add_person(scope, kind="synthetic", display_ref="Nova")
        subject_portal.create_portal_link(scope, zoe)
    with here.scope() as scope:
        first, last = subject_portal.list_linkable_people(scope)
        assert first == LinkedPerson(ida, "Ida")
        assert (last.person_id, last.name) == (zoe, "Zoe")


def test_revocation_is_queued_once_with_priority(here: World) -> None:
    with here.scope() as scope:
        ida = real_person(scope)
    for what in ("publish", "publish", subject_portal.ALL_CONSENTS):
        with here.scope(f"person:{ida}") as scope:
            subject_portal.request_revocation(scope, ida, what)
    rows = waiting(here, "consent.revoke")
    assert [(priority, args["scope"], args["by"]) for priority, args in rows] == [
        (0, "publish", f"person:{ida}"),
        (0, subject_portal.ALL_CONSENTS, f"person:{ida}"),
    ]
    with here.scope(f"person:{ida}") as scope, pytest.raises(BadInput, match=r"person\.bad_scope"):
        subject_portal.request_revocation(scope, ida, "everything")
    with here.scope() as scope:
        revoke_consent(scope, ida)
    with (
        here.scope(f"person:{ida}") as scope,
        pytest.raises(Conflict, match=r"person\.nothing_left"),
    ):
        subject_portal.request_revocation(scope, ida, subject_portal.ALL_CONSENTS)


def test_outcome_of_removal_request_is_audited(here: World, tenant: OpenScope) -> None:
    with here.scope() as scope:
        media = [picture(scope, here, Rating.G) for _ in range(2)]
        receipts = [
            removal_requests.receive_removal_request(
                scope,
                creator_id=here.creator_id,
                category="shown",
                named="n",
                digests=[one.sha256],
                source="s",
            )
            for one in media
        ]
        ids = [removal_requests.find_status_by_receipt(scope, receipt).id for receipt in receipts]
    for each in ids:
        removal_requests.handle_removal_request_due(
            RemovalRequestDue(here.tenant_id, each), tenant=tenant
        )
    with here.scope(f"member:{here.rob}") as scope:
        removal_requests.request_decision(scope, ids[0])
        removal_requests.request_decision(scope, ids[1], because="unfounded")
        with pytest.raises(BadInput, match=r"complaint\.no_reason"):
            removal_requests.request_decision(scope, ids[1], because="UNFOUNDED")
    asked = waiting(here, "complaint.decide")
    assert [(priority, args["because"]) for priority, args in asked] == [(0, ""), (0, "unfounded")]
    by = f"member:{here.rob}"
    for each, because in zip(ids, ("", "unfounded"), strict=True):
        for _ in range(2):
            removal_requests.handle_removal_decision(
                RemovalRequestDecided(here.tenant_id, each, because, by), tenant=tenant
            )
    assert [noted(here, f"complaint:{each}") for each in ids] == [
        [("complaint.upheld", by)],
        [("complaint.stays", by)],
    ]
    with here.scope() as scope:
        upheld, stays = (
            removal_requests.find_status_by_receipt(scope, receipt) for receipt in receipts
        )
        assert (upheld.state, stays.state) == (
            RemovalRequestState.UPHELD,
            RemovalRequestState.REJECTED,
        )
        assert stays.reason is not None
        assert stays.reason.code == "complaint.because.unfounded"
        assert removal_requests.latest_status(scope, here.creator_id) == stays
        assert removal_requests.latest_status(scope, uuid7()) is None
        assert [
            ratings.display_ratings(scope, [one.sha256])[one.sha256].is_withheld for one in media
        ] == [True, False]
        assert asset_of(scope, media[1])
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            removal_requests.find_status_by_receipt(scope, "nothing")
