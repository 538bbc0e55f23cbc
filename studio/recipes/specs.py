"""Shot recipes: versioned, with words drawn from lists; the same recipe and seed give the same
prompts."""

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
"""A word in braces; a brace alone is a word that somebody forgot to finish."""

FORMATS = {
    "feed": (1088, 1360),
    "story": (1080, 1920),
    "square": (1200, 1200),
    "wide": (1920, 1080),
}
"""Width and height in pixels of the plain formats of places: 4:5, 9:16, 1:1, 16:9; multiples of 8,
as engines ask."""

MAX_PICTURES = 24
MAX_PROMPT_LENGTH = 2000
MAX_RECIPE_NAME = 60
MAX_WILDCARDS = 24
SHARED_WILDCARD_PREFIX = "@"
"""Begins the name of a word whose list is not the recipe's own, but shared
(`studio/recipes/wildcards.py`)."""

WordChoices = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=50)
]

EngineName = Literal["", "replicate", "stability", "comfyui", "diffusion"]
"""Those of `generators.registry.ENGINE_SETTINGS`; marked drawings are asked for by nobody."""

Sampler = Literal["", "ddim", "euler", "dpm++", "unipc"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)

LoraName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class RecipeSpec(BaseModel):
    """What a person writes: a prompt with `{place}`-like words, each drawn from its list."""

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
    """Which engine of the installation makes its pictures; empty: its usual one."""
    model: Annotated[str, Field(max_length=200)] = ""
    sampler: Sampler = ""
    """How noise becomes a picture, by engines that let one choose; empty: the model's own way."""
    weights: dict[str, dict[str, Annotated[int, Field(ge=1, le=100)]]] = {}
    """By list and word, how often it is drawn against the others; 1 where nothing is said."""
    parameters: Annotated[dict[str, Parameter], Field(max_length=12)] = {}
    """What the person who runs it is asked, by the word of the prompt it fills."""
    sizes: Annotated[
        list[Literal["feed", "story", "square", "wide"]], Field(max_length=len(FORMATS))
    ] = []
    """Each scene is made once in each of them; without any, in `width` and `height`."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """The same of every run; None: each run has its own."""
    guidance: Annotated[int, Field(ge=1, le=30)] = 6
    """How closely the engine keeps to the words."""
    loras: Annotated[dict[LoraName, Annotated[int, Field(ge=1, le=200)]], Field(max_length=4)] = {}
    """Looks laid over the model, by the names of their files, and how much each counts in
    percent."""
    look: Annotated[int, Field(ge=0, le=100)] = 0
    """How strongly the pictures of the creator's look are kept to, in percent; 0: not at all."""
    begin: InitPictureSpec | None = None
    """The picture its runs begin from, where who starts one names no other."""
    posture: PoseReferenceSpec | None = None
    """The picture whose posture they take, likewise."""
    budget: Annotated[str, Field(max_length=60)] = ""
    """What a run may cost, as `2.50 USD`: an amount for each currency that it may be paid in.
    Empty: as caps say."""

    @property
    def picture_count(self) -> int:
        """How many pictures a run makes: the variants, each in every size."""
        return self.variants * len(self.edges)

    @property
    def needed_inputs(self) -> frozenset[str]:
        """What its runs ask of an engine beside words, LoRAs and a look, as `ImageJob.asks`."""
        if self.begin is not None:
            return frozenset({"init", "mask"} if self.begin.part else {"init"})
        return frozenset({"pose"} if self.posture is not None else ())

    @property
    def max_spending(self) -> Mapping[str, Money] | None:
        """What a run may cost, by currency: nothing in one that is not named; None where the recipe
        says nothing."""
        return parse_amounts(self.budget) if self.budget else None

    @property
    def questions(self) -> list[tuple[str, Parameter]]:
        """What is asked, by name, in the order of the prompt: a stored recipe keeps no other."""
        return sorted(
            self.parameters.items(), key=lambda one: (self.prompt.find(f"{{{one[0]}}}"), one[0])
        )

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Width and height of each size, in pixels."""
        return [FORMATS[one] for one in self.sizes] or [(self.width, self.height)]


@dataclass(frozen=True)
class PlannedPicture:
    """One picture to make: its number in the run, what is asked of the engine, and the words that
    were drawn."""

    number: int
    job: ImageJob
    scene: str


def parse_recipe(raw: object) -> RecipeSpec:
    """A recipe from a brief. Raises BadInput that names the field."""
    try:
        spec = RecipeSpec.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "recipe"
        code = {"missing": "recipe.field_missing", "extra_forbidden": "recipe.field_unknown"}.get(
            first["type"]
        )
        raise BadInput(code or "recipe.invalid", where=where) from error
    for name, value in spec.model_dump().items():
        if b"\\u0000" in canonical_json(value):  # fits in YAML and in no column of PostgreSQL
            raise BadInput("recipe.invalid", where=name)
    where = _find_invalid_field(spec)
    if where:
        raise BadInput("recipe.invalid", where=where)
    return spec


def _find_invalid_field(spec: RecipeSpec) -> str:
    """What is well written and cannot be meant, as the name of its field; nothing of a recipe that
    is right."""
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
    """Return the first list or parameter whose name is taken by another one, or reserved for shared
    lists. Names that differ by case alone are the same: a reader of the prompt could not tell them
    apart."""
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
    """Return the first weight of a word that its list lacks, or the first parameter with an invalid
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
    """Store the recipe; an unchanged one keeps its version, a changed one gets the next. Returns
    the version's id.

    Raises BadInput where it names a shared list that is not there.
    """
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
    if known is not None and known.retired:  # who writes it wants it: it is offered again
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
    """The recipe of an id. Raises NotFound."""
    row = scope.session.get(RecipeRow, (scope.tenant_id, recipe_id))
    if row is None:
        raise NotFound("recipe.unknown")
    return RecipeSpec.model_validate(row.spec)


