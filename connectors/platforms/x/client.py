"""tweepy's client and its OAuth 2 session without a connection or a token. It is imported only when
the first request to X is built."""

import logging
from collections.abc import Mapping
from typing import Any

import tweepy

from connectors.contract.connector import RefreshGrant
from connectors.shared.oauth import REFRESH_TOKEN_FIELD
from connectors.shared.requests_adapter import ExchangeAdapter, exchange_session
from connectors.shared.sdk_codec import TOKEN, Exchange

BASE_URL = "https://api.twitter.com"
"""The host in tweepy's requests. The transport sends them to the account's base URL."""

NEWER_FIELDS = {"note_tweet": "note_post"}
NEWER_EXPANSIONS = {
    "author_id": "author_id",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "referenced_tweets": "referenced_posts",
}
"""Names in the newest API reference of fields that tweepy requests by their older names:
`NEWER_FIELDS` are fields of `post.fields`, `NEWER_EXPANSIONS` are expansions."""

for _name in ("tweepy", "requests_oauthlib", "oauthlib"):
    # At DEBUG they log headers, tokens and bodies. They see neither headers of ours nor tokens, but
    # the bodies are messages of fans.
    logging.getLogger(_name).setLevel(logging.WARNING)


class Client(tweepy.Client):  # type: ignore[misc]  # tweepy ships no types
    """tweepy's client. It adds the fields `unnamed`, which tweepy has no parameters for, to the
    body, and with `newer_names` requests fields by the names of the newest API reference."""

    def __init__(
        self, exchange: Exchange, *, unnamed: Mapping[str, Any], newer_names: bool
    ) -> None:
        super().__init__(TOKEN, return_type=dict, wait_on_rate_limit=False)
        self.session = exchange_session(exchange)
        self._unnamed = unnamed
        self._newer_names = newer_names

    def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        user_auth: bool = False,
    ) -> Any:
        """Build one request with the bearer token's placeholder."""
        asked = params or {}
        return super().request(
            method,
            route,
            rename_fields(asked) if self._newer_names else asked,
            {**json, **self._unnamed} if json is not None else None,
        )


def rename_fields(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request with `post.fields` and expansions of the newest API
    reference in the place of `tweet.fields`."""
    asked = dict(params)
    fields = [name for name in str(asked.pop("tweet.fields", "")).split(",") if name]
    kept = [NEWER_FIELDS.get(name, name) for name in fields if name not in NEWER_EXPANSIONS]
    expanded = [name for name in str(asked.get("expansions", "")).split(",") if name]
    moved = [NEWER_EXPANSIONS[name] for name in fields if name in NEWER_EXPANSIONS]
    if kept:
        asked["post.fields"] = ",".join(kept)
    if expanded or moved:
        asked["expansions"] = ",".join(dict.fromkeys([*expanded, *moved]))
    return asked


def refresh_tokens(exchange: Exchange, grant: RefreshGrant, path: str) -> object:
    """Build the request that exchanges a refresh token for new tokens, with a placeholder for it.

    A client without a secret sends its ID in the body; one with a secret authenticates by Basic.
    """
    client = grant.client
    client_id = client.client_id if client is not None else ""
    secret = TOKEN if client is not None and client.secret is not None else None
    handler = tweepy.OAuth2UserHandler(
        client_id=client_id, redirect_uri="", scope=None, client_secret=secret
    )
    handler.trust_env = False
    handler.adapters.clear()
    handler.mount("https://", ExchangeAdapter(exchange))
    shown = {} if secret is not None else {"client_id": client_id}
    return handler.refresh_token(f"{BASE_URL}{path}", **{REFRESH_TOKEN_FIELD: TOKEN}, **shown)
