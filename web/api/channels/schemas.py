"""Accounts at the edge: how far apart posts are kept, whether that binds, and whether what was said already is held.

What the API gives out of what single places choose and ask, as JSON.
"""

from typing import Annotated

from pydantic import BaseModel, Field

from channels.accounts.lifecycle import MAX_INTERVAL_MINUTES
from connectors.contract.capabilities import PostFormat, PostOption
from connectors.shared.options import option_label
from foundation.i18n.translation import Message, render_message
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import RequestModel
from web.api.planning.request_schemas import example_config


class PaceIn(RequestModel):
    """How an account posts; what is left out stays. `apart_minutes`: at least so many between two posts; with
    `holds_distance` one that comes nearer waits until they have passed, else people are told. `holds_repeats`: what the
    account said already waits until somebody says that it is meant so."""

    model_config = example_config({"apart_minutes": 30, "holds_distance": True, "holds_repeats": True})

    apart_minutes: Annotated[int | None, Field(ge=0, le=MAX_INTERVAL_MINUTES)] = None
    holds_distance: bool | None = None
    holds_repeats: bool | None = None


class OptionOut(BaseModel):
    """What a post may choose on an account beside its words. Where nobody chooses, `default` is what the platform gets;
    `most` counts characters (of all entries of a list), `entries` those of a list, each of which matches `pattern`."""

    name: str
    kind: str
    label: str
    choices: list[str]
    default: str
    most: int
    entries: int
    pattern: str

    @classmethod
    def of(cls, platform: str, one: PostOption) -> "OptionOut":
        """Of what a connector declares."""
        plain = ("name", "kind", "default", "most", "entries", "pattern")
        told = {name: getattr(one, name) for name in plain}
        return cls(
            **told,
            label=render_message(Message(option_label(platform, one.name)), ERROR_LANGUAGE),
            choices=list(one.choices),
        )


class FormatOut(BaseModel):
    """What a post is held to that chose a format by the option `name`; after `hours` its platform takes it away by
    itself (0: it stands)."""

    name: str
    max_text: int
    max_media: int
    max_bytes: int
    film_seconds: tuple[int, int]
    hours: int

    @classmethod
    def of(cls, name: str, one: PostFormat) -> "FormatOut":
        """Of what a connector declares."""
        plain = ("max_text", "max_media", "max_bytes", "film_seconds", "hours")
        return cls(name=name, **{each: getattr(one, each) for each in plain})


class PriceOut(BaseModel):
    """Minor units of a currency."""

    minor: int
    currency: str
