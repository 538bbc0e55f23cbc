"""Shot recipes: versioned, with words drawn from lists; the same recipe and seed give the same prompts."""

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import select

from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.money import Money, amounts
from foundation.words import canonical
from generators.contract import ImageJob, Lora
from studio import library, models, parameters, word_lists
from studio.parameters import Answer, Parameter
from studio.workings import FromPicture, OfPicture

_WORD = re.compile(r"\{([^{}]*)\}|[{}]")
"""A word in braces; a brace alone is a word that somebody forgot to finish."""

FORMATS = {"feed": (1088, 1360), "story": (1080, 1920), "square": (1200, 1200), "wide": (1920, 1080)}
"""Width and height in pixels of the plain formats of places: 4:5, 9:16, 1:1, 16:9; multiples of 8, as engines ask."""

MOST_PICTURES = 24
LONGEST_PROMPT = 2000
LONGEST_NAME = 60
MOST_LISTS = 24
SHARED = "@"
"""Begins the name of a word whose list is not the recipe's own, but shared (`studio/word_lists.py`)."""

Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=50)]

EngineName = Literal["", "replicate", "stability", "comfyui", "diffusion"]
"""Those of `generators.registry.REAL`; marked drawings are asked for by nobody."""

Sampler = Literal["", "ddim", "euler", "dpm++", "unipc"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)

