"""A stateful OAuth 2.0 authorization server (RFC 6749), the base class of the platforms' fakes.

The base enforces what platforms have in common: registered redirect URIs, known scopes, codes for
single use that expire, PKCE (RFC 7636), client authentication, refresh tokens with or without
rotation, detection of their reuse (RFC 9700, 4.14.2), expiry, and revocation (RFC 7009). A platform
sets class attributes to its parameters and overrides the methods in which it differs. Tests may set
the same attributes on an instance.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

Json = dict[str, Any]
Form = Mapping[str, Any]

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
PAGE = (
    '<!doctype html><title>Authorize</title><form method="post">{}<input name="approve">'
    '<button>Allow</button><button name="decline" value="1">Decline</button></form>'
)
ERRORS: Mapping[str, tuple[Any, ...]] = {
    "page.client": ("invalid_client", "The client is not known."),
    "page.redirect": ("invalid_request", "The redirect URI is not registered for the client."),
    "page.account": ("access_denied", "The account cannot sign in.", 403),
    "form": ("invalid_request", "The body must be a form, and the query empty."),
    "client": ("invalid_client", "Client authentication failed.", 401),
    "grant_type": ("unsupported_grant_type", "The grant type is not supported."),
    "code": ("invalid_grant", "The authorization code is invalid, expired or used."),
    "redirect": ("invalid_grant", "The redirect URI is not that of the authorization request."),
    "verifier": ("invalid_grant", "The code verifier does not match the code challenge."),
    "refresh": ("invalid_grant", "The refresh token is unknown, expired or revoked."),
    "token": ("invalid_request", "The token is unknown or another client's."),
    "scope": ("invalid_scope", "The requested scope was not granted."),
}
"""Error, description and status (default 400) by the invalid part of a request."""


@dataclass(eq=False)
class App:
    """A registered client. A public client has no secret."""

    client_id: str
    secret: str | None
    redirects: tuple[str, ...]
    scopes: tuple[str, ...] = ()  # Scopes that it may request besides the platform's.


@dataclass(eq=False)
class Grant:
    """A user's approval of an app. Its tokens end with it. `request` is the authorization request."""

    app: Any
    member: Any
    scopes: tuple[str, ...]
    request: Form
    at: datetime
    used: bool = False
    revoked: bool = False


@dataclass(eq=False)
class Token:
    """An access token, or a refresh token issued together with the access token `access`.

    An account's own token has no grant and does not expire. `generation` counts renewals from 1.
    """

    member: Any
    app: Any
    scopes: tuple[str, ...]
    issued_at: datetime
    until: datetime | None = None
    grant: Any = None
    access: str = ""
    generation: int = 1
    used: bool = False
    ended: bool = False

    @property
    def client_id(self) -> str:
        """Return the ID of the client that the token was issued to."""
        return str(self.app.client_id)

    @property
    def revoked(self) -> bool:
        """Return True if the token or its grant was revoked."""
        return self.ended or (self.grant is not None and self.grant.revoked)


