"""Hooks in the API, for the owner's key: addresses that are told of what happens, added, tried,
paused, ended.

The caller brings the secret: what is answered is remembered for a day, and a secret must not lie
there.
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
    """The routes under `/hooks`; `letterbox_key` is the public half that secrets are sealed
    with."""
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
        """The hooks, with their last calls and the last that were given up. Needs `hooks:write`."""

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
        """One of them. Needs `hooks:write`."""

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
        """Have an address of yours called, signed with the secret you bring. A key that sees some
        creators only names those. Needs `hooks:write`."""

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
        """Call it no more until it is resumed; what still waits is dropped. Needs `hooks:write`."""
        return turn(call, hook_id, "paused")

    @routes.post("/{hook_id}/resume", response_model=HookOut)
    def resume_hook(hook_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Call it again, with what happens from now on. Needs `hooks:write`."""
        return turn(call, hook_id, "active")

    @routes.delete("/{hook_id}", response_model=HookOut)
    def end_hook(
        hook_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.HOOKS_WRITE))],
    ) -> Response:
        """End it for good. Needs `hooks:write`."""

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
        """Call it with an event that says nothing. 409 while it is paused. Needs `hooks:write`."""
        return _apply_webhook_action(
            call, hook_id, "hook.try", partial(send_test_event, hook_id=hook_id)
        )

    @routes.post("/{hook_id}/rotate", response_model=HookOut)
    def rotate_secret(
        hook_id: UUID, body: RotateIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Sign with another secret that you bring; for a day with both. Needs `hooks:write`."""

        def act(scope: Scope) -> None:
            endpoints.rotate_webhook_secret(
                scope, hook_id, letter=_seal_secret(key, scope, body.secret.get_secret_value())
            )

        return _apply_webhook_action(call, hook_id, "hook.rotate", act)

    @routes.post("/{hook_id}/again", response_model=HookOut)
    def call_again(hook_id: UUID, body: AgainIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Tell once more what was given up. 409 for a call that is not. Needs `hooks:write`."""

        def act(scope: Scope) -> None:
            retry_call(scope, body.call_id, hook_id=hook_id)

        return _apply_webhook_action(call, hook_id, "hook.again", act)


def _apply_webhook_action(call: ApiCall, hook_id: UUID, did: str, act: WebhookAction) -> Response:
    """Do something to a hook as its caller saw it, once."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        _lock_webhook(scope, sight, call, hook_id)
        act(scope)
        return _build_webhook_result(scope, sight, call, hook_id, did)

    return call.apply_once(done)


def _lock_webhook(scope: Scope, sight: Caller, call: ApiCall, hook_id: UUID) -> Webhook:
    """A hook as its caller saw it; nobody else changes one until this transaction ends. Raises
    NotFound, Stale."""
    endpoints.lock_webhooks(scope)
    found = _get_webhook(scope, sight, call, hook_id)
    call.check_state_tag(*_webhook_tag_fields(found))
    return found


def _get_webhook(scope: Scope, sight: Caller, call: ApiCall, hook_id: UUID) -> Webhook:
    """Raises NotFound, in the same words for none, another agency's, and what hears of creators out
    of sight."""
    found = next((one for one in endpoints.list_webhooks(scope) if one.id == hook_id), None)
    if found is None or not _can_see_webhook(call, sight, found):
        raise NotFound("hook.unknown")
    return found


def _can_see_webhook(call: ApiCall, sight: Caller, one: Webhook) -> bool:
    if not call.asked.entered.creators:
        return True
    return bool(one.creators) and sight.creators.keys() >= set(one.creators)


def _webhook_tag_fields(one: Webhook) -> tuple[object, ...]:
    """What somebody may change about it; that it fails is no change."""
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
