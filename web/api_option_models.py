"""What the API gives out of what single places choose and ask, as JSON."""

from pydantic import BaseModel

from connectors.capabilities import Format, Option
from connectors.options import label
from foundation.words import Message, say
from web.api_errors import LANGUAGE


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
    def of(cls, platform: str, one: Option) -> "OptionOut":
        """Of what a connector declares."""
        plain = ("name", "kind", "default", "most", "entries", "pattern")
        told = {name: getattr(one, name) for name in plain}
        return cls(**told, label=say(Message(label(platform, one.name)), LANGUAGE), choices=list(one.choices))


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
    def of(cls, name: str, one: Format) -> "FormatOut":
        """Of what a connector declares."""
        plain = ("max_text", "max_media", "max_bytes", "film_seconds", "hours")
        return cls(name=name, **{each: getattr(one, each) for each in plain})


class PriceOut(BaseModel):
    """Minor units of a currency."""

    minor: int
    currency: str
