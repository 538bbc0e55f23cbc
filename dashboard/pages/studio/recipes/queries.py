"""Queries of the Studio except its library: templates, runs, uploads and engines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.money import parse_prices
from foundation.ops.settings import DEMO_MODEL, GeneratorsSettings
from gate.consent import shoot_cards
from gate.consent.shoot_cards import ShootCardView
from generators import registry
from generators.contract import hosted_services
from generators.contract.engines import EngineMissing
from generators.engines.images import workflows
from generators.local_models.model_folders import supported_inputs
from studio.costs import cost_report, productivity, quotas
from studio.costs.cost_report import SpendingTotal
from studio.costs.productivity import GenerationOutput
from studio.costs.quotas import GenerationLimits
from studio.ingest import picture_copies, uploads
from studio.ingest.picture_copies import PictureCopyView
from studio.ingest.states import UploadState
from studio.ingest.uploads import UploadView
from studio.library import queries
from studio.library.queries import AssetCard
from studio.recipes import specs, wildcards
from studio.recipes.queries import RecipeSummary, list_recipes
from studio.recipes.specs import RecipeSpec
from studio.runs import estimates, output_pictures, remote_routing
from studio.runs.queries import RunSummary, get_run, list_runs
from studio.runs.states import JobState
from tenants.agencies.queries import Creator

ACTIVE_RUN_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})
RECENT_WINDOW = timedelta(minutes=10)
"""Period for which uploads and copies remain in the list."""

MONTH = timedelta(days=30)


@dataclass(frozen=True)
class StudioView:
    """The data of one creator's Studio, except the library."""

    creator: Creator
    recipes: Sequence[RecipeSummary]
    retired: Sequence[RecipeSummary]
    progress: "StudioProgress"
    cards: Sequence[ShootCardView]
    limits: GenerationLimits
    output: GenerationOutput
    """Output of the last 30 days."""


def load_studio(scope: Scope, creator: Creator) -> StudioView:
    """Return the data of the page. `library.queries` reads the library separately."""
    return StudioView(
        creator=creator,
        recipes=list_recipes(scope, creator.id),
        retired=list_recipes(scope, creator.id, retired=True),
        progress=load_progress(scope, creator.id),
        cards=shoot_cards.list_cards(scope, [creator.id]),
        limits=quotas.get_generation_limits(scope, creator.id),
        output=productivity.output_since(scope, creator.id, scope.now - MONTH),
    )


@dataclass(frozen=True)
class StudioProgress:
    """Runs, uploads and copies that are in progress or recent."""

    runs: Sequence[RunSummary]
    uploads: Sequence[UploadView]
    copies: Sequence[PictureCopyView]
    now: datetime
    spent: Mapping[UUID, SpendingTotal]
    """Cost so far, keyed by run."""
    lists: Mapping[UUID, Mapping[str, int]]
    """Versions of the shared word lists used, keyed by run."""
    left: Mapping[UUID, float]
    """Estimated seconds left by active run."""
    labelled: frozenset[UUID]
    """Runs whose images have a demo label."""

    @property
    def is_active(self) -> bool:
        """Return True if the workers have not finished something."""
        waiting = [one.state for one in self.uploads] + [one.state for one in self.copies]
        return UploadState.WAITING in waiting or any(
            run.state in ACTIVE_RUN_STATES for run in self.runs
        )


def load_progress(scope: Scope, creator_id: UUID) -> StudioProgress:
    """Return the runs, uploads and copies of a creator for the polling part of the page."""
    files = uploads.list_recent_uploads(scope, creator_id, since=scope.now - RECENT_WINDOW)
    copies = picture_copies.list_recent_copies(scope, creator_id, since=scope.now - RECENT_WINDOW)
    runs = list_runs(scope, creator_id)
    ids = [run.id for run in runs]
    left = {
        run.id: estimates.seconds_per_picture(
            scope, creator_id, specs.get_spec_version(scope, creator_id, run.recipe, run.version)
        )
        * (run.total - run.done)
        for run in runs
        if run.state in ACTIVE_RUN_STATES and run.waits_until is None
    }
    return StudioProgress(
        runs=runs,
        uploads=files,
        copies=copies,
        now=scope.now,
        spent=run_costs(scope, runs),
        lists=wildcards.wildcard_versions_by_run(scope, ids),
        left=left,
        labelled=output_pictures.labelled_runs(scope, ids),
    )


