"""Sign-in at the fake X.

A code is valid for 30 seconds. An app with a secret authenticates with a Basic header only. A
refresh token can be used once. Errors of codes and tokens are `invalid_request`, as developers
report; `word` changes it. Revoking one token of a pair ends both.
"""

from datetime import timedelta
from typing import ClassVar

from tests.fakes.oauth_server import OAuthServer, Token
from tests.fakes.x.state import SCOPES, Refusal

VALUE = "Value passed for the "
OTHER_SCOPES = ("dm.read", "dm.write", "like.read", "like.write", "follows.read", "users.email")


class OAuth(OAuthServer):
    """X's clients, grants and tokens."""

    refusal = Refusal
    errors: ClassVar = {
        "client": ("unauthorized_client", "Missing valid authorization header", 401),
        "client.other": ("invalid_request", f"{VALUE}client id was invalid."),
        "grant_type.missing": ("invalid_request", "Missing required parameter [grant_type]."),
        "code": ("invalid_grant", f"{VALUE}authorization code was invalid."),
        "redirect": ("invalid_grant", f"{VALUE}redirect uri did not match."),
        "verifier": ("invalid_grant", f"{VALUE}code verifier did not match the code challenge."),
        "refresh": ("invalid_grant", f"{VALUE}token was invalid."),
    }
    scopes = (*SCOPES, *OTHER_SCOPES)
    refresh_scopes = ("offline.access",)
    suspended_states = ("suspended",)
    state_length = range(1, 501)
    code_lives = timedelta(seconds=30)
    access_lives = timedelta(hours=2)
    refresh_lives = timedelta(days=182)
    revoked_answer: ClassVar = {"revoked": True}
    word = "invalid_request"

    def build_error(self, error: str, description: str, status: int) -> Exception:
        named = self.word if error == "invalid_grant" else error
        return super().build_error(named, description, status)

    def end_reused(self, old: Token) -> None:
        self.revoke_all(old.member)

    def end_token(self, shown: str, found: Token) -> None:
        found.ended = True
        for name, pair in self.refreshes.items():
            if shown in {name, pair.access}:
                pair.ended = self.tokens[pair.access].ended = True
