"""Age verification: connecting a provider, links for viewers, and the status of their checks.

A check belongs to one (tenant, platform, user) from the beginning; only the digest of its link is
stored. Ages are stored by the gate only (`gate.viewers.age_assurance`).
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from channels.age_verification.events import AgeCheckRequested, AgeProviderTestDue
from channels.age_verification.models import AgeCheckRow, AgeProviderRow
from channels.age_verification.states import (
    AGE_CHECK_STATES,
    AGE_PROVIDER_STATES,
    AgeCheckState,
    AgeProviderState,
)
from connectors.age_verification.providers import AgeProvider
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from tenants import audit

AGE_LINK_LIFETIME = timedelta(days=1)
"""Time for which a link can begin checks. Afterwards the viewer needs another one."""

AGE_PATH = "/age/"
AGE_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]{32}")
_LINK = re.compile(re.escape(AGE_PATH) + AGE_TOKEN_PATTERN.pattern)
MAX_CHECKS = 20
MAX_CHECKS_WINDOW = timedelta(hours=1)
"""Maximum number of checks that visitors from one network may request, and the window in which they
are counted."""

RETRYABLE_CHECK_STATES = (
    AgeCheckState.INVITED,
    AgeCheckState.AWAY,
    AgeCheckState.ENDED,
    AgeCheckState.UNFIT,
)
"""States in which a viewer may begin a check, or begin it again."""


@dataclass(frozen=True)
class AgeProviderView:
    """A provider of this tenant for display, without credentials."""

    id: UUID
    provider: str
    account: str
    state: AgeProviderState
    reason: Message | None
    tested_at: datetime | None


@dataclass(frozen=True)
class AgeCheckView:
    """A viewer's check; `address` is set only while the provider waits for them."""

    id: UUID
    provider: str
    language: str
    state: AgeCheckState
    address: str
    alive: bool
    """True if its link can still begin checks."""


def connect_provider(
    scope: Scope, provider: str, letter: bytes, *, known: Mapping[str, AgeProvider]
) -> UUID:
    """Request the connection of a provider; `letter` is the form sealed by
    `tenants.vault.sealed_intake`.

    Raises BadInput for an unknown provider.
    """
    if provider not in known:
        raise BadInput("age.unknown_provider")
    found: UUID = scope.run(
        "INSERT INTO age_providers (tenant_id, id, provider, account, base_url, state, letter)"
        " VALUES (:tenant, :id, :provider, '', '', 'waiting', :letter)"
        " ON CONFLICT (tenant_id, provider) DO UPDATE SET state = 'waiting', letter = "
        "EXCLUDED.letter, reason = NULL,"
        " updated_at = house_now() RETURNING id",
        tenant=scope.tenant_id,
        id=uuid7(),
        provider=provider,
        letter=letter,
    ).scalar_one()
    audit.record(scope, "age.provider", f"age_provider:{found}", provider=provider)
    outbox.put(scope, AgeProviderTestDue(scope.tenant_id, found), priority=1)
    return found


def request_provider_test(scope: Scope, provider_id: UUID) -> None:
    """Request a test of the provider's key: the result appears in `tested_at`, or in the state.
    Raises NotFound."""
    provider_row(scope, provider_id)
    outbox.put(scope, AgeProviderTestDue(scope.tenant_id, provider_id), priority=1)


def end_provider(scope: Scope, provider_id: UUID) -> None:
    """Disconnect a provider and delete its key. Proven ages remain until they expire.

    Raises NotFound, Conflict.
    """
    row = provider_row(scope, provider_id, held=True)
    AGE_PROVIDER_STATES.check(AgeProviderState(row.state), AgeProviderState.OFF)
    row.state = str(AgeProviderState.OFF)
    row.box = None
    row.letter = b""
    row.reason = None
    scope.add(row)
    audit.record(scope, "age.provider_off", f"age_provider:{row.id}", provider=row.provider)


def list_providers(scope: Scope) -> list[AgeProviderView]:
    """Return the providers of this tenant in all states."""
    rows = scope.session.exec(
        select(AgeProviderRow)
        .where(AgeProviderRow.tenant_id == scope.tenant_id)
        .order_by(col(AgeProviderRow.provider))
        .execution_options(populate_existing=True)
    )
    return [_provider_view(row) for row in rows]


def active_provider(scope: Scope) -> AgeProviderView | None:
    """Return the connected provider, or None."""
    return next(
        (one for one in list_providers(scope) if one.state is AgeProviderState.CONNECTED), None
    )


def start_check_from_page(
    scope: Scope, platform: str, user_id: str, *, page: str, language: str, source: str
) -> None:
    """Begin the check of a visitor of one of our pages; create one if they have none.

    `page` is the URL they return to, `source` a keyed digest of their network address. Raises
    NotFound without a provider, Refused for too many checks.
    """
    known = latest_check(scope, platform, user_id)
    if known is not None and known.state in (AgeCheckState.BEGINNING, AgeCheckState.OPEN):
        return
    if known is None or known.state not in RETRYABLE_CHECK_STATES or not known.alive:
        _check_flood(scope, source)
        if (
            create_check_link(
                scope, platform, user_id, channel_id=None, language=language, source=source
            )
            is None
        ):
            raise NotFound("age.unknown_provider")
        known = latest_check(scope, platform, user_id)
    if known is not None:
        begin_check(scope, known.id, page=page)


def _check_flood(scope: Scope, source: str) -> None:
    lately = scope.run(
        "SELECT count(*) FROM age_checks WHERE tenant_id = :tenant AND source = :source AND "
        "created_at > :since",
        tenant=scope.tenant_id,
        source=source,
        since=scope.now - MAX_CHECKS_WINDOW,
    ).scalar_one()
    if lately >= MAX_CHECKS:
        raise Refused("age.flood")


