"""What a Mastodon server lets its accounts do: each sets limits of its own, and says so to anybody.
Pure.

Source: https://docs.joinmastodon.org/entities/Instance/#configuration
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from connectors.contract.capability_overrides import LIMIT_CHANGED, parse_limit
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Rejected
from connectors.platforms.mastodon.text import LINK_LENGTH
from connectors.shared.http_responses import success_body
from foundation.i18n.translation import Message
from gate.contract.units import Medium

INSTANCE = "instance"
VIDEO_MIME = "video/mp4"
MIMES = ("image/jpeg", "image/png", "image/webp", VIDEO_MIME)
"""What we send; a server may take fewer kinds."""

LIMIT_CEILINGS = {
    "text": 100_000,
    "media": 32,
    "per_address": 500,
    "alt": 10_000,
    "picture_bytes": 2**31,
    "film_bytes": 2**31,
    "picture_pixels": 10**9,
    "film_pixels": 10**9,
}
"""What is believed at most of each number: beyond it somebody wrote nonsense."""

_TOLD = {
    "text": ("statuses", "max_characters"),
    "media": ("statuses", "max_media_attachments"),
    "per_address": ("statuses", "characters_reserved_per_url"),
    "alt": ("media_attachments", "description_limit"),
    "picture_bytes": ("media_attachments", "image_size_limit"),
    "film_bytes": ("media_attachments", "video_size_limit"),
    "picture_pixels": ("media_attachments", "image_matrix_limit"),
    "film_pixels": ("media_attachments", "video_matrix_limit"),
}
"""Where in `configuration` each stands."""

_OVER = re.compile(
    r"limit of \d+ exceeded|Cannot attach more than|must be less than|are not supported|too long"
)
"""How a server says that it takes less, in English as most do (config/locales/en.yml and Rails' own
messages)."""


@dataclass(frozen=True)
class ServerLimits:
    """Characters, addresses' worth of characters, files of a post, bytes and pixels of one file;
    those of a server that changed nothing, but for films: 40 MiB on servers that have not raised it
    to 99."""

    text: int = 500
    media: int = 4
    per_address: int = LINK_LENGTH
    alt: int = 1500
    picture_bytes: int = 16 * 2**20
    film_bytes: int = 40 * 2**20
    picture_pixels: int = 33_177_600
    film_pixels: int = 8_294_400
    mimes: tuple[str, ...] = MIMES

    def json(self) -> dict[str, Any]:
        """As it is kept with an account."""
        return {**asdict(self), "mimes": list(self.mimes)}

    def media_problem(self, media: tuple[Medium, ...]) -> Message | None:
        """Why the files of a post are not taken as they are."""
        if len(media) > 1 and any(medium.mime == VIDEO_MIME for medium in media):
            return Message("mastodon.film_alone")
        for place, medium in enumerate(media, start=1):
            if wrong := self._medium_unfit(medium):
                return wrong
            if not medium.alt.strip():
                return Message("connectors.alt_missing", {"place": place})
            if len(medium.alt) > self.alt:
                return Message(
                    "connectors.text_too_long", {"length": len(medium.alt), "most": self.alt}
                )
        return None

    def _medium_unfit(self, medium: Medium) -> Message | None:
        """Its kind, its weight, or its size in pixels where that is known."""
        film = medium.mime == VIDEO_MIME
        heavy = medium.size > (self.film_bytes if film else self.picture_bytes)
        if heavy or medium.mime not in self.mimes:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
        most = self.film_pixels if film else self.picture_pixels
        if medium.width * medium.height > most:
            said = {"width": medium.width, "height": medium.height, "most": most}
            return Message("mastodon.too_many_pixels", said)
        return None


DEFAULT_LIMITS = ServerLimits()


def limits_from_json(kept: Mapping[str, Any]) -> ServerLimits:
    """Limits as they were kept; whatever makes no sense is as usual."""
    known = {one.name: getattr(DEFAULT_LIMITS, one.name) for one in fields(ServerLimits)}
    numbers = {
        name: parse_limit(kept.get(name), known[name], most)
        for name, most in LIMIT_CEILINGS.items()
    }
    return ServerLimits(**numbers, mimes=_supported_mimes(kept.get("mimes")))


def limits_from_server(server: Any) -> ServerLimits:
    """What a server says of itself; whatever makes no sense is as usual."""
    said = _nested_mapping(server, "configuration")
    kept = {name: _nested_mapping(said, group).get(field) for name, (group, field) in _TOLD.items()}
    return limits_from_json(
        {**kept, "mimes": _nested_mapping(said, "media_attachments").get("supported_mime_types")}
    )


def _nested_mapping(said: Any, name: str) -> Mapping[str, Any]:
    part = said.get(name) if isinstance(said, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _supported_mimes(told: object) -> tuple[str, ...]:
    """Of our kinds those that a server takes; all of them where it names none of ours, which says
    nothing."""
    listed = told if isinstance(told, list | tuple) else ()
    return tuple(one for one in MIMES if one in listed) or MIMES


def instance_step(kind: StepKind) -> WireStep:
    """The request for what a server says of itself: anybody may read it."""
    action = "look" if kind is StepKind.CONTROL else ""
    # no secret
    return WireStep(INSTANCE, kind, "GET", "/api/v2/instance", token="none", action=action)


def read_own_limits(answers: tuple[StepResult, ...]) -> Send | Mapping[str, Any] | None:
    """Ask the server what it takes; None where it did not say."""
    if not answers:
        return Send(instance_step(StepKind.CONTROL))
    server = success_body(answers[-1])
    return (
        limits_from_server(server).json()
        if isinstance(server.get("configuration"), Mapping)
        else None
    )


def limit_refusal(answer: StepResult) -> Rejected | None:
    """A refusal by a limit that we did not know of; None for any other answer."""
    said = (
        answer.body.get("error")
        if isinstance(answer, Response) and isinstance(answer.body, dict)
        else ""
    )
    if not isinstance(answer, Response) or answer.status != 422 or not _OVER.search(str(said)):
        return None
    return Rejected(Message(LIMIT_CHANGED), permanent=False)
