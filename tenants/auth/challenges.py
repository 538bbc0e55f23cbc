"""Challenges for passkeys (WebAuthn, https://www.w3.org/TR/webauthn-3/, 7) and their responses.

Each challenge is a row. It can be answered once, within five minutes, by the member and for the act
it was created for.
"""

import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused, Unavailable
from foundation.http.address_policy import browser_origin
from foundation.ids import INSTALLATION_ID, uuid7
from tenants.agencies import queries
from tenants.auth import failed_attempts, passkeys

ACT_SIGN_IN = "enter"
ACT_SECOND_FACTOR = "second"
ACT_ADD_PASSKEY = "add"
"""Acts of sign-in itself. Other acts are named by the packages that need a signature."""

MAX_OPEN_CHALLENGES = 10
"""Maximum number of unanswered or wrongly answered challenges of a member within 15 minutes."""

MAX_ANONYMOUS_CHALLENGES = 40
"""The same limit per network address; a whole office may sign in from one."""

MAX_KEYS = 20

CHALLENGE = 32
"""Length of a challenge in bytes."""

_VERIFIED = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True)
class RelyingParty:
    """The WebAuthn relying party: host and origin of the dashboard. `key` is the key of the web
    process, used for fingerprints."""

    host: str
    origin: str
    key: str

    @classmethod
    def from_url(cls, public_url: str, key: str) -> "RelyingParty":
        """Return the relying party of an address.

        Raises Unavailable if browsers offer no passkeys there: without a host name or without TLS.
        """
        origin = browser_origin(public_url)
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if not host or _is_address(host) or (parts.scheme != "https" and host != "localhost"):
            raise Unavailable("passkey.not_here")
        return cls(host, origin, key)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def create_registration_challenge(scope: Scope, site: RelyingParty, member_id: UUID) -> str:
    """Return the WebAuthn options for a new passkey of a member as JSON. Raises Refused after too
    many challenges."""
    member = queries.get_member(scope, member_id)
    challenge = secrets.token_bytes(CHALLENGE)
    known = passkeys.list_passkeys(scope, member_id)
    if len(known) >= MAX_KEYS:
        raise Refused("passkey.too_many", most=MAX_KEYS)
    _record_challenge(
        scope,
        challenge,
        act=ACT_ADD_PASSKEY,
        about="",
        who=failed_attempts.failure_key("member", str(member_id)),
        member_id=member_id,
    )
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="Greenroom",
        user_id=member_id.bytes,
        user_name=member.email,
        user_display_name=member.name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(base64url_to_bytes(one.credential)) for one in known
        ],
    )
    return options_to_json(options)


def create_signing_challenge(
    scope: Scope, site: RelyingParty, *, act: str, about: str = "", member_id: UUID
) -> str:
    """Return the WebAuthn options with which a member signs an act as JSON.

    Raises Refused for a member without a passkey and after too many challenges.
    """
    known = passkeys.list_passkeys(scope, member_id)
    if not known:
        raise Refused("passkey.none")
    challenge = secrets.token_bytes(CHALLENGE)
    _record_challenge(
        scope,
        challenge,
        act=act,
        about=about,
        who=failed_attempts.failure_key("member", str(member_id)),
        member_id=member_id,
    )
    allowed = [PublicKeyCredentialDescriptor(base64url_to_bytes(one.credential)) for one in known]
    return _build_request_options(site, challenge, allowed)


def create_sign_in_challenge(tenant: OpenScope, site: RelyingParty, address: str) -> str:
    """Return the WebAuthn options for a sign-in as JSON. The member is not known yet; the response
    names the owner of the passkey."""
    challenge = secrets.token_bytes(CHALLENGE)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        _record_challenge(
            scope,
            challenge,
            act=ACT_SIGN_IN,
            about="",
            who=failed_attempts.address_key("address", address),
            member_id=None,
        )
    return _build_request_options(site, challenge, None)


def _build_request_options(
    site: RelyingParty, challenge: bytes, allowed: list[PublicKeyCredentialDescriptor] | None
) -> str:
    return options_to_json(
        webauthn.generate_authentication_options(
            rp_id=site.host,
            challenge=challenge,
            allow_credentials=allowed,
            user_verification=_VERIFIED,
        )
    )


