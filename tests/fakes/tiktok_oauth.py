"""Applications, codes and tokens of the fake TikTok.

Honest where clients stumble over the real one: a client's id is `client_key` and its secret a field of the form, never
a Basic header; scopes are parted by commas; a code holds signs that an address has to escape, and is good once and for
ten minutes; an access token lives for two hours; refreshing gives a new refresh token and ends the old one at once;
people may untick scopes (`unticks`).

Unverified: the statuses of refusals (401 for a client, 400 for all else); that a code which was shown wrongly stays
good, and that one shown twice ends nothing; that an access token outlives a refresh; that a challenge is ignored, as
TikTok's page for the web knows none; that a refresh token's 180 days begin anew with each.

Source: https://developers.tiktok.com/doc/login-kit-web, https://developers.tiktok.com/doc/oauth-error-handling,
https://developers.tiktok.com/doc/oauth-user-access-token-management
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.fakes.tiktok_limits import Json, Refusal, log_id
from tests.fakes.tiktok_world import SCOPES, App, Member, World

KNOWN = frozenset({*SCOPES, "user.info.profile", "video.upload"})
BASIC = "user.info.basic"
"""The scope that every application has."""
CODE_LIVES = timedelta(minutes=10)
ACCESS_LIVES, REFRESH_LIVES = timedelta(hours=2), timedelta(days=180)


@dataclass
class Grant:
    """One yes of a person. `code` is good once; `refresh` is the one refresh token that is good now."""

    app: App
    member: Member
    redirect: str
    scopes: tuple[str, ...]
    at: datetime
    used: bool = False
    refresh: str = ""
    refreshed: datetime | None = None
    revoked: bool = False


@dataclass
class Token:
    """What stands behind an access token; an account's own has no grant and no end."""

    member: Member
    scopes: tuple[str, ...]
    grant: Grant | None = None
    until: datetime | None = None


