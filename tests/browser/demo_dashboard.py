"""The dashboard of an installation with the demo and a member of every role in both languages."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from demo.agency import lifecycle
from demo.agency.cast import LUMIERE
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import LANGUAGES
from foundation.ops.settings import DatabaseSettings, Settings, TenantsSettings
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tests.browser.page_checks import error_lines
from tests.conftest import Cluster
from tests.dashboard.conftest import MASTER, serving
from tests.tenants import totp_app

NAMES = {
    Role.OWNER: "Zoé",
    Role.MANAGER: "Marc",
    Role.CREATOR: "Mia",
    Role.CHATTER: "Léa",
    Role.ACCOUNTANT: "Paul",
    Role.GUEST: "Inès",
    Role.CUSTODIAN: "Anne",
}

GIVEN = {Role.CREATOR: ("mia",), Role.CHATTER: ("mia", "nova"), Role.GUEST: ("mia",)}
"""Creators assigned to a role; the other roles have all creators."""


@dataclass(frozen=True)
class DemoDashboard:
    """The first agency of the demo; `members` by role and language."""

    url: str
    tenant: OpenScope
    members: Mapping[tuple[Role, str], UUID]
    log: Path

    def troubles(self) -> list[str]:
        """Return the errors in the log of the dashboard."""
        return error_lines(self.log)

    def session(self, role: Role, language: str) -> str:
        """Return the cookie of an open session in the form that `Chromium.visitor` takes."""
        return f"{self._cookie(self.members[role, language])} at {self.url}"

    def arriving(self, role: Role, language: str, mark: str) -> str:
        """Add a member and return the cookie of their new session."""
        with self.tenant(LUMIERE.tenant_id, "system:test") as scope:
            member = _member(scope, role, language, mark)
        return self._cookie(member)

    def _cookie(self, member: UUID) -> str:
        with self.tenant(LUMIERE.tenant_id, "system:test") as scope:
            secret = sessions.create_sign_in_link(scope, member)
        return f"greenroom={totp_app.complete_sign_in(self.tenant, sessions.redeem_sign_in_link(self.tenant, secret))}"


def _member(scope: Scope, role: Role, language: str, mark: str) -> UUID:
    return agencies.add_member(
        scope,
        name=NAMES[role],
        email=f"{role}-{language}-{mark}@example.test",
        role=role,
        language=language,
        zone=LUMIERE.zone,
        creators=GIVEN.get(role, ()),
    )


@contextmanager
def seeded(
    cluster: Cluster, tenant: OpenScope, home: Path, elsewhere: Path
) -> Iterator[DemoDashboard]:
    """Load the demo and serve the dashboard. The demo is removed at the end, because other tests
    load theirs."""
    settings = Settings(
        home=home,
        environment="test",
        database=DatabaseSettings(
            owner_url=cluster.url("greenroom_owner", "house"),
            work_url=cluster.url("greenroom_work", "house"),
            pages_url=cluster.url("greenroom_pages", "house"),
        ),
        tenants=TenantsSettings(master_key=base64.b64encode(MASTER).decode()),
    )
    lifecycle.seed_demo(settings)
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        members = {
            (role, language): _member(scope, role, language, "first")
            for role in NAMES
            for language in LANGUAGES
        }
    with serving(cluster.url("greenroom_pages", "house"), home, elsewhere) as (url, log):
        yield DemoDashboard(url, tenant, members, log)
    lifecycle.remove_demo(settings)
