"""A creator with an empty library, and scripted engines."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops.clock import wall_now
from generators.contract.classifier import ClassifierReport, PictureView
from generators.contract.engines import (
    EngineError,
    EngineUnreachable,
    GeneratedPicture,
    HostedImageEngine,
    ImageJob,
    Progress,
    check_inputs_supported,
    ignore_progress,
)
from generators.engines.images.placeholder import PlaceholderEngine
from generators.provenance import content_credentials
from studio.ingest import pipeline
from studio.library import assets
from studio.recipes import specs
from studio.recipes.specs import RecipeSpec
from studio.runs import runner
from studio.runs.events import HostedRunDue, RunDue
from tenants.agencies import agencies
from workers.wiring import Services

ZONE = "Europe/Paris"
CREDENTIAL = content_credentials.development_credential(now=wall_now())


@dataclass
class Engine:
    """An image engine that can fail or crash at its n-th picture."""

    name: str = "placeholder"
    model: str = "scenes-1"
    drawn: list[ImageJob] = field(default_factory=list)
    before: Callable[[int], None] = lambda number: None
    does: frozenset[str] = frozenset()

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        check_inputs_supported(self, job)
        self.before(len(self.drawn))
        self.drawn.append(job)
        return PlaceholderEngine().draw(replace(job, **_WORDS_ALONE), progress)


@dataclass
class AwayClassifier:
    """An unreachable classifier; each call runs `happens` first."""

    happens: Callable[[], object]

    def classify_views(self, views: tuple[PictureView, ...]) -> ClassifierReport:
        self.happens()
        raise EngineUnreachable("engine.server_down", engine="eye", url="-")

    def classify_audio(self, sound: PictureView, *, seconds: float) -> ClassifierReport:
        raise AssertionError("unexpected call with a picture")

    def describe_source(self) -> str:
        return "classifier:away@1"

    def is_known_source(self, source: str) -> bool:
        return False


_WORDS_ALONE: dict[str, Any] = {
    "loras": (),
    "init": b"",
    "mask": b"",
    "references": (),
    "pose": b"",
}


@dataclass
class CreatorStudio:
    """One creator of an agency."""

    services: Services
    tenant_id: UUID
    creator_id: UUID

    def scope(self, actor: str = "system:test") -> AbstractContextManager[Scope]:
        return self.services.tenant(self.tenant_id, actor)

    def bring(self, prepared: pipeline.PreparedAsset, *, creator: UUID | None = None) -> UUID:
        """Ingest a prepared asset into the library."""
        return pipeline.ingest_asset(
            self.services.tenant,
            self.services.store,
            tenant_id=self.tenant_id,
            creator_id=creator or self.creator_id,
            prepared=prepared,
        )

    def upload(self, data: bytes, name: str = "photo.jpg") -> UUID:
        return self.bring(pipeline.prepare_upload(data, name=name, alt="a photo"))

    def library(self) -> list[assets.LibraryAsset]:
        with self.scope() as scope:
            return assets.list_assets(scope, self.creator_id)

    def count(self, table: str) -> int:
        """Count the tenant's rows in a table."""
        with self.scope() as scope:
            found = scope.run(
                f"SELECT count(*) FROM {table} WHERE tenant_id = :tenant", tenant=self.tenant_id
            )
            return int(found.scalar_one())

    def start(self, *, key: str = "run", seed: int = 7, **changes: Any) -> UUID:
        """Start a run of a small recipe."""
        with self.scope() as scope:
            recipe_id = specs.save_recipe(scope, self.creator_id, build_spec(**changes))
            return runner.start_run(
                scope, creator_id=self.creator_id, recipe_id=recipe_id, seed=seed, key=key
            )

    def work(
        self, job_id: UUID, engine: Callable[[], Any], *, pause: int = 0, **given: Any
    ) -> None:
        """Handle the row of a run once."""
        due = HostedRunDue if _sold(engine) else RunDue
        runner.generate_pictures(
            due(self.tenant_id, job_id, pause),
            tenant=self.services.tenant,
            engine=engine,
            store=self.services.store,
            credential=lambda: CREDENTIAL,
            **given,
        )

    def progress(self, job_id: UUID) -> tuple[str, int, int]:
        with self.scope() as scope:
            state, done, total = runner.run_progress(scope, job_id)
        return str(state), done, total


def _sold(engine: Callable[[], Any]) -> bool:
    """Tell hosted engines from local ones; an engine that cannot be created counts as local."""
    try:
        return isinstance(engine(), HostedImageEngine)
    except EngineError:
        return False


def build_spec(**changes: Any) -> RecipeSpec:
    """Build a valid recipe, with changes."""
    given: dict[str, Any] = {
        "name": "morning",
        "prompt": "a {place} in the {hour}",
        "words": {"place": ["café", "beach", "forest"], "hour": ["morning", "evening"]},
        "variants": 3,
        "width": 96,
        "height": 64,
        "steps": 1,
    }
    return specs.parse_recipe({**given, **changes})


def create_studio(services: Services) -> CreatorStudio:
    """Create an agency with one creator."""
    tenant_id = uuid7()
    with services.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agence", language="fr", zone=ZONE)
        creator_id = agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr", "en"]
        )
    return CreatorStudio(services, tenant_id, creator_id)
