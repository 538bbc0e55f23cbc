"""Sign-in at the fake Reddit.

A wrong code returns an error with status 200, a wrong refresh token with 400. Using a code again
ends its grant (announced in 2021). Only `duration=permanent` returns a refresh token, which stays
the same and does not expire; `rotates` and `refresh_lives` change that. PKCE has no effect.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar

from tests.fakes.oauth_server import App, OAuthServer, Token
from tests.fakes.reddit.spec import Refusal
from tests.fakes.reddit.state import SCOPES, Member

OTHER_SCOPES = (
    *("account", "creddits", "livemanage", "modconfig", "modcontributors", "modflair", "modlog"),
    *("modmail", "modothers", "modposts", "modself", "modtraffic", "modwiki", "mysubreddits"),
    *("report", "save", "structuredstyles", "subscribe", "vote", "wikiedit", "wikiread"),
)


class OAuth(OAuthServer):
    """Reddit's clients, grants and tokens."""

    refusal = Refusal
    errors: ClassVar = {
        "code": ("invalid_grant", "", 200),
        "redirect": ("invalid_grant", "", 200),
        "grant_type": ("unsupported_grant_type", "", 200),
    }
    formats: ClassVar = {"access": "ey.{}", "refresh": "{member.number}-{}"}
    scopes = (*SCOPES, *OTHER_SCOPES)
    scope_separators = "[, ]+"
    request_values: ClassVar = {"duration": ("temporary", "permanent")}
    refresh_request: ClassVar = {"duration": "permanent"}
    state_length = range(1, 2**16)
    pkce = "ignored"
    redirects_errors = True
    redirect_suffix = "#_"
    access_lives = timedelta(days=1)
    extends_refresh = False
    rotates = False
    repeats_refresh = True
    renews_suspended = False
    reused_code_ends_grant = True
    access_ends_grant = False

    def build_error(self, error: str, description: str, status: int) -> Exception:
        if status == HTTPStatus.OK:
            return Refusal(status, {"error": error})
        return Refusal(status, {"message": HTTPStatus(status).phrase, "error": status})

    def is_suspended(self, member: Member) -> bool:
        return member.suspended

    def make_own_token(self, member: Member) -> Token:
        app = App(member.client or f"own-{member.id}", None, ())
        return Token(member, app, member.scopes, self.world.clock())
