"""API keys and ratings on the command line: performed as a member, with no more rights than that
member."""

import itertools
from uuid import UUID

import pytest

from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from studio.ingest import pipeline
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.api_keys import keys
from tenants.api_keys.key_requests import KeyRequest
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio
from tests.studio.conftest import nova, services
from tests.web.api_client import add_passkey
from workers.cli import member_requests

__all__ = ["nova", "services"]

ASKED = KeyRequest("Import", ["posts:read"], [], 3)


def add_member(nova: CreatorStudio, role: Role, *, factor: bool) -> tuple[str, UUID]:
    """Add a member of the creator's agency; return email and ID."""
    email = f"{uuid7().hex}@maison.example"
    with nova.scope() as scope:
        member = agencies.add_member(
            scope, name="Léa", email=email, role=role, language="fr", zone="Europe/Paris"
        )
        if factor:
            add_passkey(scope, member)
    return email, member


@pytest.mark.parametrize(
    ("role", "factor"), list(itertools.product([Role.MANAGER, Role.CHATTER], [True, False]))
)
def test_key_requires_a_manager_with_a_second_factor(
    nova: CreatorStudio, role: Role, factor: bool
) -> None:
    email, member = add_member(nova, role, factor=factor)
    if not factor or role is Role.CHATTER:
        with pytest.raises(Refused):
            member_requests.create_key(nova.services, email, ASKED)
        return
    secret = member_requests.create_key(nova.services, email, ASKED)
    found = keys.authenticate_key(nova.services.tenant, secret, address="192.0.2.1")
    assert found is not None
    assert (found.member_id, found.scopes) == (member, {"posts:read"})
    rows = member_requests.list_keys(nova.services, email)
    assert [(row.name, row.active, row.scopes) for row in rows] == [
        ("Import", True, ("posts:read",))
    ]
    for as_json in (True, False):
        shown = member_requests.render_keys(rows, as_json=as_json)
        assert str(found.key_id) in shown
        assert secret not in shown
    member_requests.revoke_key(nova.services, email, found.key_id)
    assert keys.authenticate_key(nova.services.tenant, secret, address="192.0.2.1") is None
    with pytest.raises(BadInput):
        member_requests.create_key(nova.services, email, KeyRequest("x", ["nothing"], [], 3))


def test_key_of_another_member_cannot_be_revoked(nova: CreatorStudio) -> None:
    first, _ = add_member(nova, Role.MANAGER, factor=True)
    other, _ = add_member(nova, Role.MANAGER, factor=True)
    secret = member_requests.create_key(nova.services, first, ASKED)
    found = keys.authenticate_key(nova.services.tenant, secret, address="192.0.2.1")
    assert found is not None
    with pytest.raises(NotFound):
        member_requests.revoke_key(nova.services, other, found.key_id)


def test_pictures_are_rated_all_or_none(nova: CreatorStudio) -> None:
    email, _ = add_member(nova, Role.MANAGER, factor=False)
    chatter, _ = add_member(nova, Role.CHATTER, factor=False)
    photo = encoded(a_picture(seed=5), "JPEG")
    picture = nova.bring(pipeline.prepare_upload(photo, name="beach.jpg"))

    def requested() -> int:
        with nova.scope() as scope:
            return int(
                scope.run(
                    "SELECT count(*) FROM outbox WHERE tenant_id = :t AND dedupe_key LIKE 'rating:%'",
                    t=nova.tenant_id,
                ).scalar_one()
            )

    before = requested()
    with pytest.raises(NotFound):
        member_requests.rate_pictures(
            nova.services, email, [picture, uuid7()], Rating.S, shown=DepictionAnswer.CREATOR
        )
    with pytest.raises(Refused):
        member_requests.rate_pictures(nova.services, chatter, [picture], Rating.S)
    with pytest.raises(BadInput, match=r"rating\.shown_missing"):
        member_requests.rate_pictures(nova.services, email, [picture], Rating.S)
    assert requested() == before
    member_requests.rate_pictures(
        nova.services, email, [picture], Rating.S, shown=DepictionAnswer.CREATOR
    )
    assert requested() == before + 1
