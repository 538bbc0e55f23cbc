"""Registration and verification of passkeys (WebAuthn, https://www.w3.org/TR/webauthn-3/, 7.1 and
7.2).

A passkey counts only with user verification (PIN, fingerprint or face), from the origin of the
dashboard, and while its signature counter increases. A wrong response uses up its challenge.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import webauthn
from webauthn.helpers.exceptions import WebAuthnException

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.agencies import queries
from tenants.auth import challenges, device_fingerprints, passkeys, sessions
from tenants.auth.challenges import (
    ACT_ADD_PASSKEY,
    ACT_SECOND_FACTOR,
    ACT_SIGN_IN,
    AuthenticatorResponse,
    ChallengedMember,
    RelyingParty,
    consume_challenge,
)
from tenants.auth.passkeys import MAX_PASSKEY_NAME, PasskeySummary
from tenants.notices import notices


def register_passkey(
    tenant: OpenScope, site: RelyingParty, who: ChallengedMember, body: dict[str, Any], *, name: str
) -> PasskeySummary:
    """Store a new passkey of a member under `name`.

    Raises Refused for a response without a challenge, a failed verification, and a passkey that is
    already registered. A member who presents a passkey of another member counts as the same human;
    this is recorded.
    """
    made = _verify_registration(tenant, site, who, body)
    with tenant(who.tenant_id, who.actor_id) as scope:
        kept = _record_passkey(scope, site, queries.get_member(scope, who.member_id), made, name)
    if kept is None:
        raise Refused("passkey.known")
    return kept


def set_up_second_factor(
    tenant: OpenScope,
    site: RelyingParty,
    who: ChallengedMember,
    body: dict[str, Any],
    *,
    session: str,
    name: str,
    browser: str,
) -> str:
    """Complete a pending session with the first second factor of its member. Return the secret of
    the complete session.

    Raises Refused in the cases of `register_passkey`, and if the member already has a second
    factor: a sign-in link alone cannot add another one.
    """
    made = _verify_registration(tenant, site, who, body)
    with tenant(who.tenant_id, who.actor_id) as scope:
        # Serialize concurrent set-ups, so that only one of them is the first factor.
        lock = "SELECT id FROM members WHERE tenant_id = :tenant AND id = :id FOR UPDATE"
        scope.run(lock, tenant=who.tenant_id, id=who.member_id)
        if passkeys.has_second_factor(scope, who.member_id):
            raise Refused("passkey.not_first")
        kept = _record_passkey(scope, site, queries.get_member(scope, who.member_id), made, name)
        opened = (
            sessions.complete_pending_session(scope, who.member_id, session, browser=browser)
            if kept is not None
            else None
        )
    if opened is None:
        raise Refused("passkey.known")
    return opened


@dataclass(frozen=True)
class _Made:
    """A verified new passkey; `taken` is the ID of its challenge."""

    taken: UUID
    credential: str
    public_key: bytes
    count: int


def _verify_registration(
    tenant: OpenScope, site: RelyingParty, who: ChallengedMember, body: dict[str, Any]
) -> _Made:
    answer = challenges.parse_response(body, new=True)
    with tenant(who.tenant_id, who.actor_id) as scope:
        taken = consume_challenge(
            scope, answer.challenge, act=ACT_ADD_PASSKEY, about="", member_id=who.member_id
        )
    try:
        made = webauthn.verify_registration_response(
            credential=body,
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as error:
        raise Refused("passkey.wrong") from error
    return _Made(taken, answer.credential, made.credential_public_key, made.sign_count)


_KEEP = """
INSERT INTO passkeys (tenant_id, id, member_id, credential, public_key, count, name, ended)
VALUES (:tenant, :id, :member, :credential, :public_key, :count, :name, '')
ON CONFLICT (tenant_id, credential) DO NOTHING RETURNING id
"""


def _record_passkey(
    scope: Scope, site: RelyingParty, member: queries.Member, made: _Made, name: str
) -> PasskeySummary | None:
    """Insert the passkey and return it, or return None if it was registered before."""
    device_fingerprints.record_passkey(scope, site.key, member, made.credential)
    called = " ".join(name.split())[:MAX_PASSKEY_NAME] or "Passkey"
    params = {
        "credential": made.credential,
        "public_key": made.public_key,
        "count": made.count,
        "name": called,
    }
    found = scope.run(
        _KEEP, tenant=scope.tenant_id, id=uuid7(), member=member.id, **params
    ).scalar()
    if found is None:
        return None
    _record_answer(scope, made.taken, found)
    audit.record(scope, "passkey.added", f"member:{member.id}", name=called)
    return next(one for one in passkeys.list_passkeys(scope, member.id) if one.id == found)


def sign_in_with_passkey(
    tenant: OpenScope, site: RelyingParty, body: dict[str, Any], *, browser: str = ""
) -> str:
    """Sign in with a passkey alone and return the secret of a complete session.

    Raises Refused. The message does not reveal if the passkey exists.
    """
    answer = challenges.parse_response(body)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        taken = consume_challenge(
            scope, answer.challenge, act=ACT_SIGN_IN, about="", member_id=None
        )
        found = scope.run(
            "SELECT p.tenant_id FROM passkeys p JOIN members m ON m.tenant_id = p.tenant_id AND "
            "m.id = p.member_id"
            " WHERE p.credential = :credential AND p.member_id = :holder AND p.ended_at IS NULL "
            "AND m.active",
            credential=answer.credential,
            holder=answer.holder,
        ).scalar()
    if found is None or answer.holder is None:
        raise Refused("passkey.wrong")
    with tenant(found, f"member:{answer.holder}") as scope:
        key = _verify_response(scope, site, answer)
        opened = (
            sessions.open_complete_session(scope, answer.holder, browser=browser)
            if key is not None
            else None
        )
    if opened is None:
        raise Refused("passkey.copied")
    with tenant(
        INSTALLATION_ID, "system:door", role="door"
    ) as scope:  # sign-in challenges that remain count as failures
        scope.run(
            "DELETE FROM passkey_asks WHERE tenant_id = :house AND id = :id",
            house=INSTALLATION_ID,
            id=taken,
        )
    return opened


def pass_second_factor(
    tenant: OpenScope,
    site: RelyingParty,
    who: ChallengedMember,
    body: dict[str, Any],
    *,
    session: str,
    browser: str,
) -> str:
    """Complete a pending session with a passkey of its member. Return the secret of the complete
    session. Raises Refused."""
    answer = challenges.parse_response(body)
    with tenant(who.tenant_id, who.actor_id) as scope:
        taken = consume_challenge(
            scope, answer.challenge, act=ACT_SECOND_FACTOR, about="", member_id=who.member_id
        )
    with tenant(who.tenant_id, who.actor_id) as scope:
        refusal = _find_refusal_code(scope, site, who, answer, taken)
        opened = (
            ""
            if refusal
            else sessions.complete_pending_session(scope, who.member_id, session, browser=browser)
        )
    if refusal:
        raise Refused(refusal)
    return opened


def sign_act(
    tenant: OpenScope,
    site: RelyingParty,
    who: ChallengedMember,
    body: dict[str, Any],
    *,
    act: str,
    about: str,
) -> UUID:
    """Verify that a member signed an act. Return the ID of the signature, which
    `passkeys.consume_signature` uses up when the act is done. Raises Refused."""
    answer = challenges.parse_response(body)
    with tenant(who.tenant_id, who.actor_id) as scope:
        taken = consume_challenge(
            scope, answer.challenge, act=act, about=about, member_id=who.member_id
        )
    with tenant(who.tenant_id, who.actor_id) as scope:
        refusal = _find_refusal_code(scope, site, who, answer, taken)
    if refusal:
        raise Refused(refusal)
    return taken


def _find_refusal_code(
    scope: Scope,
    site: RelyingParty,
    who: ChallengedMember,
    answer: AuthenticatorResponse,
    taken: UUID,
) -> str:
    """Return the message code of the refusal, or "". Records made during the check are kept."""
    key = _verify_response(scope, site, answer)
    if key is None:
        return "passkey.copied"
    if (
        key.member_id != who.member_id
    ):  # the member holds a colleague's passkey, so both count as one human
        device_fingerprints.record_passkey(
            scope, site.key, queries.get_member(scope, who.member_id), key.credential
        )
        return "passkey.another"
    _record_answer(scope, taken, key.id)
    return ""


def _record_answer(scope: Scope, taken: UUID, key_id: UUID) -> None:
    scope.run(
        "UPDATE passkey_asks SET answered_at = people_now(), passkey_id = :key, updated_at = "
        "house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=taken,
        key=key_id,
    )


def _verify_response(
    scope: Scope, site: RelyingParty, answer: AuthenticatorResponse
) -> PasskeySummary | None:
    """Return the passkey that signed and update its counter. Return None if the counter did not
    increase; the passkey is then disabled.

    Raises Refused if the verification fails. The counter is compared here and not by the library:
    its exception would roll back the transaction and the notice with it.
    """
    row = scope.run(
        "SELECT id, member_id, public_key, count FROM passkeys WHERE tenant_id = :tenant AND "
        "credential = :credential"
        " AND ended_at IS NULL FOR UPDATE",
        tenant=scope.tenant_id,
        credential=answer.credential,
    ).first()
    if row is None or answer.holder not in (None, row.member_id):
        raise Refused("passkey.wrong")
    try:
        got = webauthn.verify_authentication_response(
            credential=answer.body,
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=bytes(row.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as error:
        raise Refused("passkey.wrong") from error
    key = next(one for one in passkeys.list_passkeys(scope, row.member_id) if one.id == row.id)
    if max(got.new_sign_count, row.count) > 0 and got.new_sign_count <= row.count:
        _tell_copied(scope, key)
        return None
    scope.run(
        "UPDATE passkeys SET count = :count, used_at = people_now(), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=key.id,
        count=got.new_sign_count,
    )
    device_fingerprints.record_passkey(
        scope, site.key, queries.get_member(scope, key.member_id), key.credential
    )
    return key


def _tell_copied(scope: Scope, key: PasskeySummary) -> None:
    passkeys.end_copied_passkey(scope, key)
    told = Message(
        "passkey.copied_told",
        {"name": queries.get_member(scope, key.member_id).name, "passkey": key.name},
    )
    notices.put(scope, told, cause=f"passkey:{key.id}", urgent=True)
