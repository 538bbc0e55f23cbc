"""A bot of python-telegram-bot that sends nothing: its requests become steps of the transport.

Only `bot_steps` imports this module, when the first request is built: the library needs about
5 MiB, and only processes that serve a bot load it.
"""

import json
import logging
from typing import Any

from telegram import Bot, InputFile
from telegram.request import BaseRequest, RequestData

from connectors.shared.sdk_codec import TOKEN, Exchange, SdkRequest
from gate.contract.units import Medium

logging.getLogger("telegram").setLevel(
    logging.WARNING
)  # its debug lines contain the texts of messages

BASE_URL = "https://api.telegram.org"
"""The URL of the library's requests. The transport sends them to the account's base URL."""


class BotRequest(BaseRequest):
    """The network backend of the bot: an exchange in the place of a connection."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @property
    def read_timeout(self) -> None:
        """Return None: the transport sets all timeouts."""

    async def initialize(self) -> None:
        """Open nothing."""

    async def shutdown(self) -> None:
        """Close nothing."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        """Return the stored answer to a request. The library's enumerations become plain texts."""
        fields = request_data.parameters if request_data is not None else {}
        parts = request_data.multipart_data if request_data is not None else {}
        files = {
            part: (name, data if isinstance(data, bytes) else data.read())
            for part, (name, data, _mime) in parts.items()
        }
        answer = self._exchange.answer_request(
            SdkRequest(method, url, json=json.loads(json.dumps(fields)), files=files)
        )
        return answer.status, self._exchange.shown_bytes(answer)


class StepBot(Bot):
    """A bot with a placeholder as token, whose files are placeholders too."""

    def __init__(self, exchange: Exchange) -> None:
        request = BotRequest(exchange)
        super().__init__(
            TOKEN,
            base_url=lambda _token: BASE_URL,
            request=request,
            get_updates_request=request,
        )
        self._exchange = exchange

    def input_file(self, medium: Medium, place: int, part: str = "") -> InputFile:
        """Return the file at this place of a message, as the part `part` of the request or under
        the name of its field.

        The library invents the names of parts, but equal requests must have equal digests.
        """
        name = f"{place}.{medium.mime.partition('/')[2]}"
        file = InputFile(self._exchange.file_bytes(medium), name, attach=bool(part))
        file.attach_name = part or None
        return file
