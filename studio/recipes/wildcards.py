"""Wildcards: word lists shared by recipes. `{@outfits}` in a prompt is replaced by a word of the
list "outfits".

A list belongs to the agency or to a creator, whose list takes precedence over the agency's list of
the same name. Versions are immutable and a run retains the versions it started with, so changes
affect only later runs. In text form each line is a word with an optional weight: `red dress:3` is
drawn three times as often.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlmodel import col, or_, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from studio.library import assets
from studio.recipes.models import WildcardRow
from tenants.agencies import queries

_NAMED = re.compile(r"\{@([^{}]*)\}")
_LETTERS = re.compile(r"[^\W_][\w-]*")

MAX_WILDCARD_NAME = 40
MAX_WORD_LENGTH = 80
MAX_WORDS = 200
MAX_WILDCARDS = 200
"""Maximum number of active lists of an agency and all its creators."""

FrozenWildcards = Mapping[str, Mapping[str, Any]]
"""The `version`, `words` and `weights` of lists at one point in time, by name, as JSON."""


def _validate_wildcard_name(said: str) -> str:
    composed = unicodedata.normalize("NFC", said)
    if not _LETTERS.fullmatch(composed) or composed != composed.lower():
        raise ValueError("use lowercase letters, digits, - and _, as in outfits")
    return composed


def _validate_wildcard_word(said: str) -> str:
    found = " ".join(said.split())
    if not found or not found.isprintable():
        raise ValueError("use printable characters on one line")
    return found


Name = Annotated[
    str, Field(min_length=1, max_length=MAX_WILDCARD_NAME), AfterValidator(_validate_wildcard_name)
]
Word = Annotated[
    str, Field(min_length=1, max_length=MAX_WORD_LENGTH), AfterValidator(_validate_wildcard_word)
]


class Wildcard(BaseModel):
    """The words of a list with their relative frequencies, 1 by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Annotated[list[Word], Field(min_length=1, max_length=MAX_WORDS)]
    weights: dict[Word, Annotated[int, Field(ge=1, le=100)]] = {}

    @field_validator("words")
    @classmethod
    def _check_unique_words(cls, words: list[str]) -> list[str]:
        if len(set(words)) < len(words):
            raise ValueError("duplicate word")
        return words

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        if not self.weights.keys() <= set(self.words):
            raise ValueError("weight of an unknown word")
        return self

    @property
    def weighted_words(self) -> list[tuple[str, int]]:
        """The words with their weights, by which lists are compared."""
        return [(word, self.weights.get(word, 1)) for word in self.words]


@dataclass(frozen=True)
class WildcardVersion:
    """A version of a list. `creator_id` is None for a list of the agency, and `by` is the actor who
    wrote the version."""

    id: UUID
    creator_id: UUID | None
    name: str
    version: int
    said: Wildcard
    by: str
    at: datetime


class _Written(BaseModel):
    name: Name
    said: Wildcard


def parse_wildcard(name: object, said: object) -> tuple[str, Wildcard]:
    """Validate the name and content of a list. Raises BadInput with the invalid field."""
    try:
        found = _Written.model_validate({"name": name, "said": said})
    except ValidationError as error:
        where = [str(step) for step in error.errors()[0]["loc"] if step != "said"]
        invalid = BadInput("list.invalid", where=".".join(where)[:60] or "words")
        raise invalid.about(where[0] if where else "words") from error
    return found.name, found.said


def wildcard_names_in(prompt: str) -> list[str]:
    """Return the distinct names of the lists in a prompt in order."""
    return list(dict.fromkeys(_NAMED.findall(prompt)))


def current_wildcards(scope: Scope, creator_id: UUID, prompt: str) -> FrozenWildcards:
    """Return the current lists used by a creator's prompt, without unknown ones."""
    if not (names := wildcard_names_in(prompt)):
        return {}
    rows = [row for row in _list_newest_rows(scope, [creator_id], names) if not row.retired]
    # the creator's own list comes last and takes precedence
    rows.sort(key=lambda row: row.creator_id is not None)
    return {
        row.name: {"version": row.version, "words": row.words, "weights": row.weights}
        for row in rows
    }


def check_wildcards_exist(
    scope: Scope, creator_id: UUID, recipe: str, prompt: str, *, also: Collection[str] = ()
) -> None:
    """Raise BadInput if a recipe uses a list that neither exists nor is in `also`.

    Lists are locked against archiving until the transaction ends.
    """
    if names := wildcard_names_in(prompt):
        lock_wildcards(scope)
        there = current_wildcards(scope, creator_id, prompt)
        for name in names:
            if name not in there and name not in also:
                raise BadInput("recipe.list_unknown", recipe=recipe, list=name[:MAX_WILDCARD_NAME])


