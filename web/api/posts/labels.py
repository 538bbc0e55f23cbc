"""API routes of labels: create, change, delete, and add to or remove from several posts.

The labels of a single post are set with the post.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from schedules.posts import labels
from schedules.posts.labels import Label
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.posts.label_schemas import LabelIn, LabelledIn, LabelledOut, LabelOut, LabelsOut


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/labels`."""
    routes = APIRouter(prefix="/labels", tags=["labels"])
    _add_label_read_routes(routes, tenant)
    _add_label_write_routes(routes, tenant)
    _add_bulk_label_routes(routes, tenant)
    return routes


def load_labels_out(call: ApiCall) -> LabelsOut:
    """Return all labels of the agency."""
    return LabelsOut(
        items=[LabelOut.of(one) for one in call.read(lambda scope, _: labels.list_labels(scope))]
    )


def _add_label_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=LabelsOut)
    def list_labels(call: Annotated[ApiCall, can_read]) -> LabelsOut:
        """List the labels of the agency, sorted by name. Requires the `posts:read` scope."""
        return load_labels_out(call)

    @routes.get("/{label_id}", response_model=LabelOut)
    def get_label(
        label_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> LabelOut:
        """Return one label. Requires the `posts:read` scope."""
        found = call.read(lambda scope, _: labels.get_label(scope, label_id))
        response.headers.update(etag_header(state_tag(found)))
        return LabelOut.of(found)


def _add_label_write_routes(routes: APIRouter, tenant: OpenScope) -> None:
    needs = ApiKeyScope.POSTS_WRITE

    @routes.post("", status_code=201, response_model=LabelOut)
    def name_label(
        body: LabelIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, needs))]
    ) -> Response:
        """Create a label. 409 if the name is in use. Requires the `posts:write` scope."""

        def act(scope: Scope, _: Caller) -> ChangeResult:
            made = labels.create_label(scope, body.name, body.colour)
            return _build_label_result(labels.get_label(scope, made), "label.name", status=201)

        return call.apply_once(act)

    @routes.patch("/{label_id}", response_model=LabelOut)
    def change_label(
        label_id: UUID,
        body: LabelIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, needs))],
    ) -> Response:
        """Change the name and color of a label. Posts with the label are not affected. Requires the
        `posts:write` scope."""

        def act(scope: Scope, _: Caller) -> ChangeResult:
            call.check_state_tag(labels.lock_label(scope, label_id))
            labels.update_label(scope, label_id, name=body.name, colour=body.colour)
            return _build_label_result(labels.get_label(scope, label_id), "label.change")

        return call.apply(act)

    @routes.delete("/{label_id}", response_model=LabelOut)
    def remove_label(
        label_id: UUID, call: Annotated[ApiCall, Depends(replace_dependency(tenant, needs))]
    ) -> Response:
        """Delete a label and remove it from all posts. 409 if posts of creators that the key may
        not access have it. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = labels.lock_label(scope, label_id)
            call.check_state_tag(found)
            labels.delete_label(scope, label_id, creators=sight.creators)
            return _build_label_result(found, "label.remove")

        return call.apply(act)


def _add_bulk_label_routes(routes: APIRouter, tenant: OpenScope) -> None:
    """Add the bulk routes. They change posts, not the label, so they require no label version."""
    can_write = Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))

    @routes.post("/give", response_model=LabelledOut)
    def give_label(body: LabelledIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Add a label to several posts, all or none. Approvals are not affected. Requires the
        `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            given = labels.add_label_to_posts(
                scope, body.posts, body.label, creators=sight.creators
            )
            return _build_bulk_label_result(scope, body.label, given, "label.give")

        return call.apply_once(act)

    @routes.post("/take", response_model=LabelledOut)
    def take_label(body: LabelledIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Remove a label from several posts, all or none. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            taken = labels.remove_label_from_posts(
                scope, body.posts, body.label, creators=sight.creators
            )
            return _build_bulk_label_result(scope, body.label, taken, "label.take")

        return call.apply_once(act)


def _build_bulk_label_result(scope: Scope, label_id: UUID, changed: int, did: str) -> ChangeResult:
    found = LabelOut.of(labels.get_label(scope, label_id))
    return ChangeResult(LabelledOut(label=found, changed=changed), did, f"label:{label_id}")


def _build_label_result(found: Label, did: str, *, status: int = 200) -> ChangeResult:
    headers = etag_header(state_tag(found))
    if status == 201:
        headers["location"] = f"/v1/labels/{found.id}"
    return ChangeResult(LabelOut.of(found), did, f"label:{found.id}", status, headers)
