"""What the studio shows beside its library: recipes and their runs, and what was just handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation.database import Scope
from foundation.errors import NotFound
from foundation.money import prices
from foundation.settings import DEMO_MODEL, GeneratorsSettings
from foundation.words import Message
from gate import cards as shoot_cards
from gate.cards import Card as ShootCard
from generators import hosting, registry
from generators.contract import EngineMissing
from generators.engines import workflows
from generators.engines.model_folders import abilities
from studio import costs, estimating, finishing, home, output, quotas, recipes, run_pictures, uploads, word_lists
from studio import reads as studio_reads
from studio.costs import Bill
from studio.finishing import Copy
from studio.output import Output
from studio.quotas import Limits
from studio.reads import Card, RecipeCard, Run
from studio.recipes import Spec
from studio.states import JobState, UploadState
from studio.uploads import Upload
from tenants.reads import Creator

GOING = frozenset({JobState.QUEUED, JobState.RUNNING})
FRESH = timedelta(minutes=10)
"""So long a file that was handed in stays on the list."""

MONTH = timedelta(days=30)
SAMPLES = {
    "fr": Spec(
        name="Matin dehors",
        prompt="{lieu}, {heure}, {temps}, lumière douce",
        words={
            "lieu": ["une terrasse de café", "une plage", "un chemin de forêt", "les toits de Paris"],
            "heure": ["le matin", "en fin de journée"],
            "temps": ["ciel clair", "brume légère", "sous la pluie"],
        },
        variants=4,
    ),
    "en": Spec(
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
class Studio:
    """The page of one creator, but its library."""

    creator: Creator
    recipes: Sequence[RecipeCard]
    retired: Sequence[RecipeCard]
    progress: "Progress"
    cards: Sequence[ShootCard]
    limits: Limits
    output: Output
    """Of the last 30 days."""


def studio(scope: Scope, creator: Creator) -> Studio:
    """The page; the library is read apart (`reads/library.py`)."""
    return Studio(
        creator=creator,
        recipes=studio_reads.recipes_of(scope, creator.id),
        retired=studio_reads.recipes_of(scope, creator.id, retired=True),
        progress=progress(scope, creator.id),
        cards=shoot_cards.of_creators(scope, [creator.id]),
        limits=quotas.limits(scope, creator.id),
        output=output.since(scope, creator.id, scope.now - MONTH),
    )


@dataclass(frozen=True)
class Progress:
    """What is under way."""

    runs: Sequence[Run]
    uploads: Sequence[Upload]
    copies: Sequence[Copy]
    now: datetime
    spent: Mapping[UUID, Bill]
    """By run, what it cost so far."""
    lists: Mapping[UUID, Mapping[str, int]]
    """By run, the versions of shared lists of words it began with."""
    left: Mapping[UUID, float]
    """By run that is made, about how many seconds it still takes."""
    labelled: frozenset[UUID]
    """The runs whose pictures bear a label."""

    @property
    def going(self) -> bool:
        """Whether anything still waits for the workers."""
        waiting = [one.state for one in self.uploads] + [one.state for one in self.copies]
        return UploadState.WAITING in waiting or any(run.state in GOING for run in self.runs)


def progress(scope: Scope, creator_id: UUID) -> Progress:
    """The runs, files and copies of a creator, for the part of the page that looks again."""
    files = uploads.recent(scope, creator_id, since=scope.now - FRESH)
    copies = finishing.recent(scope, creator_id, since=scope.now - FRESH)
    runs = studio_reads.runs_of(scope, creator_id)
    ids = [run.id for run in runs]
    left = {
        run.id: estimating.pace(scope, creator_id, recipes.of_version(scope, creator_id, run.recipe, run.version))
        * (run.total - run.done)
        for run in runs
        if run.state in GOING and run.waits_until is None
    }
    return Progress(
        runs=runs,
        uploads=files,
        copies=copies,
        now=scope.now,
        spent=spent_on(scope, runs),
        lists=word_lists.of_runs(scope, ids),
        left=left,
        labelled=run_pictures.labelled(scope, ids),
    )


def spent_on(scope: Scope, runs: Sequence[Run]) -> Mapping[UUID, Bill]:
    """What each of these runs cost so far: what was ordered, and what of it never came."""
    return {job: costs.bill(things) for job, things in costs.of_runs(scope, [run.id for run in runs]).items()}


def variants(scope: Scope, creator_id: UUID, job_id: UUID) -> tuple[Run, list[Card]]:
    """A run of this creator with what it made. Raises NotFound for another's."""
    run = studio_reads.run_of(scope, job_id)
    if run.creator_id != creator_id:
        raise NotFound("job.unknown")
    return run, studio_reads.cards(scope, creator_id, job_id=job_id)


