"""tweepy's client and its OAuth 2 session without a connection or a token. It is imported only when
the first request to X is built."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import requests
import tweepy

from connectors.contract.connector import RefreshGrant, Response
from connectors.shared.oauth import REFRESH_TOKEN_FIELD
from connectors.shared.requests_adapter import ExchangeAdapter
from connectors.shared.sdk_codec import TOKEN, Exchange, SdkRequest

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


class Client(tweepy.Client):  # type: ignore[misc]  # tweepy ships no types
    """tweepy's client, which hands its requests to an exchange.

    `unnamed` are fields of the body that tweepy has no parameters for. With `newer_names`, fields
    are requested by the names of the newest API reference.
    """

    def __init__(
        self, exchange: Exchange, *, unnamed: Mapping[str, Any], newer_names: bool
    ) -> None:
        # Answers are returned as they are, whatever the method would make of them.
        super().__init__(TOKEN, return_type=requests.Response)
        del self.session  # whatever does not use `request` fails instead of opening a connection
        self._exchange = exchange
        self._unnamed = unnamed
        self._newer_names = newer_names

    def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        user_auth: bool = False,
    ) -> Response:
        """Ask for one request. tweepy's own method, which logs the token and the body, waits after
        429 and sends again, is never called."""
        asked = rename_fields(params or {}) if self._newer_names else params or {}
        query = f"?{urlencode(asked, quote_via=quote, safe=',')}" if asked else ""
        body = {**json, **self._unnamed} if json is not None else None
        return self._exchange.answer_request(
            SdkRequest(method, f"{BASE_URL}{route}{query}", json=body)
        )


def rename_fields(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request with `post.fields` and expansions of the newest API
    reference in the place of `tweet.fields`."""
    asked = dict(params)
    fields = [name for name in str(asked.pop("tweet.fields", "")).split(",") if name]
    kept = [NEWER_FIELDS.get(name, name) for name in fields if name not in NEWER_EXPANSIONS]
    expanded = [name for name in str(asked.pop("expansions", "")).split(",") if name]
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
