"""What a person would say of one delivery on its page: that a repeat is meant so, what became of other words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from connectors.contract import Connector
from foundation.database import OpenScope, Scope
from schedules import editing, listing, repeats
from schedules.repeats import Like
from tenants.keys import KeyScope
from web.api_call import Call, Sight, doing, reading
from web.api_deliveries import on
from web.api_inputs import MOST_MEDIA, In
from web.api_models import DeliveryOut, ReasonOut, reason
from web.api_plan_inputs import POST, example

ONE = "/deliveries/{delivery_id}"


class AnywayIn(In):
    """The posts that are repeated, as `GET …/repeats` told them: the word counts for these."""

    model_config = example({"seen": [POST]})

    seen: Annotated[list[UUID], Field(max_length=MOST_MEDIA)]


class WordsIn(In):
    """Which words somebody saw outside: the new ones, where they `came`."""

    came: bool


class RepeatOut(BaseModel):
    """A post of the account that this one repeats; `at` is when it left or will. `refused`: the platform takes it no
    second time, whoever wants it."""

    post_id: UUID
    delivery_id: UUID
    at: datetime
    out: bool
    refused: bool
    why: ReasonOut | None

    @classmethod
    def of(cls, one: Like) -> "RepeatOut":
        """Of the room's value."""
        names = ("post_id", "delivery_id", "at", "out", "refused")
        return cls(**{name: getattr(one, name) for name in names}, why=reason(one.message))


class RepeatsOut(BaseModel):
    """What a delivery repeats on its account."""

    items: list[RepeatOut]


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """More routes under `/deliveries`."""
    routes = APIRouter(tags=["deliveries"])
    _repeats(routes, tenant, connectors)
    _words(routes, tenant)
    return routes


def _repeats(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    @routes.get(ONE + "/repeats", response_model=RepeatsOut)
    def get_repeats(
        delivery_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))]
    ) -> RepeatsOut:
        """What it repeats of what its account said, or will say. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> list[Like]:
            found = listing.entry(scope, sight.creators, delivery_id)
            ahead = found.state in repeats.AHEAD
            return repeats.of_delivery(scope, delivery_id, connectors=connectors) if ahead else []

        return RepeatsOut(items=[RepeatOut.of(one) for one in call.read(ask)])

    @routes.post(ONE + "/anyway", response_model=DeliveryOut)
    def post_anyway(
        delivery_id: UUID, body: AnywayIn, call: Annotated[Call, Depends(doing(tenant, KeyScope.DELIVERIES_WRITE))]
    ) -> Response:
        """Say that the repeat is meant so: it leaves, now where it was held for that. 403 where the platform never
        takes the same twice. Needs `deliveries:write`."""

        def act(scope: Scope, _: Sight) -> None:
            seen = frozenset(body.seen)
            repeats.post_anyway(scope, delivery_id, connectors=connectors, seen=seen, version=call.version)

        return on(call, delivery_id, "delivery.anyway", act)


def _words(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.DELIVERIES_WRITE))

    @routes.post(ONE + "/words-again", status_code=202, response_model=DeliveryOut)
    def reword_again(delivery_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Try once more to change the words outside. 409 where nothing is open. Needs `deliveries:write`."""

        def act(scope: Scope, _: Sight) -> None:
            editing.again(scope, delivery_id)

        return on(call, delivery_id, "words.again", act, status=202)

    @routes.post(ONE + "/words-leave", response_model=DeliveryOut)
    def leave_words(delivery_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Leave the words outside as they are. 409 where nothing is open, or nobody knows which stand.
        Needs `deliveries:write`."""

        def act(scope: Scope, _: Sight) -> None:
            editing.leave(scope, delivery_id)

        return on(call, delivery_id, "words.leave", act)

    @routes.post(ONE + "/words-say", status_code=202, response_model=DeliveryOut)
    def say_words(delivery_id: UUID, body: WordsIn, call: Annotated[Call, can_write]) -> Response:
        """Say which words stand outside, where nobody was sure: it is your word, as the key's member. 409 where nobody
        asks. Needs `deliveries:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            editing.say(scope, delivery_id, came=body.came, member_id=sight.member.id)

        return on(call, delivery_id, "words.say", act, status=202)
