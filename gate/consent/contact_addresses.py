"""Contact addresses of depicted persons, and the devices on which they may sign.

A permission is signed on the person's own device, through a link sent to an address they confirmed.
The device must not be one that a member of the agency signs in on, nor share its public network
address; a member whom an outside custodian confirmed to be the person is exempt. Reading and
revoking need only the link: removing is never harder than publishing.
"""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.email_addresses import MAX_EMAIL_LENGTH, parse_email_address
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.consent.events import PortalLinkDue
from gate.consent.subject_portal import PersonLink
from gate.people import age_requests, persons
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.names import mailbox_key
from tenants.agencies.rights import Right, has_right, require_right
from tenants.auth import device_fingerprints

MAX_ADDRESS = MAX_EMAIL_LENGTH


@dataclass(frozen=True)
class SigningDevice:
    """The device of a request: its network address and the dashboard cookies of its browser.

    `devices` are the cookies that recognise the browser, `secrets` those of sessions.
    """

    address: str
    devices: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def set_contact_address(scope: Scope, person_id: UUID, address: str) -> None:
    """Set the address for links to a real person, as the acting member, and send a link to it.

    The person must open this link before they can sign anything; every earlier link becomes
    invalid. A confirmed address can be changed only by a member other than the one who set it, or
    by a custodian.

    Raises Refused for a member without the right, for the member who set a confirmed address, and
    for an address of a member's mailbox; NotFound for an unknown person; BadInput for a synthetic
    person or a malformed address; and Conflict for an address of another person's mailbox.
    """
    member = queries.get_acting_member(scope, "person.people_only")
    if not has_right(member.role, Right.VOUCH):
        require_right(member.role, Right.RUN)
    if persons.get_person(scope, person_id).kind != persons.REAL_PERSON:
        raise BadInput("person.bad_kind", kind="synthetic")
    typed = parse_email_address(address)
    if typed is None:
        raise BadInput("contact.malformed").about("address")
    _check_address_free(scope, person_id, typed)
    known = _find_link(scope, person_id)
    if (
        known is not None
        and known.confirmed_at
        and member.principal_id == (queries.principal_of_actor(scope, known.address_set_by))
    ):
        raise Refused("contact.another_changes")
    scope.run(
        "INSERT INTO person_links (tenant_id, id, person_id, digest, asked, address, "
        "address_set_by) VALUES (:tenant, :id, :person, :digest, '', :address, :by)"
        " ON CONFLICT (tenant_id, person_id) DO UPDATE SET digest = EXCLUDED.digest,"
        " address = EXCLUDED.address, address_set_by = EXCLUDED.address_set_by,"
        " confirmed_at = NULL, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        person=person_id,
        digest=hashlib.sha256(secrets.token_bytes(32)).hexdigest(),  # matches no link
        address=typed,
        by=scope.actor,
    )
    audit.record(scope, "person.address", f"person:{person_id}")
    send_portal_link(scope, person_id)


_OTHERS = """
SELECT address FROM person_links WHERE tenant_id = :tenant AND person_id <> :person
  AND address <> ''
"""


def _check_address_free(scope: Scope, person_id: UUID, address: str) -> None:
    taken = scope.run(_OTHERS, tenant=scope.tenant_id, person=person_id).scalars()
    if mailbox_key(address) in map(mailbox_key, taken):
        raise Conflict("contact.taken")
    members = queries.principals_by_address(scope, [address]).get(address, set())
    if not members <= age_requests.verified_principals(scope, person_id):
        raise Refused("contact.of_member")


def send_portal_link(scope: Scope, person_id: UUID) -> None:
    """Request that a person is sent a new link to their portal. Raises Conflict if no address is
    set."""
    link = _find_link(scope, person_id)
    if link is None or not link.address:
        raise Conflict("contact.no_address")
    due = PortalLinkDue(scope.tenant_id, person_id, by=scope.actor)
    outbox.put(scope, due, dedupe=f"person.link:{person_id}")


def get_contact_address(scope: Scope, person_id: UUID) -> str:
    """Return the address for links to a person. Raises NotFound if no address is set."""
    link = _find_link(scope, person_id)
    if link is None or not link.address:
        raise NotFound("contact.no_address")
    return link.address


def is_contact_confirmed(scope: Scope, person_id: UUID) -> bool:
    """Return True if the person has confirmed their address."""
    link = _find_link(scope, person_id)
    return link is not None and bool(link.address) and link.confirmed_at is not None


def confirm_contact(scope: Scope, person_id: UUID, key: str, device: SigningDevice) -> None:
    """Record that a person opened the link sent to their address; `scope` acts for the person.

    Raises Conflict if no address is set, and Refused on a device of a member.
    """
    link = _find_link(scope, person_id)
    if link is None or not link.address:
        raise Conflict("contact.no_address")
    _check_device(scope, person_id, key, device)
    if link.confirmed_at is None:
        link.confirmed_at = scope.now
        scope.add(link)
        audit.record(scope, "person.address_confirmed", f"person:{person_id}")


def check_signing_device(scope: Scope, person_id: UUID, key: str, device: SigningDevice) -> None:
    """Raise Refused unless a person may sign on this device.

    Their address must be confirmed, and no member of the agency may have been seen on this device
    or network, unless a custodian confirmed that this member is the person. `key` is the
    dashboard's key for digests of devices and networks.
    """
    if not is_contact_confirmed(scope, person_id):
        raise Refused("contact.unconfirmed")
    _check_device(scope, person_id, key, device)


def _check_device(scope: Scope, person_id: UUID, key: str, device: SigningDevice) -> None:
    seen = device_fingerprints.members_seen_at(
        scope, key, address=device.address, devices=device.devices, secrets=device.secrets
    )
    if seen and not seen <= age_requests.verified_principals(scope, person_id):
        raise Refused("contact.member_device")


def _find_link(scope: Scope, person_id: UUID) -> PersonLink | None:
    return scope.session.exec(
        select(PersonLink)
        .where(PersonLink.tenant_id == scope.tenant_id, PersonLink.person_id == person_id)
        .execution_options(populate_existing=True)
    ).first()