def engine_of(settings: GeneratorsSettings, named: str = "") -> str:
    """Which engine makes the pictures of a recipe that names this one, or none, without starting it: a server or a
    model that is set, else the drawings; `demo` is diffusion with the small model that comes along."""
    found = named or registry.usual(settings)
    return "demo" if found == "diffusion" and settings.diffusion_folder == DEMO_MODEL else found


def missing(settings: GeneratorsSettings, named: str) -> Message | None:
    """Why the engine a recipe names, or the usual one, is not there, as far as the settings tell; None where it is."""
    name = named or registry.usual(settings)
    try:
        if name not in (*registry.configured(settings), "placeholder"):
            raise EngineMissing("engine.not_here", engine=name)
        if registry.is_hosted(name):
            registry.image_engine(settings, name)
    except EngineMissing as error:
        return error.message
    return None


def untaken(settings: GeneratorsSettings, spec: Spec) -> tuple[str, ...]:
    """What a recipe says and the workflow of a ComfyUI server does not take, as the marks of workflows are called;
    nothing where something else makes pictures, and of a workflow that cannot be read here."""
    if engine_of(settings, spec.engine) != "comfyui":
        return ()
    try:
        return workflows.read(settings.comfyui_workflow).untaken(negative=bool(spec.negative))
    except EngineMissing:
        return ()


def abilities_of(scope: Scope, settings: GeneratorsSettings, named: str = "") -> frozenset[str]:
    """What whoever makes an agency's pictures can be asked beside words, as `ImageJob.asks`: its own machines where it
    has some and the recipe names no engine, else the engine here, without starting it."""
    if not named and (own := home.able(scope)) is not None:
        return own
    match engine_of(settings, named):
        case "comfyui":
            return _workflows_do(settings)
        case "diffusion" | "demo":
            return abilities(settings)
        case name:
            return _sold(settings, name)


def _sold(settings: GeneratorsSettings, engine: str) -> frozenset[str]:
    """What an engine of others takes beside words, and has a price here; nothing of what is none of others. Whether a
    model of Replicate takes pictures is in its schema, which the workers read."""
    if not (own := settings.hosted_model(engine)):
        return frozenset()
    try:
        known = prices(settings.prices)
    except ValueError:
        return frozenset()
    return frozenset(need for need in hosting.takes(engine) if hosting.sold_as(engine, own, {need}) in known)


def _workflows_do(settings: GeneratorsSettings) -> frozenset[str]:
    """What the workflows of a ComfyUI server take; nothing where one of them cannot be read here."""
    try:
        return frozenset(need for one in workflows.read_all(settings.comfyui_workflow) for need in one.does)
    except EngineMissing:
        return frozenset()


def samples_anyhow(scope: Scope, settings: GeneratorsSettings, named: str = "") -> bool:
    """Whether whoever makes the pictures of a recipe that names this engine, or none, may take a sampler: diffusion
    does, here or on a machine at home."""
    at_home = not named and home.able(scope) is not None
    return at_home or engine_of(settings, named) in ("diffusion", "demo")
