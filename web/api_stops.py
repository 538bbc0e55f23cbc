"""Emergency stops in the API: read, and pressed. A key ends none: people do, on the page, and some with two of them.

Pressed as on the page: stopping is a brake, so who works for some creators alone stops the agency too, and a platform
they are on (ADR 0173). A key that was made for chosen creators stays within those.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from channels import reads as channel_reads
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, Refused
from foundation.ids import HOUSE, uuid7
from gate import switches
from gate.events import SwitchWanted
from gate.switches import Stop
from tenants.keys import KeyScope
from web.api_accounts import account
from web.api_call import Call, Done, Sight, making, reading
from web.api_inputs import In, Text
from web.api_plan_inputs import CREATOR, example

SENDING = "sending"
LONGEST_REASON = 200
Place = Literal["tenant", "platform", "creator", "channel"]


class StopIn(In):
    """What is to send nothing from now on: the whole agency (no `target`), a platform by its name, a creator or an
    account by its id."""

    model_config = example({"where": "creator", "target": CREATOR, "reason": "Her account was taken over"})

    where: Place
    target: Annotated[Text, Field(max_length=60)] = ""
    reason: Annotated[Text, Field(max_length=LONGEST_REASON)] = ""


class AskedOut(BaseModel):
    """A stop that was pressed: it holds within two seconds, and is listed then."""

    where: Place
    target: str
    feature: str
    reason: str


class StopOut(BaseModel):
    """A stop that holds: of `feature`, since when, who pressed it, and why. `house`: of the whole installation."""

    where: str
    target: str
    feature: str
    since: datetime
    by: str
    reason: str
    house: bool


class StopsOut(BaseModel):
    """The stops that hold now and touch what this key may see, the latest first."""

    items: list[StopOut]


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/stops`."""
    routes = APIRouter(prefix="/stops", tags=["stops"])

    @routes.get("", response_model=StopsOut)
    def list_stops(call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))]) -> StopsOut:
        """The stops that hold now. Needs `posts:read`."""
        return StopsOut(items=call.read(_holding))

    @routes.post("", status_code=202, response_model=AskedOut)
    def stop(body: StopIn, call: Annotated[Call, Depends(making(tenant, KeyScope.STOP))]) -> Response:
        """Stop sending at once; removals go on. It is ended on the page alone. A key that was made for some creators
        stops those and their accounts; any other also the agency, and platforms its member is on. Needs `stop`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _check(scope, sight, call, body)
            wish = {"target": body.target, "feature": SENDING, "reason": body.reason.strip()}
            key = uuid7()
            wanted = SwitchWanted(scope.tenant_id, key, scope=body.where, open=False, by=scope.actor, **wish)
            outbox.put(scope, wanted, priority=0, dedupe=f"switch:{key}")
            return Done(AskedOut(where=body.where, **wish), "stop.press", f"switch:{body.where}:{body.target}", 202)

        return call.once(act)

    return routes


def _wide(call: Call) -> None:
    """Raise Refused for a key that was made for some creators: what touches all is not for it."""
    if call.asked.entered.creators:
        raise Refused("api.narrowed")


def _check(scope: Scope, sight: Sight, call: Call, body: StopIn) -> None:
    """Raises NotFound for what this key may not see, BadInput for what nobody can stop, Refused."""
    match body.where:
        case "creator":
            sight.creator(_id(body))
        case "channel":
            account(scope, sight, _id(body))
        case "platform":
            _wide(call)
            if body.target not in {one.platform for one in _accounts(scope, sight).values()}:
                raise BadInput("switch.unknown", scope=body.target, feature=SENDING)
        case "tenant":
            _wide(call)
            if body.target:
                raise BadInput("switch.unknown", scope=body.target, feature=SENDING)


def _id(body: StopIn) -> UUID:
    try:
        return UUID(body.target)
    except ValueError as error:
        raise BadInput("switch.unknown", scope=body.target, feature=SENDING) from error


def _accounts(scope: Scope, sight: Sight) -> dict[UUID, channel_reads.Channel]:
    return {one.id: one for one in channel_reads.every_channel(scope) if one.creator_id in sight.creators}


def _holding(scope: Scope, sight: Sight) -> list[StopOut]:
    """What is said of one reader is not told to programs."""
    accounts = _accounts(scope, sight)
    seen = {"", *map(str, (*sight.creators, *accounts)), *(one.platform for one in accounts.values())}
    wide = () if sight.narrowed else switches.WIDE
    own = [one for one in switches.stops(scope) if one.where in wide or one.target in seen]
    return [_out(one, house=False) for one in own] + [_out(one, house=True) for one in switches.stops(scope, of=HOUSE)]


def _out(one: Stop, *, house: bool) -> StopOut:
    names = ("where", "target", "feature", "since", "by", "reason")
    return StopOut(**{name: getattr(one, name) for name in names}, house=house)
