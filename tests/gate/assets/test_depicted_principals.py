"""Depicted people, and the humans behind synthetic people, neither approve that content nor lower
its rating."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import uuid7
from gate.assets import viewings
from gate.assets.depicted_principals import depicted_principals
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.people import account_holders, persons
from gate.people.age_requests import ClaimedAccount
from gate.permits import issuance
from gate.reviews import content_reviews, rating_reductions
from gate.reviews.content_reviews import SheetVerdict
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tests.gate.builders import World, asset_of, picture, real_person, synthetic_person, unit, world
from tests.gate.person_actions import note_age_proof, request_age_proof

TIES = ("confirmed", "asked", "holder", "address", "declared", "twin")


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def tied(here: World, tie: str) -> UUID:
    """Return a depicted person who is Rob, or who represents him."""
    with here.scope() as scope:
        rob = here.principal(scope, here.rob)
        if tie == "declared":
            found = synthetic_person(scope, here, reviewed=False)
            persons.record_declaration(
                scope, found, source_digest="d" * 64, adult_licence=True, declared_by=rob
            )
            return found
        person = real_person(
            scope,
            scopes=("depict", "publish", "ai_likeness"),
            creator_id=here.creator_id if tie == "creator" else None,
        )
    ties: dict[str, Callable[[Scope], object]] = {
        "holder": lambda scope: account_holders.record_account_holder(
            scope,
            person,
            principal_id=rob,
            account=ClaimedAccount(here.channel_id, "sandbox", "mia"),
            custodian="Roux",
            evidence_digest="e" * 64,
            verified_at=scope.now - timedelta(days=1),
        ),
        "address": lambda scope: scope.run(
            "INSERT INTO person_links (tenant_id, id, person_id, digest, asked, address) VALUES"
            " (:t, :id, :person, :digest, '', 'ROB@example.test')",
            t=here.tenant_id,
            id=uuid7(),
            person=person,
            digest=uuid7().hex,
        ),
        "creator": lambda scope: scope.run(
            "UPDATE members SET role = 'creator', creators = '[\"mia\"]' WHERE id = :id",
            id=here.rob,
        ),
    }
    if tie in ("confirmed", "twin"):
        note_age_proof(here, person, member=here.rob)
    elif tie == "asked":
        request_age_proof(here, person, member=here.rob)
    else:
        with here.scope() as scope:
            ties[tie](scope)
    if tie == "twin":
        with here.scope() as scope:
            return persons.add_person(
                scope, kind="digital_twin", display_ref="Double", twin_of=person
            )
    return person


def shown(here: World, person: UUID, rating: Rating = Rating.N) -> Medium:
    with here.scope() as scope:
        return picture(scope, here, rating, person=person)


def test_creator_is_principal_of_their_profile_person(here: World) -> None:
    medium = shown(here, tied(here, "creator"))
    with here.scope() as scope:
        rob = here.principal(scope, here.rob)
        assert depicted_principals(scope, [medium.sha256]) == {medium.sha256: {rob}}


@pytest.mark.parametrize("tie", TIES)
def test_depicted_principal_cannot_approve_but_can_refuse(here: World, tie: str) -> None:
    person = tied(here, tie)
    medium = shown(here, person)
    with here.scope() as scope:
        whole = issuance.with_required_marks(scope, unit(here, media=(medium,)), line=str)
        issuance.judge_unit(scope, whole, author=f"member:{here.ann}")
    acts = (
        lambda scope: content_reviews.review_unit(scope, whole.digest(), verdict="approve"),
        lambda scope: content_reviews.review_bytes(scope, medium.sha256, verdict="approve"),
        lambda scope: content_reviews.record_sheet_verdicts(
            scope, [SheetVerdict(asset_of(scope, medium), medium.sha256, "approve")], sheet=uuid7()
        ),
    )
    for act in acts:
        with here.scope(f"member:{here.rob}") as scope, pytest.raises(Refused, match="depicted"):
            act(scope)
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.submit_rating(scope, asset_of(scope, medium), medium.sha256, Rating.E)
        content_reviews.review_unit(scope, whole.digest(), verdict="refuse")


def test_later_found_tie_invalidates_approval(here: World) -> None:
    with here.scope() as scope:
        person = real_person(scope)
    medium = shown(here, person)
    with here.scope() as scope:
        whole = issuance.with_required_marks(scope, unit(here, media=(medium,)), line=str)

    def reasons() -> tuple[Reason, ...]:
        with here.scope() as scope:
            return tuple(issuance.judge_unit(scope, whole, author=f"member:{here.ann}").reasons)

    assert reasons() == (Reason.REVIEW_MISSING,)
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, whole.digest(), verdict="approve")
    assert reasons() == ()
    request_age_proof(here, person, member=here.rob)
    assert reasons() == (Reason.REVIEWER_CONFLICT,)


@pytest.mark.parametrize("tie", ["asked", "holder"])
def test_depicted_principal_cannot_agree_to_lower_rating(here: World, tie: str) -> None:
    medium = shown(here, tied(here, tie), Rating.S)
    with here.scope() as scope:
        third = agencies.add_member(
            scope, name="Cy", email="cy@example.test", role=Role.OWNER, language="en", zone="UTC"
        )
        for member in (here.ann, here.rob, third):
            viewings.record_viewing(scope, queries.get_member(scope, member), medium.sha256)
    with here.scope(f"member:{third}") as scope:
        wish = rating_reductions.request_lowering(
            scope, asset_of(scope, medium), medium.sha256, Rating.G, why="a street", maker=None
        )
    with here.scope() as scope:
        (one,) = rating_reductions.list_lowering_requests(scope, [here.creator_id])
    assert here.rob not in one.allowed
    assert here.ann in one.allowed
    with here.scope(f"member:{here.rob}") as scope, pytest.raises(Refused):
        rating_reductions.vote_on_lowering(scope, wish, agree=True, why="a street")
