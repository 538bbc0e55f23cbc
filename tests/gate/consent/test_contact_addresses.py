"""Contact addresses: people sign consents on their own device, reached at their own address."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, Refused
from foundation.ids import uuid7
from gate.consent import contact_addresses, subject_portal
from gate.consent.contact_addresses import SigningDevice
from gate.people import age_requests
from tenants.agencies import queries
from tenants.auth import device_fingerprints, sessions
from tests.gate.builders import World, world
from tests.gate.person_actions import (
    add_custodian,
    add_unknown_person,
    member_scope,
    note_age_proof,
)
from tests.gate.side_effects import list_stored_tasks
from tests.tenants import totp_app

OWN = SigningDevice("198.51.100.20", ("phone",))


@pytest.fixture
def here(tenant: OpenScope) -> World:
    found = world(tenant, uuid7())
    with found.scope() as scope:
        device_fingerprints.record_device(
            scope,
            totp_app.KEY,
            queries.get_member(scope, found.ann),
            address="203.0.113.7",
            device="laptop",
        )
    return found


def reached(here: World, address: str = "ida@example.test") -> UUID:
    ida = add_unknown_person(here, display_ref=f"Ida {uuid7()}")
    with member_scope(here, here.ann) as scope:
        contact_addresses.set_contact_address(scope, ida, address)
    return ida


def confirm(here: World, person: UUID, device: SigningDevice = OWN) -> None:
    with here.scope(f"person:{person}") as scope:
        contact_addresses.confirm_contact(scope, person, totp_app.KEY, device)


def sign(here: World, person: UUID, device: SigningDevice = OWN) -> None:
    with here.scope(f"person:{person}") as scope:
        contact_addresses.check_signing_device(scope, person, totp_app.KEY, device)


def test_person_can_sign_after_confirming_address(here: World) -> None:
    ida = reached(here)
    with here.scope() as scope:
        assert [one.subject for one in list_stored_tasks(scope, "person.link")] == [ida]
    with pytest.raises(Refused, match="unconfirmed"):
        sign(here, ida)
    confirm(here, ida)
    sign(here, ida)


def session_of_ann(here: World) -> str:
    with here.scope() as scope:
        link = sessions.create_sign_in_link(scope, here.ann)
    return sessions.redeem_sign_in_link(here.open, link)


@pytest.mark.parametrize("trace", ["device", "network", "session", "ipv6-mapped"])
def test_device_of_member_cannot_confirm_or_sign(here: World, trace: str) -> None:
    device = {
        "device": lambda: SigningDevice("198.51.100.20", ("laptop",)),
        "network": lambda: SigningDevice("203.0.113.7", ("other",)),
        "session": lambda: SigningDevice("198.51.100.20", (), (session_of_ann(here),)),
        "ipv6-mapped": lambda: SigningDevice("::ffff:203.0.113.7"),
    }[trace]()
    ida = reached(here)
    with pytest.raises(Refused, match="member_device"):
        confirm(here, ida, device)
    confirm(here, ida)
    with pytest.raises(Refused, match="member_device"):
        sign(here, ida, device)
    sign(here, ida)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.4", "fd00::1", "fe80::1"])
def test_private_ip_address_identifies_no_member(here: World, address: str) -> None:
    with here.scope() as scope:
        device_fingerprints.record_device(
            scope, totp_app.KEY, queries.get_member(scope, here.ann), address=address, device=""
        )
    ida = reached(here)
    confirm(here, ida, SigningDevice(address))
    sign(here, ida, SigningDevice(address))


def test_member_verified_as_person_can_sign_on_own_device(here: World) -> None:
    ida = add_unknown_person(here)
    with member_scope(here, here.ann) as scope:
        own = queries.get_member(scope, here.ann).email
        with pytest.raises(Refused, match="of_member"):
            contact_addresses.set_contact_address(scope, ida, own)
    note_age_proof(here, ida, member=here.ann)
    with here.scope() as scope:
        assert age_requests.verified_principals(scope, ida) == {here.principal(scope, here.ann)}
    with member_scope(here, here.ann) as scope:
        contact_addresses.set_contact_address(scope, ida, own)
    laptop = SigningDevice("203.0.113.7", ("laptop",))
    confirm(here, ida, laptop)
    sign(here, ida, laptop)


@pytest.mark.parametrize("of", ["ann", "rob"])
def test_member_address_cannot_be_contact_address(here: World, of: str) -> None:
    ida = add_unknown_person(here)
    with member_scope(here, here.ann) as scope:
        email = queries.get_member(scope, getattr(here, of)).email
        for typed in (email, email.upper(), f" {email} "):
            with pytest.raises(Refused, match="of_member"):
                contact_addresses.set_contact_address(scope, ida, typed)


@pytest.mark.parametrize(
    "typed", ["", "ida", "a b@x.test", "a@x.test, b@x.test", "Ida <ida@x.test>", "a@" + "x" * 260]
)
def test_malformed_address_is_rejected(here: World, typed: str) -> None:
    ida = add_unknown_person(here)
    with member_scope(here, here.ann) as scope, pytest.raises(BadInput):
        contact_addresses.set_contact_address(scope, ida, typed)


def test_address_cannot_be_used_for_two_people(here: World) -> None:
    reached(here)
    tom = add_unknown_person(here, display_ref="Tom")
    with member_scope(here, here.ann) as scope, pytest.raises(Conflict, match="taken"):
        contact_addresses.set_contact_address(scope, tom, "IDA@example.test")


def test_confirmed_address_is_changed_by_another_member_and_reconfirmed(here: World) -> None:
    ida = reached(here)
    with here.scope() as scope:
        token = subject_portal.create_portal_link(scope, ida)
    confirm(here, ida)
    with member_scope(here, here.ann) as scope, pytest.raises(Refused, match="another_changes"):
        contact_addresses.set_contact_address(scope, ida, "other@example.test")
    with member_scope(here, add_custodian(here)) as scope:
        contact_addresses.set_contact_address(scope, ida, "other@example.test")
    assert subject_portal.find_portal_person(here.open, token) is None, "the old link is revoked"
    with pytest.raises(Refused, match="unconfirmed"):
        sign(here, ida)


def test_other_spelling_of_a_members_mailbox_is_refused(here: World) -> None:
    with pytest.raises(Refused, match="of_member"):
        reached(here, "ANN+ida@example.test")


def test_other_spelling_of_another_persons_mailbox_is_refused(here: World) -> None:
    reached(here, "ida.bell@gmail.com")
    with pytest.raises(Conflict, match="taken"):
        reached(here, "idabell+2@googlemail.com")
