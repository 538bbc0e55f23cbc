"""What stands outside: where one post does, and since when; and as results are compared, what posts said, in which
form, when, with which hashtags."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from channels import reads as channel_reads
from foundation.database import Scope
from gate import recording
from generators.media import POST
from schedules import overrides
from schedules.models import Delivery, Post
from schedules.overrides import Content
from schedules.states import DeliveryState

_TAG = re.compile(r"(?<!\w)#([^\W\d_]\w{0,49})")


class Form(StrEnum):
    """In which form something is posted."""

    WORDS, PICTURE, PICTURES, FILM, SOUND, THREAD = "words", "picture", "pictures", "film", "sound", "thread"


@dataclass(frozen=True)
class Outside:
    """A published delivery: where it stands, and since when that is known (UTC-aware)."""

    creator_id: UUID
    channel_id: UUID
    native_id: str
    at: datetime
    ends: datetime | None = None
    """From when on its platform may have taken it away by itself; None of what stands."""

    def has_ended(self, now: datetime) -> bool:
        """Whether it may be gone by itself."""
        return self.ends is not None and now >= self.ends


def published(scope: Scope, delivery_id: UUID) -> Outside | None:
    """Where a published delivery stands; None of any other."""
    row = scope.session.get(Delivery, (scope.tenant_id, delivery_id))
    if row is None or row.native_id is None or row.state != DeliveryState.PUBLISHED:
        return None
    at = row.settled_at or row.due_at
    lasts = timedelta(hours=row.lasts_hours) if row.lasts_hours is not None else None
    ends = min(row.claimed_at or at, at) + lasts if lasts is not None else None
    return Outside(row.creator_id, row.channel_id, row.native_id, at, ends)


@dataclass(frozen=True)
class Standing:
    """A published post on one account; `at` is since when that is known (UTC-aware), `tags` in lower case."""

    delivery_id: UUID
    post_id: UUID
    channel_id: UUID
    at: datetime
    words: str
    form: Form
    tags: tuple[str, ...]


def standing(scope: Scope, creator_id: UUID, deliveries: Collection[UUID]) -> list[Standing]:
    """Those of these deliveries that are this creator's and stand outside; rehearsed ones stand nowhere."""
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            col(Delivery.id).in_(list(deliveries)),
            Delivery.state == str(DeliveryState.PUBLISHED),
            col(Delivery.dry_run).is_(False),
        )
    ).all()
    accounts = {one.id: one for one in channel_reads.channels_of(scope, creator_id)}
    said = [
        (row, overrides.content(owner, accounts[row.channel_id])) for row, owner in rows if row.channel_id in accounts
    ]
    shown = {asset for _, one in said for asset in one.media}
    mimes = {asset: made.mime for asset, made in recording.renditions(scope, shown, POST.name).items()}
    return [
        Standing(
            row.id,
            row.post_id,
            row.channel_id,
            row.settled_at or row.due_at,
            one.body,
            _form(one, mimes),
            tags_in(one.body),
        )
        for row, one in said
    ]


def tags_in(words: str) -> tuple[str, ...]:
    """The hashtags of a text in lower case, each once; pure."""
    return tuple(dict.fromkeys(found.casefold() for found in _TAG.findall(words)))


def _form(said: Content, mimes: dict[UUID, str]) -> Form:
    if any(not piece.comment for piece in said.parts):
        return Form.THREAD
    kinds = {mimes.get(asset, "").partition("/")[0] for asset in said.media}
    if "video" in kinds:
        return Form.FILM
    if "audio" in kinds:
        return Form.SOUND
    return (Form.WORDS, Form.PICTURE, Form.PICTURES)[min(len(said.media), 2)]
