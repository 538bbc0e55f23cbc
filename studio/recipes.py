"""Shot recipes: versioned, with words drawn from lists; the same recipe and seed give the same prompts."""

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import select

from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.words import canonical
from generators.contract import ImageJob
from studio import library, models

_WORD = re.compile(r"\{([^{}]*)\}|[{}]")
"""A word in braces; a brace alone is a word that somebody forgot to finish."""

Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=50)]


class Spec(BaseModel):
    """What a person writes: a prompt with `{place}`-like words, each drawn from its list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=60)]
    prompt: Annotated[str, Field(min_length=1, max_length=500)]
    words: dict[str, Words] = {}
    negative: Annotated[str, Field(max_length=500)] = ""
    variants: Annotated[int, Field(ge=1, le=24)] = 3
    width: Annotated[int, Field(ge=64, le=2048, multiple_of=8)] = 1600
    height: Annotated[int, Field(ge=64, le=2048, multiple_of=8)] = 1200
    steps: Annotated[int, Field(ge=1, le=100)] = 20
    model: Annotated[str, Field(max_length=200)] = ""


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
    return spec


def save(scope: Scope, creator_id: UUID, spec: Spec) -> UUID:
    """Store the recipe; an unchanged one keeps its version, a changed one gets the next. Returns the version's id."""
    library.alone(scope, "recipe", creator_id, spec.name)
    digest = hashlib.sha256(canonical(spec.model_dump())).hexdigest()
    known = scope.session.exec(
        select(models.Recipe)
        .where(
            models.Recipe.tenant_id == scope.tenant_id,
            models.Recipe.creator_id == creator_id,
            models.Recipe.name == spec.name,
        )
        .order_by(models.Recipe.version.desc())  # type: ignore[attr-defined]  # a column, not an int
    ).first()
    if known is not None and known.digest == digest:
        return known.id
    row = models.Recipe(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        name=spec.name,
        version=known.version + 1 if known else 1,
        spec=spec.model_dump(),
        digest=digest,
    )
    scope.add(row)
    return row.id


def spec_of(scope: Scope, recipe_id: UUID) -> Spec:
    """The recipe of an id. Raises NotFound."""
    row = scope.session.get(models.Recipe, (scope.tenant_id, recipe_id))
    if row is None:
        raise NotFound("recipe.unknown")
    return Spec.model_validate(row.spec)


def resolve(spec: Spec, *, seed: int, count: int) -> Sequence[Shot]:
    """The shots of a run, the same for the same seed. Raises BadInput for a word without a list."""
    draw = random.Random(seed)  # noqa: S311 - variety, not secrecy
    shots = []
    for number in range(count):
        chosen = {name: draw.choice(options) for name, options in sorted(spec.words.items())}
        scene = _filled(spec, chosen)
        job = ImageJob(
            prompt=scene,
            negative=spec.negative,
            seed=draw.randrange(2**31),
            width=spec.width,
            height=spec.height,
            steps=spec.steps,
            model=spec.model,
        )
        shots.append(Shot(number, job, scene))
    return shots


def _filled(spec: Spec, chosen: Mapping[str, str]) -> str:
    """The prompt with its words. No format strings: their widths and attributes are not for people to write."""

    def word(found: re.Match[str]) -> str:
        if found[1] not in chosen:
            raise BadInput("recipe.word_unknown", recipe=spec.name, word=(found[1] or found[0])[:80])
        return chosen[found[1]]

    return _WORD.sub(word, spec.prompt)
