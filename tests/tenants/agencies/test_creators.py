"""Profiles and states of creators: allowed changes by role, the audit log, and the state graph."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.state_graphs import StateGraph
from tenants import audit
from tenants.agencies import agencies, creators, queries
from tenants.agencies.creators import CreatorChanges
from tenants.agencies.rights import Role
from tenants.agencies.states import CREATOR_STATES, CreatorState
from tests.tenants.builders import Agency, create_small_agency


def add_member(who: Agency, role: Role, *creators_: str) -> UUID:
    with who.scope() as scope:
        return agencies.add_member(
            scope,
            name=str(role),
            email=f"{role}-{uuid7().hex}@example.test",
            role=role,
            language="fr",
            zone="Europe/Paris",
            creators=creators_,
        )


def change(who: Agency, member: UUID | None = None, **fields: Any) -> frozenset[str]:
    actor = f"member:{member}" if member else "system:test"
    with who.scope(actor) as scope:
        return creators.change_creator(scope, who.creator_id, CreatorChanges(**fields))


def set_state(who: Agency, state: CreatorState, member: UUID | None = None) -> bool:
    with who.scope(f"member:{member}" if member else "system:test") as scope:
        return creators.change_creator_state(scope, who.creator_id, state)


def test_change_is_recorded_with_the_values_before_and_after(lumiere: Agency) -> None:
    changed = change(
        lumiere,
        lumiere.owner,
        name="  Mia   Laurent ",
        biography="Bonjour",
        zone="Asia/Tokyo",
        posts_per_day=3,
        responsible=(lumiere.chatter, lumiere.chatter),
    )
    assert changed == {"biography", "zone", "posts_per_day", "responsible"}
    with lumiere.scope() as scope:
        found = creators.get_profile(scope, lumiere.creator_id)
        acted = audit.find_last_act(scope, "creator.changed", f"creator:{lumiere.creator_id}")
    assert (found.creator.zone, found.creator.posts_per_day) == ("Asia/Tokyo", 3)
    assert (found.biography, found.responsible) == ("Bonjour", (lumiere.chatter,))
    assert acted is not None
    assert acted.details["before"] == "–; –; –; Europe/Paris"
    assert "Bonjour; 3; " in str(acted.details["after"])
    assert change(lumiere, name="Mia Laurent") == frozenset()
    assert change(lumiere, posts_per_day=0) == {"posts_per_day"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": " "}, "name.unfit"),
        ({"zone": "Europe/Pari"}, "agency.zone"),
        ({"kind": "robot"}, "creator.kind"),
        ({"languages": ()}, "creator.no_language"),
        ({"languages": ("fr", "xx")}, "agency.language"),
        ({"posts_per_day": -1}, "creator.posts_per_day"),
        ({"responsible": (UUID(int=1),)}, "creator.responsible"),
    ],
)
def test_invalid_value_is_refused(lumiere: Agency, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        change(lumiere, **fields)
    assert refused.value.message.code == code


def test_member_without_access_cannot_be_responsible(lumiere: Agency) -> None:
    stranger = add_member(lumiere, Role.CHATTER, "zoe")
    guest = add_member(lumiere, Role.GUEST, "mia")
    for one in (stranger, guest):
        with pytest.raises(BadInput):
            change(lumiere, responsible=(one,))


def test_each_role_changes_its_own_fields(lumiere: Agency) -> None:
    manager = add_member(lumiere, Role.MANAGER)
    creator = add_member(lumiere, Role.CREATOR, "mia")
    other = add_member(lumiere, Role.CREATOR, "zoe")
    assert change(lumiere, manager, name="Mia L", posts_per_day=2)
    with pytest.raises(Refused, match=r"creator\.owner_fields"):
        change(lumiere, manager, rating_ceiling="E")
    assert change(lumiere, creator, biography="Moi")
    with pytest.raises(Refused, match=r"creator\.own_fields"):
        change(lumiere, creator, name="Autre")
    with pytest.raises(NotFound):
        change(lumiere, other, biography="Pas moi")
    with pytest.raises(Refused, match=r"role\.forbidden\.approve"):
        change(lumiere, lumiere.chatter, biography="Non")
    for member in (manager, creator):
        with pytest.raises(Refused, match=r"role\.forbidden\.staff"):
            set_state(lumiere, CreatorState.INACTIVE, member)
    assert set_state(lumiere, CreatorState.INACTIVE, lumiere.owner)


def test_creator_of_another_agency_is_unknown(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_small_agency(tenant)
    with other.scope(f"member:{other.owner}") as scope:
        with pytest.raises(NotFound):
            creators.change_creator(scope, lumiere.creator_id, CreatorChanges(name="x"))
        with pytest.raises(NotFound):
            creators.change_creator_state(scope, lumiere.creator_id, CreatorState.ARCHIVED)


def allows(graph: StateGraph[CreatorState], before: CreatorState, after: CreatorState) -> bool:
    return before is after or graph.allows(before, after)


@given(st.lists(st.sampled_from(CreatorState), min_size=1, max_size=8))
def test_any_sequence_follows_the_graph_and_reactivation_always_returns(
    wanted: list[CreatorState],
) -> None:
    state = CREATOR_STATES.initial
    for after in wanted:
        if after is not state:
            assert CREATOR_STATES.allows(state, after) == (
                (state, after) != (CreatorState.ARCHIVED, CreatorState.INACTIVE)
            )
            state = after if CREATOR_STATES.allows(state, after) else state
    assert allows(CREATOR_STATES, state, CreatorState.ACTIVE)


def test_states_change_once_and_are_audited(lumiere: Agency) -> None:
    assert set_state(lumiere, CreatorState.INACTIVE)
    assert not set_state(lumiere, CreatorState.INACTIVE)
    assert set_state(lumiere, CreatorState.ARCHIVED)
    with pytest.raises(Conflict):
        set_state(lumiere, CreatorState.INACTIVE)
    with lumiere.scope() as scope:
        assert not queries.get_creator(scope, lumiere.creator_id).is_active
    assert set_state(lumiere, CreatorState.ACTIVE)
    with lumiere.scope() as scope:
        found = [one for one in audit.list_recent_acts(scope) if one.act.startswith("creator.")]
        events = scope.run(
            "SELECT args->>'state' AS state FROM outbox WHERE tenant_id = :t AND kind = :k"
            " ORDER BY created_at, id",
            t=scope.tenant_id,
            k="creator.state_changed",
        ).scalars()
        states = sorted(events)
    assert [(one.act, one.details["before"], one.details["after"]) for one in found] == [
        ("creator.reactivated", "archived", "active"),
        ("creator.archived", "inactive", "archived"),
        ("creator.deactivated", "active", "inactive"),
    ]
    assert states == ["active", "archived", "inactive"]