def list_wildcards(
    scope: Scope, creators: Collection[UUID], *, retired: bool = False
) -> list[WildcardVersion]:
    """Return the lists of the agency and of these creators by name, each in its newest version;
    archived lists if `retired`."""
    return [
        _version_from_row(scope, row)
        for row in _list_newest_rows(scope, creators)
        if row.retired == retired
    ]


def get_current_wildcard(
    scope: Scope, creators: Collection[UUID], list_id: UUID
) -> WildcardVersion:
    """Return a list by the ID of its newest version.

    Raises NotFound for an older version, an archived list and a list of another creator.
    """
    for one in list_wildcards(scope, creators):
        if one.id == list_id:
            return one
    raise NotFound("list.unknown")


def list_wildcard_versions(
    scope: Scope, creators: Collection[UUID], list_id: UUID, *, limit: int = 10
) -> list[WildcardVersion]:
    """Return the last versions of a list, newest first, given the ID of any version. Raises
    NotFound."""
    row = _get_wildcard_row(scope, creators, list_id)
    rows = scope.session.exec(
        select(WildcardRow)
        .where(*_same_wildcard_conditions(scope, row))
        .order_by(col(WildcardRow.version).desc())
        .limit(limit)
    )
    return [_version_from_row(scope, one) for one in rows]


def lock_wildcard(scope: Scope, creators: Collection[UUID], list_id: UUID) -> WildcardVersion:
    """Lock a list until the transaction ends and return its newest version. Raises NotFound."""
    lock_wildcards(scope)
    return list_wildcard_versions(scope, creators, list_id, limit=1)[0]


def create_wildcard(
    scope: Scope, creators: Collection[UUID], name: str, said: Wildcard, *, creator_id: UUID | None
) -> UUID:
    """Create a list of the agency or of one creator and return its ID. If the name belongs to an
    archived list, that list gets a new version.

    `creators` are those the acting member works for; a list of the agency requires all creators.
    Raises Conflict for a name in use, BadInput for too many lists, NotFound, Refused.
    """
    lock_wildcards(scope)
    _check_can_edit(scope, creators, creator_id)
    before = next(
        (row for row in _list_newest_rows(scope, creators, [name]) if row.creator_id == creator_id),
        None,
    )
    if before is not None and not before.retired:
        raise Conflict("list.taken", name=name)
    offered = select(WildcardRow.creator_id, WildcardRow.name).where(
        WildcardRow.tenant_id == scope.tenant_id, col(WildcardRow.retired).is_(False)
    )
    if len(set(scope.session.exec(offered))) >= MAX_WILDCARDS:
        raise BadInput("list.too_many", most=MAX_WILDCARDS)
    return _add_version(scope, before, name, said, creator_id)


def change_wildcard(
    scope: Scope, creators: Collection[UUID], list_id: UUID, said: Wildcard
) -> UUID:
    """Save the next version of a list; return its ID, or the current one if unchanged.

    Raises Conflict if `list_id` is no longer the newest version; NotFound; Refused.
    """
    row = _lock_newest_version(scope, creators, list_id)
    if row.retired:
        raise NotFound("list.unknown")
    if Wildcard(words=row.words, weights=row.weights).weighted_words == said.weighted_words:
        return row.id
    return _add_version(scope, row, row.name, said, row.creator_id)


_TAKEN = """
SELECT EXISTS (SELECT FROM word_lists WHERE tenant_id = :tenant AND name = :name
  AND (creator_id IS NOT DISTINCT FROM :creator
    OR NOT retired AND (creator_id IS NULL) <> (CAST(:creator AS uuid) IS NULL)))
"""
_RENAME = """
UPDATE word_lists SET name = :name
WHERE tenant_id = :tenant AND creator_id IS NOT DISTINCT FROM :creator AND name = :before
"""


def rename_wildcard(
    scope: Scope, creators: Collection[UUID], list_id: UUID, name: str
) -> tuple[UUID, str, UUID | None]:
    """Rename all versions of a list and add a new one; return its ID, the old name and the creator.

    Recipes are not changed; see `studio/recipes/wildcard_renames.py`. Raises the errors of
    `change_wildcard`, and Conflict for a name that another list has or had, because prompts could
    refer to it.
    """
    row = _lock_newest_version(scope, creators, list_id)
    if row.retired:
        raise NotFound("list.unknown")
    before = row.name
    owner = row.creator_id
    said = Wildcard.model_construct(words=row.words, weights=row.weights)
    if name == before:
        return row.id, before, owner
    if scope.run(_TAKEN, tenant=scope.tenant_id, name=name, creator=owner).scalar_one():
        raise Conflict("list.taken", name=name)
    made = _add_version(scope, row, before, said, owner)
    scope.session.flush()
    scope.run(_RENAME, name=name, tenant=scope.tenant_id, creator=owner, before=before)
    scope.session.expire_all()
    return made, before, owner


