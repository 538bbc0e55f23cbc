"""Lists of words that recipes share: `{@outfits}` in a prompt is a word of the list of that name.

A list is the agency's, or one creator's own, which stands before the agency's of the same name. Versions never change,
and a run keeps those it began with: what is written later changes later runs alone.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlmodel import col, or_, select

from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from studio import library
from studio.models_words import WordListRow
from tenants import reads as tenant_reads

_NAMED = re.compile(r"\{@([^{}]*)\}")
_LETTERS = re.compile(r"[^\W_][\w-]*")

LONGEST_NAME = 40
LONGEST_WORD = 80
MOST_WORDS = 200
MOST = 200
"""Lists that are offered, of an agency and all its creators."""

Frozen = Mapping[str, Mapping[str, Any]]
"""By name, the `version`, `words` and `weights` of lists as they were at one moment; JSON."""


def _name(said: str) -> str:
    composed = unicodedata.normalize("NFC", said)
    if not _LETTERS.fullmatch(composed) or composed != composed.lower():
        raise ValueError("small letters, digits, - and _, as in outfits")
    return composed


def _word(said: str) -> str:
    found = " ".join(said.split())
    if not found or not found.isprintable():
        raise ValueError("words on one line")
    return found


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_name)]
Word = Annotated[str, Field(min_length=1, max_length=LONGEST_WORD), AfterValidator(_word)]


class WordList(BaseModel):
    """What a list says: its words, and how often each is drawn against the others, 1 where nothing is said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Annotated[list[Word], Field(min_length=1, max_length=MOST_WORDS)]
    weights: dict[Word, Annotated[int, Field(ge=1, le=100)]] = {}

    @field_validator("words")
    @classmethod
    def _once(cls, words: list[str]) -> list[str]:
        if len(set(words)) < len(words):
            raise ValueError("a word twice")
        return words

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        if not self.weights.keys() <= set(self.words):
            raise ValueError("a weight of no word")
        return self

    @property
    def odds(self) -> list[tuple[str, int]]:
        """What two lists are the same by."""
        return [(word, self.weights.get(word, 1)) for word in self.words]


@dataclass(frozen=True)
class Listed:
    """A version of a list; `creator_id` is None of the agency's, `by` the actor who wrote it."""

    id: UUID
    creator_id: UUID | None
    name: str
    version: int
    said: WordList
    by: str
    at: datetime


class _Written(BaseModel):
    name: Name
    said: WordList


def read(name: object, said: object) -> tuple[str, WordList]:
    """A list as somebody writes it. Raises BadInput that names what is wrong."""
    try:
        found = _Written.model_validate({"name": name, "said": said})
    except ValidationError as error:
        where = [str(step) for step in error.errors()[0]["loc"] if step != "said"]
        raise BadInput("list.invalid", where=".".join(where)[:60] or "words") from error
    return found.name, found.said


def named(prompt: str) -> list[str]:
    """The names of the lists in a prompt, each once, in their order."""
    return list(dict.fromkeys(_NAMED.findall(prompt)))


def in_force(scope: Scope, creator_id: UUID, prompt: str) -> Frozen:
    """The lists that a prompt of a creator names, as they are now; one that is not there is left out."""
    if not (names := named(prompt)):
        return {}
    rows = [row for row in _newest(scope, [creator_id], names) if not row.retired]
    rows.sort(key=lambda row: row.creator_id is not None)  # a creator's own comes last, and stands
    return {row.name: {"version": row.version, "words": row.words, "weights": row.weights} for row in rows}


def check(scope: Scope, creator_id: UUID, recipe: str, prompt: str, *, also: Collection[str] = ()) -> None:
    """Raise BadInput where a recipe names a list that is not there, nor `also`. None is put away until this ends."""
    if names := named(prompt):
        alone(scope)
        there = in_force(scope, creator_id, prompt)
        for name in names:
            if name not in there and name not in also:
                raise BadInput("recipe.list_unknown", recipe=recipe, list=name[:LONGEST_NAME])


def known(scope: Scope, creators: Collection[UUID], *, retired: bool = False) -> list[Listed]:
    """The agency's lists and those of these creators by name, in their newest versions; those put away if `retired`."""
    return [_value(scope, row) for row in _newest(scope, creators) if row.retired == retired]


def current(scope: Scope, creators: Collection[UUID], list_id: UUID) -> Listed:
    """A list in its newest version. Raises NotFound for an older one, for one put away, and for anybody else's."""
    for one in known(scope, creators):
        if one.id == list_id:
            return one
    raise NotFound("list.unknown")


def versions(scope: Scope, creators: Collection[UUID], list_id: UUID, *, limit: int = 10) -> list[Listed]:
    """The last versions of the list that `list_id` is a version of, the newest first. Raises NotFound."""
    row = _row(scope, creators, list_id)
    rows = scope.session.exec(
        select(WordListRow).where(*_same(scope, row)).order_by(col(WordListRow.version).desc()).limit(limit)
    )
    return [_value(scope, one) for one in rows]


