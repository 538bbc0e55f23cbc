"""Handles can change until a post is published, or scheduled on the creator's page."""

import pytest

from channels.accounts import queries as channel_reads
from channels.connections.events import OwnPageRequested
from channels.creators.events import HandleChanged
from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.ops.settings import Settings
from foundation.outbox import outbox
from foundation.sealed import Sealed
from schedules.posts.states import CANCELLABLE, DeliveryState
from schedules.publishing import creator_handles
from tenants.agencies import agencies, names, queries
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.dashboard.builders import ZONE, Agency, create_agency
from workers.event_handlers import own_pages

NEVER_PUBLIC = CANCELLABLE | {DeliveryState.CANCELLED, DeliveryState.REHEARSED}
NOT_PLANNED = {
    DeliveryState.DRAFT,
    DeliveryState.FAILED,
    DeliveryState.CANCELLED,
    DeliveryState.REHEARSED,
}
WORDS = (
    "aster", "rose", "lilac", "fern", "iris", "tulip", "daisy", "moss", "ivy", "clove", "mint", "basil", "thyme", "sage",
    "maple", "olive",
)  # fmt: skip


@pytest.fixture
def lumiere(tenant: OpenScope) -> Agency:
    return create_agency(tenant)


def new_handle() -> str:
    """Return a handle of ordinary words: random letters and digits spell a term now and then."""
    number = uuid7().int
    return "-".join(("mia", *(WORDS[number >> shift & 15] for shift in range(0, 24, 4))))


def change(agency: Agency, handle: str, role: Role = Role.OWNER) -> bool:
    with agency.scope(agency.act_as(role)) as scope:
        return creator_handles.change_handle(scope, agency.creator_id, handle)


def open_page(agency: Agency, tenant: OpenScope, slug: str) -> None:
    own_pages.open_own_page(
        OwnPageRequested(agency.tenant_id, agency.creator_id, slug=slug),
        tenant=tenant,
        seal=lambda _, secret: Sealed(secret.encode()),
        settings=Settings(),
    )


@pytest.mark.parametrize("own_page", [True, False], ids=["own page", "other account"])
@pytest.mark.parametrize("state", DeliveryState)
def test_handle_is_fixed_by_the_first_public_or_planned_post(
    lumiere: Agency, state: DeliveryState, own_page: bool
) -> None:
    handle = new_handle()
    lumiere.post("Bonjour", state=state)
    if own_page:
        with lumiere.scope() as scope:
            scope.run(
                "UPDATE channels SET platform = 'own_page' WHERE tenant_id = :t",
                t=lumiere.tenant_id,
            )
    if state in (NOT_PLANNED if own_page else NEVER_PUBLIC):
        assert change(lumiere, handle)
    else:
        with pytest.raises(Conflict, match=r"creator\.handle_fixed"):
            change(lumiere, handle)
    with lumiere.scope() as scope:
        slug = queries.get_creator(scope, lumiere.creator_id).slug
    assert slug == (handle if state in (NOT_PLANNED if own_page else NEVER_PUBLIC) else "mia")


def test_members_and_keys_keep_their_access(lumiere: Agency) -> None:
    handle = new_handle()
    with lumiere.scope() as scope:
        chosen = agencies.add_member(
            scope, name="Ana", email="ana@example.test", role=Role.MANAGER,
            language="en", zone=ZONE, creators=["other", "mia", "mia-two"],
        )  # fmt: skip
        scope.session.flush()
        scope.run(
            "INSERT INTO api_keys (tenant_id, id, name, digest, member_id, scopes,"
            " creators, expires_at, revoked_by, created_at, updated_at) VALUES (:t, :id, 'k', :digest,"
            " :member, '[]', '[\"mia\"]', house_now(), '', house_now(), house_now())",
            t=lumiere.tenant_id,
            id=uuid7(),
            digest=uuid7().hex,
            member=chosen,
        )
    assert change(lumiere, handle)
    with lumiere.scope() as scope:
        assert queries.get_member(scope, chosen).creators == ("other", handle, "mia-two")
        keys = scope.run("SELECT creators FROM api_keys WHERE tenant_id = :t", t=lumiere.tenant_id)
        assert keys.scalars().all() == [[handle]]


@pytest.mark.parametrize("handle", ["admin", "ad-min", "api", "x", "Mia", "é" * 5, "a" * 41, ""])
def test_invalid_and_reserved_handles_are_refused(lumiere: Agency, handle: str) -> None:
    assert not names.is_handle(handle) or names.is_reserved(handle)
    with pytest.raises(BadInput):
        change(lumiere, handle)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_only_owners_change_the_handle(lumiere: Agency, role: Role) -> None:
    with pytest.raises((Refused, NotFound)):
        change(lumiere, new_handle(), role)


def test_used_handle_is_refused_and_the_same_one_changes_nothing(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=("fr",)
        )
    assert not change(lumiere, "mia")
    with pytest.raises(Conflict, match=r"creator\.handle_taken"):
        change(lumiere, "zoe")


def test_page_and_its_accounts_move_with_the_handle(lumiere: Agency, tenant: OpenScope) -> None:
    before, after = new_handle(), new_handle()
    assert change(lumiere, before)
    open_page(lumiere, tenant, before)
    with lumiere.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=lumiere.tenant_id)
    assert change(lumiere, after)
    event = HandleChanged(lumiere.tenant_id, lumiere.creator_id, before, after)
    outbox.check_event_type(HandleChanged)
    for _ in range(2):
        own_pages.move_own_page(event, tenant=tenant)
    with lumiere.scope() as scope:
        assert [one.account for one in channel_reads.list_channels(scope)] == [after]
        assert list_open_notices(scope) == []


def test_address_of_another_agency_is_reported_and_the_page_stays(
    lumiere: Agency, tenant: OpenScope
) -> None:
    before, wanted, newer = new_handle(), new_handle(), new_handle()
    assert change(lumiere, before)
    open_page(lumiere, tenant, before)
    other = create_agency(tenant)
    open_page(other, tenant, wanted)
    moved = HandleChanged(other.tenant_id, other.creator_id, wanted, newer)
    own_pages.move_own_page(moved, tenant=tenant)
    for taken in (newer, wanted):  # a former address is not given away either
        event = HandleChanged(lumiere.tenant_id, lumiere.creator_id, before, taken)
        own_pages.move_own_page(event, tenant=tenant)
        with lumiere.scope() as scope:
            assert [one.account for one in channel_reads.list_channels(scope)] == [before]
            assert {one.message.code for one in list_open_notices(scope)} == {"site.taken"}


def test_handle_waits_for_the_page_that_is_being_created(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        outbox.put(scope, OwnPageRequested(lumiere.tenant_id, lumiere.creator_id, slug="mia"))
    with pytest.raises(Conflict, match=r"creator\.page_pending"):
        change(lumiere, new_handle())
