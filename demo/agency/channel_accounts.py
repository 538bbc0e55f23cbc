"""Channels of the demo: a hosted page, accounts on the test network, and accounts for manual
posting."""

from dataclasses import dataclass
from urllib.parse import quote

from channels.accounts import lifecycle, queries
from channels.accounts.queries import Channel
from connectors.contract.account_setup import ConnectedAccount
from connectors.registry import loader
from demo.agency.cast import AgencyProfile, CreatorProfile, SandboxAccountProfile
from demo.agency.people import DEMO_ACTOR, creator_id_of
from foundation.db.database import OpenScope, Scope
from foundation.http.host_guard import host_name
from foundation.ops.settings import Settings
from sandbox import store
from sandbox.store import SandboxStore
from tenants.vault import envelope
from web.site import sites

PAGE = "own_page"
NETWORK = "sandbox"
BY_HAND = "byhand"
MANUAL_CONNECTOR_PATH = "connectors.platforms.byhand.publisher:ByHand"
ELSEWHERE = 3
"""Ratio of followers: one in this number of followers of a creator's first account also follows
each of the others."""

PAGE_NAMES = {"fr": "Ma page", "en": "My page"}


def page_url(settings: Settings) -> str:
    """Return the URL of the hosted pages inside this installation."""
    return settings.web.inside_url or f"http://127.0.0.1:{settings.web.port}"


def sandbox_chat_url(settings: Settings, part: CreatorProfile) -> str:
    """Return the URL of a creator's chat window on the test network."""
    return f"{settings.sandbox.public_url}/c/{quote(part.accounts[0].account, safe='+')}"


def open_channels(tenant: OpenScope, settings: Settings, company: AgencyProfile) -> None:
    """Create missing pages and accounts, and update URLs after a change of ports."""
    master_key = envelope.parse_master_key(settings.tenants.master_key.get_secret_value())
    store = SandboxStore(settings.home / "sandbox.sqlite")
    try:
        with tenant(company.tenant_id, DEMO_ACTOR) as scope:
            opening = _Opening(scope, settings, company, store, master_key)
            for part in company.creators:
                opening.page(part)
                for account in part.accounts:
                    opening.account(part, account)
                for account in part.manual_accounts:
                    opening.by_hand(part, account)
    finally:
        store.close()


@dataclass(frozen=True)
class _Opening:
    """Opens the channels of an agency in one transaction."""

    scope: Scope
    settings: Settings
    company: AgencyProfile
    store: SandboxStore
    master_key: bytes

    def page(self, part: CreatorProfile) -> None:
        """Create a creator's hosted page; its credential is sealed at once."""
        creator_id = creator_id_of(self.scope, part)
        address = sandbox_chat_url(self.settings, part)
        credential = sites.open_site(
            self.scope,
            creator_id=creator_id,
            slug=part.slug,
            title=part.name,
            about=part.about,
            language=self.company.language,
            chat_url=address,
            authority=host_name(self.settings.web.public_url),
        )
        sites.set_chat_url(self.scope, creator_id, address)
        name = PAGE_NAMES[self.company.language]
        self._connect_account(
            part,
            PAGE,
            SandboxAccountProfile(name, part.slug, "public"),
            page_url(self.settings),
            credential,
        )

    def account(self, part: CreatorProfile, account: SandboxAccountProfile) -> None:
        """Create an account on the test network; a token that was revoked there stays revoked."""
        standing = {one.name for one in store.list_accounts(self.store)}
        title = part.name if account is part.accounts[0] else f"{part.name} · {account.name}"
        opened = None
        if account.account not in standing or self._find_channel(part, NETWORK, account) is None:
            opened = store.create_account(self.store, account.account, title=title).token
            many = part.sales.followers // (1 if account is part.accounts[0] else ELSEWHERE)
            store.set_followers(self.store, account.account, many)
        self._connect_account(part, NETWORK, account, self.settings.sandbox.public_url, opened)

    def by_hand(self, part: CreatorProfile, account: SandboxAccountProfile) -> None:
        """Connect an account for manual posting as its form does, only once, so that later changes
        to it are kept."""
        if self._find_channel(part, BY_HAND, account) is not None:
            return
        connector = loader.connectable_platforms(
            loader.load_builtin_connectors((MANUAL_CONNECTOR_PATH,))
        )[BY_HAND]
        handle = account.account.partition("/")[2]
        found = connector.connect({"site": account.surface, "account": handle}, ())
        if not isinstance(found, ConnectedAccount):
            raise TypeError(f"{account.account} is no account by hand")
        lifecycle.connect_account(
            self.scope,
            creator_id=creator_id_of(self.scope, part),
            platform=BY_HAND,
            surface=found.surface,
            account=found.account,
            name=account.name,
            base_url="",
            token=None,
            zone=self.company.zone,
            options=found.options,
        )

    def _find_channel(
        self, part: CreatorProfile, platform: str, account: SandboxAccountProfile
    ) -> Channel | None:
        found = queries.list_creator_channels(self.scope, creator_id_of(self.scope, part))
        return next(
            (one for one in found if (one.platform, one.account) == (platform, account.account)),
            None,
        )

    def _connect_account(
        self,
        part: CreatorProfile,
        platform: str,
        account: SandboxAccountProfile,
        base_url: str,
        credential: str | None,
    ) -> None:
        known = self._find_channel(part, platform, account)
        if credential is None and known is not None and known.base_url == base_url:
            return
        lifecycle.connect_account(
            self.scope,
            creator_id=creator_id_of(self.scope, part),
            platform=platform,
            surface=account.surface,
            chat_surface=account.chat_surface,
            account=account.account,
            name=account.name,
            base_url=base_url,
            token=envelope.seal_secret(self.scope, self.master_key, credential)
            if credential is not None
            else None,
            zone=self.company.zone,
            # An application of its own, since failures of two accounts brake their application.
            app_key=f"demo-{account.account}" if platform == NETWORK else "",
        )


def find_chat_channel(scope: Scope, part: CreatorProfile) -> Channel:
    """Return the channel on which a creator chats and sells. Raises NotFound."""
    return queries.get_channel_by_name(scope, creator_id_of(scope, part), part.accounts[0].name)


def find_page_channel(scope: Scope, company: AgencyProfile, part: CreatorProfile) -> Channel:
    """Return the channel of a creator's hosted page. Raises NotFound."""
    return queries.get_channel_by_name(
        scope, creator_id_of(scope, part), PAGE_NAMES[company.language]
    )
