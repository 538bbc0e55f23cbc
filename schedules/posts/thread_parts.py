"""The parts of a post: the post itself, its thread, its first comment and its repost by the
platform.

Each part is published under its own permit, as a reply to the part before it. The first comment
replies to the first part, and a repost repeats the first part. Until the last part is published,
the delivery stores the progress.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from channels.sending import step_runner
from connectors.contract.capabilities import Capabilities
from connectors.shared import options
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from gate.contract.units import HAS_FIRST_COMMENT, IS_FIRST_COMMENT, REPOST_KIND, Medium, Text, Unit
from schedules.posts.models import Delivery

MAX_THREAD_PARTS = 25
"""Maximum number of parts of one post, including the first comment."""

MAX_PART_LENGTH = 4096
"""Maximum number of characters; the limit of a platform is lower and comes from its connector."""


@dataclass(frozen=True)
class ThreadPart:
    """The text and pictures (asset IDs) of one part. The first comment is the last part."""

    body: str
    media: tuple[UUID, ...] = ()
    comment: bool = False

    @property
    def is_empty(self) -> bool:
        """Return True if it has neither text nor pictures."""
        return not (self.body.strip() or self.media)


def parse_thread(parts: Sequence[Mapping[str, Any]]) -> tuple[ThreadPart, ...]:
    """Return the parts after the first, in publishing order, from their stored form."""
    return tuple(_part_from_json(one) for one in parts)


def _part_from_json(stored: Mapping[str, Any]) -> ThreadPart:
    return ThreadPart(
        stored["body"], tuple(UUID(asset) for asset in stored["media"]), stored["comment"]
    )


def dump_thread(parts: Sequence[ThreadPart]) -> list[dict[str, Any]]:
    """Return the stored form of parts."""
    return [
        {"body": part.body, "media": [str(one) for one in part.media], "comment": part.comment}
        for part in parts
    ]


def check_thread(parts: Sequence[ThreadPart]) -> None:
    """Raise BadInput for too many parts, an empty or too long part, or a comment before the end."""
    if len(parts) + 1 > MAX_THREAD_PARTS:
        raise BadInput("post.too_many_parts", most=MAX_THREAD_PARTS)
    if any(part.is_empty for part in parts):
        raise BadInput("post.empty_part")
    if any(len(part.body) > MAX_PART_LENGTH for part in parts):
        raise BadInput("post.part_too_long", most=MAX_PART_LENGTH)
    if any(part.comment for part in parts[:-1]):
        raise BadInput("post.comment_last")
    if any("\x00" in part.body for part in parts):
        raise BadInput("post.unwritable")


def collect_thread_assets(media: Sequence[UUID], parts: Sequence[ThreadPart]) -> list[UUID]:
    """Return every asset of a post and its parts, in display order."""
    return [*media, *(asset for part in parts for asset in part.media)]


def build_thread_units(
    first: Unit, parts: Sequence[tuple[ThreadPart, tuple[Medium, ...]]], can: Capabilities
) -> tuple[Unit, ...]:
    """Build one unit for each part of a post; `first` is that of the post itself.

    If the connector joins parts, there is one unit. A platform without threads refuses the parts;
    none is dropped.
    """
    if options.unit_options(first).get_flag(can.passes_on):
        return _build_platform_repost(
            first, build_thread_units(replace(first, options=()), parts, can), can
        )
    if not parts:
        return (first,)
    if can.joins_parts:
        words = "\n\n".join(
            body for body in (first.text_of("body"), *(part.body for part, _ in parts)) if body
        )
        titles = tuple(text for text in first.texts if text.field != "body")
        shown = (*first.media, *(medium for _, media in parts for medium in media))
        return (replace(first, texts=(*titles, Text("body", words)), media=shown),)
    rest = (
        replace(
            first,
            texts=(Text("body", part.body),) if part.body else (),
            media=media,
            native_key=step_runner.native_key_of(first.subject, number),
        )
        for number, (part, media) in enumerate(parts, start=1)
    )
    # A post with only a first comment is not a thread.
    alone = len(parts) == 1 and parts[0][0].comment
    kinds = (HAS_FIRST_COMMENT, IS_FIRST_COMMENT) if alone else ("",) * (len(parts) + 1)
    return tuple(
        replace(one, parts=len(parts) + 1, comment=kind)
        for one, kind in zip((first, *rest), kinds, strict=True)
    )


def _build_platform_repost(
    first: Unit, those: Sequence[Unit], can: Capabilities
) -> tuple[Unit, ...]:
    """Append a repost by the platform: the same text and pictures on another surface."""
    many = len(those) + 1
    again = replace(
        those[0],
        surface=can.passes_to,
        native_key=step_runner.native_key_of(first.subject, many - 1),
    )
    said = (replace(one, parts=many, options=first.options) for one in those)
    return (*said, replace(again, parts=many, comment=REPOST_KIND))


def missing_disclosure(marked: Sequence[Unit], can: Capabilities) -> Message | None:
    """Return the reason that a first comment cannot be published, or None if it can.

    On platforms whose comments have no marks, a comment must not need a mark that its post lacks.
    """
    if can.threads > 1 or len(marked) < 2:
        return None
    more = next((flag for flag in marked[-1].flags if flag not in marked[0].flags), "")
    return Message("connectors.mark_untold", {"mark": more}) if more else None


def current_part(row: Delivery) -> int:
    """Return the index of the part that is being published or comes next; 0 is the post itself."""
    return len(row.part_ids)


def is_partly_published(row: Delivery) -> bool:
    """Return True if some, but not all, of its parts are published."""
    return 0 < len(row.part_ids) < row.parts


def reply_target(row: Delivery, parts: Sequence[ThreadPart]) -> str:
    """Return the native ID that the next part replies to, or "" for the first part.

    `parts` are those after the first on the delivery's account.
    """
    part = current_part(row)
    if part == 0:
        return ""
    # A comment or repost refers to the first part, any other part to the one before it.
    return str(row.part_ids[0 if part > len(parts) or parts[part - 1].comment else -1])
