"""`greenroom generation`: recipes and wildcards of a creator, and runs of recipes."""

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
from studio.runs.estimates import RunEstimate
from studio.runs.queries import get_run
from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
from workers.terminal.output import translate
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json, format_table


@dataclass(frozen=True)
class RunRequest:
    """A run to start; if `count` is 0, the run has the number of pictures of the recipe."""

    recipe: str
    seed: int
    count: int
    answers: Sequence[str]
    source_image: InitPicture | None = None
    posture: PoseReference | None = None


@dataclass(frozen=True)
class WildcardRow:
    """A wildcard in a list; `owner` is "creator" or "agency"."""

    name: str
    version: int
    owner: str
    values: tuple[str, ...]


def parse_source_image(
    asset_id: UUID | None, *, anew: int, part: Sequence[str], mask: Path | None
) -> InitPicture | None:
    """Return the source picture of a run with its region, or None if there is none. Raises
    BadInput."""
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
    """Return the pose reference of a run, or None if there is none."""
    return PoseReference(asset_id, weight) if asset_id is not None else None


@contextmanager
def open_creator_scope(
    creator: str, agency: str
) -> Iterator[tuple[Scope, UUID, GeneratorsSettings]]:
    """Open a transaction in the creator's agency. Raises NotFound, Unavailable."""
    with connect_installation("generation") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            yield scope, found.id, services.settings.generators


def render_recipes(creator: str, *, agency: str, as_json: bool) -> str:
    """Return the recipes of a creator as a table or JSON."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        cards = list_recipes(scope, creator_id)
    if as_json:
        return format_json(cards)
    if not cards:
        return translate(Message("cli.make.none"))
    rows = [(one.name, one.version, one.spec.picture_count, one.spec.prompt) for one in cards]
    return format_table(("name", "version", "images", "prompt"), rows)


def render_wildcards(creator: str, *, agency: str, as_json: bool) -> str:
    """Return the wildcards that a creator's prompts may use as a table or JSON."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        found = wildcards.list_wildcards(scope, [creator_id])
    rows = [
        WildcardRow(
            one.name,
            one.version,
            "creator" if one.creator_id else "agency",
            tuple(one.said.words),
        )
        for one in found
    ]
    if as_json:
        return format_json(rows)
    if not rows:
        return translate(Message("cli.make.no_lists"))
    return format_table(
        ("name", "version", "owner", "values"),
        [
            (
                one.name,
                one.version,
                translate(Message(f"cli.wildcard.{one.owner}")),
                ", ".join(one.values),
            )
            for one in rows
        ],
    )


def preview_recipe_run(
    creator: str, recipe: str, *, seed: int, count: int, answers: Sequence[str], agency: str
) -> RunEstimate:
    """Return the pictures, cost and duration of a run without starting it. Raises NotFound,
    BadInput, Refused."""
    with open_creator_scope(creator, agency) as (scope, creator_id, known):
        spec = specs.resolve_wildcards(
            scope, creator_id, _get_recipe(scope, creator_id, recipe).spec
        )
        given = parameters.parse_values(spec.parameters, answers)
        return estimates.estimate_run(
            scope,
            known,
            creator_id,
            spec,
            seed=seed,
            count=count or spec.picture_count,
            given=given,
        )


def render_estimate(found: RunEstimate, *, as_json: bool) -> str:
    """Return an estimate as a table with its cost and duration, or as JSON."""
    if as_json:
        return format_json(
            {
                "images": [
                    {
                        "number": one.number,
                        "width": one.job.width,
                        "height": one.job.height,
                        "prompt": one.scene,
                    }
                    for one in found.shots
                ],
                "seed": found.seed,
                "rating": found.rating,
                "seconds": found.seconds,
                "cost": found.cost,
                "refusal": found.refusal,
            }
        )
    rows = [(one.number, f"{one.job.width}x{one.job.height}", one.scene) for one in found.shots]
    cost = str(found.cost) if found.cost is not None else "0"
    summary = [Message("cli.make.estimate", {"cost": cost, "seconds": found.seconds})]
    if found.refusal:
        summary.append(found.refusal)
    table = format_table(("number", "size", "prompt"), rows)
    return "\n".join([table, "", *map(translate, summary)])


def start_recipe_run(creator: str, asked: RunRequest, *, key: str, agency: str) -> str:
    """Start a run, once for each `key`, and return its ID. Raises NotFound, BadInput, Refused and
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


def render_run(creator: str, run: UUID, *, agency: str, as_json: bool) -> str:
    """Return the progress of a run and the state of each picture, as text or JSON. Raises
    NotFound."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        _check_run_creator(scope, creator_id, run)
        found = get_run(scope, run)
        pictures = output_pictures.list_run_pictures(scope, run)
    if as_json:
        return format_json(
            {
                "id": run,
                "state": found.state,
                "done": found.done,
                "total": found.total,
                "images": [
                    {"number": one.number, "state": one.state, "id": one.asset_id}
                    for one in pictures
                ],
            }
        )
    state = translate(Message(f"cli.run.{found.state}"))
    progress = Message(
        "cli.make.progress", {"state": state, "done": found.done, "total": found.total}
    )
    rows = [
        (
            one.number,
            translate(Message(f"cli.picture.{one.state}")),
            str(one.asset_id or ""),
        )
        for one in pictures
    ]
    return "\n".join([translate(progress), "", format_table(("number", "state", "id"), rows)])


def stop_recipe_run(creator: str, run: UUID, *, agency: str) -> str:
    """Stop a run and return its state. Raises NotFound, Conflict for a run that has ended."""
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