def get_spec_version(scope: Scope, creator_id: UUID, name: str, version: int) -> RecipeSpec:
    """A recipe of a creator as it was. Raises NotFound."""
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
    """A recipe of a creator with the words of the shared lists it names, as they are now."""
    return with_wildcards(spec, wildcards.current_wildcards(scope, creator_id, spec.prompt))


def spec_of_run(scope: Scope, job: JobRow) -> RecipeSpec:
    """The recipe of a run with the words of shared lists as they were when somebody asked for it.
    Raises NotFound."""
    return with_wildcards(get_spec(scope, job.recipe_id), job.lists)


def with_wildcards(spec: RecipeSpec, lists: wildcards.FrozenWildcards) -> RecipeSpec:
    """The recipe with the words of these lists beside its own."""
    words = {f"{SHARED_WILDCARD_PREFIX}{name}": list(one["words"]) for name, one in lists.items()}
    weights = {
        f"{SHARED_WILDCARD_PREFIX}{name}": dict(one["weights"]) for name, one in lists.items()
    }
    return spec.model_copy(
        update={"words": {**spec.words, **words}, "weights": {**spec.weights, **weights}}
    )


def restore_version(scope: Scope, creator_id: UUID, recipe_id: UUID) -> RecipeSpec:
    """Make an older version of a creator's recipe the newest again, as a version of its own; what
    it says.

    Raises NotFound, for another creator's too.
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
    """The shots of a run, the same for the same seed and answers; a recipe's own seed stands above
    the run's.

    Of each scene one picture in every size, with the same seed. The words of shared lists come with
    the recipe (`in_force`, `of_run`). Raises BadInput for a word without a list and for an answer
    that does not fit.
    """
    # variety, not secrecy
    draw = random.Random(seed if spec.seed is None else spec.seed)  # noqa: S311  see above
    answers = parameters.prompt_texts(spec.parameters, given or {})
    edges = spec.edges
    shots: list[PlannedPicture] = []
    while len(shots) < count:
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
    """The prompt with its words. No format strings: their widths and attributes are not for people
    to write."""

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
