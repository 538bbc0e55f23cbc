"""Outgoing calls to an agency's own systems, at the edge."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr

from tenants.hooks import EVENTS, LONGEST_NAME, LONGEST_URL, MOST_CREATORS, Call, Hook
from web.api_inputs import In, Text
from web.api_plan_inputs import example

LEAST_SECRET, LONGEST_SECRET = 32, 200
CALL = "0198c0de-0000-7000-8000-000000000007"
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
        min_length=LEAST_SECRET,
        max_length=LONGEST_SECRET,
        description="Random, made by you: calls are signed with it. It is sealed as it comes in, and never told again.",
    ),
]


class HookIn(In):
    """An address of yours, the events it hears, and of which creators (none: of all)."""

    model_config = example(_EVENT)  # type: ignore[arg-type]  # a list of texts is JSON

    name: Annotated[Text, Field(min_length=1, max_length=LONGEST_NAME)]
    url: Annotated[Text, Field(min_length=1, max_length=LONGEST_URL)]
    events: Annotated[list[Text], Field(min_length=1, max_length=len(EVENTS))]
    creators: Annotated[list[UUID], Field(max_length=MOST_CREATORS)] = Field(default_factory=list)
    secret: Secret


class RotateIn(In):
    """Another secret; for a day calls are signed with both."""

    model_config = example({"secret": _RANDOM})

    secret: Secret


class AgainIn(In):
    """A call that was given up."""

    model_config = example({"call_id": CALL})

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
    def of(cls, one: Call) -> "CallOut":
        """Of the room's value."""
        names = ("id", "event", "state", "tries", "status", "detail", "at", "tried_at")
        return cls(**{name: getattr(one, name) for name in names})


class HookOut(BaseModel):
    """A hook, its last calls and the last that were given up, the newest first. Its secret is never told."""

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
    def of(cls, one: Hook, calls: Sequence[Call]) -> "HookOut":
        """Of the room's values."""
        return cls(
            **{name: getattr(one, name) for name in ("id", "name", "url", "state", "failing_since")},
            events=list(one.events),
            creators=list(one.creators),
            two_secrets_until=one.before_until,
            calls=[CallOut.of(each) for each in calls],
        )


class HooksOut(BaseModel):
    """The hooks that did not end, the oldest first."""

    items: list[HookOut]
