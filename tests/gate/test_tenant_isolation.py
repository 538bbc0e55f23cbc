"""Tenants cannot access each other's data, and the app role cannot write gate tables."""

import hashlib

import pytest
from sqlalchemy.exc import SQLAlchemyError

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import INSTALLATION_ID, uuid7
from gate.consent.grants import revoke_consent
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.permits import issuance
from gate.policy import emergency_stops
from gate.ratings import ratings
from gate.removal import recall
from gate.reviews import bystanders
from gate.reviews.bystanders import BystandersProposed
from gate.viewers import age_assurance
from tests.gate.builders import (
    KEY,
    Step,
    World,
    asset_of,
    picture,
    real_person,
    synthetic_person,
    unit,
    world,
)

TABLES = [
    *(
        "persons",
        "identity_checks",
        "declarations",
        "consent_grants",
        "assets",
        "renditions",
        "depictions",
    ),
    "bystanders",
    *(
        "content_ratings",
        "age_assurances",
        "human_reviews",
        "link_targets",
        "switches",
        "blocklist",
        "epochs",
    ),
    *("decisions", "decision_inputs", "log_heads", "permits"),
]


@pytest.fixture
def worlds(tenant: OpenScope) -> tuple[World, World]:
    return world(tenant, uuid7()), world(tenant, uuid7())


def fill(here: World) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        who = real_person(scope)
        synthetic_person(scope, here)
        shown = picture(scope, here, person=who)
        asset, whole = asset_of(scope, shown), unit(here, media=[shown])
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}")
    bystanders.handle_bystanders_proposed(
        BystandersProposed(here.tenant_id, asset, 1, f"member:{here.ann}"), tenant=here.open
    )
    with here.scope(f"member:{here.rob}") as scope:
        age_assurance.mark_suspected_minor(scope, "sandbox", "fan")
        emergency_stops.close_switch(scope, "creator", str(here.creator_id), "bot", reason="test")
        recall.block_bytes(scope, hashlib.sha256(b"x").hexdigest(), category="other")


def test_second_tenant_sees_no_rows(worlds: tuple[World, World]) -> None:
    one, other = worlds
    fill(one)
    with one.scope() as scope:
        empty = {name for name in TABLES if not scope.run(f"SELECT count(*) FROM {name}").scalar()}
        assert empty == {"human_reviews", "link_targets"}
    with other.scope() as scope:
        mine = {name for name in TABLES if scope.run(f"SELECT count(*) FROM {name}").scalar()}
        assert not mine - {"switches", "blocklist"}
        foreign = "SELECT count(*) FROM {} WHERE tenant_id NOT IN (:mine, :house)"
        for name in ("switches", "blocklist"):
            assert (
                scope.run(
                    foreign.format(name), mine=other.tenant_id, house=INSTALLATION_ID
                ).scalar()
                == 0
            )


def test_picture_of_another_tenant_is_unknown(worlds: tuple[World, World]) -> None:
    one, other = worlds
    with one.scope() as scope:
        shown = picture(scope, one)
    with other.scope() as scope:
        decision = issuance.preview_decision(
            scope, unit(other, media=[shown]), author=f"member:{other.ann}"
        )
        assert decision.reasons == (Reason.RENDITION_NOT_CANONICAL,)
        foreign = issuance.preview_decision(scope, unit(one), author=f"member:{other.ann}")
        assert Reason.TENANT_BOUNDARY in foreign.reasons
        with pytest.raises(NotFound):
            ratings.record_rating(scope, shown.sha256, Rating.G, source="rule:test")


@pytest.mark.parametrize("name", [name for name in TABLES if name != "human_reviews"])
def test_app_role_cannot_delete_from_gate_tables(worlds: tuple[World, World], name: str) -> None:
    one, _ = worlds
    with pytest.raises(SQLAlchemyError, match="permission denied"), one.scope() as scope:
        scope.run(f"DELETE FROM {name}")


def test_reviews_cannot_be_changed(worlds: tuple[World, World]) -> None:
    one, _ = worlds
    with pytest.raises(SQLAlchemyError, match="permission denied"), one.scope() as scope:
        scope.run("UPDATE human_reviews SET verdict = 'approve'")


def test_installation_block_applies_to_all_agencies(
    tenant: OpenScope, worlds: tuple[World, World]
) -> None:
    one, _ = worlds
    with one.scope() as scope:
        shown = picture(scope, one)
        assert issuance.preview_decision(
            scope, unit(one, media=[shown]), author="system:x"
        ).is_allowed
    with tenant(INSTALLATION_ID, "system:operator") as scope:
        recall.block_bytes(scope, shown.sha256, category="ncii")
    with one.scope() as scope:
        decision = issuance.preview_decision(scope, unit(one, media=[shown]), author="system:x")
        assert decision.reasons == (Reason.BLOCKLIST_EXACT,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE persons SET kind = 'synthetic'",
        "UPDATE consent_grants SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
        "UPDATE consent_grants SET max_rating = 'E', surfaces = '[\"x\"]' WHERE revoked_at IS NULL",
        "UPDATE consent_grants SET signed_by = gen_random_uuid() WHERE revoked_at IS NULL",
    ],
)
def test_gate_role_cannot_rewrite_people_or_consents(
    worlds: tuple[World, World], statement: str
) -> None:

    one, _ = worlds
    with one.scope() as scope:
        revoke_consent(scope, real_person(scope, scopes=("depict", "publish")), what="publish")
    with (
        pytest.raises(SQLAlchemyError, match=r"never|signed_by"),
        one.scope() as scope,
        scope.acting_as("gate"),
    ):
        scope.run(statement)