def held(scope: Scope, creators: Collection[UUID], list_id: UUID) -> Listed:
    """The newest version of the list that `list_id` is a version of; nobody else writes it until this ends. Raises
    NotFound."""
    alone(scope)
    return versions(scope, creators, list_id, limit=1)[0]


def make(scope: Scope, creators: Collection[UUID], name: str, said: WordList, *, creator_id: UUID | None) -> UUID:
    """A list of the agency, or of one creator; its id. One of that name that was put away goes on in a next version.

    `creators` are those the writer works for: a list of the agency needs all of them. Raises Conflict for a name that
    is taken, BadInput for one too many, NotFound, Refused.
    """
    alone(scope)
    _may(scope, creators, creator_id)
    before = next((row for row in _newest(scope, creators, [name]) if row.creator_id == creator_id), None)
    if before is not None and not before.retired:
        raise Conflict("list.taken", name=name)
    offered = select(WordListRow.creator_id, WordListRow.name).where(
        WordListRow.tenant_id == scope.tenant_id, col(WordListRow.retired).is_(False)
    )
    if len(set(scope.session.exec(offered))) >= MOST:
        raise BadInput("list.too_many", most=MOST)
    return _next(scope, before, name, said, creator_id)


def change(scope: Scope, creators: Collection[UUID], list_id: UUID, said: WordList) -> UUID:
    """Write the next version of a list; its id, or that which stands where nothing changes.

    Raises Conflict where `list_id` is not the newest any more: somebody else wrote meanwhile; NotFound; Refused.
    """
    row = _mine(scope, creators, list_id)
    if row.retired:
        raise NotFound("list.unknown")
    if WordList(words=row.words, weights=row.weights).odds == said.odds:
        return row.id
    return _next(scope, row, row.name, said, row.creator_id)


_TAKEN = """
SELECT EXISTS (SELECT FROM word_lists WHERE tenant_id = :tenant AND name = :name
  AND (creator_id IS NOT DISTINCT FROM :creator
    OR NOT retired AND (creator_id IS NULL) <> (CAST(:creator AS uuid) IS NULL)))
"""
_RENAME = """
UPDATE word_lists SET name = :name
WHERE tenant_id = :tenant AND creator_id IS NOT DISTINCT FROM :creator AND name = :before
"""


def rename(scope: Scope, creators: Collection[UUID], list_id: UUID, name: str) -> tuple[UUID, str, UUID | None]:
    """Give a list another name in all its versions, and a next one; its id, the name before, and whose it is. Recipes
    go on to say the old one: `studio/list_names.py` changes them too.

    Raises as `change`, and Conflict for a name that another list has or had which some of these prompts might mean.
    """
    row = _mine(scope, creators, list_id)
    if row.retired:
        raise NotFound("list.unknown")
    before, owner, said = row.name, row.creator_id, WordList.model_construct(words=row.words, weights=row.weights)
    if name == before:
        return row.id, before, owner
    if scope.run(_TAKEN, tenant=scope.tenant_id, name=name, creator=owner).scalar_one():
        raise Conflict("list.taken", name=name)
    made = _next(scope, row, before, said, owner)
    scope.session.flush()
    scope.run(_RENAME, name=name, tenant=scope.tenant_id, creator=owner, before=before)
    scope.session.expire_all()
    return made, before, owner


def restore(scope: Scope, creators: Collection[UUID], list_id: UUID, version: int) -> UUID:
    """Make an older version the newest again, as a version of its own. Raises as `change`."""
    row = _mine(scope, creators, list_id)
    older = scope.session.exec(select(WordListRow).where(*_same(scope, row), WordListRow.version == version)).first()
    if older is None:
        raise NotFound("list.unknown")
    return change(scope, creators, list_id, WordList(words=older.words, weights=older.weights))


def retire(scope: Scope, creators: Collection[UUID], list_id: UUID) -> str:
    """Put a list away; its name. Runs under way keep its words. Raises Conflict, with their names, for one that recipes
    name; else as `change`."""
    row = _mine(scope, creators, list_id)
    by = naming(scope, row.name, row.creator_id)
    if by:
        raise Conflict("list.named", name=row.name, recipes=", ".join(by)[:200])
    return _mark(scope, row, retired=True)


def bring_back(scope: Scope, creators: Collection[UUID], list_id: UUID) -> str:
    """Offer it again; its name. Raises as `change`."""
    return _mark(scope, _mine(scope, creators, list_id), retired=False)


_PROMPTS = """
SELECT DISTINCT ON (r.creator_id, r.name) r.creator_id, r.name, r.spec->>'prompt' AS prompt FROM recipes r
WHERE r.tenant_id = :tenant AND NOT r.retired AND (r.creator_id = :creator OR CAST(:creator AS uuid) IS NULL
  AND NOT EXISTS (SELECT FROM word_lists w
    WHERE w.tenant_id = r.tenant_id AND w.creator_id = r.creator_id AND w.name = :name AND NOT w.retired))
ORDER BY r.creator_id, r.name, r.version DESC
"""


