"""Handlers that open a creator's own page: the site, its credential, and the account that posts to
it."""

from uuid import UUID

from channels.accounts import lifecycle
from channels.connections.events import AdultAreaRequested, OwnPageRequested
from channels.creators.events import HandleChanged, OwnPageProfileDue
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.http.host_guard import host_name
from foundation.ops.settings import Settings
from foundation.sealed import SealSecret
from tenants.agencies import creators, queries
from tenants.notices import notices
from web.site import sites

PLATFORM = "own_page"
PAGE_NAMES = {"fr": "Ma page", "en": "My page"}
ADULT_PAGE_NAMES = {"fr": "Ma page, 18+", "en": "My page, 18+"}
ACTOR = "system:pages"


def internal_page_url(settings: Settings) -> str:
    """Return the URL of the page server for requests inside the installation."""
    return settings.web.inside_url or f"http://127.0.0.1:{settings.web.port}"


def open_own_page(
    event: OwnPageRequested, *, tenant: OpenScope, seal: SealSecret, settings: Settings
) -> None:
    """Open the page and connect its account, once. The agency is notified if the URL is not
    available."""
    try:
        with tenant(event.tenant_id, ACTOR) as scope:
            _open_site(scope, event.subject_id, event.slug, seal=seal, settings=settings)
    except (BadInput, Conflict, Refused) as refused:
        _notify_agency(tenant, event.tenant_id, event.subject_id, refused)


def _open_site(
    scope: Scope, creator_id: UUID, slug: str, *, seal: SealSecret, settings: Settings
) -> None:
    creator = queries.get_creator(scope, creator_id)
    agency = queries.get_agency(scope)
    credential = sites.open_site(
        scope,
        creator_id=creator_id,
        slug=slug,
        title=creator.name,
        about=creators.get_profile(scope, creator_id).biography,
        language=creator.languages[0] if creator.languages else agency.language,
        authority=host_name(settings.web.public_url),
    )
    if credential is None:  # already open, with its account
        return
    lifecycle.connect_account(
        scope,
        creator_id=creator_id,
        platform=PLATFORM,
        surface="public",
        account=slug,
        name=PAGE_NAMES[agency.language],
        base_url=internal_page_url(settings),
        token=seal(scope.tenant_id, credential),
        zone=creator.zone,
    )


def update_own_page(event: OwnPageProfileDue, *, tenant: OpenScope) -> None:
    """Show the current name and biography of a creator on their page, if they have one."""
    with tenant(event.tenant_id, ACTOR) as scope:
        found = creators.get_profile(scope, event.subject_id)
        sites.set_profile(scope, event.subject_id, found.creator.name, found.biography)


def move_own_page(event: HandleChanged, *, tenant: OpenScope) -> None:
    """Move a creator's page to the address of the new handle, and its accounts with it. A page with
    an address of its own stays. The agency is notified if the address is not available."""
    try:
        with tenant(event.tenant_id, ACTOR) as scope:
            if sites.rename_site(scope, event.subject_id, event.before, event.after):
                for name in (str, sites.adult_account_name):
                    lifecycle.rename_account(
                        scope,
                        event.subject_id,
                        PLATFORM,
                        before=name(event.before),
                        after=name(event.after),
                    )
    except Conflict as refused:
        _notify_agency(tenant, event.tenant_id, event.subject_id, refused)


def _notify_agency(
    tenant: OpenScope, tenant_id: UUID, creator_id: UUID, refused: GreenroomError
) -> None:
    with tenant(tenant_id, ACTOR) as scope:
        cause = f"own_page:{creator_id}"
        notices.put(scope, refused.message, cause=cause, urgent=True, creator_id=creator_id)


def open_adult_area(
    event: AdultAreaRequested, *, tenant: OpenScope, seal: SealSecret, settings: Settings
) -> None:
    """Open the adult area of the page and connect its account, once."""
    with tenant(event.tenant_id, ACTOR) as scope:
        try:
            opened = sites.open_adult_area(scope, event.subject_id)
        except NotFound:  # the page was deleted since
            return
        if opened is None:
            return
        account, credential = opened
        lifecycle.connect_account(
            scope,
            creator_id=event.subject_id,
            platform=PLATFORM,
            surface="assured",
            account=account,
            name=ADULT_PAGE_NAMES[queries.get_agency(scope).language],
            base_url=internal_page_url(settings),
            token=seal(scope.tenant_id, credential),
            zone=queries.get_creator(scope, event.subject_id).zone,
        )
