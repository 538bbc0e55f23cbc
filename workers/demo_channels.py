"""The accounts of the demo: a page of its own for each creator, and accounts on the sandbox, made before it runs."""

from dataclasses import dataclass
from urllib.parse import quote

from channels import connecting
from channels import reads as channel_reads
from channels.reads import Channel
from connectors import registry
from connectors.enrolment import Connected
from foundation.asgi import host_of
from foundation.database import OpenScope, Scope
from foundation.settings import Settings
from tenants import vault
from web import sites
from workers import sandbox_store
from workers.demo_parts import Account, Company, Part
from workers.demo_people import SEEDING, creator_id_of
from workers.sandbox_store import Store

PAGE, NETWORK, BY_HAND = "own_page", "sandbox", "byhand"
BY_HANDS = "connectors.byhand:ByHand"
ELSEWHERE = 3
"""Of those who follow a creator's first account, one in so many follows each other one as well."""

PAGE_NAMES = {"fr": "Ma page", "en": "My page"}


def sandbox_url(settings: Settings) -> str:
    """Where the sandbox of this installation is called from within."""
    return settings.sandbox.inside_url or f"http://127.0.0.1:{settings.sandbox.port}"


def page_url(settings: Settings) -> str:
    """Where the pages of this installation are called from within."""
    return settings.web.inside_url or f"http://127.0.0.1:{settings.web.port}"


def chat_url(settings: Settings, part: Part) -> str:
    """The chat window of a creator on the sandbox."""
    return f"http://127.0.0.1:{settings.sandbox.port}/c/{quote(part.accounts[0].account, safe='+')}"


def open_accounts(tenant: OpenScope, settings: Settings, company: Company) -> None:
    """Open every page and account that is not there yet; bring addresses up to date when a port has moved."""
    master_key = vault.master(settings.tenants.master_key.get_secret_value())
    store = Store(settings.home / "sandbox.sqlite")
    try:
        with tenant(company.tenant_id, SEEDING) as scope:
            opening = _Opening(scope, settings, company, store, master_key)
            for part in company.parts:
                opening.page(part)
                for account in part.accounts:
                    opening.account(part, account)
                for account in part.by_hand:
                    opening.by_hand(part, account)
    finally:
        store.close()


@dataclass(frozen=True)
class _Opening:
    """One look at the accounts of an agency, in one transaction."""

    scope: Scope
    settings: Settings
    company: Company
    store: Store
    master_key: bytes

    def page(self, part: Part) -> None:
        """A creator's own page; its credential is sealed the moment it is made."""
        creator_id, address = creator_id_of(self.scope, part), chat_url(self.settings, part)
        credential = sites.open_site(
            self.scope,
            creator_id=creator_id,
            slug=part.slug,
            title=part.name,
            about=part.about,
            language=self.company.language,
            chat_url=address,
            authority=host_of(self.settings.web.public_url),
        )
        sites.set_chat(self.scope, creator_id, address)
        name = PAGE_NAMES[self.company.language]
        self._connect(part, PAGE, Account(name, part.slug, "public"), page_url(self.settings), credential)

    def account(self, part: Part, account: Account) -> None:
        """An account on the sandbox; a token that a person revoked there stays revoked."""
        standing = {one.name for one in sandbox_store.accounts(self.store)}
        title = part.name if account is part.accounts[0] else f"{part.name} · {account.name}"
        opened = None
        if account.account not in standing or self._known(part, NETWORK, account) is None:
            opened = sandbox_store.create_account(self.store, account.account, title=title).token
            many = part.trade.followers // (1 if account is part.accounts[0] else ELSEWHERE)
            sandbox_store.follow(self.store, account.account, many)
        self._connect(part, NETWORK, account, sandbox_url(self.settings), opened)

    def by_hand(self, part: Part, account: Account) -> None:
        """An account on which a person posts, connected as its form would; once, so that changes to it stay."""
        if self._known(part, BY_HAND, account) is not None:
            return
        connector = registry.connectables(registry.own((BY_HANDS,)))[BY_HAND]
        handle = account.account.partition("/")[2]
        found = connector.connect({"site": account.surface, "account": handle}, ())
        if not isinstance(found, Connected):
            raise TypeError(f"{account.account} is no account by hand")
        connecting.connect(
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

    def _known(self, part: Part, platform: str, account: Account) -> Channel | None:
        found = channel_reads.channels_of(self.scope, creator_id_of(self.scope, part))
        return next((one for one in found if (one.platform, one.account) == (platform, account.account)), None)

    def _connect(self, part: Part, platform: str, account: Account, base_url: str, credential: str | None) -> None:
        known = self._known(part, platform, account)
        if credential is None and known is not None and known.base_url == base_url:
            return
        connecting.connect(
            self.scope,
            creator_id=creator_id_of(self.scope, part),
            platform=platform,
            surface=account.surface,
            chat_surface=account.chat_surface,
            account=account.account,
            name=account.name,
            base_url=base_url,
            token=vault.seal(self.scope, self.master_key, credential) if credential is not None else None,
            zone=self.company.zone,
        )


def chat_account(scope: Scope, part: Part) -> Channel:
    """The account on which a creator chats and sells. Raises NotFound."""
    return channel_reads.by_name(scope, creator_id_of(scope, part), part.accounts[0].name)


def page_account(scope: Scope, company: Company, part: Part) -> Channel:
    """The account of a creator's own page. Raises NotFound."""
    return channel_reads.by_name(scope, creator_id_of(scope, part), PAGE_NAMES[company.language])