def latest_check(scope: Scope, platform: str, user_id: str) -> AgeCheckView | None:
    """Return the latest check of a viewer, or None."""
    found = scope.run(
        "SELECT id FROM age_checks WHERE tenant_id = :tenant AND platform = :platform AND user_id "
        "= :user"
        " ORDER BY created_at DESC, id DESC LIMIT 1",
        tenant=scope.tenant_id,
        platform=platform,
        user=user_id,
    ).scalar()
    return get_check(scope, found) if found is not None else None


def create_check_link(
    scope: Scope,
    platform: str,
    user_id: str,
    *,
    channel_id: UUID | None,
    language: str,
    source: str = "",
) -> str | None:
    """Create a check for one viewer and return the token of its link (`AGE_PATH` + token), or None
    without a provider."""
    provider = active_provider(scope)
    if provider is None:
        return None
    token = secrets.token_urlsafe(24)
    scope.add(
        AgeCheckRow(
            tenant_id=scope.tenant_id,
            provider_id=provider.id,
            platform=platform,
            user_id=user_id,
            channel_id=channel_id,
            digest=token_digest(token),
            language=language,
            source=source,
        )
    )
    scope.session.flush()
    return token


def token_digest(token: str) -> str:
    """Return the stored form of a link. An unkeyed digest is enough for 192 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def redact_check_links(text: str) -> str:
    """Return a text without the tokens of check links, for members, models and exports."""
    return _LINK.sub(f"{AGE_PATH}…", text)


def erase_checks(scope: Scope, channel_id: UUID, user_id: str) -> None:
    """Delete the checks that a fan requested in the chats of an account. The gate keeps their age
    assurance."""
    scope.run(
        "DELETE FROM age_checks WHERE tenant_id = :tenant AND channel_id = :channel AND user_id = "
        ":user",
        tenant=scope.tenant_id,
        channel=channel_id,
        user=user_id,
    )


def find_check(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """Return `(tenant, check)` of a link, or None."""
    if not AGE_TOKEN_PATTERN.fullmatch(token):  # Malformed input never reaches the database.
        return None
    with tenant(INSTALLATION_ID, "system:age-link", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, id FROM age_checks WHERE digest = :digest",
            digest=token_digest(token),
        ).first()
    return (row.tenant_id, row.id) if row is not None else None


def get_check(scope: Scope, check_id: UUID) -> AgeCheckView:
    """Return a check. Raises NotFound."""
    row = get_check_row(scope, check_id)
    provider = provider_row(scope, row.provider_id)
    alive = (row.created_at or scope.now) + AGE_LINK_LIFETIME > scope.now
    return AgeCheckView(
        row.id, provider.provider, row.language, AgeCheckState(row.state), row.address, alive
    )


def begin_check(scope: Scope, check_id: UUID, *, page: str) -> None:
    """Begin a check at the viewer's request; a second request has no effect. `page` is the URL they
    return to.

    Raises NotFound, and Conflict for an expired link or a completed check.
    """
    known = get_check(scope, check_id)
    if known.state in (AgeCheckState.BEGINNING, AgeCheckState.OPEN):
        return
    if not known.alive or known.state not in RETRYABLE_CHECK_STATES:
        raise Conflict("age.link_over")
    if move_check(scope, check_id, known.state, AgeCheckState.BEGINNING):
        outbox.put(
            scope,
            AgeCheckRequested(scope.tenant_id, check_id, page),
            priority=1,
            dedupe=f"age_begin:{check_id}",
        )


def move_check(
    scope: Scope,
    check_id: UUID,
    before: AgeCheckState,
    after: AgeCheckState,
    *,
    native_id: str = "",
    address: str = "",
    until: datetime | None = None,
) -> bool:
    """Change the state of a check from `before` to `after`, with its session and URL. Return False
    if it was in another state."""
    AGE_CHECK_STATES.check(before, after)
    done = scope.run(
        "UPDATE age_checks SET state = :after, address = :address, until = :until,"
        " native_id = CASE WHEN CAST(:keeps AS boolean) THEN native_id ELSE :native END,"
        " updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND state = :before",
        tenant=scope.tenant_id,
        id=check_id,
        before=str(before),
        after=str(after),
        native=native_id,
        keeps=not native_id and after is not AgeCheckState.BEGINNING,
        address=address,
        until=until,
    )
    return bool(done.rowcount)


def provider_row(scope: Scope, provider_id: UUID, *, held: bool = False) -> AgeProviderRow:
    """Return the row of a provider, locked until the transaction ends if `held`. Raises
    NotFound."""
    query = select(AgeProviderRow).where(
        AgeProviderRow.tenant_id == scope.tenant_id, col(AgeProviderRow.id) == provider_id
    )
    row = scope.session.exec(
        (query.with_for_update() if held else query).execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("age.unknown_provider")
    return row


def get_check_row(scope: Scope, check_id: UUID) -> AgeCheckRow:
    """Return the row of a check. Raises NotFound."""
    row = scope.session.exec(
        select(AgeCheckRow)
        .where(AgeCheckRow.tenant_id == scope.tenant_id, col(AgeCheckRow.id) == check_id)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("age.link_over")
    return row


def _provider_view(row: AgeProviderRow) -> AgeProviderView:
    reason = Message.from_json(row.reason) if row.reason else None
    return AgeProviderView(
        row.id, row.provider, row.account, AgeProviderState(row.state), reason, row.tested_at
    )
