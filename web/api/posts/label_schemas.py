"""Requests and responses about labels."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schedules.posts.labels import MAX_LABEL_NAME_LENGTH, MAX_POSTS_PER_LABELLING, Label
from web.api.common.schemas import RequestModel, StorableText

Colour = Literal["grey", "red", "orange", "green", "blue", "purple"]


class LabelIn(RequestModel):
    """A label. Its name is unique without regard to case."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Spring campaign", "colour": "green"}]}
    )

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_LABEL_NAME_LENGTH)]
    colour: Colour = "grey"


class LabelOut(BaseModel):
    """A label of the agency."""

    id: UUID
    name: str
    colour: str

    @classmethod
    def of(cls, one: Label) -> "LabelOut":
        return cls(id=one.id, name=one.name, colour=one.colour)


class LabelsOut(BaseModel):
    """All labels of the agency, sorted by name."""

    items: list[LabelOut]


class LabelledIn(RequestModel):
    """The posts to which a label is added, or from which it is removed."""

    label: UUID
    posts: Annotated[list[UUID], Field(min_length=1, max_length=MAX_POSTS_PER_LABELLING)]


class LabelledOut(BaseModel):
    """The label and the number of posts that changed."""

    label: LabelOut
    changed: int
