"""Settings of an agency: name, languages, currency, fiscal data, colour and logo, and the defaults
of new creators.

They belong to the agency alone. Settings of the installation come from its environment.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound, about_input
from foundation.i18n.translation import LANGUAGES
from foundation.money import Money, is_currency, parse_amounts
from tenants import audit
from tenants.agencies import agencies
from tenants.agencies.models import Agency, AgencyLogo
from tenants.agencies.names import normalize_name
from tenants.agencies.tax_numbers import parse_tax_number

RATING_CEILINGS = ("G", "S", "N", "E")
"""Maximum content ratings of a creator, in ascending order."""

MAX_ADDRESS_LENGTH = 300
MAX_LOGO_BYTES = 200_000
"""Maximum size of a stored logo, a PNG of at most 512 pixels."""

MIN_APPROVAL_TIME = timedelta(hours=1)
MAX_APPROVAL_TIME = timedelta(days=7)

_CODES = {
    "invoice_prefix": re.compile(r"[A-Z0-9][A-Z0-9/-]{0,9}"),
    "accent": re.compile(r"#[0-9a-f]{6}"),
}


@dataclass(frozen=True)
class AgencySettings:
    """The settings of an agency. `language` is that of new members, `languages` those in which it
    works; `accent` is a colour as `#rrggbb`, or empty; `stars_value` is what it receives for 1,000
    Stars, such as `13.00 EUR`, or empty."""

    name: str
    language: str
    zone: str
    currency: str
    languages: tuple[str, ...]
    legal_name: str = ""
    address: str = ""
    vat_number: str = ""
    invoice_prefix: str = ""
    accent: str = ""
    stars_value: str = ""

    @property
    def stars_rate(self) -> Money | None:
        """Return the value of 1,000 Stars in the currency of the agency, or None if it was not
        entered, or was entered in another currency."""
        return next(
            (
                value
                for code, value in parse_amounts(self.stars_value).items()
                if code == self.currency
            ),
            None,
        )

    @property
    def issuer(self) -> tuple[str, ...]:
        """Return the lines of the agency on a statement: its legal name, address and VAT number."""
        lines = (self.legal_name or self.name, *self.address.splitlines(), self.vat_number)
        return tuple(line for line in lines if line)


@dataclass(frozen=True)
class CreatorDefaults:
    """The values that the form for a new creator starts with."""

    zone: str
    languages: tuple[str, ...]
    rating_ceiling: str
    approval_tiers: int


def get_agency_settings(scope: Scope) -> AgencySettings:
    """Return the settings of the agency of this scope. Raises NotFound."""
    row = _get_row(scope)
    return AgencySettings(
        name=row.name,
        language=row.language,
        zone=row.zone,
        currency=row.currency,
        languages=tuple(row.languages) or (row.language,),
        legal_name=row.legal_name,
        address=row.address,
        vat_number=row.vat_number,
        invoice_prefix=row.invoice_prefix,
        accent=row.accent,
        stars_value=row.stars_value,
    )


def update_agency_settings(scope: Scope, changes: Mapping[str, str | Sequence[str]]) -> None:
    """Change the named settings of the agency; the others remain.

    Raises BadInput for an unknown name or an invalid value, and NotFound.
    """
    unknown = changes.keys() - {one.name for one in fields(AgencySettings)}
    if unknown:
        raise BadInput("agency.setting", name=min(unknown)[:40])
    scope.lock("agency.settings")
    before = get_agency_settings(scope)
    wanted = {}
    for name, value in changes.items():
        with about_input(name):
            wanted[name] = _normalize_setting(name, value)
    row = _get_row(scope)
    for name, value in wanted.items():
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    scope.add(row)
    _record_change(scope, "agency.changed", before, get_agency_settings(scope))


def name_agency(
    scope: Scope, *, name: str, zone: str, currency: str, languages: Sequence[str]
) -> None:
    """Set the name, time zone, currency and languages of a new agency. The first language is that
    of its members.

    Raises BadInput for an invalid value and NotFound.
    """
    changes = {"name": name, "zone": zone, "currency": currency, "languages": languages}
    update_agency_settings(scope, {**changes, "language": next(iter(languages), "")})
    row = _get_row(scope)
    row.named = True
    scope.add(row)


def get_creator_defaults(scope: Scope) -> CreatorDefaults:
    """Return the defaults of new creators; the zone and languages of the agency if none are set.
    Raises NotFound."""
    row = _get_row(scope)
    agency = get_agency_settings(scope)
    return CreatorDefaults(
        zone=row.creator_zone or agency.zone,
        languages=tuple(row.creator_languages) or agency.languages,
        rating_ceiling=row.creator_rating_ceiling,
        approval_tiers=row.creator_approval_tiers,
    )


def set_creator_defaults(scope: Scope, wanted: CreatorDefaults) -> None:
    """Set the defaults of new creators; existing creators remain as they are.

    Raises BadInput for an unknown zone, language, rating or number of approvals, and NotFound.
    """
    agencies.check_zone(wanted.zone)
    if wanted.rating_ceiling not in RATING_CEILINGS or wanted.approval_tiers not in agencies.TIERS:
        raise BadInput("agency.creator_defaults")
    languages = _normalize_languages(wanted.languages)
    scope.lock("agency.settings")
    before = get_creator_defaults(scope)
    row = _get_row(scope)
    row.creator_zone = wanted.zone
    row.creator_languages = list(languages)
    row.creator_rating_ceiling = wanted.rating_ceiling
    row.creator_approval_tiers = wanted.approval_tiers
    scope.add(row)
    _record_change(scope, "agency.creator_defaults", before, get_creator_defaults(scope))


def get_approval_time(scope: Scope) -> timedelta:
    """Return the time that approvers have for a post that is to be published at once. Raises
    NotFound."""
    return timedelta(minutes=_get_row(scope).approval_minutes)


def set_approval_time(scope: Scope, wanted: timedelta) -> None:
    """Set the time that approvers have for a post that is to be published at once, in whole
    minutes. Deadlines of existing posts remain.

    Raises BadInput for less than an hour or more than a week, and NotFound.
    """
    if not MIN_APPROVAL_TIME <= wanted <= MAX_APPROVAL_TIME:
        raise BadInput("agency.approval_time", most=MAX_APPROVAL_TIME.days)
    row = _get_row(scope)
    minutes = int(wanted.total_seconds() // 60)
    if row.approval_minutes != minutes:
        about = _about(scope.tenant_id)
        before = row.approval_minutes
        audit.record(scope, "agency.approval_time", about, before=before, after=minutes)
    row.approval_minutes = minutes
    scope.add(row)


def get_logo(scope: Scope) -> bytes | None:
    """Return the logo of the agency, a PNG, or None."""
    return scope.session.exec(
        select(AgencyLogo.data).where(col(AgencyLogo.tenant_id) == scope.tenant_id)
    ).first()


def set_logo(scope: Scope, data: bytes | None) -> None:
    """Replace the logo, or remove it with None. `data` is a PNG that the caller encoded.

    Raises BadInput for more than `MAX_LOGO_BYTES`.
    """
    if data is not None and len(data) > MAX_LOGO_BYTES:
        raise BadInput("agency.logo", most=MAX_LOGO_BYTES // 1000)
    had = get_logo(scope)
    scope.run("DELETE FROM agency_logos WHERE tenant_id = :tenant", tenant=scope.tenant_id)
    if data is not None:
        scope.add(AgencyLogo(tenant_id=scope.tenant_id, id=scope.tenant_id, data=data))
    if had != data:
        audit.record(
            scope,
            "agency.logo",
            _about(scope.tenant_id),
            before=len(had or b""),
            after=len(data or b""),
        )


def _get_row(scope: Scope) -> Agency:
    row = scope.session.get(Agency, (scope.tenant_id, scope.tenant_id), populate_existing=True)
    if row is None:
        raise NotFound("agency.unknown")
    return row


def _about(tenant_id: UUID) -> str:
    return f"agency:{tenant_id}"


def _record_change(scope: Scope, act: str, before: object, after: object) -> None:
    """Record the changed fields with their values before and after. Record nothing if none is."""
    scope.session.flush()
    changed: dict[str, Any] = {}
    for name, old in vars(before).items():
        new = getattr(after, name)
        if old != new:
            changed[f"before_{name}"] = _detail(old)
            changed[f"after_{name}"] = _detail(new)
    if changed:
        audit.record(scope, act, _about(scope.tenant_id), **changed)


def _detail(value: object) -> str | int:
    if isinstance(value, int):
        return value
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _normalize_setting(name: str, value: str | Sequence[str]) -> str | tuple[str, ...]:
    """Return the value as it is stored. Raises BadInput with the reason."""
    if name == "languages":
        return _normalize_languages([value] if isinstance(value, str) else value)
    if not isinstance(value, str):
        raise BadInput("agency.setting", name=name)
    match name:
        case "name":
            return normalize_name(value)
        case "language":
            agencies.check_language(value)
        case "zone":
            agencies.check_zone(value)
        case "currency":
            return _normalize_currency(value)
        case "legal_name":
            return normalize_name(value) if value.strip() else ""
        case "address":
            return _normalize_address(value)
        case "vat_number":
            return _normalize_tax_number(value)
        case "invoice_prefix" | "accent":
            return _normalize_code(name, value)
        case "stars_value":
            return _normalize_stars_value(value)
    return value


def _normalize_tax_number(value: str) -> str:
    number = parse_tax_number(value) if value.strip() else ""
    if number is None:
        raise BadInput("agency.vat_number")
    return number


def _normalize_currency(value: str) -> str:
    code = value.strip().upper()
    if not is_currency(code):
        raise BadInput("agency.currency", currency=code[:10])
    return code


def _normalize_stars_value(value: str) -> str:
    if not value.strip():
        return ""
    try:
        (amount,) = parse_amounts(value).values()
    except ValueError as error:
        raise BadInput("agency.stars_value") from error
    if amount.minor <= 0 or not is_currency(amount.currency):
        raise BadInput("agency.stars_value")
    return str(amount)


def _normalize_languages(values: Sequence[str]) -> tuple[str, ...]:
    if not values or not set(values) <= set(LANGUAGES):
        raise BadInput("agency.languages")
    return tuple(one for one in LANGUAGES if one in values)


def _normalize_address(value: str) -> str:
    lines = [" ".join(line.split()) for line in unicodedata.normalize("NFC", value).splitlines()]
    address = "\n".join(line for line in lines if line)
    hidden = {unicodedata.category(letter) for letter in address if letter != "\n"}
    if len(address) > MAX_ADDRESS_LENGTH or hidden & {"Cc", "Cf", "Cs"}:
        raise BadInput("agency.address", most=MAX_ADDRESS_LENGTH)
    return address


def _normalize_code(name: str, value: str) -> str:
    """Return a prefix of invoices or a colour. An empty value removes it."""
    code = {
        "invoice_prefix": value.strip().upper(),
        "accent": value.strip().lower(),
    }[name]
    if code and not _CODES[name].fullmatch(code):
        raise BadInput(f"agency.{name}")
    return code
