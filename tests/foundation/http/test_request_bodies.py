"""Request bodies are read up to a limit on the received bytes, regardless of the declared length."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.http.request_bodies import (
    MAX_FORM_BYTES,
    MAX_FORM_FIELDS,
    read_body,
    read_form,
    read_form_values,
)


class Stream:
    """A body that arrives in parts; `taken` is the number of bytes read."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            self.taken += len(part)
            yield part


@given(st.lists(st.binary(max_size=30), max_size=12), st.integers(0, 120))
def test_body_is_complete_or_none(parts: list[bytes], most: int) -> None:
    stream = Stream(parts)
    whole = b"".join(parts)
    found = asyncio.run(read_body(stream, max_bytes=most))
    assert found == (whole if len(whole) <= most else None)
    assert stream.taken <= most + 30


@pytest.mark.parametrize("part", [b"a=1&", b"\xff" * 1000, b"%", b"a" * 65_536])
def test_form_is_not_read_beyond_limit(part: bytes) -> None:
    stream = Stream([part] * (15 * 1024 * 1024 // len(part)))
    assert asyncio.run(read_form(stream)) == {}
    assert stream.taken <= MAX_FORM_BYTES + len(part)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8), st.lists(st.text(max_size=8), min_size=1, max_size=3)
    )
)
def test_form_values_round_trip(fields: dict[str, list[str]]) -> None:
    sent = urlencode(fields, doseq=True, errors="replace").encode()
    expected = {
        name.encode(errors="replace").decode(): [
            value.encode(errors="replace").decode() for value in values
        ]
        for name, values in fields.items()
    }
    if len(expected) == len(fields):
        assert asyncio.run(read_form_values(Stream([sent]))) == expected


def test_form_with_too_many_fields_is_empty() -> None:
    assert asyncio.run(read_form(Stream([b"a=1&" * MAX_FORM_FIELDS + b"b=2"]))) == {}
