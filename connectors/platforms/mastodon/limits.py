"""Limits of Mastodon servers. Each server sets limits and publishes them without sign-in.

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
"""The types we send; a server may accept fewer."""

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
"""The highest credible value of each limit. Higher values are ignored."""

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
"""The path of each limit in the server's `configuration`."""

_OVER = re.compile(
    r"limit of \d+ exceeded|Cannot attach more than|must be less than|are not supported|too long"
)
"""Errors for an exceeded limit, in English as on most servers (config/locales/en.yml and Rails'
messages)."""


@dataclass(frozen=True)
class ServerLimits:
    """Limits of a server: the characters of a text, the files of a post, the characters counted per
    URL, the characters of an alt text, and the bytes and pixels of a file.

    The defaults are Mastodon's, except for videos: the default is 40 MiB, because older servers do
    not have the later limit of 99 MiB.
    """

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
        """Return the limits as they are stored with an account."""
        return {**asdict(self), "mimes": list(self.mimes)}

    def media_problem(self, media: tuple[Medium, ...]) -> Message | None:
        """Return the reason why the files of a post are not accepted, or None."""
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
        """Check the type, the size and, if known, the number of pixels."""
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
    """Return stored limits. Invalid values are replaced by the defaults."""
    known = {one.name: getattr(DEFAULT_LIMITS, one.name) for one in fields(ServerLimits)}
    numbers = {
        name: parse_limit(kept.get(name), known[name], most)
        for name, most in LIMIT_CEILINGS.items()
    }
    return ServerLimits(**numbers, mimes=_supported_mimes(kept.get("mimes")))


def limits_from_server(server: Any) -> ServerLimits:
    """Return the limits that a server publishes. Invalid values are replaced by the defaults."""
    said = _nested_mapping(server, "configuration")
    kept = {name: _nested_mapping(said, group).get(field) for name, (group, field) in _TOLD.items()}
    return limits_from_json(
        {**kept, "mimes": _nested_mapping(said, "media_attachments").get("supported_mime_types")}
    )


def _nested_mapping(said: Any, name: str) -> Mapping[str, Any]:
    part = said.get(name) if isinstance(said, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _supported_mimes(told: object) -> tuple[str, ...]:
    """Return the types in `MIMES` that a server accepts, or all if it lists none of them."""
    listed = told if isinstance(told, list | tuple) else ()
    return tuple(one for one in MIMES if one in listed) or MIMES


def instance_step(kind: StepKind) -> WireStep:
    """Request the server's public description."""
    action = "look" if kind is StepKind.CONTROL else ""
    return WireStep(INSTANCE, kind, "GET", "/api/v2/instance", token="none", action=action)


def read_own_limits(answers: tuple[StepResult, ...]) -> Send | Mapping[str, Any] | None:
    """Return the next request, or the server's limits; None if it does not publish them."""
    if not answers:
        return Send(instance_step(StepKind.CONTROL))
    server = success_body(answers[-1])
    return (
        limits_from_server(server).json()
        if isinstance(server.get("configuration"), Mapping)
        else None
    )


def limit_refusal(answer: StepResult) -> Rejected | None:
    """Return the rejection if the server reports that a limit was exceeded, or None."""
    said = (
        answer.body.get("error")
        if isinstance(answer, Response) and isinstance(answer.body, dict)
        else ""
    )
    if not isinstance(answer, Response) or answer.status != 422 or not _OVER.search(str(said)):
        return None
    return Rejected(Message(LIMIT_CHANGED), permanent=False)
