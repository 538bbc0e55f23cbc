"""The adapter under SDKs that send with the library `requests`. It is imported only with such an
SDK."""

import json
from typing import Any
from urllib.parse import parse_qsl

import requests
from requests.adapters import BaseAdapter

from connectors.shared.sdk_codec import Exchange, SdkBreach, SdkRequest

FORM = "application/x-www-form-urlencoded"


class ExchangeAdapter(BaseAdapter):
    """Hands requests to an `Exchange` instead of sending them."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the stored response to a request, or end the run of the SDK."""
        return stored_response(self._exchange, _parse_request(request), request)

    def close(self) -> None:
        """Do nothing: there is no connection."""


def exchange_session(exchange: Exchange) -> requests.Session:
    """Return a session that has no connection and reads no proxy settings or `.netrc`."""
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount("https://", ExchangeAdapter(exchange))
    return session


def stored_response(
    exchange: Exchange,
    asked: SdkRequest,
    request: requests.PreparedRequest | None = None,
) -> requests.Response:
    """Return the stored response to a request as an object of `requests`, without the headers that
    describe its original bytes."""
    answer = exchange.answer_request(asked)
    response = requests.Response()
    response.status_code = answer.status
    response.url = asked.url
    response._content = exchange.shown_bytes(answer)  # the only way without a connection
    if request is not None:
        response.request = request
    of_bytes = ("content-encoding", "content-length", "transfer-encoding", "location")
    response.headers.update(
        {name: value for name, value in answer.headers.items() if name not in of_bytes}
    )
    return response


def _parse_request(request: requests.PreparedRequest) -> SdkRequest:
    """Return a prepared request with a body of JSON, of form fields or without one. Raises
    SdkBreach for another body."""
    method = str(request.method)
    url = str(request.url)
    body = request.body or b""
    if not isinstance(body, str | bytes):
        raise SdkBreach("a streamed body")
    text = body.decode() if isinstance(body, bytes) else body
    kind = str(request.headers.get("content-type", "")).partition(";")[0].strip()
    if not text:
        return SdkRequest(method, url)
    if kind == FORM:
        return SdkRequest(method, url, form=dict(parse_qsl(text, keep_blank_values=True)))
    if kind != "application/json":
        raise SdkBreach(f"a body of {kind or 'no type'}")
    return SdkRequest(method, url, json=json.loads(text))
