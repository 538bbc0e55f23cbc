"""Sessions of the fake Bluesky: app passwords, expiring access tokens, and refresh tokens for
single use."""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DAY = timedelta(days=1)
REFRESH_LIFE = timedelta(days=90)
SIGN_INS = ((30, timedelta(minutes=5)), (100, DAY))
"""Sign-in limits of one identifier: the documented one and the one observed in practice."""


class XrpcError(Exception):
    """An error response: status, error name, message and headers."""

    def __init__(
        self, status: int, name: str, message: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {name}")
        self.status, self.name, self.message, self.headers = (
            status,
            name,
            message or name,
            headers or {},
        )


@dataclass
class Token:
    """A token. A refresh token records its successor when it is first used."""

    did: str
    ends_at: datetime
    successor: str = ""


@dataclass
class Sessions:
    """All tokens of the server. `grace` is the time in which a used refresh token still returns its
    successor."""

    clock: Callable[[], datetime]
    access_life: timedelta = timedelta(hours=2)
    grace: timedelta = timedelta(hours=2)
    access: dict[str, Token] = field(default_factory=dict)
    refresh: dict[str, Token] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    """Every accepted refresh token, in order of use."""
    sign_ins: dict[str, list[datetime]] = field(default_factory=dict)

    def signed_in(self, identifier: str) -> None:
        """Count a sign-in. Raise XrpcError if there were too many."""
        now, past = self.clock(), self.sign_ins.setdefault(identifier, [])
        for most, window in SIGN_INS:
            recent = [at for at in past if at > now - window]
            if len(recent) >= most:
                left = int((recent[0] + window - now).total_seconds()) + 1
                policy = {
                    "ratelimit-policy": f"{most};w={int(window.total_seconds())}",
                    "ratelimit-reset": str(left),
                }
                raise XrpcError(429, "RateLimitExceeded", "Rate Limit Exceeded", policy)
        past.append(now)

    def start(self, did: str, refresh: str = "") -> tuple[str, str]:
        """Create a token pair for an account."""
        now = self.clock()
        access = _token(did, "com.atproto.appPass", now, now + self.access_life)
        refresh = refresh or _token(did, "com.atproto.refresh", now, now + REFRESH_LIFE)
        self.access[access] = Token(did, now + self.access_life)
        self.refresh.setdefault(refresh, Token(did, now + REFRESH_LIFE))
        return access, refresh

    def whose(self, authorization: str | None) -> str:
        """Return the account of an access token. Raise XrpcError."""
        token = _bearer(authorization)
        if token in self.refresh:
            raise XrpcError(400, "InvalidToken", "Bad token scope")
        known = self.access.get(token)
        if known is None:
            raise XrpcError(400, "InvalidToken", "Token could not be verified")
        if known.ends_at <= self.clock():
            raise XrpcError(400, "ExpiredToken", "Token has expired")
        return known.did

    def rotate(self, authorization: str | None) -> tuple[str, str, str]:
        """Return the account and a new pair for a refresh token. Repeated use within the grace
        period returns the same successor."""
        token, now = _bearer(authorization), self.clock()
        known = self.refresh.get(token)
        if known is None:
            raise XrpcError(400, "InvalidToken", "Token could not be verified")
        self.shown.append(token)
        if known.ends_at <= now:
            raise XrpcError(400, "ExpiredToken", "Token has been revoked")
        if not known.successor:
            known.successor = _token(known.did, "com.atproto.refresh", now, now + REFRESH_LIFE)
            known.ends_at = min(known.ends_at, now + self.grace)
        access, refresh = self.start(known.did, known.successor)
        return known.did, access, refresh

    def revoke(self, did: str) -> None:
        """End every session of an account, as if its owner had deleted the app password."""
        for kept in (self.access, self.refresh):
            for token in [name for name, one in kept.items() if one.did == did]:
                del kept[token]


def _token(did: str, scope: str, now: datetime, ends: datetime) -> str:
    """Return a JWT in the format of real servers: clients read its expiry. The fake does not check
    the signature."""
    said = {"scope": scope, "sub": did, "aud": "did:web:127.0.0.1", "jti": secrets.token_hex(8)}
    times = {"iat": int(now.timestamp()), "exp": int(ends.timestamp())}
    parts = ({"typ": "at+jwt", "alg": "HS256"}, said | times)
    segments = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    ]
    return ".".join([*segments, secrets.token_urlsafe(32)])


def _bearer(authorization: str | None) -> str:
    if not authorization or not authorization.startswith("Bearer "):
        raise XrpcError(401, "AuthMissing", "Authentication Required")
    return authorization.removeprefix("Bearer ")