LoraName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class Spec(BaseModel):
    """What a person writes: a prompt with `{place}`-like words, each drawn from its list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    prompt: Annotated[str, Field(min_length=1, max_length=500)]
    words: dict[str, Words] = {}
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
    sizes: Annotated[list[Literal["feed", "story", "square", "wide"]], Field(max_length=len(FORMATS))] = []
    """Each scene is made once in each of them; without any, in `width` and `height`."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """The same of every run; None: each run has its own."""
    guidance: Annotated[int, Field(ge=1, le=30)] = 6
    """How closely the engine keeps to the words."""
    loras: Annotated[dict[LoraName, Annotated[int, Field(ge=1, le=200)]], Field(max_length=4)] = {}
    """Looks laid over the model, by the names of their files, and how much each counts in percent."""
    look: Annotated[int, Field(ge=0, le=100)] = 0
    """How strongly the pictures of the creator's look are kept to, in percent; 0: not at all."""
    begin: FromPicture | None = None
    """The picture its runs begin from, where who starts one names no other."""
    posture: OfPicture | None = None
    """The picture whose posture they take, likewise."""
    budget: Annotated[str, Field(max_length=60)] = ""
    """What a run may cost, as `2.50 USD`: an amount for each currency that it may be paid in. Empty: as caps say."""

    @property
    def pictures(self) -> int:
        """How many pictures a run makes: the variants, each in every size."""
        return self.variants * len(self.edges)

    @property
    def asks(self) -> frozenset[str]:
        """What its runs ask of an engine beside words, LoRAs and a look, as `ImageJob.asks`."""
        if self.begin is not None:
            return frozenset({"init", "mask"} if self.begin.part else {"init"})
        return frozenset({"pose"} if self.posture is not None else ())

    @property
    def most_spent(self) -> Mapping[str, Money] | None:
        """What a run may cost, by currency: nothing in one that is not named; None where the recipe says nothing."""
        return amounts(self.budget) if self.budget else None

    @property
    def questions(self) -> list[tuple[str, Parameter]]:
        """What is asked, by name, in the order of the prompt: a stored recipe keeps no other."""
        return sorted(self.parameters.items(), key=lambda one: (self.prompt.find(f"{{{one[0]}}}"), one[0]))

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Width and height of each size, in pixels."""
        return [FORMATS[one] for one in self.sizes] or [(self.width, self.height)]


@dataclass(frozen=True)
class Shot:
    """One picture to make: its number in the run, what is asked of the engine, and the words that were drawn."""

    number: int
    job: ImageJob
    scene: str


def read(raw: object) -> Spec:
    """A recipe from a brief. Raises BadInput that names the field."""
    try:
        spec = Spec.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "recipe"
        code = {"missing": "recipe.field_missing", "extra_forbidden": "recipe.field_unknown"}.get(first["type"])
        raise BadInput(code or "recipe.invalid", where=where) from error
    for name, value in spec.model_dump().items():
        if b"\\u0000" in canonical(value):  # fits in YAML and in no column of PostgreSQL
            raise BadInput("recipe.invalid", where=name)
    where = _contradiction(spec)
    if where:
        raise BadInput("recipe.invalid", where=where)
    return spec


def _contradiction(spec: Spec) -> str:
    """What is well written and cannot be meant, as the name of its field; nothing of a recipe that is right."""
    names: set[str] = set()
    for part, name in (*(("words", one) for one in spec.words), *(("parameters", one) for one in spec.parameters)):
        if name.startswith(SHARED) or name.casefold() in names:  # apart by case alone, nobody sees which one is meant
            return f"{part}.{name}"[:80]
        names.add(name.casefold())
    if len(spec.words) > MOST_LISTS:
        return "words"
    if len(word_lists.named(spec.prompt)) > MOST_LISTS:
        return "prompt"
    if len(set(spec.sizes)) < len(spec.sizes):
        return "sizes"
    if spec.pictures > MOST_PICTURES:
        return "variants"
    for name, known in spec.weights.items():
        if not known.keys() <= set(spec.words.get(name, ())):
            return f"weights.{name}"[:60]
    for name, one in spec.parameters.items():
        if one.words(one.usual) is None:
            return f"parameters.{name}"[:60]
    if spec.begin is not None and not spec.begin.fits:
        return "begin.part"
    if spec.begin is not None and spec.posture is not None:
        return "posture"
    return "" if _is_budget(spec.budget) else "budget"


def _is_budget(text: str) -> bool:
    try:
        return bool(amounts(text)) or not text
    except ValueError:
        return False


def save(scope: Scope, creator_id: UUID, spec: Spec) -> UUID:
    """Store the recipe; an unchanged one keeps its version, a changed one gets the next. Returns the version's id.

    Raises BadInput where it names a shared list that is not there.
    """
    word_lists.check(scope, creator_id, spec.name, spec.prompt)
    library.alone(scope, "recipe", creator_id, spec.name)
    known = scope.session.exec(
        select(models.Recipe)
        .where(
            models.Recipe.tenant_id == scope.tenant_id,
            models.Recipe.creator_id == creator_id,
            models.Recipe.name == spec.name,
        )
        .order_by(models.Recipe.version.desc())  # type: ignore[attr-defined]  # a column, not an int
    ).first()
    if known is not None and known.retired:  # who writes it wants it: it is offered again
        known.retired = False
        scope.add(known)
    if known is not None and Spec.model_validate(known.spec) == spec:
        return known.id
    row = models.Recipe(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        name=spec.name,
        version=known.version + 1 if known else 1,
        spec=spec.model_dump(),
        digest=hashlib.sha256(canonical(spec.model_dump())).hexdigest(),
    )
    scope.add(row)
    return row.id


def spec_of(scope: Scope, recipe_id: UUID) -> Spec:
    """The recipe of an id. Raises NotFound."""
    row = scope.session.get(models.Recipe, (scope.tenant_id, recipe_id))
    if row is None:
        raise NotFound("recipe.unknown")
    return Spec.model_validate(row.spec)


def of_version(scope: Scope, creator_id: UUID, name: str, version: int) -> Spec:
    """A recipe of a creator as it was. Raises NotFound."""
    row = scope.session.exec(
        select(models.Recipe).where(
            models.Recipe.tenant_id == scope.tenant_id,
            models.Recipe.creator_id == creator_id,
            models.Recipe.name == name,
            models.Recipe.version == version,
        )
    ).one_or_none()
    if row is None:
        raise NotFound("recipe.unknown")
    return Spec.model_validate(row.spec)


def in_force(scope: Scope, creator_id: UUID, spec: Spec) -> Spec:
    """A recipe of a creator with the words of the shared lists it names, as they are now."""
    return listed(spec, word_lists.in_force(scope, creator_id, spec.prompt))


def of_run(scope: Scope, job: models.Job) -> Spec:
    """The recipe of a run with the words of shared lists as they were when somebody asked for it. Raises NotFound."""
    return listed(spec_of(scope, job.recipe_id), job.lists)


def listed(spec: Spec, lists: word_lists.Frozen) -> Spec:
    """The recipe with the words of these lists beside its own."""
    words = {f"{SHARED}{name}": list(one["words"]) for name, one in lists.items()}
    weights = {f"{SHARED}{name}": dict(one["weights"]) for name, one in lists.items()}
    return spec.model_copy(update={"words": {**spec.words, **words}, "weights": {**spec.weights, **weights}})


def restore(scope: Scope, creator_id: UUID, recipe_id: UUID) -> Spec:
    """Make an older version of a creator's recipe the newest again, as a version of its own; what it says.

    Raises NotFound, for another creator's too.
    """
    row = scope.session.get(models.Recipe, (scope.tenant_id, recipe_id))
    if row is None or row.creator_id != creator_id:
        raise NotFound("recipe.unknown")
    spec = Spec.model_validate(row.spec)
    save(scope, creator_id, spec)
    return spec


def resolve(spec: Spec, *, seed: int, count: int, given: Mapping[str, Answer] | None = None) -> Sequence[Shot]:
    """The shots of a run, the same for the same seed and answers; a recipe's own seed stands above the run's.

    Of each scene one picture in every size, with the same seed. The words of shared lists come with the recipe
    (`in_force`, `of_run`). Raises BadInput for a word without a list and for an answer that does not fit.
    """
    draw = random.Random(seed if spec.seed is None else spec.seed)  # noqa: S311 - variety, not secrecy
    answers, edges = parameters.said(spec.parameters, given or {}), spec.edges
    shots: list[Shot] = []
    while len(shots) < count:
        chosen = {name: _drawn(draw, spec, name) for name in sorted(spec.words)}
        scene, own = _filled(spec, {**chosen, **answers}), draw.randrange(2**31)
        for width, height in edges[: count - len(shots)]:
            shots.append(Shot(len(shots), _job(spec, scene, own, width, height), scene))
    return shots


def _drawn(draw: random.Random, spec: Spec, name: str) -> str:
    options, weights = spec.words[name], spec.weights.get(name, {})
    if not weights:
        return draw.choice(options)
    return draw.choices(options, [weights.get(option, 1) for option in options])[0]


def _job(spec: Spec, scene: str, seed: int, width: int, height: int) -> ImageJob:
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


def _filled(spec: Spec, chosen: Mapping[str, str]) -> str:
    """The prompt with its words. No format strings: their widths and attributes are not for people to write."""

    def word(found: re.Match[str]) -> str:
        if found[1] not in chosen:
            if found[1] and found[1].startswith(SHARED):
                raise BadInput("recipe.list_unknown", recipe=spec.name, list=found[1].removeprefix(SHARED)[:80])
            raise BadInput("recipe.word_unknown", recipe=spec.name, word=(found[1] or found[0])[:80])
        return chosen[found[1]]

    filled = _WORD.sub(word, spec.prompt)
    if len(filled) > LONGEST_PROMPT:
        raise BadInput("recipe.too_long", recipe=spec.name, most=LONGEST_PROMPT)
    return filled