def run_costs(scope: Scope, runs: Sequence[RunSummary]) -> Mapping[UUID, SpendingTotal]:
    """Return the cost of each run so far, including orders without a result."""
    return {
        job: cost_report.total_spending(things)
        for job, things in cost_report.spent_by_run(scope, [run.id for run in runs]).items()
    }


def load_run(scope: Scope, creator_id: UUID, job_id: UUID) -> tuple[RunSummary, list[AssetCard]]:
    """Return a run of this creator with its images. Raises NotFound for other creators' runs."""
    run = get_run(scope, job_id)
    if run.creator_id != creator_id:
        raise NotFound("job.unknown")
    return run, queries.list_asset_cards(scope, creator_id, job_id=job_id)


def engine_name(settings: GeneratorsSettings, named: str = "") -> str:
    """Return the engine for templates with this engine name, or the default one, without starting
    it.

    The default is a configured server or model, otherwise placeholder images. "demo" is diffusion
    with the bundled small model.
    """
    found = named or registry.default_image_engine(settings)
    return "demo" if found == "diffusion" and settings.diffusion_folder == DEMO_MODEL else found


def missing_engine_reason(settings: GeneratorsSettings, named: str) -> Message | None:
    """Return the reason why an engine is not available according to the settings, or None."""
    name = named or registry.default_image_engine(settings)
    try:
        if name not in (*registry.configured_image_engines(settings), "placeholder"):
            raise EngineMissing("engine.not_here", engine=name)
        if registry.is_hosted(name):
            registry.load_image_engine(settings, name)
    except EngineMissing as error:
        return error.message
    return None


def unsupported_fields(settings: GeneratorsSettings, spec: RecipeSpec) -> tuple[str, ...]:
    """Return the settings of a template that the ComfyUI workflow does not accept, as input names.

    Empty for other engines, and for a workflow that cannot be read here.
    """
    if engine_name(settings, spec.engine) != "comfyui":
        return ()
    try:
        return workflows.read_workflow(settings.comfyui_workflow).ignored_inputs(
            negative=bool(spec.negative)
        )
    except EngineMissing:
        return ()


def engine_capabilities(
    scope: Scope, settings: GeneratorsSettings, named: str = ""
) -> frozenset[str]:
    """Return the inputs besides the prompt that an engine supports, as in `ImageJob.needed_inputs`.

    These are the capabilities of the agency's remote workers if it has any and the template names
    no engine, otherwise those of the installation's engine. The engine is not started.
    """
    if not named and (own := remote_routing.remote_capabilities(scope)) is not None:
        return own
    match engine_name(settings, named):
        case "comfyui":
            return _workflow_inputs(settings)
        case "diffusion" | "demo":
            return supported_inputs(settings)
        case name:
            return _priced_inputs_of_engine(settings, name)


def _priced_inputs_of_engine(settings: GeneratorsSettings, engine: str) -> frozenset[str]:
    """Return the inputs of an external engine that it supports and that have a configured price.

    For Replicate, the schema of the model determines whether images are supported; the workers read
    it.
    """
    if not (own := settings.hosted_model(engine)):
        return frozenset()
    try:
        known = parse_prices(settings.prices)
    except ValueError:
        return frozenset()
    return frozenset(
        need
        for need in hosted_services.supported_inputs(engine)
        if hosted_services.priced_service(engine, own, {need}) in known
    )


def _workflow_inputs(settings: GeneratorsSettings) -> frozenset[str]:
    """Return the inputs of the ComfyUI workflows, empty if one of them cannot be read here."""
    try:
        return frozenset(
            need
            for one in workflows.read_workflows(settings.comfyui_workflow)
            for need in one.supported_inputs
        )
    except EngineMissing:
        return frozenset()


def can_set_sampler(scope: Scope, settings: GeneratorsSettings, named: str = "") -> bool:
    """Return True if the engine for this name may accept a sampler. Diffusion does, on this
    installation or on a remote worker."""
    at_home = not named and remote_routing.remote_capabilities(scope) is not None
    return at_home or engine_name(settings, named) in ("diffusion", "demo")
