"""Sign-in at the fake TikTok.

A client's ID is `client_key`, and its secret is a field of the form, never a Basic header; commas
separate scopes; a code contains characters that must be escaped in a URL. Unverified: the statuses
of errors (401 for a client, otherwise 400); that a code remains valid after an invalid request, and
that using one twice ends nothing; that an access token remains valid after a renewal; that a
challenge is ignored, because Login Kit for the web has none; that the 180 days of a refresh token
restart with each renewal. Source: https://developers.tiktok.com/doc/login-kit-web,
/doc/oauth-error-handling, /doc/oauth-user-access-token-management
"""

from datetime import timedelta
from typing import ClassVar

from tests.fakes.oauth_server import Form, Grant, Json, OAuthServer, Token
from tests.fakes.tiktok.limits import Refusal, log_id
from tests.fakes.tiktok.state import SCOPES, App

BREACHES = ("form", "client.header", "client.fields", "grant_type", "grant_type.missing")


class OAuth(OAuthServer):
    """TikTok's clients, grants and tokens."""

    app_type = App
    refusal = Refusal
    errors: ClassVar = {
        "page.account": ("invalid_request", "There is no such account."),
        "form": ("invalid_request", "Only application/x-www-form-urlencoded is supported."),
        "client.fields": ("invalid_request", "client_key and client_secret are required."),
        "grant_type.missing": ("invalid_request", "The grant_type is required."),
        "token.unknown": ("invalid_request", "The token is invalid."),
        "token.foreign": ("invalid_request", "The token is invalid."),
    }
    formats: ClassVar = {"code": "{}*0!4711.va", "access": "act.{}", "refresh": "rft.{}"}
    client_param = "client_key"
    client_auth = ("post",)
    scopes = (*SCOPES, "user.info.profile", "video.upload")
    implied_scopes = ("user.info.basic",)
    scope_separator = scope_separators = ","
    state_length = range(1, 2**16)
    pkce = "ignored"
    error_fields: ClassVar = {"error_description": "{}"}
    access_lives = timedelta(hours=2)
    refresh_lives = timedelta(days=180)
    token_type = "Bearer"
    revokes_refresh = False

    def make_error(self, problem: str) -> Exception:
        if problem in BREACHES:
            self.world.broken.append(f"tokens: {problem}")
        return super().make_error(problem)

    def build_error(self, error: str, description: str, status: int) -> Exception:
        body = {"error": error, "error_description": description, "log_id": log_id()}
        return Refusal(status, body)

    def describe_approval(self, grant: Grant) -> dict[str, str]:
        return {"scopes": ",".join(grant.scopes)}

    def authenticate(self, form: Form, header: str) -> App:
        if header:
            raise self.make_error("client.header")
        if "client_id" in form or not {"client_key", "client_secret"} <= set(form):
            raise self.make_error("client.fields")
        app: App = super().authenticate(form, header)
        return app

    def describe_token(self, token: Token) -> Json:
        lives = int(self.refresh_lives.total_seconds())
        return {"open_id": token.member.open_id, "refresh_expires_in": lives}
