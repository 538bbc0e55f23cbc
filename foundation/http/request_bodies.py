"""Request bodies, read up to a limit by counting the received bytes.

`Content-Length` is only the sender's claim, and a chunked body has none
(https://www.rfc-editor.org/rfc/rfc9112#section-7.1), so every entry point reads bodies here.
"""

from collections.abc import AsyncIterable
from urllib.parse import parse_qs

MAX_FORM_BYTES = 64 * 1024
"""Maximum bytes of a form; the longest text is 4,096 characters of up to 12 bytes each when
escaped."""

MAX_FORM_FIELDS = 200
"""Maximum fields of a form; a form with more is treated as empty."""


async def read_body(stream: AsyncIterable[bytes], *, max_bytes: int) -> bytes | None:
    """Return the body, or None if it is longer than `max_bytes`; the rest is not read."""
    body = bytearray()
    async for part in stream:
        if len(body) + len(part) > max_bytes:
            return None
        body += part
    return bytes(body)


async def read_form_values(
    stream: AsyncIterable[bytes], *, max_bytes: int = MAX_FORM_BYTES
) -> dict[str, list[str]]:
    """Return the values of a form (`application/x-www-form-urlencoded`) by name.

    Return none if the form is too long or has too many fields.
    """
    body = await read_body(stream, max_bytes=max_bytes)
    if body is None:
        return {}
    try:
        return parse_qs(
            body.decode(errors="replace"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError:  # too many fields
        return {}


async def read_form(
    stream: AsyncIterable[bytes], *, max_bytes: int = MAX_FORM_BYTES
) -> dict[str, str]:
    """Return the first value of each field of a form, or none if the form is too long."""
    values = await read_form_values(stream, max_bytes=max_bytes)
    return {name: first for name, (first, *_) in values.items()}
