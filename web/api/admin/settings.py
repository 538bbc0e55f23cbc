"""API routes of the agency's settings, for keys of owners: read and change them.

Settings of the installation (engines, storage, addresses) come from its environment and are not
part of the API.
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from tenants.agencies import agency_settings
from tenants.agencies.agency_settings import CreatorDefaults
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import ApiCall, Caller, ChangeResult, read_dependency
from web.api.common.schemas import RequestModel, StorableText, example_config

_Short = Annotated[StorableText, Field(max_length=120)]
_Languages = Annotated[list[_Short], Field(min_length=1, max_length=20)]


class AgencyIn(RequestModel):
    """The settings to change; those that are absent remain."""

    name: _Short | None = None
    language: _Short | None = Field(default=None, description="Language of new members.")
    zone: _Short | None = Field(default=None, description="An IANA time zone.")
    currency: _Short | None = Field(default=None, description="An ISO 4217 code.")
    languages: _Languages | None = Field(default=None, description="Working languages.")
    legal_name: _Short | None = None
    address: Annotated[StorableText, Field(max_length=1000)] | None = None
    vat_number: _Short | None = None
    invoice_prefix: _Short | None = None
    accent: _Short | None = Field(default=None, description="A colour as `#rrggbb`, or empty.")
    stars_value: _Short | None = Field(
        default=None, description="Amount received for 1,000 Stars, such as `13.00 EUR`, or empty."
    )


class CreatorDefaultsIn(RequestModel):
    """The defaults to change; those that are absent remain."""

    zone: _Short | None = None
    languages: _Languages | None = None
    rating_ceiling: _Short | None = Field(default=None, description="G, S, N or E.")
    approval_tiers: Annotated[int, Field(ge=0, le=2)] | None = None


class ApprovalsIn(RequestModel):
    """The settings of approvals to change."""

    minutes: Annotated[int, Field(ge=60, le=10080)] | None = Field(
        default=None,
        description="Time in which a post that is due at once can be approved and published.",
    )


class SettingsIn(RequestModel):
    """Changes of settings, by section."""

    model_config = example_config({"agency": {"currency": "EUR", "vat_number": "FR44732829320"}})

    agency: AgencyIn = Field(default_factory=AgencyIn)
    creator_defaults: CreatorDefaultsIn = Field(default_factory=CreatorDefaultsIn)
    approvals: ApprovalsIn = Field(default_factory=ApprovalsIn)


class AgencyOut(BaseModel):
    """The settings of the agency."""

    name: str
    language: str
    zone: str
    currency: str
    languages: list[str]
    legal_name: str
    address: str
    vat_number: str
    invoice_prefix: str
    accent: str
    stars_value: str


class CreatorDefaultsOut(BaseModel):
    """The values with which new creators start."""

    zone: str
    languages: list[str]
    rating_ceiling: str
    approval_tiers: int


class ApprovalsOut(BaseModel):
    """The settings of approvals."""

    minutes: int


class SettingsOut(BaseModel):
    """All settings, by section."""

    agency: AgencyOut
    creator_defaults: CreatorDefaultsOut
    approvals: ApprovalsOut


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/settings`."""
    routes = APIRouter(prefix="/settings", tags=["settings"])
    can_use = Depends(read_dependency(tenant, ApiKeyScope.SETTINGS_WRITE))

    @routes.get("", response_model=SettingsOut)
    def get_settings(call: Annotated[ApiCall, can_use]) -> SettingsOut:
        """Return the settings of the agency. Requires the `settings:write` scope."""
        return call.read(lambda scope, _: _build_settings_out(scope))

    @routes.patch("", response_model=SettingsOut)
    def change_settings(body: SettingsIn, call: Annotated[ApiCall, can_use]) -> Response:
        """Change the named settings of the agency. Only keys of owners that are not limited to some
        creators can change them. Requires the `settings:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            if sight.narrowed:
                raise Refused("api.narrowed")
            _apply_changes(scope, body)
            return ChangeResult(
                _build_settings_out(scope), "settings.change", f"agency:{scope.tenant_id}"
            )

        return call.apply(act)

    return routes


def _apply_changes(scope: Scope, body: SettingsIn) -> None:
    changes = body.agency.model_dump(exclude_none=True)
    if changes:
        agency_settings.update_agency_settings(scope, changes)
    defaults = body.creator_defaults.model_dump(exclude_none=True)
    if defaults:
        now: dict[str, Any] = {**vars(agency_settings.get_creator_defaults(scope)), **defaults}
        agency_settings.set_creator_defaults(
            scope, CreatorDefaults(**{**now, "languages": tuple(now["languages"])})
        )
    if body.approvals.minutes is not None:
        wanted = timedelta(minutes=body.approvals.minutes)
        agency_settings.set_approval_time(scope, wanted)


def _build_settings_out(scope: Scope) -> SettingsOut:
    agency = vars(agency_settings.get_agency_settings(scope))
    defaults = vars(agency_settings.get_creator_defaults(scope))
    return SettingsOut(
        agency=AgencyOut(**{**agency, "languages": list(agency["languages"])}),
        creator_defaults=CreatorDefaultsOut(
            **{**defaults, "languages": list(defaults["languages"])}
        ),
        approvals=ApprovalsOut(
            minutes=agency_settings.get_approval_time(scope) // timedelta(minutes=1)
        ),
    )