_OPEN = """
SELECT count(*) FROM passkey_asks WHERE tenant_id = :tenant AND who = :who AND answered_at IS NULL
  AND asked_at > people_now() - CAST(:window AS interval)
"""
_PUT = """
INSERT INTO passkey_asks (tenant_id, id, member_id, who, challenge, act, about, asked_at,
expires_at)
VALUES (:tenant, :id, :member, :who, :challenge, :act, :about, people_now(), people_now() +
CAST(:fresh AS interval))
"""


def _record_challenge(
    scope: Scope, challenge: bytes, *, act: str, about: str, who: str, member_id: UUID | None
) -> None:
    """Insert the challenge and delete unused ones older than a day."""
    scope.lock(who)  # serializes concurrent requests, so that each of them is counted
    scope.run(
        "DELETE FROM passkey_asks WHERE tenant_id = :tenant AND spent_at IS NULL"
        " AND asked_at < people_now() - CAST(:forget AS interval)",
        tenant=scope.tenant_id,
        forget=failed_attempts.FAILURE_RETENTION,
    )
    unanswered = scope.run(
        _OPEN, tenant=scope.tenant_id, who=who, window=failed_attempts.FAILURE_WINDOW
    ).scalar_one()
    if unanswered >= (MAX_ANONYMOUS_CHALLENGES if member_id is None else MAX_OPEN_CHALLENGES):
        raise Refused(
            "password.wait", minutes=int(failed_attempts.FAILURE_WINDOW.total_seconds() // 60)
        )
    scope.run(
        _PUT,
        tenant=scope.tenant_id,
        id=uuid7(),
        member=member_id,
        who=who,
        challenge=bytes_to_base64url(challenge),
        act=act,
        about=about,
        fresh=passkeys.SIGNATURE_LIFETIME,
    )


_TAKE = """
UPDATE passkey_asks SET taken_at = people_now(), updated_at = house_now()
WHERE tenant_id = :tenant AND challenge = :challenge AND act = :act AND about = :about
  AND member_id IS NOT DISTINCT FROM CAST(:member AS uuid) AND taken_at IS NULL AND expires_at >
  people_now()
RETURNING id
"""


def consume_challenge(
    scope: Scope, challenge: bytes, *, act: str, about: str, member_id: UUID | None
) -> UUID:
    """Mark the challenge of a response as used and return its ID.

    Commit before the response is verified, so that a wrong response uses it up too. Raises Refused.
    """
    params = {
        "challenge": bytes_to_base64url(challenge),
        "act": act,
        "about": about,
        "member": member_id,
    }
    found = scope.run(_TAKE, tenant=scope.tenant_id, **params).scalar()
    if found is None:
        raise Refused("passkey.not_fresh")
    taken: UUID = found
    return taken


@dataclass(frozen=True)
class ChallengedMember:
    """A member who must present a passkey, with the agency."""

    tenant_id: UUID
    member_id: UUID

    @property
    def actor_id(self) -> str:
        """Return the actor name of the member for scopes."""
        return f"member:{self.member_id}"


@dataclass(frozen=True)
class AuthenticatorResponse:
    """A parsed but unverified response of a browser. `holder` is the member named by the
    authenticator."""

    body: dict[str, Any]
    challenge: bytes
    credential: str
    holder: UUID | None


def parse_response(body: dict[str, Any], *, new: bool = False) -> AuthenticatorResponse:
    """Parse the response for a `new` or an existing passkey. Raises Refused if it is malformed."""
    try:
        if new:
            made = parse_registration_credential_json(body)
            data = made.response.client_data_json
            handle = None
            raw = made.raw_id
        else:
            got = parse_authentication_credential_json(body)
            data = got.response.client_data_json
            handle = got.response.user_handle
            raw = got.raw_id
        holder = UUID(bytes=handle) if handle else None
        return AuthenticatorResponse(
            body, parse_client_data_json(data).challenge, bytes_to_base64url(raw), holder
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused("passkey.wrong") from error
