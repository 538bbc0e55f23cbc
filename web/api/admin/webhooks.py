"""API routes of webhooks, for keys of owners: create, test, pause and end a webhook.

The caller provides the signing secret: responses are stored for a day and must not contain one.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound, Refused
from foundation.ids import uuid7
from tenants.api_keys.keys import ApiKeyScope
from tenants.vault import sealed_intake
from tenants.webhooks import endpoints
from tenants.webhooks.endpoints import Webhook
from tenants.webhooks.outgoing_calls import list_calls, retry_call, send_test_event
from web.api.admin.webhook_schemas import AgainIn, HookIn, HookOut, HooksOut, RotateIn
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)

WebhookAction = Callable[[Scope], object]


def router(tenant: OpenScope, letterbox_key: str) -> APIRouter:
    """Create the routes under `/hooks`. `letterbox_key` is the public key that seals secrets."""
    routes = APIRouter(prefix="/hooks", tags=["hooks"])
    _add_webhook_read_routes(routes, tenant)
    _add_webhook_create_route(routes, tenant, letterbox_key)
    _add_webhook_state_routes(routes, tenant)
    _add_webhook_action_routes(routes, tenant, letterbox_key)
    return routes


def _add_webhook_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.HOOKS_WRITE))

    @routes.get("", response_model=HooksOut)
    def list_hooks(call: Annotated[ApiCall, can_read]) -> HooksOut:
        """List webhooks with their latest calls and latest failed calls. Requires the `hooks:write`
        scope."""

        def ask(scope: Scope, sight: Caller) -> HooksOut:
            return HooksOut(
                items=[
                    _build_webhook_out(scope, one)
                    for one in endpoints.list_webhooks(scope)
                    if _can_see_webhook(call, sight, one)
                ]
            )

        return call.read(ask)

    @routes.get("/{hook_id}", response_model=HookOut)
    def get_hook(hook_id: UUID, call: Annotated[ApiCall, can_read], response: Response) -> HookOut:
        """Return one webhook. Requires the `hooks:write` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[HookOut, str]:
            found = _get_webhook(scope, sight, call, hook_id)
            return _build_webhook_out(scope, found), state_tag(*_webhook_tag_fields(found))

        found, stands = call.read(ask)
        response.headers.update(etag_header(stands))
        return found


