"""Lists of words that recipes share, at the edge: what the API takes in and gives out of them."""

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
    """What a list says from now on: its words, each once, and how often some are drawn against the
    others (1 without it); without `words`, it says what it said. With a `name` it is renamed, and
    the recipes that draw from it with it.
    """

    words: Words | None = None
    weights: Weights
    name: ListName | None = None


class WordListIn(RequestModel):
    """A new list, named in prompts as `{@outfits}`: its words, each once, and how often some are
    drawn against the others (1 without it). Without a creator, of the whole agency."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: ListName
    words: Words
    weights: Weights
    creator_id: UUID | None = None


class WordListOut(BaseModel):
    """A version of a list; `creator_id` is null of the agency's. A creator's own stands before it
    under one name."""

    id: UUID
    creator_id: UUID | None
    name: str
    version: int
    words: list[str]
    weights: dict[str, int]
    written_at: datetime

    @classmethod
    def of(cls, one: WildcardVersion) -> "WordListOut":
        """Of the room's value."""
        said = {name: getattr(one, name) for name in ("id", "creator_id", "name", "version")}
        return cls(**said, words=one.said.words, weights=one.said.weights, written_at=one.at)


class WordListsOut(BaseModel):
    """A page of lists by name; `next` is the cursor of the one after, null at the end."""

    items: list[WordListOut]
    next: str | None


class WordListVersionsOut(BaseModel):
    """Versions of one list, the newest first."""

    items: list[WordListOut]
