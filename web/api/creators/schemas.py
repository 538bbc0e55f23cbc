"""Requests and responses about the profiles of creators."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from channels.creators.profiles import MAX_BIOGRAPHY, NewCreator
from foundation.i18n.translation import LANGUAGES
from studio.costs.quotas import MAX_PER_DAY
from tenants.agencies.creators import (
    MAX_POSTS_PER_DAY,
    MAX_RESPONSIBLE,
    CreatorChanges,
    CreatorProfile,
)
from tenants.agencies.names import MAX_HANDLE_LENGTH, MAX_NAME_LENGTH
from tenants.agencies.states import CreatorState
from web.api.channels.schemas import CreatorOut
from web.api.common.schemas import RequestModel, StorableText, example_config

MAX_ZONE = 60

NameText = Annotated[StorableText, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
BiographyText = Annotated[StorableText, Field(max_length=MAX_BIOGRAPHY)]
ZoneText = Annotated[StorableText, Field(max_length=MAX_ZONE)]
KindText = Literal["human", "virtual"]
CeilingText = Literal["G", "S", "N", "E"]
LanguageList = Annotated[
    list[Annotated[StorableText, Field(max_length=20)]],
    Field(min_length=1, max_length=len(LANGUAGES)),
]
PostsPerDay = Annotated[
    int, Field(ge=0, le=MAX_POSTS_PER_DAY, strict=True, description="0 means no limit.")
]
ImagesPerDay = Annotated[
    int, Field(ge=0, le=MAX_PER_DAY, strict=True, description="0 means no limit of the creator.")
]
Responsible = Annotated[
    list[UUID],
    Field(max_length=MAX_RESPONSIBLE, description="Members who receive the emails about them."),
]


class NewCreatorIn(RequestModel):
    """A new creator. Without `handle`, it is made from the name. The handle is the address of the
    public page and cannot be changed. Without `approvals`, posts need one approval if two members
    can approve, otherwise none."""

    model_config = example_config(
        {"name": "Mia Laurent", "kind": "human", "zone": "Europe/Paris", "languages": ["fr"]}
    )

    name: NameText
    kind: KindText
    zone: ZoneText
    languages: LanguageList
    handle: Annotated[StorableText, Field(max_length=MAX_HANDLE_LENGTH)] = ""
    biography: BiographyText = ""
    rating_ceiling: CeilingText = "G"
    approvals: Annotated[int | None, Field(ge=0, le=2, strict=True)] = None
    posts_per_day: PostsPerDay = 0
    images_per_day: ImagesPerDay = 0
    responsible: Responsible = Field(default_factory=list)

    def to_creator(self) -> NewCreator:
        """Return the creator to add."""
        fields = self.model_dump(exclude={"approvals", "images_per_day"})
        return NewCreator(**fields, approval_tiers=self.approvals)


class CreatorChangeIn(RequestModel):
    """New values of a creator. Omitted fields keep their value."""

    model_config = example_config({"biography": "Photographer in Lyon", "posts_per_day": 5})

    name: NameText | None = None
    handle: Annotated[StorableText, Field(max_length=MAX_HANDLE_LENGTH)] | None = None
    biography: BiographyText | None = None
    kind: KindText | None = None
    zone: ZoneText | None = None
    languages: LanguageList | None = None
    rating_ceiling: CeilingText | None = None
    posts_per_day: PostsPerDay | None = None
    images_per_day: ImagesPerDay | None = None
    responsible: Responsible | None = None

    def to_changes(self) -> CreatorChanges:
        """Return the changes of the profile."""
        return CreatorChanges(**self.model_dump(exclude={"handle", "images_per_day"}))


class CreatorProfileOut(CreatorOut):
    """A creator with their profile. `posts_per_day` and `images_per_day` are null without a limit;
    `responsible` are IDs of members."""

    biography: str
    rating_ceiling: str
    has_avatar: bool
    posts_per_day: int | None
    images_per_day: int | None
    responsible: list[UUID]

    @classmethod
    def from_profile(cls, found: CreatorProfile, quotas: Mapping[UUID, int]) -> "CreatorProfileOut":
        """Return the response for a profile; `quotas` are the images per day of each creator."""
        creator = found.creator
        return cls(
            **CreatorOut.of(creator).model_dump(),
            biography=found.biography,
            rating_ceiling=creator.rating_ceiling,
            has_avatar=bool(found.avatar),
            posts_per_day=creator.posts_per_day,
            images_per_day=quotas.get(creator.id),
            responsible=list(found.responsible),
        )


class CreatorProfilesOut(BaseModel):
    """The creators that the key may access."""

    items: list[CreatorProfileOut]


class CreatorFilter(RequestModel):
    """Creators in one state; without `state`, all."""

    state: CreatorState | None = None
