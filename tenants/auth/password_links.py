"""Links to set a new password, requested on the sign-in page.

The page queues the digest of the typed address, whether or not an account has it. A worker looks up
the accounts, so that neither the response nor its time reveals which addresses are known.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from tenants.auth import failed_attempts
from tenants.auth.members import MemberLinkDue
from tenants.auth.sessions import LinkPurpose

MAX_LINKS_PER_ACCOUNT = 3
"""Requests for one address within the window of failed attempts."""
MAX_ACCOUNTS = 3
"""Maximum number of agencies in which one address gets a link."""


@dataclass(frozen=True)
class PasswordLinkRequested:
    """Send a password link to the accounts whose address has the digest `who`."""

    kind: ClassVar[str] = "member.password_link"
    queue: ClassVar[Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
    who: str


def request_password_link(tenant: OpenScope, *, email: str, address: str) -> None:
    """Queue a password link for the accounts with this email; `address` is the network address of
    the visitor. Raises Refused after too many requests for this email or from this address."""
    who = _account_digest(email)
    most = {
        failed_attempts.failure_key("password_link", who): MAX_LINKS_PER_ACCOUNT,
        failed_attempts.address_key(
            "password_link", address
        ): failed_attempts.MAX_FAILURES_PER_ADDRESS,
    }
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        failed_attempts.reserve_attempts(scope, most, wait="password.wait")
    with tenant(INSTALLATION_ID, "system:door") as scope:
        outbox.put(scope, PasswordLinkRequested(INSTALLATION_ID, uuid7(), who), priority=1)


def _account_digest(email: str) -> str:
    plain = email.replace("\x00", "").strip().casefold()[:254]
    return failed_attempts.failure_key("account", plain)


_ACCOUNTS = """
SELECT tenant_id, id FROM members WHERE active AND role <> 'custodian'
  AND encode(sha256(convert_to('account:' || lower(email), 'UTF8')), 'hex') = :who
ORDER BY tenant_id LIMIT :most
"""


def queue_password_links(event: PasswordLinkRequested, *, tenant: OpenScope) -> None:
    """Queue an email with a password link in each agency in which the account exists.

    Custodians get none: the mail server may be that of the agency, which must not read their links.
    They sign in with links that `CustodianLinkDue` sends.
    """
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        found = scope.run(_ACCOUNTS, who=event.who, most=MAX_ACCOUNTS).all()
    for row in found:
        with tenant(row.tenant_id, "system:door") as scope:
            due = MemberLinkDue(row.tenant_id, row.id, str(LinkPurpose.PASSWORD))
            outbox.put(scope, due, dedupe=f"{due.kind}:{due.purpose}:{row.id}")
