"""Requests and responses about generated texts and ideas."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from schedules.posts.live_posts import PostFormat
from schedules.suggestions.captions.brief import (
    MAX_BRIEF_CHANNELS,
    MAX_IDEA_LENGTH,
    MAX_SOURCE_LENGTH,
)
from schedules.suggestions.captions.proposals import CaptionSet
from schedules.suggestions.ideas.prompts import Idea
from schedules.suggestions.ideas.proposals import IdeaBatch
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from web.api.common.schemas import (
    EXAMPLE_CREATOR_ID,
    ReasonOut,
    RequestModel,
    StorableText,
    example_config,
    reason_out,
)

Language = Annotated[StorableText, Field(json_schema_extra={"enum": list(WRITABLE_LANGUAGES)})]
TextState = Literal["waiting", "written"]
Quality = Annotated[
    str,
    Field(
        description="`template` if no model wrote it, `demo` if a small demo model did; empty "
        "otherwise."
    ),
]


class KitIn(RequestModel):
    """A request for texts. `kit` adds a caption, a title, alternatives, hashtags and a description;
    `channels` requests a separate version for each account; `source` is translated into the
    languages of `into`. `idea` is the subject, `media_id` the picture."""

    model_config = example_config(
        {
            "creator_id": EXAMPLE_CREATOR_ID,
            "idea": "The harbour at dawn",
            "language": "en",
            "kit": True,
        }
    )

    creator_id: UUID
    language: Language
    idea: Annotated[StorableText, Field(max_length=MAX_IDEA_LENGTH)] = ""
    media_id: UUID | None = None
    kit: bool = True
    channels: Annotated[list[UUID], Field(max_length=MAX_BRIEF_CHANNELS)] = Field(
        default_factory=list
    )
    source: Annotated[StorableText, Field(max_length=MAX_SOURCE_LENGTH)] = ""
    into: Annotated[list[Language], Field(max_length=len(WRITABLE_LANGUAGES))] = Field(
        default_factory=list
    )


class OfferOut(BaseModel):
    """A generated text. `of` is the account or language it was written for, or empty."""

    field: Annotated[str, Field(examples=["caption"])]
    of: str
    text: str
    quality: Quality


class LackOut(BaseModel):
    """A text that was not generated, with the reason."""

    field: str
    of: str
    reason: ReasonOut | None


class KitOut(BaseModel):
    """Requested texts. `offers` is empty while the state is `waiting`. A post that uses one must
    set `text_ai` to `generated`, or to `template` if its quality is `template`."""

    id: UUID
    creator_id: UUID
    state: TextState
    offers: list[OfferOut]
    lacks: list[LackOut]

    @classmethod
    def of(cls, one: CaptionSet) -> "KitOut":
        return cls(
            id=one.id,
            creator_id=one.wish.creator_id,
            state="written" if one.written else "waiting",
            offers=[
                OfferOut(field=each.field, of=each.of, text=each.text, quality=each.label)
                for each in one.offers
            ],
            lacks=[
                LackOut(field=each.field, of=each.of, reason=reason_out(each.why))
                for each in one.lacks
            ],
        )


class IdeasIn(RequestModel):
    """A request for ideas from a creator's posts. An empty `language` means the creator's first
    language."""

    model_config = example_config({"creator_id": EXAMPLE_CREATOR_ID, "language": "en"})

    creator_id: UUID
    language: Language | Literal[""] = ""


class SourceOut(BaseModel):
    """The earlier post behind an idea, with its interactions (`value`) and the median of its
    account (`usual`)."""

    post_id: UUID
    account: str
    day: str
    value: int
    usual: int


class DismissIn(RequestModel):
    """The idea to dismiss, by its `number`."""

    number: Annotated[int, Field(ge=0, le=100)]


class IdeaOut(BaseModel):
    """An idea for a post. `source` is null if it is not based on an earlier post."""

    number: int
    title: str
    pitch: str
    form: PostFormat
    tags: list[str]
    source: SourceOut | None


class IdeasOut(BaseModel):
    """Requested ideas. `ideas` is empty while the state is `waiting`. They are based on `posts`
    posts, measured `age_hours` after publication. If more posts are needed, `lacking` is their
    number and the ideas use no results. `lacks` explains missing ideas."""

    id: UUID
    creator_id: UUID
    state: TextState
    posts: int
    age_hours: int
    lacking: int
    quality: Quality
    ideas: list[IdeaOut]
    lacks: list[ReasonOut | None]

    @classmethod
    def of(cls, one: IdeaBatch) -> "IdeasOut":
        """Convert from the stored batch, without dismissed ideas."""
        results = one.brief.results
        return cls(
            id=one.id,
            creator_id=one.brief.creator_id,
            state="written" if one.written else "waiting",
            posts=results.posts,
            age_hours=results.age_hours,
            lacking=results.lacking,
            quality=one.label,
            ideas=[_build_idea_out(one, number, each) for number, each in one.open_ideas],
            lacks=[reason_out(each) for each in one.lacks],
        )


def _build_idea_out(found: IdeaBatch, number: int, one: Idea) -> IdeaOut:
    past = found.inspiring_post(one)
    source = past and SourceOut(
        post_id=past.post_id, account=past.account, day=past.day, value=past.value, usual=past.usual
    )
    return IdeaOut(
        number=number,
        title=one.title,
        pitch=one.pitch,
        form=one.form,
        tags=list(one.tags),
        source=source,
    )
