"""Sign-in at the fake Mastodon, where apps register themselves.

A token does not expire, and signing in again to the same app with the same scopes returns the same
token. Errors have the real codes with invented descriptions.
"""

from typing import ClassVar

from tests.fakes.mastodon.state import Json, Member, Refusal
from tests.fakes.oauth_server import App, Form, Grant, OAuthServer, Token


class OAuth(OAuthServer):
    """The server's clients, grants and tokens."""

    refusal = Refusal
    errors: ClassVar = {
        "page.client": ("invalid_client", "The client is not known.", 401),
        "page.redirect": ("invalid_redirect_uri", "The redirect URI is not registered."),
        "page.account": ("Your login is currently disabled", "", 403),
        "verifier.missing": ("invalid_request", "The code verifier is missing."),
        "token.foreign": ("unauthorized_client", "The token is another client's.", 403),
    }
    formats: ClassVar = {"client_id": "client-{}", "access": "token-{}"}
    client_auth = ("post",)
    grant_types = ("authorization_code",)
    default_scope = "read"
    scope_separators = "[+ ]+"
    suspended_states = ("disabled", "suspended")
    pkce = "optional"
    challenge_error = "invalid_code_challenge_method"
    forbids_spare_verifier = True
    redirects_errors = True
    error_fields: ClassVar = {"error_description": "{}"}
    access_lives = None
    token_type = "Bearer"
    access_ends_grant = False

    def describe_server(self) -> Json:
        """Return the authorization server metadata (RFC 8414), with PKCE since 4.3."""
        home = self.world.url
        return {
            "issuer": f"{home}/",
            "service_documentation": "https://docs.joinmastodon.org/",
            "authorization_endpoint": f"{home}/oauth/authorize",
            "token_endpoint": f"{home}/oauth/token",
            "userinfo_endpoint": f"{home}/oauth/userinfo",
            "app_registration_endpoint": f"{home}/api/v1/apps",
            "revocation_endpoint": f"{home}/oauth/revoke",
            "scopes_supported": ["read", "write", "profile"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }

    def register_app(self, form: Form) -> Json:
        """Register an app and return its credentials. Raise Refusal."""
        name, redirects = str(form.get("client_name") or ""), form.get("redirect_uris")
        listed = redirects if isinstance(redirects, list) else str(redirects or "").split()
        if not name:
            raise Refusal(422, "Validation failed: Name can't be blank")
        if not listed:
            raise Refusal(422, "Validation failed: Redirect URI can't be blank")
        scopes = str(form.get("scopes") or "read").split()
        app = self.application(*map(str, listed), scopes=tuple(scopes))
        return {
            "id": self.world.snowflake(),
            "name": name,
            "website": str(form.get("website") or "") or None,
            "scopes": scopes,
            "redirect_uris": list(app.redirects),
            "redirect_uri": "\n".join(app.redirects),
            "client_id": app.client_id,
            "client_secret": app.secret,
            "client_secret_expires_at": 0,
            "vapid_key": "",
        }

    def build_error(self, error: str, description: str, status: int) -> Exception:
        return Refusal(status, error, description)

    def make_own_token(self, member: Member) -> Token:
        return Token(member, App("", None, ()), tuple(member.scopes.split()), member.at)

    def issue_access(self, grant: Grant, scopes: tuple[str, ...]) -> str:
        for name, token in self.tokens.items():
            same = (token.member, token.app, token.scopes) == (grant.member, grant.app, scopes)
            if same and not token.revoked:
                return name
        return super().issue_access(grant, scopes)

    def describe_token(self, token: Token) -> Json:
        return {"created_at": int(token.issued_at.timestamp())}


def covers(scopes: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Return True if at least one of the wanted scopes is granted, directly or as part of a wider
    scope."""
    return any(each in scopes or each.partition(":")[0] in scopes for each in wanted)
