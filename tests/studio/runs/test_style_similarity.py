"""Similarity of a picture to its style references: measured once by the workers, by faces only with
consent."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
import pytest

from gate.contract.units import Rating
from gate.faces import known_faces
from gate.ratings import ratings
from generators.contract.classifier import (
    ClassifierReport,
    DetectedFace,
    DetectedFaces,
    PictureView,
)
from generators.contract.engines import EngineUnreachable
from studio.library import assets
from studio.recipes import specs, style_references
from studio.runs import runner, style_similarity
from studio.runs.events import StyleScoreDue
from studio.runs.style_similarity import StyleScore
from tests.studio.builders import CreatorStudio, Engine, build_spec, create_studio
from tests.studio.person_builders import add_consenting_creator, add_photo, name_people
from workers.event_routes.registry import build_routes
from workers.wiring import Services


@dataclass
class Eye:
    """A classifier that finds the same face in each picture except the n-th; without a model it
    compares none."""

    model: str | None = "faces@1"
    blind_at: int = -1
    away: bool = False
    looked: int = 0

    def classify_views(self, views: tuple[PictureView, ...]) -> ClassifierReport:
        if self.away:
            raise EngineUnreachable("engine.server_down", engine="classifier", url="x")
        self.looked += 1
        vector = np.array([0.8, 0.6] if self.looked == 1 else [1.0, 0.0], dtype="<f4").tobytes()
        found = (
            ()
            if self.looked - 1 == self.blind_at
            else (DetectedFace(views[0].name, vector, 40, 90),)
        )
        told = DetectedFaces(self.model, found) if self.model is not None else None
        return ClassifierReport("classifier:eye@1", Rating.G, faces=told)


def made(nova: CreatorStudio, *, knows_face: bool = True) -> tuple[UUID, UUID, UUID]:
    """Add a person, their style reference, and a picture made from it."""
    person = add_consenting_creator(nova)
    asset = name_people(nova, add_photo(nova, 1), person)
    if knows_face:
        with nova.scope(f"person:{person}") as scope:
            known_faces.record_face_consent(scope, person)
    with nova.scope() as scope:
        style_references.add_style_reference(scope, nova.creator_id, asset)
        recipe = specs.save_recipe(scope, nova.creator_id, build_spec(width=64, height=64, look=60))
        job = runner.start_run(
            scope, creator_id=nova.creator_id, recipe_id=recipe, seed=7, key="look", count=1
        )
    nova.work(job, lambda: Engine(does=frozenset({"references"})))
    with nova.scope() as scope:
        (child,) = runner.run_assets(scope, job)
    return person, asset, child


def due(nova: CreatorStudio) -> list[StyleScoreDue]:
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT subject_id FROM outbox WHERE tenant_id = :t AND kind = :k",
            t=nova.tenant_id,
            k=StyleScoreDue.kind,
        )
        return [StyleScoreDue(nova.tenant_id, row.subject_id) for row in rows]


def measure(nova: CreatorStudio, eye: Eye | None = None) -> None:
    for event in due(nova):
        style_similarity.measure_style_similarity(
            event, tenant=nova.services.tenant, store=nova.services.store, classifier=eye
        )  # type: ignore[arg-type]  # looks at pictures alone


def of(nova: CreatorStudio, asset: UUID) -> StyleScore | None:
    with nova.scope() as scope:
        return style_similarity.style_scores(scope, [asset]).get(asset)


def why(nova: CreatorStudio, asset: UUID) -> str:
    found = of(nova, asset)
    assert found is not None
    assert found.score is None
    return found.missing_reason.code if found.missing_reason is not None else ""


def test_colours_and_edges_are_compared_once_without_a_face_model(nova: CreatorStudio) -> None:
    _, asset, child = made(nova)
    assert of(nova, child) == StyleScore(), "the score is pending"
    assert of(nova, asset) is None
    measure(nova)
    found = of(nova, child)
    assert found is not None
    assert (found.method, found.missing_reason, found.of_faces) == ("visual@1", None, False)
    assert found.score is not None
    measure(nova, Eye())
    assert of(nova, child) == found, "a repeat changes nothing"
    assert nova.count("look_scores") == 1


def test_faces_are_compared_with_consent(nova: CreatorStudio) -> None:
    _, _, child = made(nova)
    measure(nova, Eye())
    assert of(nova, child) == StyleScore("face:faces@1", 80)


@pytest.mark.parametrize("blind", [0, 1])
def test_missing_face_gives_no_score(nova: CreatorStudio, blind: int) -> None:
    _, _, child = made(nova)
    measure(nova, Eye(blind_at=blind))
    assert why(nova, child) == "look.no_face"


def test_face_is_not_compared_without_consent(nova: CreatorStudio) -> None:
    _, _, child = made(nova, knows_face=False)
    eye = Eye()
    measure(nova, eye)
    found = of(nova, child)
    assert found is not None
    assert (found.method, eye.looked) == ("visual@1", 0)


def test_classifier_without_a_face_model_is_not_used(nova: CreatorStudio) -> None:
    _, _, child = made(nova)
    measure(nova, Eye(model=None))
    found = of(nova, child)
    assert found is not None
    assert found.method == "visual@1"


def test_outage_is_retried_and_ends_with_a_reason(nova: CreatorStudio) -> None:
    _, _, child = made(nova)
    with pytest.raises(EngineUnreachable):
        measure(nova, Eye(away=True))
    assert of(nova, child) == StyleScore()
    (event,) = due(nova)
    style_similarity.fail_style_score(event, tenant=nova.services.tenant)
    assert why(nova, child) == "look.unmeasured"


def test_frozen_reference_is_not_classified(nova: CreatorStudio) -> None:
    _, asset, child = made(nova)
    with nova.scope() as scope:
        ratings.freeze_bytes(scope, assets.get_asset(scope, asset).sha256)
    eye = Eye()
    measure(nova, eye)
    assert (why(nova, child), eye.looked) == ("look.lost", 0)


def test_another_agency_neither_reads_nor_measures_the_score(
    nova: CreatorStudio, services: Services
) -> None:
    _, _, child = made(nova)
    theirs = create_studio(services)
    style_similarity.measure_style_similarity(
        StyleScoreDue(theirs.tenant_id, child),
        tenant=services.tenant,
        store=services.store,
        classifier=None,
    )
    measure(nova)
    assert of(theirs, child) is None
    assert theirs.count("look_scores") == 0


def test_picture_without_references_is_not_scored_and_the_kind_has_a_route(
    nova: CreatorStudio,
) -> None:
    asset = add_photo(nova, 1)
    style_similarity.measure_style_similarity(
        StyleScoreDue(nova.tenant_id, asset),
        tenant=nova.services.tenant,
        store=nova.services.store,
        classifier=None,
    )
    assert (of(nova, asset), due(nova)) == (None, [])
    assert StyleScoreDue.kind in build_routes(nova.services).by_kind
