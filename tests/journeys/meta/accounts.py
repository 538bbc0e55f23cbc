"""Léa's account on a network of Meta with the passing of days for its tokens, and her Page."""

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
    """Her account, and the tokens that its network issued."""

    @property
    def oauth(self) -> Any:
        """The applications, codes and tokens of the network."""
        return self.server.oauth

    def token(self) -> str:
        """Return the decrypted token of the account."""
        sealed = self.channel().token
        assert sealed is not None
        return self.desk.services.reveal(self.desk.tenant_id, sealed)

    def days(self, many: float) -> None:
        """Advance both clocks by days, then run the jobs and the due work."""
        self.desk.pass_time(days=many)
        self.server.clock.advance(many * 86400)
        self.beat()

    def beat(self) -> None:
        """Run the job that renews tokens, and the due work."""
        next(tick for tick in TICKS if tick.name == "tokens").write_rows(self.desk.services.tenant)
        self.desk.run()

    def renewed(self) -> int:
        """Return the number of renewals of its token."""
        return sum(grant.endswith("_refresh_token") for grant in self.oauth.asked)

    def why(self) -> str:
        """Return the reason code that stops the account."""
        found = self.channel().reason
        return found.code if found is not None else ""


class FacebookPage(OAuthAccount):
    """Her Page, connected with a pasted token."""

    def enrol(self, **typed: str) -> account_setup.AccountSetup:
        """Complete the account setup."""
        return self.ask(**typed)


class FacebookLogin(OAuthAccount):
    """Her Page, connected with the OAuth flow of Facebook. `member` is Léa with the Pages she
    manages."""

    def token(self) -> str:
        """Return the decrypted token of the account."""
        sealed = self.channel().token
        assert sealed is not None
        return self.desk.services.reveal(self.desk.tenant_id, sealed)


@contextmanager
def networks(cluster: Cluster, home: Path) -> Iterator[tuple[Services, dict[str, Any]]]:
    """Provide the services of a process that reaches the networks, each under its API version."""
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
    """Create an agency with an application on the network."""
    made = create_sandbox_agency(services, running)
    server.clock.advance(
        (made.now() - server.clock()).total_seconds()
    )  # earlier tests of this file advanced the clock
    server.oauth.asked.clear()
    profile = server.profile(f"lea{str(made.tenant_id)[-8:]}")
    app = server.oauth.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    return MetaAccount(
        made, server, profile, platform, {"client_id": app.client_id, "client_secret": app.secret}
    )


def create_facebook_page(services: Services, running: RunningSandbox, server: Any) -> FacebookPage:
    """Create an agency and a Page that is not connected yet."""
    made = create_sandbox_agency(services, running)
    server.clock.advance((made.now() - server.clock()).total_seconds())
    page = server.page(f"Lea {str(made.tenant_id)[-8:]}")
    return FacebookPage(
        made, server, page, "facebook", {"page": page.id, "access_token": page.token}
    )


def create_facebook_login(
    services: Services, running: RunningSandbox, server: Any, *names: str
) -> FacebookLogin:
    """Create an agency with an application at Facebook and Pages with these names."""
    made = create_sandbox_agency(services, running)
    server.clock.advance((made.now() - server.clock()).total_seconds())
    app = server.login.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    lea = server.login.person(f"lea{made.tenant_id}", *(server.page(name) for name in names))
    return FacebookLogin(
        made, server, lea, "facebook", {"client_id": app.client_id, "client_secret": app.secret}
    )
