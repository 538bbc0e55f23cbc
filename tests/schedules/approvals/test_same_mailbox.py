"""Two logins of one mailbox are one person for the approvals of posts."""

from uuid import UUID

import pytest

from foundation.errors import Refused
from schedules.approvals import client_links, decisions, release
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency


def login(at: SandboxAgency, email: str) -> UUID:
    with at.scope() as scope:
        return agencies.add_member(
            scope, name=email, email=email, role=Role.MANAGER, language="fr", zone=ZONE
        )


def twin_of(at: SandboxAgency, member_id: UUID) -> UUID:
    """Add a login with another address of a member's mailbox."""
    with at.scope() as scope:
        email = scope.run("SELECT email FROM members WHERE id = :id", id=member_id).scalar_one()
    name, _, host = email.partition("@")
    return login(at, f"{name.upper()}+desk@{host.upper()}")


def approve(at: SandboxAgency, post_id: UUID, who: UUID, *, tier: int = 1) -> None:
    with at.scope(f"member:{who}") as scope:
        decisions.approve_post(scope, post_id, member_id=who, tier=tier)


def refusal(at: SandboxAgency, post_id: UUID, who: UUID, *, tier: int = 1) -> str:
    with pytest.raises(Refused) as refused:
        approve(at, post_id, who, tier=tier)
    return refused.value.message.code


def test_author_cannot_approve_with_another_login(lea: SandboxAgency) -> None:
    post_id = lea.write()
    twin, other = twin_of(lea, lea.author), login(lea, "oz@example.test")
    assert refusal(lea, post_id, twin) == "approval.own_work"
    with lea.scope() as scope:
        eligible = {one.id for one in release.eligible_approvers(scope, post_id)}
    assert other in eligible
    assert twin not in eligible
    approve(lea, post_id, other)


def test_second_approval_needs_another_mailbox(
    lea: SandboxAgency,
) -> None:
    at = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id = at.write()
    first = login(at, "nia.bell@gmail.com")
    twin = login(at, "niabell+desk@googlemail.com")
    approve(at, post_id, first)
    assert refusal(at, post_id, twin, tier=2) == "approval.two_people"
    approve(at, post_id, login(at, "oz@example.test"), tier=2)


def test_author_cannot_send_client_link_with_another_login(lea: SandboxAgency) -> None:
    at = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id = at.write()
    approve(at, post_id, login(at, "oz@example.test"))
    twin = twin_of(at, at.author)
    with at.scope(f"member:{twin}") as scope, pytest.raises(Refused, match="link_own"):
        client_links.create_client_link(scope, post_id, name="Client")
