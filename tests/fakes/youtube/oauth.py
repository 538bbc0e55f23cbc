"""Sign-in at the fake Google.

Only `access_type=offline` with `prompt=consent` returns a refresh token, and renewals return none.
A client needs its secret with PKCE too. The oldest refresh token ends silently when an account has
more than `most_refreshes` for a client. While a client is in testing, `refresh_lives` is 7 days.
"""

from datetime import timedelta
from typing import ClassVar

from tests.fakes.oauth_server import Grant, OAuthServer, Token
from tests.fakes.youtube.spec import Json, Refusal
from tests.fakes.youtube.state import AUTH, SCOPES, App, Member

OTHER_SCOPES = ("youtube", "youtubepartner", "yt-analytics.readonly", "userinfo.email")


class OAuth(OAuthServer):
    """Google's clients, grants and tokens."""

    app_type = App
    refusal = Refusal
    errors: ClassVar = {
        "page.client": ("invalid_client", "The OAuth client was not found.", 401),
        "page.redirect": ("redirect_uri_mismatch", "The redirect URI does not match."),
        "page.account": ("invalid_request", "Couldn't find your Google Account"),
        "grant_type.missing": ("invalid_request", "Missing required parameter: grant_type"),
        "code": ("invalid_grant", "Malformed auth code."),
        "redirect": ("redirect_uri_mismatch", "Bad Request"),
        "verifier": ("invalid_grant", "Invalid code verifier."),
        "refresh": ("invalid_grant", "Token has been expired or revoked."),
        "token.unknown": ("invalid_token", "Token expired or revoked"),
    }
    formats: ClassVar = {"code": "4/0A{}", "access": "ya29.{}", "refresh": "1//0{}"}
    client_auth = ("basic", "post")
    scopes = (*SCOPES, *(AUTH + one for one in OTHER_SCOPES), "openid", "email", "profile")
    request_values: ClassVar = {"access_type": ("online", "offline")}
    refresh_request: ClassVar = {"access_type": "offline", "prompt": "consent"}
    pkce = "optional"
    access_lives = timedelta(seconds=3599)
    extends_refresh = False
    token_type = "Bearer"
    rotates = False
    most_refreshes = 100
    revokes_anonymously = True

    def describe_approval(self, grant: Grant) -> dict[str, str]:
        prompt = grant.request.get("prompt", "none")
        return {"scope": " ".join(grant.scopes), "authuser": "0", "prompt": prompt}

    def make_own_token(self, member: Member) -> Token:
        return Token(member, member.app, member.scopes, self.world.clock())

    def issue(self, grant: Grant, scopes: tuple[str, ...], old: Token | None = None) -> Json:
        answer = super().issue(grant, scopes, old)
        mine = [one for one in self.refreshes.values() if one.member is grant.member]
        for one in [one for one in mine if one.app is grant.app][: -self.most_refreshes]:
            one.grant.revoked = True
        return answer