def restore_wildcard_version(
    scope: Scope, creators: Collection[UUID], list_id: UUID, version: int
) -> UUID:
    """Save an older version of a list as the newest one. Raises the errors of `change_wildcard`."""
    row = _lock_newest_version(scope, creators, list_id)
    older = scope.session.exec(
        select(WildcardRow).where(
            *_same_wildcard_conditions(scope, row), WildcardRow.version == version
        )
    ).first()
    if older is None:
        raise NotFound("list.unknown")
    return change_wildcard(
        scope, creators, list_id, Wildcard(words=older.words, weights=older.weights)
    )


def archive_wildcard(scope: Scope, creators: Collection[UUID], list_id: UUID) -> str:
    """Archive a list and return its name. Active runs retain its words.

    Raises Conflict with the names of recipes that use it, and the errors of `change_wildcard`.
    """
    row = _lock_newest_version(scope, creators, list_id)
    by = recipes_using_wildcard(scope, row.name, row.creator_id)
    if by:
        raise Conflict("list.named", name=row.name, recipes=", ".join(by)[:200])
    return _set_retired(scope, row, retired=True)


def unarchive_wildcard(scope: Scope, creators: Collection[UUID], list_id: UUID) -> str:
    """Restore an archived list and return its name. Raises the errors of `change_wildcard`."""
    return _set_retired(scope, _lock_newest_version(scope, creators, list_id), retired=False)


_PROMPTS = """
SELECT DISTINCT ON (r.creator_id, r.name) r.creator_id, r.name, r.spec->>'prompt' AS prompt FROM
recipes r
WHERE r.tenant_id = :tenant AND NOT r.retired AND (r.creator_id = :creator OR CAST(:creator AS
uuid) IS NULL
  AND NOT EXISTS (SELECT FROM word_lists w
    WHERE w.tenant_id = r.tenant_id AND w.creator_id = r.creator_id AND w.name = :name AND NOT
    w.retired))
ORDER BY r.creator_id, r.name, r.version DESC
"""


def recipes_using_wildcard(
    scope: Scope, name: str, creator_id: UUID | None, *, seen: Collection[UUID] | None = None
) -> list[str]:
    """Return the names of recipes whose newest version uses a list.

    For a list of the agency, creators with their own list of that name are not included. `seen`
    limits the result to some creators.
    """
    rows = scope.run(_PROMPTS, tenant=scope.tenant_id, creator=creator_id, name=name).all()
    return sorted(
        {
            row.name
            for row in rows
            if name in wildcard_names_in(row.prompt) and (seen is None or row.creator_id in seen)
        }
    )


_OF_RUNS = (
    "SELECT id, lists FROM jobs WHERE tenant_id = :tenant AND id = ANY(:runs) AND lists <> '{}'"
)


