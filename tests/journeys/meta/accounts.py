"""Léa's account on one of Meta's networks, days that pass for its tokens, and her Page."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from channels.connections import account_setup
from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from tests.conftest import Cluster
from tests.fakes.facebook.server import facebook
from tests.fakes.instagram.server import instagram
from tests.fakes.sandbox import RunningSandbox
from tests.fakes.threads.server import threads
from tests.journeys.oauth_accounts import OAuthAccount, services_at
from tests.schedules.builders import create_sandbox_agency
from workers.relay.ticks import TICKS
from workers.wiring import Services

PLATFORMS = ("instagram", "threads")
PASTED = "access_token"


class MetaAccount(OAuthAccount):
    """Her account there, and what its network knows of tokens."""

    @property
    def oauth(self) -> Any:
        """The network's applications, codes and tokens."""
        return self.server.oauth

    def token(self) -> str:
        """What a request of the house would show, opened."""
        sealed = self.channel().token
        assert sealed is not None
        return self.desk.services.reveal(self.desk.tenant_id, sealed)

    def days(self, many: float) -> None:
        """Days pass on both sides; then the beat, and what is due is done."""
        self.desk.pass_time(days=many)
        self.server.clock.advance(many * 86400)
        self.beat()

    def beat(self) -> None:
        """One minute of the house."""
        next(tick for tick in TICKS if tick.name == "tokens").write_rows(self.desk.services.tenant)
        self.desk.run()

    def renewed(self) -> int:
        """How often its token was renewed."""
        return sum(grant.endswith("_refresh_token") for grant in self.oauth.asked)

    def why(self) -> str:
        """Why it does not post."""
        found = self.channel().reason
        return found.code if found is not None else ""


class FacebookPage(OAuthAccount):
    """Her Page, which comes in with a token that somebody pastes."""

    def enrol(self, **typed: str) -> account_setup.AccountSetup:
        """The whole way."""
        return self.ask(**typed)


class FacebookLogin(OAuthAccount):
    """Her way in by a yes at Facebook; `member` is she, with the Pages she runs."""

    def token(self) -> str:
        """What a request of the house would show, opened."""
        sealed = self.channel().token
        assert sealed is not None
        return self.desk.services.reveal(self.desk.tenant_id, sealed)


@contextmanager
def networks(cluster: Cluster, home: Path) -> Iterator[tuple[Services, dict[str, Any]]]:
    """A process that reaches them, each under its version."""
    with ExitStack() as stack:
        pictures, words = stack.enter_context(instagram()), stack.enter_context(threads())
        walls = stack.enter_context(facebook())
        addresses = {
            "facebook_url": walls.url,
            "facebook_pages_url": walls.url,
            "instagram_url": f"{pictures.url}/v23.0",
            "instagram_auth_url": pictures.url,
            "instagram_pages_url": pictures.url,
            "threads_url": f"{words.url}/v1.0",
            "threads_auth_url": words.url,
            "threads_pages_url": words.url,
        }
        services = stack.enter_context(services_at(cluster, home, **addresses))
        yield services, {"instagram": pictures, "threads": words, "facebook": walls}


def create_meta_account(
    services: Services, running: RunningSandbox, server: Any, platform: str
) -> MetaAccount:
    """An agency of her own, with an application there."""
    made = create_sandbox_agency(services, running)
    server.clock.advance(
        (made.now() - server.clock()).total_seconds()
    )  # other houses of this file have lived
    server.oauth.asked.clear()
    profile = server.profile(f"lea{str(made.tenant_id)[-8:]}")
    app = server.oauth.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    return MetaAccount(
        made, server, profile, platform, {"client_id": app.client_id, "client_secret": app.secret}
    )


def create_facebook_page(services: Services, running: RunningSandbox, server: Any) -> FacebookPage:
    """An agency of her own, and a Page of which nothing is known here yet."""
    made = create_sandbox_agency(services, running)
    server.clock.advance((made.now() - server.clock()).total_seconds())
    page = server.page(f"Lea {str(made.tenant_id)[-8:]}")
    return FacebookPage(
        made, server, page, "facebook", {"page": page.id, "access_token": page.token}
    )


def create_facebook_login(
    services: Services, running: RunningSandbox, server: Any, *names: str
) -> FacebookLogin:
    """An agency of her own with an application at Facebook, and Pages by these names that she
    runs."""
    made = create_sandbox_agency(services, running)
    server.clock.advance((made.now() - server.clock()).total_seconds())
    app = server.login.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    lea = server.login.person(f"lea{made.tenant_id}", *(server.page(name) for name in names))
    return FacebookLogin(
        made, server, lea, "facebook", {"client_id": app.client_id, "client_secret": app.secret}
    )
