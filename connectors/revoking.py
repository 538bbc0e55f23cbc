"""Platforms that end what somebody signed in with, where they say how. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from connectors import oauth
from connectors.answers import error_word
from connectors.contract import Answer, OAuthClient, Response, Send
from connectors.enrolment import CLIENT_ID
from connectors.outcomes import Outcome, Published, Rejected, Uncertain
from foundation.sealed import Sealed
from foundation.words import Message

REVOKE = "revoke"


@dataclass(frozen=True)
class Held:
    """What the house holds of an account: its sealed tokens, and the client it signed in by where it needed one."""

    account: str
    token: Sealed
    refresh: Sealed | None = None
    client: OAuthClient | None = None


@runtime_checkable
class Revocable(Protocol):
    """A platform with a documented way to end tokens. Done twice is done once."""

    def revoke(self, held: Held, answers: tuple[Answer, ...]) -> Send | Outcome:
        """The next request (kind auth), or what came of it: `Published` when nothing that is held opens the account."""
        ...


def asked(
    path: str, held: Held, token: Sealed, *, named: str = CLIENT_ID, headers: Mapping[str, str] | None = None
) -> Send:
    """The request that ends a token and what was given with it (RFC 7009); `named`: what they call a client's id."""
    step = oauth.showing(path, {"token": token}, held.client or OAuthClient(""), named)
    return Send(replace(step, name=REVOKE, secret_fields=(), headers=dict(headers or {})))


def meaning(answer: Answer, account: str) -> Outcome:
    """What came of it, by the status alone: what stands in the body means nothing (RFC 7009, 2.2)."""
    if isinstance(answer, Response) and 200 <= answer.status < 300:
        return Published(account)
    if isinstance(answer, Response) and 400 <= answer.status < 500:
        said: dict[str, str | int] = {"status": answer.status, "word": error_word(answer)}
        return Rejected(Message("connectors.refused", said), permanent=False)
    return Uncertain(Message("attempt.no_answer"))
