"""The classifier during ingest: called once, outside every transaction, and again later after a
failure."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event as events

from gate.contract.units import Rating
from gate.ratings import inspections, ratings
from generators.contract.classifier import ClassifierReport, PictureView
from generators.contract.engines import EngineError
from generators.engines.vision.http_classifier import HttpClassifier as Client
from studio.ingest import classification, pipeline, uploads
from studio.ingest.events import ClassificationDue, UploadDue
from studio.library import assets
from studio.runs import runner
from studio.runs.events import RunDue
from tests.fakes.generators.classifier import FakeClassifier, draw_tile, serving
from tests.generators.builders import encoded
from tests.studio.builders import CREDENTIAL, CreatorStudio, Engine
from tests.studio.ingest.test_pipeline import with_preview
from tests.studio.ingest.test_uploads import hand_in
from workers.event_routes.registry import build_routes


@pytest.fixture
def eyes() -> Iterator[FakeClassifier]:
    with serving() as state:
        yield state


def client(eyes: FakeClassifier) -> Client:
    return Client(eyes.url, frozenset({eyes.who}), seconds=1.0)


def bring(nova: CreatorStudio, data: bytes, classifier: Any) -> UUID:
    return pipeline.ingest_asset(
        nova.services.tenant,
        nova.services.store,
        tenant_id=nova.tenant_id,
        creator_id=nova.creator_id,
        prepared=pipeline.prepare_upload(data, name="a.png"),
        classifier=classifier,
    )


def again(nova: CreatorStudio, event: ClassificationDue, classifier: Any) -> None:
    classification.reclassify(
        event, tenant=nova.services.tenant, store=nova.services.store, classifier=classifier
    )


def digest(nova: CreatorStudio, asset: UUID) -> str:
    with nova.scope() as scope:
        return assets.get_rendition(scope, asset, "x").sha256


def said(nova: CreatorStudio, sha256: str) -> list[tuple[str, str]]:
    """Return the ratings of bytes with their sources."""
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT source, rating FROM content_ratings WHERE sha256 = :s ORDER BY id", s=sha256
        )
        return [(row.source, row.rating) for row in rows]


def due(nova: CreatorStudio) -> list[ClassificationDue]:
    """Return the queued classifications."""
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = :kind",
            t=nova.tenant_id,
            kind=ClassificationDue.kind,
        ).all()
    return [ClassificationDue(nova.tenant_id, row.subject_id, row.args["sha256"]) for row in rows]


def test_picture_and_its_inspection_are_recorded_together(
    nova: CreatorStudio, eyes: FakeClassifier
) -> None:
    asset = bring(nova, encoded(draw_tile("N", faces=3, text="HELLO"), "PNG"), client(eyes))
    sha256 = digest(nova, asset)
    assert said(nova, sha256) == [("classifier:tiles@1", "N")]
    with nova.scope() as scope:
        assert ratings.effective_rating(scope, sha256) is None, (
            "people decide; a classifier only raises"
        )
        found = scope.run(
            "SELECT people, words FROM inspections WHERE source = 'classifier:tiles@1'"
        ).one()
    assert (found.people, found.words) == (3, ["HELLO"])
    assert due(nova) == []


def test_nothing_is_queued_without_a_classifier(nova: CreatorStudio, eyes: FakeClassifier) -> None:
    sha256 = digest(nova, bring(nova, encoded(draw_tile("N"), "PNG"), None))
    assert said(nova, sha256) == []
    assert due(nova) == []
    with nova.scope() as scope:
        assert not inspections.needs_inspection(scope, sha256)


SILENT: dict[str, dict[str, Any]] = {
    "busy": {"status": 503},
    "garbage": {"garbage": b"{}"},
    "slow": {"hang": True},
    "another version": {"version": "2"},
}


@pytest.mark.parametrize("how", SILENT)
def test_failed_classification_is_recorded_and_repeated_later(
    nova: CreatorStudio, eyes: FakeClassifier, how: str
) -> None:
    classifier = client(eyes)
    usual = {name: getattr(eyes, name) for name in SILENT[how]}
    vars(eyes).update(SILENT[how])
    sha256 = digest(nova, bring(nova, encoded(draw_tile("E"), "PNG"), classifier))
    assert said(nova, sha256) == []
    with nova.scope() as scope:
        assert inspections.needs_inspection(scope, sha256)
    (waiting,) = due(nova)
    with pytest.raises(EngineError):
        again(nova, waiting, classifier)
    vars(eyes).update(usual)
    again(nova, waiting, classifier)
    asked = eyes.asked
    again(nova, waiting, classifier)  # # the same row twice
    assert eyes.asked == asked
    assert said(nova, sha256) == [("classifier:tiles@1", "E")]
    with nova.scope() as scope:
        assert not inspections.needs_inspection(scope, sha256)


def test_impossible_classification_ends_without_a_call(
    nova: CreatorStudio, eyes: FakeClassifier
) -> None:
    eyes.status = 503
    sha256 = digest(nova, bring(nova, encoded(draw_tile("G"), "PNG"), client(eyes)))
    (waiting,) = due(nova)
    again(nova, waiting, None)
    nova.services.store.delete(nova.tenant_id, sha256)
    asked = eyes.asked
    again(nova, waiting, client(eyes))
    assert eyes.asked == asked


def test_no_transaction_is_open_during_classification(nova: CreatorStudio) -> None:
    open_now: set[int] = set()
    engine = nova.services.database.engine

    class Watching:
        """Finds nothing, and fails where a transaction is open."""

        def classify_views(self, views: tuple[PictureView, ...]) -> ClassifierReport:
            assert not open_now
            return ClassifierReport("classifier:watching@1", Rating.G)

        def describe_source(self) -> str:
            return "classifier:watching@1"

        def is_known_source(self, source: str) -> bool:
            return source == self.describe_source()

    events.listen(engine, "begin", lambda connection: open_now.add(id(connection)))
    for end in ("commit", "rollback"):
        events.listen(engine, end, lambda connection: open_now.discard(id(connection)))
    sha256 = digest(nova, bring(nova, encoded(draw_tile("G"), "PNG"), Watching()))
    assert said(nova, sha256) == [("classifier:watching@1", "G")]
    with nova.scope() as scope:
        scope.run("SELECT 1")
        assert open_now, "the listener counts transactions"


class Dies(BaseException):
    """The process ends here."""


def test_crash_after_classification_records_nothing_and_a_retry_completes(
    nova: CreatorStudio, eyes: FakeClassifier
) -> None:
    data = encoded(draw_tile("S"), "PNG")
    upload = hand_in(nova, data)

    class Dying(Client):
        def classify_views(self, views: tuple[PictureView, ...]) -> ClassifierReport:
            super().classify_views(views)
            raise Dies

    event, services = UploadDue(nova.tenant_id, upload), nova.services
    with pytest.raises(Dies):
        uploads.ingest_upload(
            event,
            tenant=services.tenant,
            store=services.store,
            classifier=Dying(eyes.url, frozenset({eyes.who})),
        )
    assert [nova.count(name) for name in ("assets", "renditions", "inspections")] == [0, 0, 0]
    for _ in range(2):
        uploads.ingest_upload(
            event, tenant=services.tenant, store=services.store, classifier=client(eyes)
        )
    (item,) = nova.library()
    assert said(nova, item.sha256) == [("classifier:tiles@1", "S")]
    assert eyes.asked == 2


def test_generated_pictures_are_classified_too(nova: CreatorStudio, eyes: FakeClassifier) -> None:
    job = nova.start()
    services = nova.services
    runner.generate_pictures(
        RunDue(nova.tenant_id, job),
        tenant=services.tenant,
        engine=Engine,
        store=services.store,
        credential=lambda: CREDENTIAL,
        classifier=client(eyes),
    )
    assert eyes.asked == 3
    assert {len(said(nova, item.sha256)) for item in nova.library()} == {1}


def test_deviating_preview_is_classified_and_recorded(
    nova: CreatorStudio, eyes: FakeClassifier
) -> None:
    asset = bring(nova, with_preview(9), client(eyes))
    assert "preview" in eyes.views
    with nova.scope() as scope:
        hidden = scope.run("SELECT hidden FROM inspections WHERE source = 'house'").scalars().all()
    assert hidden == [True]
    other = bring(nova, with_preview(1), client(eyes))
    assert digest(nova, other) == digest(nova, asset), "the picture itself is the same"


def test_classification_has_a_route(nova: CreatorStudio) -> None:
    assert ClassificationDue.kind in build_routes(nova.services).by_kind
    assert nova.services.classifier is None
