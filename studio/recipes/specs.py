"""Recipe specs: versioned prompt templates with words drawn from lists, reproducible by seed."""

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.money import Money, parse_amounts
from generators.contract.engines import ImageJob, Lora
from studio.library import assets
from studio.recipes import parameters, wildcards
from studio.recipes.input_pictures import InitPictureSpec, PoseReferenceSpec
from studio.recipes.models import RecipeRow
from studio.recipes.parameters import Parameter, ParameterValue
from studio.runs.models import JobRow

_WORD = re.compile(r"\{([^{}]*)\}|[{}]")
"""Pattern of a placeholder in braces. A single brace also matches, as an incomplete placeholder."""

FORMATS = {
    "feed": (1088, 1360),
    "story": (1080, 1920),
    "square": (1200, 1200),
    "wide": (1920, 1080),
}
"""Width and height in pixels of common formats: 4:5, 9:16, 1:1, 16:9; multiples of 8, as engines
require."""

MAX_PICTURES = 24
MAX_PROMPT_LENGTH = 2000
MAX_RECIPE_NAME = 60
MAX_WILDCARDS = 24
SHARED_WILDCARD_PREFIX = "@"
"""Prefix of placeholders for shared wildcards (`studio/recipes/wildcards.py`)."""

WordChoices = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=50)
]

EngineName = Literal["", "replicate", "stability", "comfyui", "diffusion"]
"""Engines of `generators.registry.ENGINE_SETTINGS`, without the placeholder engine."""

Sampler = Literal["", "ddim", "euler", "dpm++", "unipc"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)

