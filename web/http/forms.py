"""Forms that strangers send: read up to a length and no further, so that nobody fills our memory
with one."""

from urllib.parse import parse_qs

from fastapi import Request


async def read_form(request: Request, *, most: int) -> dict[str, str]:
    """The fields of a form, the first of each name; nothing of one that is longer than `most`
    bytes."""
    read = bytearray()
    async for part in request.stream():
        read += part
        if len(read) > most:
            return {}
    return {
        name: values[0]
        for name, values in parse_qs(read.decode(errors="replace"), keep_blank_values=True).items()
    }
