"""Providers that check ages: connecting one, what a viewer is given to begin, and how a check
stands.

A check belongs to one (tenant, platform, user) from its first line on; its link is known by its
digest alone. What is known of an age lies with the gate (`gate.viewers.age_assurance`), nowhere
here.
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
"""How long a link begins checks; afterwards the viewer asks for another."""

AGE_PATH = "/age/"
AGE_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]{32}")
_LINK = re.compile(re.escape(AGE_PATH) + AGE_TOKEN_PATTERN.pattern)
MAX_CHECKS = 20
MAX_CHECKS_WINDOW = timedelta(hours=1)
"""So many checks may visitors of one place ask for."""

RETRYABLE_CHECK_STATES = (
    AgeCheckState.INVITED,
    AgeCheckState.AWAY,
    AgeCheckState.ENDED,
    AgeCheckState.UNFIT,
)
"""Where a viewer may begin, or begin again."""


@dataclass(frozen=True)
class AgeProviderView:
    """A provider of this tenant, as a page shows it: never a credential."""

    id: UUID
    provider: str
    account: str
    state: AgeProviderState
    reason: Message | None
    tested_at: datetime | None


@dataclass(frozen=True)
class AgeCheckView:
    """How a viewer's check stands; `address` only while the provider waits for them."""

    id: UUID
    provider: str
    language: str
    state: AgeCheckState
    address: str
    alive: bool
    """Whether its link still begins checks."""


def connect_provider(
    scope: Scope, provider: str, letter: bytes, *, known: Mapping[str, AgeProvider]
) -> UUID:
    """Ask for a provider to be tried with what was typed; `letter` is the form sealed by
    `tenants.vault.sealed_intake`.

    Raises BadInput for a provider nobody knows.
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
    """Ask for the provider's key to be tried: it shows in `tested_at`, or in the state. Raises
    NotFound."""
    provider_row(scope, provider_id)
    outbox.put(scope, AgeProviderTestDue(scope.tenant_id, provider_id), priority=1)


def end_provider(scope: Scope, provider_id: UUID) -> None:
    """Ask this provider nothing new, and forget its key; what viewers have proven stays until it
    runs out.

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
    """The providers of this tenant, whatever their state."""
    rows = scope.session.exec(
        select(AgeProviderRow)
        .where(AgeProviderRow.tenant_id == scope.tenant_id)
        .order_by(col(AgeProviderRow.provider))
        .execution_options(populate_existing=True)
    )
    return [_provider_view(row) for row in rows]


def active_provider(scope: Scope) -> AgeProviderView | None:
    """The provider that checks ages now; None where nobody can prove theirs."""
    return next(
        (one for one in list_providers(scope) if one.state is AgeProviderState.CONNECTED), None
    )


def start_check_from_page(
    scope: Scope, platform: str, user_id: str, *, page: str, language: str, source: str
) -> None:
    """A visitor of a page of ours wants to prove their age: the check they have begins, or a new
    one.

    `page` is where they come back to, `source` a keyed digest of where they come from. Raises
    NotFound where nobody checks ages, Refused for a flood.
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
    """The last check of a viewer; None where they never asked for one."""
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
    """The end of a link (`PATH` + this) under which this one viewer proves their age; None without
    a provider."""
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
    """What is kept of a link: 192 random bits need no key of their own."""
    return hashlib.sha256(token.encode()).hexdigest()


def redact_check_links(text: str) -> str:
    """A text without what opens anybody's check: what members, models and exports may read of
    it."""
    return _LINK.sub(f"{AGE_PATH}…", text)


def erase_checks(scope: Scope, channel_id: UUID, user_id: str) -> None:
    """Forget the checks a fan asked for in the chats of an account; what is known of their age is
    the gate's."""
    scope.run(
        "DELETE FROM age_checks WHERE tenant_id = :tenant AND channel_id = :channel AND user_id = "
        ":user",
        tenant=scope.tenant_id,
        channel=channel_id,
        user=user_id,
    )


def find_check(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """`(tenant, check)` of a link; None for one that is none."""
    if not AGE_TOKEN_PATTERN.fullmatch(
        token
    ):  # whatever a stranger types never reaches the database
        return None
    with tenant(INSTALLATION_ID, "system:age-link", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, id FROM age_checks WHERE digest = :digest",
            digest=token_digest(token),
        ).first()
    return (row.tenant_id, row.id) if row is not None else None


def get_check(scope: Scope, check_id: UUID) -> AgeCheckView:
    """How it stands. Raises NotFound."""
    row = get_check_row(scope, check_id)
    provider = provider_row(scope, row.provider_id)
    alive = (row.created_at or scope.now) + AGE_LINK_LIFETIME > scope.now
    return AgeCheckView(
        row.id, provider.provider, row.language, AgeCheckState(row.state), row.address, alive
    )


def begin_check(scope: Scope, check_id: UUID, *, page: str) -> None:
    """The viewer wants to prove their age now; pressed twice, it begins once. `page` is where they
    come back to.

    Raises NotFound, and Conflict for a link that is too old or a check that has its answer.
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
    """Bring a check from `before` to `after`; whether it stood there. Its session and address are
    those given."""
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
    """A provider's row as it stands now; `held` until this transaction ends. Raises NotFound."""
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
    """A check's row as it stands now. Raises NotFound."""
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