LoraName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class RecipeSpec(BaseModel):
    """A recipe as written by a member: a prompt with placeholders such as `{place}`, filled from
    lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=MAX_RECIPE_NAME)]
    prompt: Annotated[str, Field(min_length=1, max_length=500)]
    words: dict[str, WordChoices] = {}
    negative: Annotated[str, Field(max_length=500)] = ""
    variants: Annotated[int, Field(ge=1, le=24)] = 3
    width: Annotated[int, Field(ge=64, le=2048, multiple_of=8)] = 1600
    height: Annotated[int, Field(ge=64, le=2048, multiple_of=8)] = 1200
    steps: Annotated[int, Field(ge=1, le=100)] = 20
    engine: EngineName = ""
    """The engine to use; empty for the default of the installation."""
    model: Annotated[str, Field(max_length=200)] = ""
    sampler: Sampler = ""
    """The sampler, for engines that support a choice; empty for the model's default."""
    weights: dict[str, dict[str, Annotated[int, Field(ge=1, le=100)]]] = {}
    """Relative frequencies by list and word, 1 by default."""
    parameters: Annotated[dict[str, Parameter], Field(max_length=12)] = {}
    """Parameters requested for each run, by the placeholder they fill."""
    sizes: Annotated[
        list[Literal["feed", "story", "square", "wide"]], Field(max_length=len(FORMATS))
    ] = []
    """The sizes in which each scene is generated; if empty, only `width` and `height`."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """A fixed seed for every run; None for a seed per run."""
    guidance: Annotated[int, Field(ge=1, le=30)] = 6
    """Prompt adherence (guidance scale)."""
    loras: Annotated[dict[LoraName, Annotated[int, Field(ge=1, le=200)]], Field(max_length=4)] = {}
    """LoRAs by file name, with weights in percent."""
    look: Annotated[int, Field(ge=0, le=100)] = 0
    """Weight of the creator's style references in percent; 0 disables them."""
    begin: InitPictureSpec | None = None
    """The default init image of the recipe's runs."""
    posture: PoseReferenceSpec | None = None
    """The default pose reference of the recipe's runs."""
    budget: Annotated[str, Field(max_length=60)] = ""
    """Maximum cost of a run, such as `2.50 USD`: one amount per accepted currency. Empty for no
    limit besides the caps."""

    @property
    def picture_count(self) -> int:
        """Number of images of a run: the variants in every size."""
        return self.variants * len(self.edges)

    @property
    def needed_inputs(self) -> frozenset[str]:
        """Engine features that its default inputs require, as in `ImageJob.needed_inputs`."""
        if self.begin is not None:
            return frozenset({"init", "mask"} if self.begin.part else {"init"})
        return frozenset({"pose"} if self.posture is not None else ())

    @property
    def max_spending(self) -> Mapping[str, Money] | None:
        """Maximum cost of a run by currency, or None without a budget. Currencies that are not
        listed are not allowed."""
        return parse_amounts(self.budget) if self.budget else None

    @property
    def questions(self) -> list[tuple[str, Parameter]]:
        """The parameters by name in the order of the prompt, because the order is lost when they
        are stored as JSON."""
        return sorted(
            self.parameters.items(), key=lambda one: (self.prompt.find(f"{{{one[0]}}}"), one[0])
        )

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Width and height of each size in pixels."""
        return [FORMATS[one] for one in self.sizes] or [(self.width, self.height)]


@dataclass(frozen=True)
class PlannedPicture:
    """An image to generate: its index in the run, the engine job, and the prompt with its words."""

    number: int
    job: ImageJob
    scene: str


def parse_recipe(raw: object) -> RecipeSpec:
    """Parse a recipe. Raises BadInput with the invalid field."""
    try:
        spec = RecipeSpec.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "recipe"
        code = {"missing": "recipe.field_missing", "extra_forbidden": "recipe.field_unknown"}.get(
            first["type"]
        )
        raise BadInput(code or "recipe.invalid", where=where).about(where) from error
    for name, value in spec.model_dump().items():
        if b"\\u0000" in canonical_json(value):  # valid in YAML, but PostgreSQL cannot store it
            raise BadInput("recipe.invalid", where=name).about(name)
    where = _find_invalid_field(spec)
    if where:
        raise BadInput("recipe.invalid", where=where).about(where)
    return spec


def _find_invalid_field(spec: RecipeSpec) -> str:
    """Return the name of the first field whose value is inconsistent, or "" if there is none."""
    ambiguous = _find_ambiguous_name(spec)
    if ambiguous:
        return ambiguous
    if len(spec.words) > MAX_WILDCARDS:
        return "words"
    if len(wildcards.wildcard_names_in(spec.prompt)) > MAX_WILDCARDS:
        return "prompt"
    if len(set(spec.sizes)) < len(spec.sizes):
        return "sizes"
    if spec.picture_count > MAX_PICTURES:
        return "variants"
    unknown = _find_unknown_value(spec)
    if unknown:
        return unknown
    if spec.begin is not None and not spec.begin.is_covered_enough:
        return "begin.part"
    if spec.begin is not None and spec.posture is not None:
        return "posture"
    return "" if _is_budget(spec.budget) else "budget"


def _find_ambiguous_name(spec: RecipeSpec) -> str:
    """Return the first list or parameter with a duplicate name or a name reserved for shared
    wildcards.

    Names that differ only in case are duplicates, because readers of a prompt would confuse them.
    """
    names: set[str] = set()
    for part, name in (
        *(("words", one) for one in spec.words),
        *(("parameters", one) for one in spec.parameters),
    ):
        if name.startswith(SHARED_WILDCARD_PREFIX) or name.casefold() in names:
            return f"{part}.{name}"[:80]
        names.add(name.casefold())
    return ""


def _find_unknown_value(spec: RecipeSpec) -> str:
    """Return the first weight for a word that is not in its list, or parameter with an invalid
    default."""
    for name, known in spec.weights.items():
        if not known.keys() <= set(spec.words.get(name, ())):
            return f"weights.{name}"[:60]
    for name, one in spec.parameters.items():
        if one.prompt_text(one.default_value) is None:
            return f"parameters.{name}"[:60]
    return ""


def _is_budget(text: str) -> bool:
    try:
        return bool(parse_amounts(text)) or not text
    except ValueError:
        return False


def save_recipe(scope: Scope, creator_id: UUID, spec: RecipeSpec) -> UUID:
    """Store a recipe and return the ID of its version. An unchanged recipe gets no new version.

    Raises BadInput for an unknown shared wildcard.
    """
    # Lock order: wildcards before the recipe name.
    wildcards.check_wildcards_exist(scope, creator_id, spec.name, spec.prompt)
    assets.lock_library(scope, "recipe", creator_id, spec.name)
    known = scope.session.exec(
        select(RecipeRow)
        .where(
            RecipeRow.tenant_id == scope.tenant_id,
            RecipeRow.creator_id == creator_id,
            RecipeRow.name == spec.name,
        )
        .order_by(RecipeRow.version.desc())  # type: ignore[attr-defined]  # a column, not an int
    ).first()
    if known is not None and known.retired:  # saving an archived recipe restores it
        known.retired = False
        scope.add(known)
    if known is not None and RecipeSpec.model_validate(known.spec) == spec:
        return known.id
    row = RecipeRow(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        name=spec.name,
        version=known.version + 1 if known else 1,
        spec=spec.model_dump(),
        digest=hashlib.sha256(canonical_json(spec.model_dump())).hexdigest(),
    )
    scope.add(row)
    return row.id


def get_spec(scope: Scope, recipe_id: UUID) -> RecipeSpec:
    """Return a recipe by ID. Raises NotFound."""
    row = scope.session.get(RecipeRow, (scope.tenant_id, recipe_id))
    if row is None:
        raise NotFound("recipe.unknown")
    return RecipeSpec.model_validate(row.spec)


def get_spec_version(scope: Scope, creator_id: UUID, name: str, version: int) -> RecipeSpec:
    """Return a version of a creator's recipe. Raises NotFound."""
    row = scope.session.exec(
        select(RecipeRow).where(
            RecipeRow.tenant_id == scope.tenant_id,
            RecipeRow.creator_id == creator_id,
            RecipeRow.name == name,
            RecipeRow.version == version,
        )
    ).one_or_none()
    if row is None:
        raise NotFound("recipe.unknown")
    return RecipeSpec.model_validate(row.spec)


