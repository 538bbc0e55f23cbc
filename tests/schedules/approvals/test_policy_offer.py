"""The offer to require approvals: who sees it and answers it, and what acceptance changes."""

from typing import Any

import pytest

from foundation.errors import Conflict, Refused
from schedules.approvals import policy_offer, release
from schedules.posts.states import DeliveryState
from tenants.agencies import agencies, agency_settings, queries
from tenants.agencies.rights import Right, Role, has_right
from tenants.auth import members
from tests.schedules.approvals.test_review_comments import member
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency


@pytest.fixture
def free(services: Any, sandbox: Any) -> SandboxAgency:
    """An agency whose creator requires no approval, with two members who can approve."""
    return create_sandbox_agency(services, sandbox, tiers=0)


def offered(at: SandboxAgency) -> list[str]:
    with at.scope() as scope:
        offer = policy_offer.find_policy_offer(scope)
    return [one.slug for one in offer.creators] if offer else []


def add_creator(at: SandboxAgency, slug: str, tiers: int) -> None:
    with at.scope() as scope:
        agencies.add_creator(
            scope,
            slug=slug,
            name=slug,
            kind="virtual",
            zone=ZONE,
            languages=["fr"],
            approval_tiers=tiers,
        )


@pytest.mark.parametrize("role", Role)
def test_offer_starts_with_the_second_approver(free: SandboxAgency, role: Role) -> None:
    with free.scope(f"member:{free.manager}") as scope:
        members.remove_member(scope, free.author)
    assert offered(free) == []
    with free.scope(f"member:{free.manager}") as scope:
        members.invite_member(
            scope, name="Zoé", email="zoe@example.test", role=role, language="fr", zone=ZONE
        )
    assert offered(free) == (["lea"] if has_right(role, Right.APPROVE) else [])


def test_acceptance_covers_all_creators_scheduled_posts_and_new_creators(
    free: SandboxAgency,
) -> None:
    post_id = free.write()
    planned = free.wish(post_id, after=600)
    with free.scope(f"member:{free.author}") as scope:
        assert release.release_post(scope, post_id)
    assert free.state(planned) is DeliveryState.SCHEDULED
    add_creator(free, "mia", 0)
    add_creator(free, "zoe", 2)
    with free.scope(f"member:{free.manager}") as scope:
        defaults = agency_settings.get_creator_defaults(scope)
        agency_settings.set_creator_defaults(
            scope, agency_settings.CreatorDefaults(**{**vars(defaults), "approval_tiers": 0})
        )
    assert offered(free) == ["lea", "mia"]
    with free.scope(f"member:{free.manager}") as scope:
        assert policy_offer.accept_policy_offer(scope) == 1
    with free.scope() as scope:
        tiers = {one.slug: one.approval_tiers for one in queries.list_creators(scope)}
        assert agency_settings.get_creator_defaults(scope).approval_tiers == 1
        acts = scope.run(
            "SELECT act FROM audit_entries WHERE tenant_id = :tenant", tenant=free.tenant_id
        ).scalars()
        assert {"agency.approval_offer", "creator.approvals"} <= set(acts)
    assert tiers == {"lea": 1, "mia": 1, "zoe": 2}
    assert free.state(planned) is DeliveryState.DRAFT
    free.live(minutes=11)
    assert free.posts() == []
    assert offered(free) == []


def test_declined_offer_is_not_made_again(free: SandboxAgency) -> None:
    with free.scope(f"member:{free.manager}") as scope:
        policy_offer.decline_policy_offer(scope)
    add_creator(free, "mia", 0)
    member(free, Role.MANAGER)
    assert offered(free) == []
    for answer in (policy_offer.accept_policy_offer, policy_offer.decline_policy_offer):
        with pytest.raises(Conflict), free.scope(f"member:{free.manager}") as scope:
            answer(scope)
    with free.scope() as scope:
        assert queries.get_creator(scope, free.creator_id).approval_tiers == 0


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OWNER}))
def test_only_owners_answer_the_offer(free: SandboxAgency, role: Role) -> None:
    other = member(free, role)
    for answer in (policy_offer.accept_policy_offer, policy_offer.decline_policy_offer):
        with pytest.raises(Refused), free.scope(f"member:{other.id}") as scope:
            answer(scope)
    assert offered(free) == ["lea"]
