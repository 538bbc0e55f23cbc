"""What the studio shows beside its library: recipes and their runs, and what was just handed in."""

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
"""So long a file that was handed in stays on the list."""

MONTH = timedelta(days=30)
SAMPLE_RECIPES = {
    "fr": RecipeSpec(
        name="Matin dehors",
        prompt="{lieu}, {heure}, {temps}, lumière douce",
        words={
            "lieu": [
                "une terrasse de café",
                "une plage",
                "un chemin de forêt",
                "les toits de Paris",
            ],
            "heure": ["le matin", "en fin de journée"],
            "temps": ["ciel clair", "brume légère", "sous la pluie"],
        },
        variants=4,
    ),
    "en": RecipeSpec(
        name="Morning outdoors",
        prompt="{place}, {hour}, {weather}, soft light",
        words={
            "place": ["a café terrace", "a quiet beach", "a forest path", "the roofs of Paris"],
            "hour": ["early morning", "late afternoon"],
            "weather": ["clear sky", "light mist", "in the rain"],
        },
        variants=4,
    ),
}
"""The recipe a beginner is offered, by language; its words are those every engine here knows."""


@dataclass(frozen=True)
class StudioView:
    """The page of one creator, but its library."""

    creator: Creator
    recipes: Sequence[RecipeSummary]
    retired: Sequence[RecipeSummary]
    progress: "StudioProgress"
    cards: Sequence[ShootCardView]
    limits: GenerationLimits
    output: GenerationOutput
    """Of the last 30 days."""


def load_studio(scope: Scope, creator: Creator) -> StudioView:
    """The page; the library is read apart (`reads/library.py`)."""
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
    """What is under way."""

    runs: Sequence[RunSummary]
    uploads: Sequence[UploadView]
    copies: Sequence[PictureCopyView]
    now: datetime
    spent: Mapping[UUID, SpendingTotal]
    """By run, what it cost so far."""
    lists: Mapping[UUID, Mapping[str, int]]
    """By run, the versions of shared lists of words it began with."""
    left: Mapping[UUID, float]
    """By run that is made, about how many seconds it still takes."""
    labelled: frozenset[UUID]
    """The runs whose pictures bear a label."""

    @property
    def is_active(self) -> bool:
        """Whether anything still waits for the workers."""
        waiting = [one.state for one in self.uploads] + [one.state for one in self.copies]
        return UploadState.WAITING in waiting or any(
            run.state in ACTIVE_RUN_STATES for run in self.runs
        )


def load_progress(scope: Scope, creator_id: UUID) -> StudioProgress:
    """The runs, files and copies of a creator, for the part of the page that looks again."""
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
    """What each of these runs cost so far: what was ordered, and what of it never came."""
    return {
        job: cost_report.total_spending(things)
        for job, things in cost_report.spent_by_run(scope, [run.id for run in runs]).items()
    }


def load_run(scope: Scope, creator_id: UUID, job_id: UUID) -> tuple[RunSummary, list[AssetCard]]:
    """A run of this creator with what it made. Raises NotFound for another's."""
    run = get_run(scope, job_id)
    if run.creator_id != creator_id:
        raise NotFound("job.unknown")
    return run, queries.list_asset_cards(scope, creator_id, job_id=job_id)


def engine_name(settings: GeneratorsSettings, named: str = "") -> str:
    """Which engine makes the pictures of a recipe that names this one, or none, without starting
    it: a server or a model that is set, else the drawings; `demo` is diffusion with the small model
    that comes along."""
    found = named or registry.default_image_engine(settings)
    return "demo" if found == "diffusion" and settings.diffusion_folder == DEMO_MODEL else found


def missing_engine_reason(settings: GeneratorsSettings, named: str) -> Message | None:
    """Why the engine a recipe names, or the usual one, is not there, as far as the settings tell;
    None where it is."""
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
    """What a recipe says and the workflow of a ComfyUI server does not take, as the marks of
    workflows are called; nothing where something else makes pictures, and of a workflow that cannot
    be read here."""
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
    """What whoever makes an agency's pictures can be asked beside words, as `ImageJob.asks`: its
    own machines where it has some and the recipe names no engine, else the engine here, without
    starting it."""
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
    """What an engine of others takes beside words, and has a price here; nothing of what is none of
    others. Whether a model of Replicate takes pictures is in its schema, which the workers read."""
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
    """What the workflows of a ComfyUI server take; nothing where one of them cannot be read
    here."""
    try:
        return frozenset(
            need
            for one in workflows.read_workflows(settings.comfyui_workflow)
            for need in one.supported_inputs
        )
    except EngineMissing:
        return frozenset()


def can_set_sampler(scope: Scope, settings: GeneratorsSettings, named: str = "") -> bool:
    """Whether whoever makes the pictures of a recipe that names this engine, or none, may take a
    sampler: diffusion does, here or on a machine at home."""
    at_home = not named and remote_routing.remote_capabilities(scope) is not None
    return at_home or engine_name(settings, named) in ("diffusion", "demo")
