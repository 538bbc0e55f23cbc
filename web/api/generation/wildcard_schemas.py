"""Requests and responses about wildcards, the word lists that recipes share."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from studio.recipes.wildcards import MAX_WILDCARD_NAME, MAX_WORD_LENGTH, MAX_WORDS, WildcardVersion
from web.api.common.schemas import RequestModel, StorableText

EXAMPLE: dict[str, Any] = {
    "name": "outfits",
    "words": ["a red dress", "a long coat"],
    "weights": {"a red dress": 3},
}
Word = Annotated[StorableText, Field(min_length=1, max_length=MAX_WORD_LENGTH)]


Words = Annotated[list[Word], Field(min_length=1, max_length=MAX_WORDS)]
Weights = Annotated[
    dict[Word, Annotated[int, Field(ge=1, le=100)]],
    Field(default_factory=dict, max_length=MAX_WORDS),
]
ListName = Annotated[
    StorableText,
    Field(
        min_length=1,
        max_length=MAX_WILDCARD_NAME,
        description="Lower-case letters, digits, - and _.",
    ),
]


class WordListChange(RequestModel):
    """Changes to a wildcard list: its words without duplicates, and the weights of some of them
    (default 1). Without `words`, they do not change. A new `name` also replaces the old one in the
    recipes that use it."""

    words: Words | None = None
    weights: Weights
    name: ListName | None = None


class WordListIn(RequestModel):
    """A new wildcard list, used in prompts as `{@outfits}`: its words without duplicates, and the
    weights of some of them (default 1). Without `creator_id`, it belongs to the agency."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: ListName
    words: Words
    weights: Weights
    creator_id: UUID | None = None


class WordListOut(BaseModel):
    """A version of a wildcard list. `creator_id` is null for a list of the agency. A creator's list
    takes precedence over the agency's list of the same name."""

    id: UUID
    creator_id: UUID | None
    name: str
    version: int
    words: list[str]
    weights: dict[str, int]
    written_at: datetime

    @classmethod
    def of(cls, one: WildcardVersion) -> "WordListOut":
        said = {name: getattr(one, name) for name in ("id", "creator_id", "name", "version")}
        return cls(**said, words=one.said.words, weights=one.said.weights, written_at=one.at)


class WordListsOut(BaseModel):
    """A page of wildcard lists. `next` is the cursor of the next page, or null."""

    items: list[WordListOut]
    next: str | None


class WordListVersionsOut(BaseModel):
    """Versions of one wildcard list, newest first."""

    items: list[WordListOut]
