"""Schemas of writing styles: tone, length and hashtags by network."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from foundation.errors import BadInput
from generators.contract.engines import TextLength
from schedules.suggestions.captions.styles import MAX_TONE, WritingStyle
from schedules.suggestions.shared.text_rules import MAX_HASHTAGS
from web.api.common.calls import state_tag
from web.api.common.schemas import (
    EXAMPLE_CREATOR_ID,
    RequestModel,
    StorableText,
    example_config,
)

MAX_STYLES = 50


class StyleIn(RequestModel):
    """The style of a network; an empty `network` is that of all networks. null is the usual length
    or number of hashtags."""

    network: Annotated[StorableText, Field(max_length=40)] = ""
    tone: Annotated[StorableText, Field(max_length=MAX_TONE)] = ""
    length: TextLength | None = None
    hashtags: Annotated[int, Field(ge=0, le=MAX_HASHTAGS)] | None = None


class StylesIn(RequestModel):
    """The styles of a creator, each network once."""

    model_config = example_config(
        {"styles": [{"network": "mastodon", "tone": "warm", "length": "short", "hashtags": 2}]}
    )

    styles: Annotated[list[StyleIn], Field(max_length=MAX_STYLES)]

    def to_styles(self) -> Mapping[str, WritingStyle]:
        """Return the styles by network. Raises BadInput for a network listed twice."""
        found = {
            one.network: WritingStyle(one.tone, one.length, one.hashtags) for one in self.styles
        }
        if len(found) < len(self.styles):
            raise BadInput("style.network_twice")
        return found


class StyleOut(BaseModel):
    """The style of a network, as in `StyleIn`."""

    network: str
    tone: str
    length: TextLength | None
    hashtags: int | None


class StylesOut(BaseModel):
    """The styles of a creator, sorted by network."""

    model_config = example_config({"creator_id": EXAMPLE_CREATOR_ID, "styles": []})

    creator_id: UUID
    styles: list[StyleOut]

    @classmethod
    def of(cls, creator_id: UUID, found: Mapping[str, WritingStyle]) -> "StylesOut":
        return cls(
            creator_id=creator_id,
            styles=[
                StyleOut(
                    network=network,
                    tone=style.tone,
                    length=style.length,
                    hashtags=style.hashtags,
                )
                for network, style in sorted(found.items())
            ],
        )

    @property
    def tagged(self) -> list[object]:
        """The values of the state tag."""
        return [one.model_dump(mode="json") for one in self.styles]

    @property
    def tag(self) -> str:
        """The state tag of these styles."""
        return state_tag(*self.tagged)
