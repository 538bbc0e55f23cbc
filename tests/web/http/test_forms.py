"""A form of a stranger is read up to its length: what follows stays outside."""

import asyncio
from typing import Any

import pytest
from fastapi import Request

from web.http.forms import read_form

MOST = 1_000


def read(*parts: bytes) -> tuple[dict[str, str], int]:
    """The form, and how many of its parts were taken in."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    asked = Request({"type": "http", "method": "POST", "headers": []}, receive)
    return asyncio.run(read_form(asked, most=MOST)), len(parts) - len(left)


def test_fields_are_read_whole() -> None:
    assert read(b"what=yes&no", b"te=%C3%A9t%C3%A9&what=change&empty=") == (
        {"what": "yes", "note": "été", "empty": ""},
        2,
    )


@pytest.mark.parametrize("part", [b"a" * 400, b"\xff" * 400])
def test_what_is_longer_is_nothing_and_is_not_read_on(part: bytes) -> None:
    assert read(*[part] * 10_000) == ({}, 3)


def test_nothing_is_nothing() -> None:
    assert read(b"") == ({}, 1)