def resolve_wildcards(scope: Scope, creator_id: UUID, spec: RecipeSpec) -> RecipeSpec:
    """Return a recipe with the current words of its shared wildcards."""
    return with_wildcards(spec, wildcards.current_wildcards(scope, creator_id, spec.prompt))


def spec_of_run(scope: Scope, job: JobRow) -> RecipeSpec:
    """Return the recipe of a run with its wildcards at the time of the request. Raises NotFound."""
    return with_wildcards(get_spec(scope, job.recipe_id), job.lists)


def with_wildcards(spec: RecipeSpec, lists: wildcards.FrozenWildcards) -> RecipeSpec:
    """Return the recipe with the words of these wildcards added to its lists."""
    words = {f"{SHARED_WILDCARD_PREFIX}{name}": list(one["words"]) for name, one in lists.items()}
    weights = {
        f"{SHARED_WILDCARD_PREFIX}{name}": dict(one["weights"]) for name, one in lists.items()
    }
    return spec.model_copy(
        update={"words": {**spec.words, **words}, "weights": {**spec.weights, **weights}}
    )


def restore_version(scope: Scope, creator_id: UUID, recipe_id: UUID) -> RecipeSpec:
    """Save an older version of a creator's recipe as the newest one and return it.

    Raises NotFound, also for another creator's recipe.
    """
    row = scope.session.get(RecipeRow, (scope.tenant_id, recipe_id))
    if row is None or row.creator_id != creator_id:
        raise NotFound("recipe.unknown")
    spec = RecipeSpec.model_validate(row.spec)
    save_recipe(scope, creator_id, spec)
    return spec


def plan_pictures(
    spec: RecipeSpec, *, seed: int, count: int, given: Mapping[str, ParameterValue] | None = None
) -> Sequence[PlannedPicture]:
    """Return the planned images of a run, which depend only on the seed and the parameters.

    The recipe's seed takes precedence. Each scene is planned once per size with the same seed.
    Shared wildcards must be resolved (`resolve_wildcards`, `spec_of_run`). Raises BadInput for an
    unknown placeholder and an invalid parameter.
    """
    # random words need variety, not secrecy
    draw = random.Random(seed if spec.seed is None else spec.seed)  # noqa: S311  see above
    answers = parameters.prompt_texts(spec.parameters, given or {})
    edges = spec.edges
    shots: list[PlannedPicture] = []
    while len(shots) < count:
        # Sorted, because the order of draws determines the result of a seed.
        chosen = {name: _draw_word(draw, spec, name) for name in sorted(spec.words)}
        scene = _fill_prompt(spec, {**chosen, **answers})
        own = draw.randrange(2**31)
        for width, height in edges[: count - len(shots)]:
            shots.append(
                PlannedPicture(len(shots), _build_image_job(spec, scene, own, width, height), scene)
            )
    return shots


def _draw_word(draw: random.Random, spec: RecipeSpec, name: str) -> str:
    options = spec.words[name]
    weights = spec.weights.get(name, {})
    if not weights:
        return draw.choice(options)
    return draw.choices(options, [weights.get(option, 1) for option in options])[0]


def _build_image_job(spec: RecipeSpec, scene: str, seed: int, width: int, height: int) -> ImageJob:
    return ImageJob(
        prompt=scene,
        negative=spec.negative,
        seed=seed,
        width=width,
        height=height,
        steps=spec.steps,
        guidance=float(spec.guidance),
        model=spec.model,
        scheduler=spec.sampler,
        loras=tuple(Lora(name, percent / 100) for name, percent in spec.loras.items()),
        reference_weight=spec.look / 100,
    )


def _fill_prompt(spec: RecipeSpec, chosen: Mapping[str, str]) -> str:
    """Fill the placeholders of the prompt.

    `str.format` is not used, because users could write attribute access and field widths.
    """

    def word(found: re.Match[str]) -> str:
        if found[1] not in chosen:
            if found[1] and found[1].startswith(SHARED_WILDCARD_PREFIX):
                raise BadInput(
                    "recipe.list_unknown",
                    recipe=spec.name,
                    list=found[1].removeprefix(SHARED_WILDCARD_PREFIX)[:80],
                )
            raise BadInput(
                "recipe.word_unknown", recipe=spec.name, word=(found[1] or found[0])[:80]
            )
        return chosen[found[1]]

    filled = _WORD.sub(word, spec.prompt)
    if len(filled) > MAX_PROMPT_LENGTH:
        raise BadInput("recipe.too_long", recipe=spec.name, most=MAX_PROMPT_LENGTH)
    return filled