@dataclass
class OAuth:
    """All of them."""

    world: World
    apps: dict[str, App] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    """By their codes."""
    tokens: dict[str, Token] = field(default_factory=dict)
    """Those given for codes and refresh tokens."""
    revoked: set[str] = field(default_factory=set)
    """Accounts' own tokens that are none any more."""
    unticks: frozenset[str] = frozenset()
    """Scopes that people do not say yes to."""

    def application(self, *redirects: str) -> App:
        """Set an application up, with the addresses that people may come back to."""
        made = App(f"aw{secrets.token_hex(8)}", secrets.token_hex(16), redirects)
        self.apps[made.client_key] = made
        return made

    def known(self, token: str) -> Token | None:
        """What a token stands for, unless it is over."""
        own = next((one for one in self.world.members.values() if token and one.token == token), None)
        if own is not None:
            return None if token in self.revoked else Token(own, own.scopes)
        found = self.tokens.get(token)
        if found is None or found.grant is None or found.grant.revoked:
            return None
        return None if found.until and self.world.clock() >= found.until else found

    def revoke_all(self, member: Member) -> None:
        """The person threw the applications out."""
        self.revoked.add(member.token)
        for grant in self.grants.values():
            grant.revoked |= grant.member is member

    def revoke(self, said: Mapping[str, str], header: str) -> None:
        """End an access token, and all that was given with it. Raises Refusal."""
        app, found = self._client(said, header), self.tokens.get(said.get("token", ""))
        if found is None or found.grant is None or found.grant.app is not app:
            raise refused("invalid_request", "The token is invalid.")
        found.grant.revoked = True

    def asked(self, query: Mapping[str, str]) -> App:
        """The application somebody is asked to trust. Raises Refusal: TikTok shows a page, nobody is sent back."""
        app, scopes = self.apps.get(query.get("client_key", "")), _scopes(query)
        if app is None:
            raise refused("invalid_client", "client_key")
        if query.get("redirect_uri") not in app.redirects:
            raise refused("invalid_request", "redirect_uri")
        if query.get("response_type") != "code" or not query.get("state"):
            raise refused("invalid_request", "response_type and state are needed")
        if not scopes or not set(scopes) <= KNOWN:
            raise refused("invalid_scope", "scope")
        return app

    def approve(self, query: Mapping[str, str] | str, name: str) -> str:
        """Where the browser goes after `name` said yes; "" is nobody, who says no.

        `query` is what was asked, or the whole address of the page. Raises Refusal.
        """
        if isinstance(query, str):
            query = dict(parse_qsl(urlsplit(query).query))
        app, state, redirect = self.asked(query), query["state"], query["redirect_uri"]
        if not name:
            denied = {"error": "access_denied", "error_description": "The user denied the request.", "state": state}
            return f"{redirect}?{urlencode(denied)}"
        member = self.world.who(name)
        if member is None:
            raise refused("invalid_request", "there is no such account")
        scopes = tuple(one for one in _scopes(query) if one not in self.unticks)
        code = f"{secrets.token_urlsafe(48)}*0!{secrets.randbelow(9000) + 1000}.va"
        self.grants[code] = Grant(app, member, redirect, scopes, self.world.clock())
        return f"{redirect}?{urlencode({'code': code, 'scopes': ','.join(scopes), 'state': state})}"

    def exchange(self, said: Mapping[str, str], header: str) -> Json:
        """Tokens for a code or a refresh token; `header` is what should not be there. Raises Refusal."""
        app = self._client(said, header)
        match said.get("grant_type", ""):
            case "authorization_code":
                return self._redeemed(app, said)
            case "refresh_token":
                return self._renewed(app, said)
            case "":
                raise self._breach("invalid_request", "grant_type is needed")
            case other:
                raise self._breach("unsupported_grant_type", f"grant_type {other[:40]}")

    def _client(self, said: Mapping[str, str], header: str) -> App:
        if header:
            raise self._breach("invalid_client", "a client that shows itself in a header", 401)
        if "client_id" in said or not {"client_key", "client_secret"} <= set(said):
            raise self._breach("invalid_request", "client_key and client_secret are needed, and no client_id")
        app = self.apps.get(said["client_key"])
        if app is None or not secrets.compare_digest(app.client_secret.encode(), said["client_secret"].encode()):
            raise refused("invalid_client", "Client key or secret is incorrect.", 401)
        return app

    def _breach(self, error: str, description: str, status: int = 400) -> Refusal:
        self.world.broken.append(f"tokens: {description}")
        return refused(error, description, status)

    def _redeemed(self, app: App, said: Mapping[str, str]) -> Json:
        grant = self.grants.get(said.get("code", ""))
        if grant is None or grant.app is not app or grant.revoked or grant.used:
            raise refused("invalid_grant", "Authorization code is invalid.")
        if self.world.clock() - grant.at >= CODE_LIVES:
            raise refused("invalid_grant", "Authorization code is expired.")
        if said.get("redirect_uri") != grant.redirect:
            raise refused("invalid_grant", "Redirect_uri is not matched with the uri when requesting code.")
        grant.used = True
        return self._given(grant)

    def _renewed(self, app: App, said: Mapping[str, str]) -> Json:
        shown = said.get("refresh_token", "")
        grant = next((one for one in self.grants.values() if shown and one.refresh == shown), None)
        if grant is None or grant.app is not app or grant.revoked or grant.refreshed is None:
            raise refused("invalid_grant", "Refresh token is invalid or expired.")
        if self.world.clock() - grant.refreshed >= REFRESH_LIVES:
            raise refused("invalid_grant", "Refresh token is invalid or expired.")
        return self._given(grant)

    def _given(self, grant: Grant) -> Json:
        now, name = self.world.clock(), f"act.{secrets.token_urlsafe(48)}"
        self.tokens[name] = Token(grant.member, grant.scopes, grant, now + ACCESS_LIVES)
        grant.refresh, grant.refreshed = f"rft.{secrets.token_urlsafe(48)}", now
        return {
            "access_token": name,
            "expires_in": int(ACCESS_LIVES.total_seconds()),
            "open_id": grant.member.open_id,
            "refresh_expires_in": int(REFRESH_LIVES.total_seconds()),
            "refresh_token": grant.refresh,
            "scope": ",".join(grant.scopes),
            "token_type": "Bearer",
        }


def refused(error: str, description: str, status: int = 400) -> Refusal:
    """A refusal of the token endpoint."""
    return Refusal(status, {"error": error, "error_description": description, "log_id": log_id()})


def _scopes(query: Mapping[str, str]) -> tuple[str, ...]:
    """What is asked for; nobody has to ask for what every application has."""
    told = [one for one in query.get("scope", "").split(",") if one]
    return tuple(dict.fromkeys([BASIC, *told])) if told else ()
