"""The parts of a post: the post itself, what hangs under it as a thread, its first comment, and
that it is passed on.

Each part leaves under a permit of its own, one after the other, and is put under the one before it;
the first comment goes under the post itself, which is what is passed on too. Until the last one
stands, the delivery says how far it got.
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
"""Of one post, its first comment too."""

MAX_PART_LENGTH = 4096
"""Characters; what a platform takes is less, and said by its connector."""


@dataclass(frozen=True)
class ThreadPart:
    """What one part says and shows; `media` are asset ids. The first comment is the last part."""

    body: str
    media: tuple[UUID, ...] = ()
    comment: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.body.strip() or self.media)


def parse_thread(parts: Sequence[Mapping[str, Any]]) -> tuple[ThreadPart, ...]:
    """What follows a post, in the order it leaves in, from its stored form."""
    return tuple(_part_from_json(one) for one in parts)


def _part_from_json(stored: Mapping[str, Any]) -> ThreadPart:
    return ThreadPart(
        stored["body"], tuple(UUID(asset) for asset in stored["media"]), stored["comment"]
    )


def dump_thread(parts: Sequence[ThreadPart]) -> list[dict[str, Any]]:
    """The stored form."""
    return [
        {"body": part.body, "media": [str(one) for one in part.media], "comment": part.comment}
        for part in parts
    ]


def check_thread(parts: Sequence[ThreadPart]) -> None:
    """Raise BadInput for too many, an empty one, one too long, or a comment before the end."""
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
    """Every picture of a post, in the order shown."""
    return [*media, *(asset for part in parts for asset in part.media)]


def build_thread_units(
    first: Unit, parts: Sequence[tuple[ThreadPart, tuple[Medium, ...]]], can: Capabilities
) -> tuple[Unit, ...]:
    """What a place would show of a post, one unit for each part: `first` is the post itself.

    Where parts are joined it is one; a place that knows no threads refuses them as its connector
    says, and cuts none.
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
    alone = len(parts) == 1 and parts[0][0].comment
    kinds = (HAS_FIRST_COMMENT, IS_FIRST_COMMENT) if alone else ("",) * (len(parts) + 1)
    return tuple(
        replace(one, parts=len(parts) + 1, comment=kind)
        for one, kind in zip((first, *rest), kinds, strict=True)
    )


def _build_platform_repost(
    first: Unit, those: Sequence[Unit], can: Capabilities
) -> tuple[Unit, ...]:
    """The parts of a post that is shown once more by its platform: the same words and pictures, for
    another place."""
    many = len(those) + 1
    again = replace(
        those[0],
        surface=can.passes_to,
        native_key=step_runner.native_key_of(first.subject, many - 1),
    )
    said = (replace(one, parts=many, options=first.options) for one in those)
    return (*said, replace(again, parts=many, comment=REPOST_KIND))


def missing_disclosure(marked: Sequence[Unit], can: Capabilities) -> Message | None:
    """Why a first comment cannot leave where comments bear no marks: it needs one that its post
    above has not."""
    if can.threads > 1 or len(marked) < 2:
        return None
    more = next((flag for flag in marked[-1].flags if flag not in marked[0].flags), "")
    return Message("connectors.mark_untold", {"mark": more}) if more else None


def current_part(row: Delivery) -> int:
    """The part of a delivery that is on its way, or comes next: 0 is the post itself."""
    return len(row.part_ids)


def is_partly_published(row: Delivery) -> bool:
    """Whether a part of it stands outside, and not yet all."""
    return 0 < len(row.part_ids) < row.parts


def reply_target(row: Delivery, parts: Sequence[ThreadPart]) -> str:
    """The native id that the next part is put under; "" for the first one. `parts` are what follows
    the post there."""
    part = current_part(row)
    if part == 0:
        return ""
    return str(row.part_ids[0 if part > len(parts) or parts[part - 1].comment else -1])
