"""Outgoing calls to an agency's own systems, at the edge."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr

from tenants.webhooks.endpoints import (
    MAX_CREATORS,
    MAX_WEBHOOK_NAME,
    MAX_WEBHOOK_URL,
    WEBHOOK_EVENTS,
    Webhook,
)
from tenants.webhooks.outgoing_calls import WebhookCall
from web.api.common.schemas import RequestModel, StorableText, example_config

MIN_SECRET_LENGTH = 32
MAX_SECRET_LENGTH = 200
EXAMPLE_CALL_ID = "0198c0de-0000-7000-8000-000000000007"
"""An id of the examples."""

_RANDOM = "whs_6Yk0cN3vQ1mZr8tXw2bLsE5uJpA9fGdH4oViKqTyBnM"
_EVENT: dict[str, str | list[str]] = {
    "name": "Our books",
    "url": "https://crm.example.com/greenroom",
    "events": ["delivery.published"],
    "secret": _RANDOM,
}

Secret = Annotated[
    SecretStr,
    Field(
        min_length=MIN_SECRET_LENGTH,
        max_length=MAX_SECRET_LENGTH,
        description=(
            "A random secret of your choice that signs webhook requests. It is stored "
            "encrypted and never returned."
        ),
    ),
]


class HookIn(RequestModel):
    """An address of yours, the events it hears, and of which creators (none: of all)."""

    model_config = example_config(_EVENT)  # type: ignore[arg-type]  # a list of texts is JSON

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_WEBHOOK_NAME)]
    url: Annotated[StorableText, Field(min_length=1, max_length=MAX_WEBHOOK_URL)]
    events: Annotated[list[StorableText], Field(min_length=1, max_length=len(WEBHOOK_EVENTS))]
    creators: Annotated[list[UUID], Field(max_length=MAX_CREATORS)] = Field(default_factory=list)
    secret: Secret


class RotateIn(RequestModel):
    """Another secret; for a day calls are signed with both."""

    model_config = example_config({"secret": _RANDOM})

    secret: Secret


class AgainIn(RequestModel):
    """A call that was given up."""

    model_config = example_config({"call_id": EXAMPLE_CALL_ID})

    call_id: UUID


class CallOut(BaseModel):
    """One event that was told, or is; `status` is that of the last answer."""

    id: UUID
    event: str
    state: Literal["waiting", "taken", "dead", "dropped"]
    tries: int
    status: int | None
    detail: str
    at: datetime
    tried_at: datetime | None

    @classmethod
    def of(cls, one: WebhookCall) -> "CallOut":
        """Of the room's value."""
        names = ("id", "event", "state", "tries", "status", "detail", "at", "tried_at")
        return cls(**{name: getattr(one, name) for name in names})


class HookOut(BaseModel):
    """A hook, its last calls and the last that were given up, the newest first. Its secret is never
    told."""

    id: UUID
    name: str
    url: str
    events: list[str]
    creators: list[UUID]
    state: str
    failing_since: datetime | None
    two_secrets_until: datetime | None
    calls: list[CallOut]

    @classmethod
    def of(cls, one: Webhook, calls: Sequence[WebhookCall]) -> "HookOut":
        """Of the room's values."""
        return cls(
            **{
                name: getattr(one, name) for name in ("id", "name", "url", "state", "failing_since")
            },
            events=list(one.events),
            creators=list(one.creators),
            two_secrets_until=one.before_until,
            calls=[CallOut.of(each) for each in calls],
        )


class HooksOut(BaseModel):
    """The hooks that did not end, the oldest first."""

    items: list[HookOut]
