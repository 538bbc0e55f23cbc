"""API routes of acquisition links: list, create, change and archive them, and their results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from channels.links import domains
from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from insights.attribution.link_results import load_link_report
from schedules.calendar.versioned_actions import StaleVersion
from subscribers.acquisition import links
from subscribers.acquisition.links import AcquisitionLink
from tenants.api_keys.keys import ApiKeyScope
from web.api.analytics.acquisition_link_schemas import (
    LinkDetailsIn,
    LinkIn,
    LinkOut,
    LinkResultsOut,
    LinkResultsQuery,
    LinksOut,
    LinksQuery,
)
from web.api.analytics.analytics import list_queried_creators
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
)

LINK = "/{link_id}"


@dataclass(frozen=True)
class _Addresses:
    """The connectors, and the address of short links of agencies without a domain for them."""

    connectors: Mapping[str, Connector]
    public_url: str

    def build_links(
        self, scope: Scope, found: Sequence[AcquisitionLink], *, with_cost: bool = True
    ) -> list[LinkOut]:
        """Return links with their addresses."""
        base = domains.link_base(scope, self.public_url)
        urls = links.load_start_urls(scope, found, self.connectors)
        return [LinkOut.of(one, base, urls.get(one.id, ""), with_cost=with_cost) for one in found]


def router(tenant: OpenScope, connectors: Mapping[str, Connector], *, public_url: str) -> APIRouter:
    """Create the routes under `/acquisition-links`. `public_url` is the address of short links of
    agencies without a domain for them."""
    routes = APIRouter(prefix="/acquisition-links", tags=["analytics"])
    known = _Addresses(connectors, public_url)
    _add_read_routes(routes, tenant, known)
    _add_create_route(routes, tenant, known)
    _add_change_routes(routes, tenant, known)
    return routes


def _add_read_routes(routes: APIRouter, tenant: OpenScope, known: _Addresses) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("", response_model=LinksOut)
    def list_links(
        call: Annotated[ApiCall, can_read], which: Annotated[LinksQuery, Query()]
    ) -> LinksOut:
        """List the acquisition links. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[LinkOut]:
            ids = sight.creators if which.creator is None else [which.creator]
            found = links.list_links(
                scope, [sight.get_creator(one).id for one in ids], archived=which.archived
            )
            return known.build_links(scope, found)

        question = ["links", which.model_dump(mode="json", exclude={"cursor", "limit"})]
        items, following = pagination.paginate(
            question, call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return LinksOut(items=items, next=following)

    @routes.get("/results", response_model=LinkResultsOut)
    def get_link_results(
        call: Annotated[ApiCall, can_read], which: Annotated[LinkResultsQuery, Query()]
    ) -> LinkResultsOut:
        """Return the results of the acquisition links in a period, by a model of attribution.
        Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> LinkResultsOut:
            creators = list_queried_creators(sight, which.creator, which)
            report = load_link_report(
                scope, creators, which.first, which.last, which.model, archived=which.archived
            )
            return LinkResultsOut.of(report)

        return call.read(ask)

    @routes.get(LINK, response_model=LinkOut)
    def get_link(link_id: UUID, call: Annotated[ApiCall, can_read], response: Response) -> LinkOut:
        """Return an acquisition link. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> LinkOut:
            (one,) = known.build_links(scope, [_find_visible_link(scope, sight, link_id)])
            return one

        found = call.read(ask)
        response.headers.update(etag_header(found.version))
        return found


def _add_create_route(routes: APIRouter, tenant: OpenScope, known: _Addresses) -> None:
    @routes.post("", status_code=201, response_model=LinkOut)
    def create_link(
        body: LinkIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CREATORS_WRITE))],
    ) -> Response:
        """Create an acquisition link with its short URL. Requires the `creators:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            sight.get_creator(body.creator_id)
            made = links.create_link(
                scope, body.to_draft(), connectors=known.connectors, key=uuid7()
            )
            return _build_result(
                scope, call, sight, known, made, did="acquisition.create", status=201
            )

        return call.apply_once(act)


def _add_change_routes(routes: APIRouter, tenant: OpenScope, known: _Addresses) -> None:
    can_write = ApiKeyScope.CREATORS_WRITE

    @routes.put(LINK, response_model=LinkOut)
    def update_link(
        link_id: UUID,
        body: LinkDetailsIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, can_write))],
    ) -> Response:
        """Replace the details of an acquisition link. Requires the `creators:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_version(call, _find_visible_link(scope, sight, link_id))
            links.update_link(scope, link_id, body.to_details(), version=call.expected_version)
            changed = _reload(scope, link_id)
            return _build_result(scope, call, sight, known, changed, did="acquisition.update")

        return call.apply(act)

    @routes.post(LINK + "/archive", response_model=LinkOut)
    def archive_link(
        link_id: UUID,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))],
    ) -> Response:
        """Archive an acquisition link; it continues to redirect and to be counted. Requires the
        `creators:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_version(call, _find_visible_link(scope, sight, link_id))
            links.archive_link(scope, link_id)
            changed = _reload(scope, link_id)
            return _build_result(scope, call, sight, known, changed, did="acquisition.archive")

        return call.apply_once(act)

    @routes.post(LINK + "/restore", response_model=LinkOut)
    def restore_link(
        link_id: UUID,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))],
    ) -> Response:
        """Restore an archived acquisition link. Requires the `creators:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_version(call, _find_visible_link(scope, sight, link_id))
            links.restore_link(scope, link_id)
            changed = _reload(scope, link_id)
            return _build_result(scope, call, sight, known, changed, did="acquisition.restore")

        return call.apply_once(act)


def _check_version(call: ApiCall, found: AcquisitionLink) -> None:
    if call.expected_version != found.version:
        raise StaleVersion("api.other_version")


def _reload(scope: Scope, link_id: UUID) -> AcquisitionLink:
    scope.session.flush()
    return links.get_link(scope, link_id)


def _find_visible_link(scope: Scope, sight: Caller, link_id: UUID) -> AcquisitionLink:
    """Return a link of a visible creator. Raises NotFound."""
    found = links.get_link(scope, link_id)
    if found.creator_id not in sight.creators:
        raise NotFound("acquisition.unknown")
    return found


def _build_result(
    scope: Scope,
    call: ApiCall,
    sight: Caller,
    known: _Addresses,
    found: AcquisitionLink,
    *,
    did: str,
    status: int = 200,
) -> ChangeResult:
    with_cost = call.allows(sight, ApiKeyScope.MONEY_READ)
    (body,) = known.build_links(scope, [found], with_cost=with_cost)
    return ChangeResult(body, did, f"link:{found.id}", status, etag_header(found.version))
