"""Epochs: each operation invalidates the approvals that depend on it, and no others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate import epochs
from gate.consent import asset_bindings, card_answers, grants, queries
from gate.consent.grants import revoke_consent
from gate.contract.units import Medium, Rating, Verdict
from gate.decision.shoot_card_terms import CARD_SIGNED, CARD_WITHDRAWN
from gate.faces import known_faces, resemblances
from gate.faces.known_faces import FaceComparisonResult
from gate.people import account_holders, persons
from gate.policy import emergency_stops
from gate.ratings import inspections, ratings
from gate.removal import recall
from gate.reviews import link_targets, own_releases, place_limits, resemblance_reviews
from gate.reviews.resemblance_reviews import ResemblanceJudged
from gate.viewers import age_assurance
from tests.gate import shoot_card_builders
from tests.gate.builders import World, asset_of, picture, real_person, synthetic_person, world
from tests.gate.own_release_builders import add_author, build_open_bundle

MODEL, BOX = "arc@3", Sealed(b"box")


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def counted(scope: Scope) -> dict[str, int]:
    rows = scope.run("SELECT key, value FROM epochs WHERE tenant_id = :t", t=scope.tenant_id)
    return {row.key: row.value for row in rows}


def grown(here: World, act: Callable[[Scope], object], *, actor: str = "") -> set[str]:
    """Run an operation and return the keys whose epoch increased, each of which it must have
    locked."""
    with here.scope(actor or f"member:{here.ann}") as scope:
        before = counted(scope)
        act(scope)
        after = counted(scope)
    return {key for key in after if after[key] > before.get(key, 0)}


def made(here: World, **more: Any) -> tuple[Medium, UUID]:
    with here.scope() as scope:
        medium = picture(scope, here, **more)
        return medium, asset_of(scope, medium)


def test_change_of_person_invalidates_person_and_digital_twins(here: World) -> None:
    with here.scope() as scope:
        ida, other = real_person(scope), real_person(scope)
        twins = [
            persons.add_person(scope, kind="digital_twin", display_ref="T", twin_of=ida)
            for _ in range(2)
        ]
        person = {each: epochs.person_key(scope, each) for each in (ida, other, *twins)}
    everybody = {person[each] for each in (ida, *twins)}
    assert grown(here, lambda scope: revoke_consent(scope, ida)) == everybody
    assert grown(here, lambda scope: revoke_consent(scope, other, what="publish")) == {
        person[other]
    }
    assert grown(here, lambda scope: persons.block_person(scope, other)) == {person[other]}
    assert grown(here, lambda scope: grants.import_revocation(scope, ida, at=scope.now)) == {
        person[ida]
    }


def test_new_face_facts_invalidate_face_epoch(here: World) -> None:
    shown, _ = made(here)
    with here.scope() as scope:
        ida, nova = (
            persons.add_person(scope, kind="real", display_ref="Ida"),
            synthetic_person(scope, here),
        )
        person, known = epochs.person_key(scope, ida), epochs.faces_key(scope)
        of_nova = epochs.person_key(scope, nova)
    assert grown(
        here, lambda scope: known_faces.record_face_consent(scope, ida), actor=f"person:{ida}"
    ) == {person}
    with here.scope() as scope:
        subject = known_faces.find_face_consent(scope, ida)
        assert subject is not None
    keep = lambda scope: known_faces.store_template(  # noqa: E731  short
        scope, subject.id, model=MODEL, box=BOX, pictures=[]
    )
    assert grown(here, keep) == {person, known}
    barred = uuid7()
    assert grown(
        here,
        lambda scope: known_faces.add_face_ban(
            scope, subject_id=barred, why="x", model=MODEL, box=BOX
        ),
    ) == {known}
    for _ in range(2):
        assert grown(here, lambda scope: known_faces.end_face_ban(scope, barred, uuid7())) == {
            known
        }
    assert grown(
        here, lambda scope: known_faces.set_reference_pictures(scope, nova, [shown.sha256])
    ) == {of_nova}


def test_comparison_invalidates_picture_person_and_synthetic_person(
    here: World,
) -> None:
    medium, asset = made(here, ai="generated")
    apart, _ = made(here)
    with here.scope() as scope:
        ida, nova = (
            persons.add_person(scope, kind="real", display_ref="Ida"),
            synthetic_person(scope, here),
        )
        known_faces.set_reference_pictures(scope, nova, [medium.sha256])
    with here.scope(f"person:{ida}") as scope:
        known_faces.record_face_consent(scope, ida)
        subject = known_faces.find_face_consent(scope, ida)
        assert subject is not None
        known_faces.store_template(scope, subject.id, model=MODEL, box=BOX, pictures=[])
        keys = {
            epochs.asset_key(scope, asset),
            epochs.person_key(scope, ida),
            epochs.person_key(scope, nova),
        }
        lone = epochs.asset_key(scope, asset_of(scope, apart))

    def compared(sha256: str, resembles: dict[UUID, int]) -> Callable[[Scope], None]:
        return lambda scope: resemblances.record_comparison(
            scope,
            sha256,
            FaceComparisonResult(
                MODEL, known_faces.faces_version(scope), complete=True, faces=1, resembles=resembles
            ),
        )

    assert grown(here, compared(medium.sha256, {subject.id: 800})) == keys
    assert grown(here, compared(apart.sha256, {})) == {lone}
    with here.scope() as scope:
        (one,) = resemblance_reviews.list_face_comparisons(scope, [here.creator_id])
    said = ResemblanceJudged(
        here.tenant_id,
        one.id,
        one.digest,
        resemblance_reviews.ANSWER_SAME,
        "",
        "",
        f"member:{here.rob}",
    )
    assert (
        grown(
            here,
            lambda scope: resemblance_reviews.record_face_judgement(scope, said),
            actor=said.by,
        )
        == keys
    )


def test_change_of_picture_invalidates_picture_and_people(here: World) -> None:
    medium, asset = made(here)
    with here.scope() as scope:
        ida = real_person(scope)
        own, person = epochs.asset_key(scope, asset), epochs.person_key(scope, ida)
    sha256 = medium.sha256
    acts: list[Callable[[Scope], object]] = [
        lambda scope: ratings.record_rating(scope, sha256, Rating.S, source="rule:x"),
        lambda scope: ratings.freeze_bytes(scope, sha256),
        lambda scope: ratings.unfreeze_bytes(scope, sha256),
        lambda scope: inspections.record_classifier_missing(scope, sha256),
        lambda scope: inspections.record_partial_inspection(scope, sha256),
        lambda scope: inspections.record_file_inspection(scope, sha256, hidden=False),
    ]
    for act in acts:
        assert grown(here, act) == {own}
    assert grown(here, lambda scope: ratings.record_depiction(scope, asset, ida, how="face")) == {
        own,
        person,
    }


def test_agency_wide_change_invalidates_whole_agency(here: World) -> None:
    medium, _ = made(here)
    with here.scope() as scope:
        whole = epochs.tenant_key(scope)
    acts: list[Callable[[Scope], object]] = [
        lambda scope: recall.block_bytes(scope, medium.sha256, category="shown"),
        lambda scope: recall.unblock_bytes(scope, medium.sha256),
        lambda scope: place_limits.set_place_limit(
            scope, "sandbox.post", Rating.S, Verdict.H, why="quiet"
        ),
        lambda scope: emergency_stops.close_switch(scope, "tenant", "", "bot", reason="x"),
        lambda scope: link_targets.register_link_target(
            scope, here.creator_id, "https://a.test/", rating=Rating.G, adult=False
        ),
    ]
    for act in acts:
        assert whole in grown(here, act)


def test_stop_invalidates_its_scope(here: World) -> None:
    channel, viewer = uuid7(), "fan:1"
    for where, target, key in (
        ("creator", str(here.creator_id), lambda scope: epochs.creator_key(scope, here.creator_id)),
        ("channel", str(channel), lambda scope: epochs.channel_key(scope, channel)),
        ("chat", f"{channel}:{viewer}", lambda scope: epochs.chat_key(scope, channel, viewer)),
        ("platform", "x", lambda scope: epochs.platform_key("x")),
    ):
        with here.scope() as scope:
            wanted = key(scope)
        assert grown(
            here,
            lambda scope, w=where, t=target: emergency_stops.close_switch(
                scope, w, t, "bot", reason="x"
            ),
        ) == {wanted}


def test_viewer_change_invalidates_viewer(here: World) -> None:
    with here.scope() as scope:
        reader = epochs.viewer_key(scope, "x", "u")
    for act in (
        age_assurance.begin_age_check,
        age_assurance.mark_suspected_minor,
        age_assurance.block_viewer,
    ):
        assert grown(here, lambda scope, act=act: act(scope, "x", "u")) == {reader}


def test_card_binding_invalidates_picture_and_derivatives(here: World) -> None:
    ida = shoot_card_builders.person(here)
    card = shoot_card_builders.add_card(here, ida)
    medium = shoot_card_builders.add_undated_picture(here)
    with here.scope() as scope:
        asset = asset_of(scope, medium)
        child = asset_of(scope, picture(scope, here, parent=asset))
        family = {epochs.asset_key(scope, each) for each in (asset, child)}
        person = epochs.person_key(scope, ida)
    assert grown(here, lambda scope: asset_bindings.bind_asset(scope, child, card)) == family
    with here.scope() as scope:
        digest = queries.get_card_facts(scope, card).digest
    hand = f"person:{ida}"
    assert person not in grown(
        here,
        lambda scope: card_answers.record_card_answer(scope, card, CARD_SIGNED, digest=digest),
        actor=hand,
    )
    assert grown(
        here,
        lambda scope: card_answers.record_card_answer(scope, card, CARD_WITHDRAWN, digest=digest),
        actor=hand,
    ) == {person}


def test_release_change_invalidates_account(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=build_open_bundle())
    released = one.releases()
    with one.world.scope() as scope:
        account = epochs.channel_key(scope, one.whole.channel_id)
    assert released
    # A short helper.
    taken = lambda scope: own_releases.withdraw_own_release(scope, one.whole.subject.id)  # noqa: E731  see above
    assert grown(one.world, taken) == {account}
    assert grown(
        one.world, lambda scope: account_holders.end_account_holder(scope, one.holder)
    ) == {account}


def test_changed_link_invalidates_agency(here: World) -> None:
    with here.scope() as scope:
        whole = epochs.tenant_key(scope)
        link_targets.register_link_target(
            scope,
            here.creator_id,
            "https://a.test/",
            rating=Rating.G,
            adult=False,
            lives=timedelta(days=3),
        )
        assert dict(epochs.epoch_values(scope, [whole, "no:such"])) == {
            whole: counted(scope)[whole]
        }
        assert epochs.epoch_values(scope, []) == ()