def wildcard_versions_by_run(scope: Scope, runs: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """Return the list versions of each run by name, without runs that use none."""
    rows = scope.run(_OF_RUNS, tenant=scope.tenant_id, runs=list(runs)).all()
    return {
        row.id: {name: one["version"] for name, one in sorted(row.lists.items())} for row in rows
    }


def is_existing_wildcard(scope: Scope, creator_id: UUID, name: str, said: Wildcard) -> bool:
    """Return True if the list that a creator's prompts would use has this content.

    If there is no such list, it is created for the creator.
    """
    lock_wildcards(scope)
    there = current_wildcards(scope, creator_id, f"{{@{name}}}").get(name)
    if there is None:
        create_wildcard(scope, [creator_id], name, said, creator_id=creator_id)
        return True
    return (
        Wildcard(words=there["words"], weights=there["weights"]).weighted_words
        == said.weighted_words
    )


def put_creator_wildcard(scope: Scope, creator_id: UUID, name: str, said: Wildcard) -> None:
    """Create or change a creator's list, unless the creator's prompts already find this content
    under the name."""
    if is_existing_wildcard(scope, creator_id, name, said):
        return
    own = next(
        (
            one
            for one in list_wildcards(scope, [creator_id])
            if (one.name, one.creator_id) == (name, creator_id)
        ),
        None,
    )
    if own is None:
        create_wildcard(scope, [creator_id], name, said, creator_id=creator_id)
    else:
        change_wildcard(scope, [creator_id], own.id, said)


def lock_wildcards(scope: Scope) -> None:
    """Lock all changes of wildcards until the transaction ends.

    Acquire this lock before the lock of a recipe name (`specs.save_recipe`).
    """
    assets.lock_library(scope, "word lists")


def _check_can_edit(scope: Scope, creators: Collection[UUID], creator_id: UUID | None) -> None:
    if creator_id is not None:
        if creator_id not in creators:
            raise NotFound("list.unknown")
    elif not {one.id for one in queries.list_creators(scope)} <= set(creators):
        raise Refused("list.of_all")


def _list_newest_rows(
    scope: Scope, creators: Collection[UUID], names: Sequence[str] | None = None
) -> list[WildcardRow]:
    """Return the newest rows by name, the agency's before a creator's."""
    rows = scope.session.exec(
        select(WildcardRow)
        .where(
            WildcardRow.tenant_id == scope.tenant_id,
            or_(
                col(WildcardRow.creator_id).is_(None),
                col(WildcardRow.creator_id).in_(list(creators)),
            ),
            *([col(WildcardRow.name).in_(names)] if names is not None else []),
        )
        .order_by(
            col(WildcardRow.name),
            col(WildcardRow.creator_id).nulls_first(),
            col(WildcardRow.version),
        )
        .execution_options(populate_existing=True)
    )
    return list({(row.name, row.creator_id): row for row in rows}.values())


def _get_wildcard_row(scope: Scope, creators: Collection[UUID], list_id: UUID) -> WildcardRow:
    row = scope.session.get(WildcardRow, (scope.tenant_id, list_id))
    if row is None or (row.creator_id is not None and row.creator_id not in creators):
        raise NotFound("list.unknown")
    return row


def _lock_newest_version(scope: Scope, creators: Collection[UUID], list_id: UUID) -> WildcardRow:
    """Lock and return the newest version of a list that may be edited.

    Raises Conflict if `list_id` is not the newest.
    """
    lock_wildcards(scope)
    row = _get_wildcard_row(scope, creators, list_id)
    _check_can_edit(scope, creators, row.creator_id)
    newest = scope.session.exec(
        select(WildcardRow)
        .where(*_same_wildcard_conditions(scope, row))
        .order_by(col(WildcardRow.version).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one()
    if newest.id != list_id:
        raise Conflict("list.changed", name=row.name)
    return newest


def _same_wildcard_conditions(scope: Scope, row: WildcardRow) -> tuple[Any, ...]:
    return (
        WildcardRow.tenant_id == scope.tenant_id,
        WildcardRow.name == row.name,
        col(WildcardRow.creator_id).is_not_distinct_from(row.creator_id),
    )


def _add_version(
    scope: Scope, before: WildcardRow | None, name: str, said: Wildcard, creator_id: UUID | None
) -> UUID:
    if before is not None and before.retired:
        _set_retired(scope, before, retired=False)
    row = WildcardRow(
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


def _set_retired(scope: Scope, row: WildcardRow, *, retired: bool) -> str:
    name = row.name
    scope.run(_MARK, retired=retired, tenant=scope.tenant_id, creator=row.creator_id, name=name)
    scope.session.expire_all()
    return name


def _version_from_row(scope: Scope, row: WildcardRow) -> WildcardVersion:
    # Stored lists are not validated again.
    said = Wildcard.model_construct(words=row.words, weights=row.weights)
    return WildcardVersion(
        row.id, row.creator_id, row.name, row.version, said, row.by, row.created_at or scope.now
    )


WEIGHTED_LINE = re.compile(r"(.*\S)\s*:\s*([0-9]{1,3})")


def format_weighted(option: str, weight: int | None) -> str:
    """Return a word with its weight as text."""
    if weight is None and WEIGHTED_LINE.fullmatch(option):
        weight = 1  # "16:9" is a word, not a weight; an explicit weight makes it unambiguous
    return option if weight is None else f"{option}:{weight}"


def format_wildcard(one: Wildcard) -> str:
    """Return the words of a list, one per line, as parsed by `parse_wildcard_lines`."""
    return "\n".join(format_weighted(word, one.weights.get(word)) for word in one.words)


def parse_wildcard_lines(text: str) -> tuple[list[str], dict[str, int]]:
    """Parse the words and weights of a list, one word per line."""
    found: list[str] = []
    weights: dict[str, int] = {}
    for line in filter(None, (" ".join(one.split()) for one in text.splitlines())):
        match = WEIGHTED_LINE.fullmatch(line)
        found.append(match[1] if match else line)
        if match and match[2] != "1":
            weights[match[1]] = int(match[2])
    return found, weights