class OAuthServer:
    """The clients, grants and tokens of one platform.

    `world` provides `clock()`, `who(name)` and `members` (accounts with a `token` of their own).
    """

    app_type: Any = App
    refusal: Any  # The platform's exception for error responses: status and body.
    errors: ClassVar[Mapping[str, tuple[Any, ...]]] = {}  # The platform's additions to ERRORS.
    formats: ClassVar[Mapping[str, str]] = {}  # Templates of random values.

    client_param = "client_id"
    client_auth: Collection[str] = ("basic",)  # How clients authenticate: basic, post, or both.
    forbids_form_secret = False  # For clients that authenticate with a Basic header.
    grant_types: Collection[str] = ("authorization_code", "refresh_token")
    scopes: Collection[str] = ()  # Scopes that every client may request.
    unticks: Collection[str] = ()  # Scopes that users do not approve.
    default_scope = ""
    implied_scopes: Collection[str] = ()  # Added to every request that has a scope.
    scope_separator = " "
    scope_separators = " "  # A regular expression that splits the scopes of requests.
    # Allowed values of parameters, the default first.
    request_values: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    # Parameters of requests that return a refresh token.
    refresh_request: ClassVar[Mapping[str, str]] = {}
    refresh_scopes: Collection[str] = ()  # Scopes that return a refresh token.
    state_length = range(2**16)
    state_error = "invalid_request"
    pkce = "required"  # required, optional or ignored.
    challenge_error = "invalid_request"
    forbids_spare_verifier = False  # Rejects a verifier without a challenge.
    redirects_errors = False  # Redirects errors to the client instead of showing them on the page.
    error_fields: ClassVar[Mapping[str, str]] = {}  # Templates of parameters besides `error`.
    redirect_suffix = ""
    suspended_states: Collection[str] = ()  # States of accounts that cannot sign in.

    code_lives = timedelta(minutes=10)
    access_lives: timedelta | None = timedelta(hours=1)
    refresh_lives: timedelta | None = None
    extends_refresh = True  # A renewal restarts the lifetime. Otherwise it starts with the grant.
    token_type = "bearer"
    rotates = True  # A refresh token can be used once.
    repeats_refresh = False  # A renewal without rotation returns the refresh token again.
    renews_suspended = True
    narrows_scopes = False  # A renewal may request fewer scopes (RFC 6749, 6).
    # A renewal ends the access token that was issued with the refresh token.
    ends_access: Any = False
    reused_code_ends_grant = False
    reuse_ends_all = False  # Using a refresh token twice revokes its grant.
    revokes_anonymously = False
    revokes_refresh = True
    access_ends_grant = True  # Revoking an access token ends the grant.
    revoked_answer: ClassVar[Json] = {}

    def __init__(self, world: Any, **parameters: Any) -> None:
        self.world = world
        self.apps: dict[str, Any] = {}
        self.grants: list[Grant] = []
        self.codes: dict[str, Grant] = {}
        self.tokens: dict[str, Any] = {}
        self.refreshes: dict[str, Token] = {}
        self.revoked: set[str] = set()  # Revoked tokens that accounts were created with.
        vars(self).update(parameters)

    def application(self, *redirects: str, secret: bool = True, **more: Any) -> Any:
        """Register a client with its redirect URIs. Without a secret it is a public client."""
        client_id, made = self.make_name("client_id"), self.make_name("secret")
        app = self.app_type(client_id, made if secret else None, redirects, **more)
        self.apps[app.client_id] = app
        return app

    def make_name(self, kind: str, member: Any = None) -> str:
        """Return a new random value in the platform's format."""
        size = {"client_id": 16, "secret": 24}.get(kind, 48)
        return self.formats.get(kind, "{}").format(secrets.token_urlsafe(size), member=member)

    def make_error(self, problem: str) -> Exception:
        """Return the error for `problem`: a key of `ERRORS`, or one with a detail (`code.used`)."""
        known, kind = {**ERRORS, **self.errors}, problem.partition(".")[0]
        unknown = (problem, "The authorization request is invalid.")
        error, description, *status = known.get(problem) or known.get(kind, unknown)
        return self.build_error(error, description, *(status or [400]))

    def build_error(self, error: str, description: str, status: int) -> Exception:
        """Return an error response (RFC 6749, 5.2)."""
        made: Exception = self.refusal(status, {"error": error, "error_description": description})
        return made

    # Access tokens

    def find_token(self, shown: str) -> Any:
        """Return the access token even if it is revoked or expired, or None if it is unknown."""
        members = self.world.members.values()
        own = next((one for one in members if shown and one.token == shown), None)
        if own is None or shown in self.tokens:
            return self.tokens.get(shown)
        token = self.make_own_token(own)
        token.ended = shown in self.revoked
        return token

    def make_own_token(self, member: Any) -> Token:
        """Return the token that an account was created with."""
        return Token(member, App("", None, ()), member.scopes, self.world.clock())

    def known(self, shown: str) -> Any:
        """Return the access token if it is currently valid, otherwise None."""
        token = self.find_token(shown)
        if token is None or token.revoked:
            return None
        return None if token.until and self.world.clock() >= token.until else token

    def find_bearer(self, header: str) -> Any:
        """Return the valid access token of an `Authorization` header, otherwise None."""
        kind, _, shown = header.partition(" ")
        return self.known(shown) if kind.lower() == "bearer" else None

    # Authorization

    def show_page(self, query: Mapping[str, str], *, posted: bool = False) -> Response:
        """Respond with the authorization page, or with a redirect once `approve` names an account."""
        try:
            app = self.check_request(query)
            if posted or "approve" in query or self.find_error(app, query):
                username = "" if "decline" in query else query.get("approve", "")
                return RedirectResponse(self.approve(query, username), 302)
        except self.refusal as refusal:
            return self.show_error(refusal)
        field = '<input type="hidden" name="{}" value="{}">'
        hidden = "".join(field.format(escape(name), escape(query[name])) for name in query)
        return HTMLResponse(PAGE.format(hidden))

    def show_error(self, refusal: Any) -> Response:
        """Respond with the page for a request that cannot be redirected to its client."""
        return HTMLResponse(f"<!doctype html><title>{escape(str(refusal))}</title>", refusal.status)

    def check_request(self, query: Mapping[str, str]) -> Any:
        """Return the client of an authorization request. Raise the platform's error."""
        app = self.apps.get(query.get(self.client_param, ""))
        if app is None:
            raise self.make_error("page.client")
        if query.get("redirect_uri") not in app.redirects:
            raise self.make_error("page.redirect")
        error = "" if self.redirects_errors else self.find_error(app, query)
        if error:
            raise self.make_error(error)
        return app

    def find_error(self, app: Any, query: Mapping[str, str]) -> str:
        """Return the error of an authorization request (RFC 6749, 4.1.2.1), or "" if it is valid."""
        scopes = self.read_scopes(query)
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if len(query.get("state", "")) not in self.state_length:
            return self.state_error
        if not scopes or not set(scopes) <= {*self.scopes, *app.scopes}:
            return "invalid_scope"
        for name, known in self.request_values.items():
            if query.get(name, known[0]) not in known:
                return "invalid_request"
        return "" if self.has_valid_challenge(query) else self.challenge_error

    def has_valid_challenge(self, query: Mapping[str, str]) -> bool:
        """Return True if the request has the S256 challenge that the platform requires."""
        given = query.get("code_challenge", "")
        if self.pkce == "ignored" or not given:
            return self.pkce != "required"
        return query.get("code_challenge_method") == "S256" and bool(CHALLENGE.fullmatch(given))

    def read_scopes(self, query: Form) -> tuple[str, ...]:
        """Return the requested scopes, each once."""
        text = query.get("scope", self.default_scope)
        listed = re.split(self.scope_separators, text) if text else []
        return tuple(dict.fromkeys((*self.implied_scopes, *listed))) if listed else ()

    def is_suspended(self, member: Any) -> bool:
        """Return True if the account cannot sign in."""
        return getattr(member, "state", "") in self.suspended_states

    def approve(self, query: Mapping[str, str] | str, username: str) -> str:
        """Return the URL that the browser is redirected to after a decision.

        `query` is the authorization request, or the URL of its page. An empty `username` denies.
        """
        if isinstance(query, str):
            query = dict(parse_qsl(urlsplit(query).query))
        app = self.check_request(query)
        fields = {"state": query["state"]} if "state" in query else {}
        error = self.find_error(app, query) or ("" if username else "access_denied")
        if error:
            words = {name: text.format(error) for name, text in self.error_fields.items()}
            fields = {"error": error} | words | fields
        else:
            member = self.world.who(username)
            if member is None or self.is_suspended(member):
                raise self.make_error("page.account")
            scopes = tuple(one for one in self.read_scopes(query) if one not in self.unticks)
            grant = self.accept(app, member, scopes, query)
            code = self.make_name("code")
            self.codes[code] = grant
            fields |= {"code": code} | self.describe_approval(grant)
        back = query["redirect_uri"]
        return f"{back}{'&' if '?' in back else '?'}{urlencode(fields)}{self.redirect_suffix}"

    def accept(self, app: Any, member: Any, scopes: tuple[str, ...], request: Form) -> Grant:
        """Store the approval of an account."""
        grant = Grant(app, member, scopes, dict(request), self.world.clock())
        self.grants.append(grant)
        return grant

    def describe_approval(self, grant: Grant) -> dict[str, str]:
        """Return the parameters that a client receives besides `code` and `state`."""
        return {}

    # Token endpoint

    def exchange(self, form: Form, header: str = "") -> Json:
        """Return tokens for a code or a refresh token; `header` is the `Authorization` header."""
        if not form.get("grant_type"):
            raise self.make_error("grant_type.missing")
        app = self.authenticate(form, header)
        if form["grant_type"] not in self.grant_types:
            raise self.make_error("grant_type")
        if form["grant_type"] == "refresh_token":
            return self.renew(app, form)
        return self.redeem(app, form)

    def authenticate(self, form: Form, header: str) -> Any:
        """Return the client of a request. Raise the platform's error."""
        name, secret = read_text(form, self.client_param), ""
        if header and "basic" in self.client_auth:
            name, secret = parse_basic(header)
            if self.forbids_form_secret and "client_secret" in form:
                raise self.make_error("client.other")
        elif "post" in self.client_auth:
            secret = read_text(form, "client_secret")
        app = self.apps.get(name)
        if app is None:
            raise self.make_error("client")
        matches = secrets.compare_digest((app.secret or "").encode(), secret.encode())
        if app.secret is not None and not matches:
            raise self.make_error("client.secret")
        if form.get(self.client_param, name if app.secret is not None else None) != name:
            raise self.make_error("client.other")
        return app

    def redeem(self, app: Any, form: Form) -> Json:
        """Return the first tokens of a grant. Raise the platform's error."""
        grant = self.codes.get(read_text(form, "code"))
        if grant is None or grant.app is not app:
            raise self.make_error("code")
        if self.world.clock() - grant.at >= self.code_lives:
            raise self.make_error("code.expired")
        if grant.used or grant.revoked:
            grant.revoked |= self.reused_code_ends_grant
            raise self.make_error("code.used")
        if form.get("redirect_uri") != grant.request["redirect_uri"]:
            raise self.make_error("redirect")
        given = read_text(grant.request, "code_challenge")
        self.check_verifier(given, read_text(form, "code_verifier"))
        grant.used = True
        return self.issue(grant, grant.scopes)

    def check_verifier(self, given: str, verifier: str) -> None:
        """Raise the platform's error unless the verifier matches the challenge."""
        if self.pkce == "ignored" or (self.pkce == "optional" and not given):
            if verifier and self.forbids_spare_verifier:
                raise self.make_error("verifier")
            return
        if not verifier:
            raise self.make_error("verifier.missing")
        if not VERIFIER.fullmatch(verifier) or challenge(verifier) != given:
            raise self.make_error("verifier")

    def renew(self, app: Any, form: Form) -> Json:
        """Return tokens for a refresh token. Raise the platform's error."""
        shown = read_text(form, "refresh_token")
        old = self.refreshes.get(shown)
        if old is not None and old.used and self.reuse_ends_all:
            self.end_reused(old)
        if old is None or old.app is not app or not self.is_renewable(old):
            raise self.make_error("refresh")
        scopes = (self.read_scopes(form) if self.narrows_scopes else ()) or old.scopes
        if not set(scopes) <= set(old.scopes):
            raise self.make_error("scope")
        old.used = self.rotates
        self.tokens[old.access].ended |= self.ends_access
        answer = self.issue(old.grant, scopes, old)
        repeats = self.repeats_refresh and not self.rotates
        return answer | ({"refresh_token": shown} if repeats else {})

    def is_renewable(self, old: Token) -> bool:
        """Return True if the refresh token is currently valid."""
        suspended = self.is_suspended(old.member) and not self.renews_suspended
        if old.used or old.revoked or suspended:
            return False
        lives = self.refresh_lives
        return lives is None or self.world.clock() - old.issued_at < lives

    def end_reused(self, old: Token) -> None:
        """Revoke the grant of a refresh token that was used twice."""
        old.grant.revoked = True

    def granted(self, app: Any, member: Any) -> Json:
        """Return tokens as if `member` had approved every scope of `app`."""
        scopes = (*self.scopes, *app.scopes)
        return self.issue(self.accept(app, member, scopes, {}), scopes)

    def issue(self, grant: Grant, scopes: tuple[str, ...], old: Token | None = None) -> Json:
        """Return the response with a new access token. `old` is the refresh token that is renewed."""
        name, now = self.issue_access(grant, scopes), self.world.clock()
        joined = self.scope_separator.join(scopes)
        answer: Json = {"access_token": name, "token_type": self.token_type, "scope": joined}
        if self.access_lives is not None:
            answer["expires_in"] = int(self.access_lives.total_seconds())
        if (old is None or self.rotates) and self.needs_refresh(grant, scopes):
            made = Token(grant.member, grant.app, scopes, now, None, grant, name)
            made.issued_at = now if self.extends_refresh else grant.at
            made.generation += old.generation if old is not None else 0
            answer["refresh_token"] = self.make_name("refresh", grant.member)
            self.refreshes[answer["refresh_token"]] = made
        return answer | self.describe_token(self.tokens[name])

    def issue_access(self, grant: Grant, scopes: tuple[str, ...]) -> str:
        """Return a new access token."""
        name, now = self.make_name("access", grant.member), self.world.clock()
        until = now + self.access_lives if self.access_lives is not None else None
        self.tokens[name] = Token(grant.member, grant.app, scopes, now, until, grant)
        return name

    def needs_refresh(self, grant: Grant, scopes: tuple[str, ...]) -> bool:
        """Return True if the grant comes with a refresh token."""
        wanted, given = self.refresh_request.items(), grant.request
        requested = all(word in given.get(name, "").split() for name, word in wanted)
        known = "refresh_token" in self.grant_types
        return known and requested and set(self.refresh_scopes) <= set(scopes)

    def describe_token(self, token: Token) -> Json:
        """Return the fields that the platform adds to the response with a token."""
        return {}

    # Revocation

    def revoke(self, form: Form, header: str = "") -> Json:
        """Revoke a token. An unknown or foreign one is an error only if `errors` has an entry for
        it."""
        app = None if self.revokes_anonymously else self.authenticate(form, header)
        shown = read_text(form, "token")
        if not shown:
            raise self.make_error("token.missing")
        refresh = self.refreshes.get(shown) if self.revokes_refresh else None
        found = self.tokens.get(shown, refresh)
        problem = "token.unknown" if found is None or found.revoked else "token.foreign"
        if found is not None and not found.revoked and app in (None, found.app):
            self.end_token(shown, found)
        elif problem in self.errors:
            raise self.make_error(problem)
        return self.revoked_answer

    def end_token(self, shown: str, found: Token) -> None:
        """Revoke a token, and the grant if the platform ends it too."""
        if self.access_ends_grant or found.access:
            found.grant.revoked = True
        else:
            found.ended = True

    def revoke_all(self, member: Any) -> None:
        """Revoke every grant of an account and its own token, as its user does in the settings."""
        self.revoked.add(member.token)
        for grant in self.grants:
            grant.revoked |= grant.member is member


class SignIn:
    """The methods of a platform's fake with which tests sign in."""

    oauth: Any

    def application(self, *redirects: str, **more: Any) -> Any:
        """Register a client, as a developer does."""
        return self.oauth.application(*redirects, **more)

    def approve(self, address: str, username: str) -> str:
        """Return the URL that the browser is redirected to after `username` approves."""
        return str(self.oauth.approve(address, username))

    def revoke(self, member: Any) -> None:
        """Revoke all approvals of the account, as its user does in the settings."""
        self.oauth.revoke_all(member)


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def parse_basic(header: str) -> tuple[str, str]:
    """Return the name and the secret of an HTTP Basic header, or two empty strings if it is
    malformed."""
    kind, _, encoded = header.partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (unquote(name), unquote(secret)) if kind.lower() == "basic" else ("", "")


def read_text(form: Form, name: str) -> str:
    """Return a field as text, or "" if it is missing."""
    return str(form.get(name) or "")
