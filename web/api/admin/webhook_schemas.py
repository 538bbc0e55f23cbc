"""Requests and responses about webhooks."""

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
"""A call ID for the examples of the API reference."""

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
    """A webhook: its URL, its events, and the creators it covers (all if empty)."""

    model_config = example_config(_EVENT)  # type: ignore[arg-type]  # a list of strings is JSON

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_WEBHOOK_NAME)]
    url: Annotated[StorableText, Field(min_length=1, max_length=MAX_WEBHOOK_URL)]
    events: Annotated[list[StorableText], Field(min_length=1, max_length=len(WEBHOOK_EVENTS))]
    creators: Annotated[list[UUID], Field(max_length=MAX_CREATORS)] = Field(default_factory=list)
    secret: Secret


class RotateIn(RequestModel):
    """A new secret. Calls are signed with the old and the new one for a day."""

    model_config = example_config({"secret": _RANDOM})

    secret: Secret


class AgainIn(RequestModel):
    """The failed call to retry."""

    model_config = example_config({"call_id": EXAMPLE_CALL_ID})

    call_id: UUID


class CallOut(BaseModel):
    """A webhook call. `status` is the HTTP status of the last response."""

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
        names = ("id", "event", "state", "tries", "status", "detail", "at", "tried_at")
        return cls(**{name: getattr(one, name) for name in names})


class HookOut(BaseModel):
    """A webhook with its latest calls and latest failed calls, newest first. The secret is never
    returned."""

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
    """The webhooks that have not ended, oldest first."""

    items: list[HookOut]