def _add_webhook_create_route(routes: APIRouter, tenant: OpenScope, key: str) -> None:
    @routes.post("", status_code=201, response_model=HookOut)
    def add_hook(
        body: HookIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.HOOKS_WRITE))],
    ) -> Response:
        """Create a webhook. Calls are signed with the secret in the request. A key that is limited
        to some creators must name creators among them. Requires the `hooks:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            for creator_id in body.creators:
                sight.get_creator(creator_id)
            if call.asked.entered.creators and not body.creators:
                raise Refused("api.narrowed")
            made = uuid7()
            letter = _seal_secret(key, scope, body.secret.get_secret_value())
            endpoints.add_webhook(
                scope,
                hook_id=made,
                name=body.name,
                url=body.url.strip(),
                events=body.events,
                creators=body.creators,
                letter=letter,
            )
            return _build_webhook_result(scope, sight, call, made, "hook.add", status=201)

        return call.apply_once(act)


def _seal_secret(key: str, scope: Scope, secret: str) -> bytes:
    return sealed_intake.seal_form(key, scope.tenant_id, {"secret": secret})


def _add_webhook_state_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.HOOKS_WRITE))

    def turn(call: ApiCall, hook_id: UUID, state: Literal["active", "paused"]) -> Response:
        return _apply_webhook_action(
            call,
            hook_id,
            f"hook.{state}",
            lambda scope: endpoints.set_webhook_state(scope, hook_id, state=state),
        )

    @routes.post("/{hook_id}/pause", response_model=HookOut)
    def pause_hook(hook_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Pause a webhook and drop its waiting calls. Requires the `hooks:write` scope."""
        return turn(call, hook_id, "paused")

    @routes.post("/{hook_id}/resume", response_model=HookOut)
    def resume_hook(hook_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Resume a webhook. Earlier events are not sent. Requires the `hooks:write` scope."""
        return turn(call, hook_id, "active")

    @routes.delete("/{hook_id}", response_model=HookOut)
    def end_hook(
        hook_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.HOOKS_WRITE))],
    ) -> Response:
        """End a webhook permanently. Requires the `hooks:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = _lock_webhook(scope, sight, call, hook_id)
            told = _build_webhook_out(scope, found)
            endpoints.set_webhook_state(scope, hook_id, state="ended")
            return ChangeResult(
                told.model_copy(update={"state": "ended"}), "hook.end", f"hook:{hook_id}"
            )

        return call.apply(act)


def _add_webhook_action_routes(routes: APIRouter, tenant: OpenScope, key: str) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.HOOKS_WRITE))

    @routes.post("/{hook_id}/try", response_model=HookOut)
    def try_hook(hook_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Send a test event. 409 while the webhook is paused. Requires the `hooks:write` scope."""
        return _apply_webhook_action(
            call, hook_id, "hook.try", partial(send_test_event, hook_id=hook_id)
        )

    @routes.post("/{hook_id}/rotate", response_model=HookOut)
    def rotate_secret(
        hook_id: UUID, body: RotateIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Replace the signing secret. Calls are signed with both secrets for a day. Requires the
        `hooks:write` scope."""

        def act(scope: Scope) -> None:
            endpoints.rotate_webhook_secret(
                scope, hook_id, letter=_seal_secret(key, scope, body.secret.get_secret_value())
            )

        return _apply_webhook_action(call, hook_id, "hook.rotate", act)

    @routes.post("/{hook_id}/again", response_model=HookOut)
    def call_again(hook_id: UUID, body: AgainIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Retry a failed call. 409 if the call has not failed. Requires the `hooks:write` scope."""

        def act(scope: Scope) -> None:
            retry_call(scope, body.call_id, hook_id=hook_id)

        return _apply_webhook_action(call, hook_id, "hook.again", act)


def _apply_webhook_action(call: ApiCall, hook_id: UUID, did: str, act: WebhookAction) -> Response:
    """Run an action on a webhook once, at the state its caller saw."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        _lock_webhook(scope, sight, call, hook_id)
        act(scope)
        return _build_webhook_result(scope, sight, call, hook_id, did)

    return call.apply_once(done)


def _lock_webhook(scope: Scope, sight: Caller, call: ApiCall, hook_id: UUID) -> Webhook:
    """Lock a webhook at the state its caller saw. Raises NotFound or StaleVersion."""
    endpoints.lock_webhooks(scope)
    found = _get_webhook(scope, sight, call, hook_id)
    call.check_state_tag(*_webhook_tag_fields(found))
    return found


def _get_webhook(scope: Scope, sight: Caller, call: ApiCall, hook_id: UUID) -> Webhook:
    """Return a webhook. Raises the same NotFound for an unknown webhook, for one of another tenant,
    and for one that covers creators the key may not access."""
    found = next((one for one in endpoints.list_webhooks(scope) if one.id == hook_id), None)
    if found is None or not _can_see_webhook(call, sight, found):
        raise NotFound("hook.unknown")
    return found


def _can_see_webhook(call: ApiCall, sight: Caller, one: Webhook) -> bool:
    if not call.asked.entered.creators:
        return True
    return bool(one.creators) and sight.creators.keys() >= set(one.creators)


def _webhook_tag_fields(one: Webhook) -> tuple[object, ...]:
    """Return the values of the state tag. Failed calls do not change them."""
    return one.id, one.name, one.url, one.events, one.creators, one.state, one.before_until


def _build_webhook_out(scope: Scope, one: Webhook) -> HookOut:
    return HookOut.of(one, list_calls(scope, one.id))


def _build_webhook_result(
    scope: Scope, sight: Caller, call: ApiCall, hook_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    scope.session.flush()
    found = _get_webhook(scope, sight, call, hook_id)
    headers = etag_header(state_tag(*_webhook_tag_fields(found)))
    if status == 201:
        headers["location"] = f"/v1/hooks/{hook_id}"
    return ChangeResult(_build_webhook_out(scope, found), did, f"hook:{hook_id}", status, headers)
