"""What a person asks at the terminal about recipes and their runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from foundation.settings import GeneratorsSettings
from foundation.words import Message
from generators import shapes
from studio import estimating, jobs, materials, parameters, reads, run_pictures, word_lists
from studio import recipes as studio_recipes
from studio.beginnings import Beginning
from studio.materials import Posture
from studio.reads import RecipeCard
from workers.asking import ASKING
from workers.day import find
from workers.terminal import sentence
from workers.visiting import at_home


@dataclass(frozen=True)
class Asked:
    """A run as it is asked for; `count` 0 is as many pictures as the recipe says."""

    recipe: str
    seed: int
    count: int
    answers: Sequence[str]
    begin: Beginning | None = None
    pose: Posture | None = None


def begun(asset_id: UUID | None, *, anew: int, part: Sequence[str], mask: Path | None) -> Beginning | None:
    """What a run begins from; nothing without a picture. Raises BadInput."""
    if asset_id is None:
        if part or mask is not None:
            raise BadInput("job.part_of_none")
        return None
    found = shapes.parse("\n".join(part))
    if mask is not None:
        found = (*found, shapes.of_picture(_read(mask), name=mask.name))
    return Beginning(asset_id, anew, found or None)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput("job.mask_unread") from error


def posed(asset_id: UUID | None, *, weight: int) -> Posture | None:
    """Whose posture a run takes; nobody's without a picture."""
    return Posture(asset_id, weight) if asset_id is not None else None


@contextmanager
def opened(creator: str, agency: str) -> Iterator[tuple[Scope, UUID, GeneratorsSettings]]:
    """A transaction in the creator's agency. Raises NotFound, Unavailable."""
    with at_home("make") as services:
        tenant_id, found = find(services, creator, agency)
        with services.tenant(tenant_id, ASKING) as scope:
            yield scope, found.id, services.settings.generators


def recipes(creator: str, *, agency: str) -> str:
    """A line for each recipe, or that there is none yet."""
    with opened(creator, agency) as (scope, creator_id, _):
        cards = reads.recipes_of(scope, creator_id)
    if not cards:
        return sentence(Message("cli.make.none"))
    return "\n".join(f"{one.name}\t{one.version}\t{one.spec.pictures}\t{one.spec.prompt}" for one in cards)


def lists(creator: str, *, agency: str) -> str:
    """A line for each list of words its prompts may name: name, version, whose, words. Or that there is none yet."""
    with opened(creator, agency) as (scope, creator_id, _):
        found = word_lists.known(scope, [creator_id])
    if not found:
        return sentence(Message("cli.make.no_lists"))
    whose = {one.id: "creator" if one.creator_id else "agency" for one in found}
    return "\n".join(f"{one.name}\t{one.version}\t{whose[one.id]}\t{', '.join(one.said.words)}" for one in found)


def preview(creator: str, recipe: str, *, seed: int, count: int, answers: Sequence[str], agency: str) -> str:
    """A line for each picture, then what the run costs and lasts, and why it could not be started. Raises NotFound,
    BadInput, Refused."""
    with opened(creator, agency) as (scope, creator_id, known):
        spec = studio_recipes.in_force(scope, creator_id, _recipe(scope, creator_id, recipe).spec)
        given = parameters.read(spec.parameters, answers)
        found = estimating.estimate(
            scope, known, creator_id, spec, seed=seed, count=count or spec.pictures, given=given
        )
    lines = [f"{one.number}\t{one.job.width}x{one.job.height}\t{one.scene}" for one in found.shots]
    cost = str(found.cost) if found.cost is not None else "0"
    lines.append(sentence(Message("cli.make.estimate", {"cost": cost, "seconds": found.seconds})))
    return "\n".join([*lines, *([sentence(found.refusal)] if found.refusal else [])])


def start(creator: str, asked: Asked, *, key: str, agency: str) -> str:
    """The id of the run, once for each `key`. Raises NotFound, BadInput, Refused, and CapReached."""
    with opened(creator, agency) as (scope, creator_id, known):
        card = _recipe(scope, creator_id, asked.recipe)
        asks = materials.asked(asked.begin, asked.pose)
        estimating.afford(scope, known, card.spec, asked.count or card.spec.pictures, asks)
        made = jobs.start(
            scope,
            creator_id=creator_id,
            recipe_id=card.id,
            seed=asked.seed,
            key=f"terminal:{creator_id}:{key or uuid7()}",
            count=asked.count or None,
            by=ASKING,
            given=parameters.read(card.spec.parameters, asked.answers),
            begin=asked.begin,
            pose=asked.pose,
        )
    return str(made)


def progress(creator: str, run: UUID, *, agency: str) -> str:
    """Where a run stands, then a line for each picture. Raises NotFound."""
    with opened(creator, agency) as (scope, creator_id, _):
        _mine(scope, creator_id, run)
        found, pictures = reads.run_of(scope, run), run_pictures.of_run(scope, run)
    head = f"{found.state}\t{found.done}/{found.total}"
    return "\n".join([head, *(f"{one.number}\t{one.state}\t{one.asset_id or '-'}" for one in pictures)])


def stop(creator: str, run: UUID, *, agency: str) -> str:
    """End a run; where it stands then. Raises NotFound, Conflict for one that is over."""
    with opened(creator, agency) as (scope, creator_id, _):
        _mine(scope, creator_id, run)
        jobs.stop(scope, run)
        scope.session.flush()
        return str(reads.run_of(scope, run).state)


def _mine(scope: Scope, creator_id: UUID, run: UUID) -> None:
    if reads.run_of(scope, run).creator_id != creator_id:
        raise NotFound("job.unknown")


def _recipe(scope: Scope, creator_id: UUID, name: str) -> RecipeCard:
    cards = reads.recipes_of(scope, creator_id)
    found = next((one for one in cards if one.name.casefold() == name.casefold()), None)
    if found is None:
        raise NotFound("recipe.unknown")
    return found
