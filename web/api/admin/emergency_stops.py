"""API routes of emergency stops: list them and start one.

Members end stops in the dashboard; some stops need two members. Starting a stop only prevents
publishing, so a member who is limited to some creators may also stop the agency and the platforms
of those creators, as in the dashboard (ADR 0173). A key that is limited to some creators may stop
only these.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from channels.accounts import queries
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from gate.policy import emergency_stops
from gate.policy.emergency_stops import ActiveStop
from gate.policy.events import EmergencyStopRequested
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.router import find_channel
from web.api.common.calls import ApiCall, Caller, ChangeResult, create_dependency, read_dependency
from web.api.common.schemas import EXAMPLE_CREATOR_ID, RequestModel, StorableText, example_config

SENDING = "sending"
MAX_REASON_LENGTH = 200
StopPlace = Literal["tenant", "platform", "creator", "channel"]


class StopIn(RequestModel):
    """The part that must stop sending: the agency (without `target`), a platform by name, or a
    creator or account by ID."""

    model_config = example_config(
        {"where": "creator", "target": EXAMPLE_CREATOR_ID, "reason": "Her account was taken over"}
    )

    where: StopPlace
    target: Annotated[StorableText, Field(max_length=60)] = ""
    reason: Annotated[StorableText, Field(max_length=MAX_REASON_LENGTH)] = ""


class StopRequestOut(BaseModel):
    """A requested stop. It takes effect within two seconds and is then listed."""

    where: StopPlace
    target: str
    feature: str
    reason: str


class StopOut(BaseModel):
    """An active stop of `feature`. `house` is true if it applies to the whole installation."""

    where: str
    target: str
    feature: str
    since: datetime
    by: str
    reason: str
    house: bool


class StopsOut(BaseModel):
    """The active stops that concern the key's creators, latest first."""

    items: list[StopOut]


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/stops`."""
    routes = APIRouter(prefix="/stops", tags=["stops"])

    @routes.get("", response_model=StopsOut)
    def list_stops(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
    ) -> StopsOut:
        """List the active stops. Requires the `posts:read` scope."""
        return StopsOut(items=call.read(_list_active_stops))

    @routes.post("", status_code=202, response_model=StopRequestOut)
    def stop(
        body: StopIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.STOP))]
    ) -> Response:
        """Stop all sending immediately. Removals continue. Only members can end a stop, in the
        dashboard. A key that is limited to some creators can stop these and their accounts; other
        keys can also stop the agency and the platforms of the member's creators. Requires the
        `stop` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_stop_target(scope, sight, call, body)
            wish = {"target": body.target, "feature": SENDING, "reason": body.reason.strip()}
            key = uuid7()
            wanted = EmergencyStopRequested(
                scope.tenant_id, key, scope=body.where, open=False, by=scope.actor, **wish
            )
            # Workers handle priority 0 first.
            outbox.put(scope, wanted, priority=0, dedupe=f"switch:{key}")
            return ChangeResult(
                StopRequestOut(where=body.where, **wish),
                "stop.press",
                f"switch:{body.where}:{body.target}",
                202,
            )

        return call.apply_once(act)

    return routes


def _check_key_not_narrowed(call: ApiCall) -> None:
    """Raise Refused if the key is limited to some creators."""
    if call.asked.entered.creators:
        raise Refused("api.narrowed")


def _check_stop_target(scope: Scope, sight: Caller, call: ApiCall, body: StopIn) -> None:
    """Check the target of a stop. Raises NotFound for one that the key may not access, BadInput for
    an invalid one, and Refused."""
    match body.where:
        case "creator":
            sight.get_creator(_parse_target_id(body))
        case "channel":
            find_channel(scope, sight, _parse_target_id(body))
        case "platform":
            _check_key_not_narrowed(call)
            if body.target not in {
                one.platform for one in _list_visible_channels(scope, sight).values()
            }:
                raise BadInput("switch.unknown", scope=body.target, feature=SENDING)
        case "tenant":
            _check_key_not_narrowed(call)
            if body.target:
                raise BadInput("switch.unknown", scope=body.target, feature=SENDING)


def _parse_target_id(body: StopIn) -> UUID:
    try:
        return UUID(body.target)
    except ValueError as error:
        raise BadInput("switch.unknown", scope=body.target, feature=SENDING) from error


def _list_visible_channels(scope: Scope, sight: Caller) -> dict[UUID, queries.Channel]:
    return {one.id: one for one in queries.list_channels(scope) if one.creator_id in sight.creators}


def _list_active_stops(scope: Scope, sight: Caller) -> list[StopOut]:
    """Return the active stops. Stops for a single fan are not shown to API clients."""
    accounts = _list_visible_channels(scope, sight)
    seen = {
        "",
        *map(str, (*sight.creators, *accounts)),
        *(one.platform for one in accounts.values()),
    }
    wide = () if sight.narrowed else emergency_stops.WIDE_SCOPES
    own = [
        one for one in emergency_stops.list_stops(scope) if one.where in wide or one.target in seen
    ]
    return [_build_stop_out(one, house=False) for one in own] + [
        _build_stop_out(one, house=True)
        for one in emergency_stops.list_stops(scope, of=INSTALLATION_ID)
    ]


def _build_stop_out(one: ActiveStop, *, house: bool) -> StopOut:
    names = ("where", "target", "feature", "since", "by", "reason")
    return StopOut(**{name: getattr(one, name) for name in names}, house=house)