def naming(scope: Scope, name: str, creator_id: UUID | None, *, seen: Collection[UUID] | None = None) -> list[str]:
    """The recipes whose newest version names a list: those of its creator, or of all who have none of their own;
    only of creators that are `seen`, where these are said."""
    rows = scope.run(_PROMPTS, tenant=scope.tenant_id, creator=creator_id, name=name).all()
    return sorted({row.name for row in rows if name in named(row.prompt) and (seen is None or row.creator_id in seen)})


_OF_RUNS = "SELECT id, lists FROM jobs WHERE tenant_id = :tenant AND id = ANY(:runs) AND lists <> '{}'"


def of_runs(scope: Scope, runs: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """By run, the versions of the lists it was resolved with, by name; nothing of a run without any."""
    rows = scope.run(_OF_RUNS, tenant=scope.tenant_id, runs=list(runs)).all()
    return {row.id: {name: one["version"] for name, one in sorted(row.lists.items())} for row in rows}


def match(scope: Scope, creator_id: UUID, name: str, said: WordList) -> bool:
    """Whether the list that a creator's prompts would name says this; where there is none, it is made the creator's."""
    alone(scope)
    there = in_force(scope, creator_id, f"{{@{name}}}").get(name)
    if there is None:
        make(scope, [creator_id], name, said, creator_id=creator_id)
        return True
    return WordList(words=there["words"], weights=there["weights"]).odds == said.odds


def put(scope: Scope, creator_id: UUID, name: str, said: WordList) -> None:
    """Have a creator's prompts find these words under a name: as they are, or in the creator's own list."""
    if match(scope, creator_id, name, said):
        return
    own = next((one for one in known(scope, [creator_id]) if (one.name, one.creator_id) == (name, creator_id)), None)
    if own is None:
        make(scope, [creator_id], name, said, creator_id=creator_id)
    else:
        change(scope, [creator_id], own.id, said)


def alone(scope: Scope) -> None:
    """Lists are written, put away and newly named one after the other: two at once would both find what neither leaves.
    Held before a recipe's own name is (`recipes.save`)."""
    library.alone(scope, "word lists")


def _may(scope: Scope, creators: Collection[UUID], creator_id: UUID | None) -> None:
    if creator_id is not None:
        if creator_id not in creators:
            raise NotFound("list.unknown")
    elif not {one.id for one in tenant_reads.creators(scope)} <= set(creators):
        raise Refused("list.of_all")


def _newest(scope: Scope, creators: Collection[UUID], names: Sequence[str] | None = None) -> list[WordListRow]:
    """By name, the agency's before a creator's own."""
    rows = scope.session.exec(
        select(WordListRow)
        .where(
            WordListRow.tenant_id == scope.tenant_id,
            or_(col(WordListRow.creator_id).is_(None), col(WordListRow.creator_id).in_(list(creators))),
            *([col(WordListRow.name).in_(names)] if names is not None else []),
        )
        .order_by(col(WordListRow.name), col(WordListRow.creator_id).nulls_first(), col(WordListRow.version))
        .execution_options(populate_existing=True)
    )
    return list({(row.name, row.creator_id): row for row in rows}.values())


def _row(scope: Scope, creators: Collection[UUID], list_id: UUID) -> WordListRow:
    row = scope.session.get(WordListRow, (scope.tenant_id, list_id))
    if row is None or (row.creator_id is not None and row.creator_id not in creators):
        raise NotFound("list.unknown")
    return row


def _mine(scope: Scope, creators: Collection[UUID], list_id: UUID) -> WordListRow:
    """The newest version of a list that may be written, which nobody else writes until this ends. Raises Conflict."""
    alone(scope)
    row = _row(scope, creators, list_id)
    _may(scope, creators, row.creator_id)
    newest = scope.session.exec(
        select(WordListRow)
        .where(*_same(scope, row))
        .order_by(col(WordListRow.version).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one()
    if newest.id != list_id:
        raise Conflict("list.changed", name=row.name)
    return newest


def _same(scope: Scope, row: WordListRow) -> tuple[Any, ...]:
    return (
        WordListRow.tenant_id == scope.tenant_id,
        WordListRow.name == row.name,
        col(WordListRow.creator_id).is_not_distinct_from(row.creator_id),
    )


def _next(scope: Scope, before: WordListRow | None, name: str, said: WordList, creator_id: UUID | None) -> UUID:
    if before is not None and before.retired:
        _mark(scope, before, retired=False)
    row = WordListRow(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        name=name,
        version=before.version + 1 if before is not None else 1,
        words=said.words,
        weights=said.weights,
        by=scope.actor,
    )
    scope.add(row)
    return row.id


_MARK = """
UPDATE word_lists SET retired = :retired
WHERE tenant_id = :tenant AND creator_id IS NOT DISTINCT FROM :creator AND name = :name
"""


def _mark(scope: Scope, row: WordListRow, *, retired: bool) -> str:
    name = row.name
    scope.run(_MARK, retired=retired, tenant=scope.tenant_id, creator=row.creator_id, name=name)
    scope.session.expire_all()
    return name


def _value(scope: Scope, row: WordListRow) -> Listed:
    said = WordList.model_construct(words=row.words, weights=row.weights)  # what stands is not judged anew
    return Listed(row.id, row.creator_id, row.name, row.version, said, row.by, row.created_at or scope.now)
