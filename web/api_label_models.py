"""Labels at the edge: what the API takes in and gives out of them, as JSON."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schedules.labels import LONGEST_NAME, MOST_AT_ONCE, Label
from web.api_inputs import In, Text

Colour = Literal["grey", "red", "orange", "green", "blue", "purple"]


class LabelIn(In):
    """A label: a name that no other one has, without regard to case, and one of a few colours."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Spring campaign", "colour": "green"}]})

    name: Annotated[Text, Field(min_length=1, max_length=LONGEST_NAME)]
    colour: Colour = "grey"


class LabelOut(BaseModel):
    """A label of the agency."""

    id: UUID
    name: str
    colour: str

    @classmethod
    def of(cls, one: Label) -> "LabelOut":
        """Of the room's value."""
        return cls(id=one.id, name=one.name, colour=one.colour)


class LabelsOut(BaseModel):
    """All labels of the agency, by name."""

    items: list[LabelOut]


class LabelledIn(In):
    """Posts that one label is given to, or taken off, at once."""

    label: UUID
    posts: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]


class LabelledOut(BaseModel):
    """What became of it: how many of the posts had it not before, or had it."""

    label: LabelOut
    changed: int
