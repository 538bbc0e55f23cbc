"""The OAuth flow: the member authorizes the application at the platform and returns with a code
that a worker exchanges.

The URL is bound to the member: its state is accepted once, from their session, within 15 minutes,
and the code is useless without a verifier that is never sent to the browser (OAuth 2 with PKCE: RFC
6749, RFC 7636, RFC 9700).
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from channels.connections.events import AccountSetupRequested
from channels.connections.states import AccountSetupState
from connectors.contract.account_setup import OAuthVisit
from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from foundation.sealed import Sealed, SealSecret

OAUTH_LIFETIME = timedelta(minutes=15)
"""Maximum duration of a flow, by the wall clock: the clock of a demonstration runs ahead of it."""

OAUTH_RETURN_PATH = "/auth/account"
"""Path of the redirect URL on the dashboard."""

CODE_FIELD = "code"
VERIFIER_FIELD = "verifier"
REDIRECT_FIELD = "redirect_uri"
"""Fields that are added to the form for a connector."""


def prepare_visit(
    visit: OAuthVisit, *, tenant_id: UUID, address: str, returns_to: str, seal: SealSecret
) -> dict[str, Any]:
    """Return the values to store until the flow ends; `url` is for the member. `address` is the
    server of the account."""
    # A fresh state and verifier for each flow (RFC 9700).
    state = secrets.token_urlsafe(32)
    verifier = secrets.token_urlsafe(48)
    asked = {
        **visit.asked,
        REDIRECT_FIELD: returns_to,
        "state": state,
        "code_challenge": _code_challenge(verifier),
    }
    page = f"{address.rstrip('/')}{visit.page}" if visit.page.startswith("/") else visit.page
    kept = {**visit.keep, VERIFIER_FIELD: seal(tenant_id, verifier)}
    return {
        "url": f"{page}?{urlencode({**asked, 'code_challenge_method': 'S256'})}",
        "state": state,
        "keep": {name: _credential_to_json(value) for name, value in kept.items()},
    }


def _code_challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _credential_to_json(value: str | Sealed) -> str | dict[str, str]:
    return value if isinstance(value, str) else {"sealed": base64.b64encode(value.box).decode()}


def visit_form_values(visit: Mapping[str, Any] | None) -> dict[str, str | Sealed]:
    """Return the stored values of the connector and the verifier; empty before a flow."""
    found: Mapping[str, Any] = (visit or {}).get("keep", {})
    return {
        name: value if isinstance(value, str) else Sealed(base64.b64decode(value["sealed"]))
        for name, value in found.items()
    }


def accept_return(scope: Scope, state: str, letter: bytes) -> None:
    """Accept the return of the acting member with a code, sealed in `letter`, and continue the
    setup. A repeated call has no effect.

    Raises NotFound for a state that is unknown, of another member, or used.
    """
    enrolment_id, late = _lock_oauth_setup(scope, state)
    if late:
        _refuse_oauth_setup(scope, enrolment_id, Message("enrolment.too_late"))
        return
    scope.run(
        "UPDATE enrolments SET state = 'waiting', answer = :letter, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=enrolment_id,
        letter=letter,
    )
    outbox.put(
        scope,
        AccountSetupRequested(scope.tenant_id, enrolment_id),
        priority=1,
        dedupe=f"back:{enrolment_id}",
    )


def record_refusal(scope: Scope, state: str) -> None:
    """Record that the member or the platform refused the authorization. Raises NotFound."""
    enrolment_id, _ = _lock_oauth_setup(scope, state)
    _refuse_oauth_setup(scope, enrolment_id, Message("enrolment.declined"))


def _lock_oauth_setup(scope: Scope, state: str) -> tuple[UUID, bool]:
    """Lock the setup of a state. Return its ID, and True if it has expired."""
    row = scope.run(
        "SELECT id, CAST(visit ->> 'at' AS timestamptz) < people_now() - CAST(:life AS interval) "
        "AS late"
        " FROM enrolments WHERE tenant_id = :tenant AND state = :visiting AND by = :by"
        " AND visit ->> 'state' = :said FOR UPDATE",
        tenant=scope.tenant_id,
        visiting=str(AccountSetupState.VISITING),
        by=scope.actor,
        said=state,
        life=OAUTH_LIFETIME,
    ).one_or_none()
    if row is None:
        raise NotFound("enrolment.unknown")
    return row.id, bool(row.late)


def _refuse_oauth_setup(scope: Scope, enrolment_id: UUID, reason: Message) -> None:
    scope.run(
        "UPDATE enrolments SET state = 'refused', reason = CAST(:reason AS jsonb), letter = '', "
        "answer = '',"
        " visit = NULL, updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=enrolment_id,
        reason=canonical_json(reason.to_json()).decode(),
    )
