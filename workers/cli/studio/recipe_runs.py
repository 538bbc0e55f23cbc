"""What a person asks at the terminal about recipes and their runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.settings import GeneratorsSettings
from generators.retouch import region_shapes
from studio.recipes import parameters, run_inputs, specs, wildcards
from studio.recipes.input_pictures import InitPicture
from studio.recipes.queries import RecipeSummary, list_recipes
from studio.recipes.run_inputs import PoseReference
from studio.runs import estimates, output_pictures, runner
from studio.runs.queries import get_run
from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
from workers.terminal.output import translate
from workers.terminal.session import connect_installation


@dataclass(frozen=True)
class RunRequest:
    """A run as it is asked for; `count` 0 is as many pictures as the recipe says."""

    recipe: str
    seed: int
    count: int
    answers: Sequence[str]
    source_image: InitPicture | None = None
    posture: PoseReference | None = None


def parse_source_image(
    asset_id: UUID | None, *, anew: int, part: Sequence[str], mask: Path | None
) -> InitPicture | None:
    """What a run begins from; nothing without a picture. Raises BadInput."""
    if asset_id is None:
        if part or mask is not None:
            raise BadInput("job.part_of_none")
        return None
    found = region_shapes.parse_shape_lines("\n".join(part))
    if mask is not None:
        found = (*found, region_shapes.mask_from_picture(_read_mask(mask), name=mask.name))
    return InitPicture(asset_id, anew, found or None)


def _read_mask(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput("job.mask_unread") from error


def parse_posture(asset_id: UUID | None, *, weight: int) -> PoseReference | None:
    """Whose posture a run takes; nobody's without a picture."""
    return PoseReference(asset_id, weight) if asset_id is not None else None


@contextmanager
def open_creator_scope(
    creator: str, agency: str
) -> Iterator[tuple[Scope, UUID, GeneratorsSettings]]:
    """A transaction in the creator's agency. Raises NotFound, Unavailable."""
    with connect_installation("generation") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            yield scope, found.id, services.settings.generators


def recipe_lines(creator: str, *, agency: str) -> str:
    """A line for each recipe, or that there is none yet."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        cards = list_recipes(scope, creator_id)
    if not cards:
        return translate(Message("cli.make.none"))
    return "\n".join(
        f"{one.name}\t{one.version}\t{one.spec.picture_count}\t{one.spec.prompt}" for one in cards
    )


def wildcard_lines(creator: str, *, agency: str) -> str:
    """A line for each list of words its prompts may name: name, version, whose, words. Or that
    there is none yet."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        found = wildcards.list_wildcards(scope, [creator_id])
    if not found:
        return translate(Message("cli.make.no_lists"))
    whose = {one.id: "creator" if one.creator_id else "agency" for one in found}
    return "\n".join(
        f"{one.name}\t{one.version}\t{whose[one.id]}\t{', '.join(one.said.words)}" for one in found
    )


def preview_recipe_run(
    creator: str, recipe: str, *, seed: int, count: int, answers: Sequence[str], agency: str
) -> str:
    """A line for each picture, then what the run costs and lasts, and why it could not be started.
    Raises NotFound, BadInput, Refused."""
    with open_creator_scope(creator, agency) as (scope, creator_id, known):
        spec = specs.resolve_wildcards(
            scope, creator_id, _get_recipe(scope, creator_id, recipe).spec
        )
        given = parameters.parse_values(spec.parameters, answers)
        found = estimates.estimate_run(
            scope,
            known,
            creator_id,
            spec,
            seed=seed,
            count=count or spec.picture_count,
            given=given,
        )
    lines = [f"{one.number}\t{one.job.width}x{one.job.height}\t{one.scene}" for one in found.shots]
    cost = str(found.cost) if found.cost is not None else "0"
    lines.append(translate(Message("cli.make.estimate", {"cost": cost, "seconds": found.seconds})))
    return "\n".join([*lines, *([translate(found.refusal)] if found.refusal else [])])


def start_recipe_run(creator: str, asked: RunRequest, *, key: str, agency: str) -> str:
    """The id of the run, once for each `key`. Raises NotFound, BadInput, Refused, and
    CapReached."""
    with open_creator_scope(creator, agency) as (scope, creator_id, known):
        card = _get_recipe(scope, creator_id, asked.recipe)
        asks = run_inputs.needed_inputs(asked.source_image, asked.posture)
        estimates.check_affordable(
            scope, known, card.spec, asked.count or card.spec.picture_count, asks
        )
        made = runner.start_run(
            scope,
            creator_id=creator_id,
            recipe_id=card.id,
            seed=asked.seed,
            key=f"terminal:{creator_id}:{key or uuid7()}",
            count=asked.count or None,
            by=TERMINAL_ACTOR,
            given=parameters.parse_values(card.spec.parameters, asked.answers),
            begin=asked.source_image,
            pose=asked.posture,
        )
    return str(made)


def recipe_run_progress(creator: str, run: UUID, *, agency: str) -> str:
    """Where a run stands, then a line for each picture. Raises NotFound."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        _check_run_creator(scope, creator_id, run)
        found = get_run(scope, run)
        pictures = output_pictures.list_run_pictures(scope, run)
    head = f"{found.state}\t{found.done}/{found.total}"
    return "\n".join(
        [head, *(f"{one.number}\t{one.state}\t{one.asset_id or '-'}" for one in pictures)]
    )


def stop_recipe_run(creator: str, run: UUID, *, agency: str) -> str:
    """End a run; where it stands then. Raises NotFound, Conflict for one that is over."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        _check_run_creator(scope, creator_id, run)
        runner.stop_run(scope, run)
        scope.session.flush()
        return str(get_run(scope, run).state)


def _check_run_creator(scope: Scope, creator_id: UUID, run: UUID) -> None:
    if get_run(scope, run).creator_id != creator_id:
        raise NotFound("job.unknown")


def _get_recipe(scope: Scope, creator_id: UUID, name: str) -> RecipeSummary:
    cards = list_recipes(scope, creator_id)
    found = next((one for one in cards if one.name.casefold() == name.casefold()), None)
    if found is None:
        raise NotFound("recipe.unknown")
    return found
