"""Sign-in at the fake Fanvue, and the signatures of its webhooks.

An app authenticates with a Basic header only. A refresh token can be used once; using it again ends
the grant, as does using a code again on the server that Fanvue runs (Ory).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from tests.fakes import oauth_server
from tests.fakes.fanvue.spec import Json, Refusal
from tests.fakes.fanvue.state import SCOPES
from tests.fakes.oauth_server import Grant, OAuthServer, Token

LOGIN = ("openid", "offline_access", "offline")
"""Scopes that every app must request to receive a refresh token."""


@dataclass(eq=False)
class App(oauth_server.App):
    """An app with the scopes ticked by its developer, and the secret that signs its webhooks."""

    scopes: tuple[str, ...] = SCOPES
    signing: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(24)}")


class OAuth(OAuthServer):
    """Fanvue's clients, grants and tokens."""

    app_type = App
    refusal = Refusal
    formats: ClassVar = {"code": "ory_ac_{}", "access": "ory_at_{}", "refresh": "ory_rt_{}"}
    forbids_form_secret = True
    scopes = refresh_scopes = LOGIN
    suspended_states = ("suspended",)
    state_length = range(8, 2**16)
    state_error = "invalid_state"
    redirects_errors = True
    error_fields: ClassVar = {"error_description": "{}"}
    refresh_lives = timedelta(days=30)
    renews_suspended = False
    narrows_scopes = True
    reused_code_ends_grant = True
    reuse_ends_all = True
    ends_access = property(lambda self: self.world.ends_access)

    def describe_approval(self, grant: Grant) -> dict[str, str]:
        return {"scope": " ".join(grant.scopes)}

    def describe_token(self, token: Token) -> Json:
        made = f"e30.{secrets.token_urlsafe(60)}.{secrets.token_urlsafe(60)}"
        return {"id_token": made} if "openid" in token.scopes else {}


def signature(signing: str, at: int, body: bytes) -> str:
    """Return the header that signs a webhook sent at the Unix time `at` (HMAC-SHA256)."""
    digest = hmac.new(signing.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v0={digest}"
