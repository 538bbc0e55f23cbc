"""Errors of engines: members read which setting helps, and never an address of the installation."""

import ast
import re
from collections.abc import Iterator

from foundation.i18n.translation import LANGUAGES, load_catalogue
from foundation.ops.settings import GeneratorsSettings
from tests.architecture.tree import Source, product

ADDRESSES = {"url", "host", "port", "address", "base_url"}
"""Names of parameters that would contain an internal address."""

ADDRESS = re.compile(r"https?://|localhost|\b\d{1,3}(\.\d{1,3}){3}\b|\{(url|host|port|address)\}")
SETTING = re.compile(r"GREENROOM_GENERATORS__([A-Z_]+)")
CODE = re.compile(r"(engine|upscale|cutout|provenance)\.[a-z_]+")


def reported(sources: list[Source]) -> Iterator[tuple[str, ast.Call, str]]:
    """Yield each call whose first argument is the code of an engine's message, and its position."""
    for source in sources:
        for call in source.nodes(ast.Call):
            first = call.args[0] if call.args else None
            if (
                isinstance(first, ast.Constant)
                and isinstance(first.value, str)
                and CODE.fullmatch(first.value)
            ):
                yield first.value, call, f"{source.path}:{call.lineno}"


def address_breaches(sources: list[Source]) -> list[str]:
    """Return the positions of messages that contain an address."""
    return [
        f"{where}: {code} contains {keyword.arg}"
        for code, call, where in reported(sources)
        for keyword in call.keywords
        if keyword.arg in ADDRESSES
        or any(
            "url" in getattr(node, "attr", getattr(node, "id", "")).lower()
            for node in ast.walk(keyword.value)
        )
    ]


def text_breaches(texts: dict[str, str]) -> list[str]:
    """Return the texts that contain an address."""
    return [f"{code}: {text}" for code, text in texts.items() if ADDRESS.search(text)]


def test_no_engine_message_contains_an_internal_address() -> None:
    sources = list(product())
    assert not address_breaches(sources)
    codes = {code for code, _, _ in reported(sources)}
    assert len(codes) > 60
    for language in LANGUAGES:
        catalogue = load_catalogue(language)
        assert not text_breaches({code: catalogue[code] for code in codes if code in catalogue})


def test_named_settings_exist() -> None:
    fields = {name.upper() for name in GeneratorsSettings.model_fields}
    literals = {str(node.value) for source in product() for node in source.strings()}
    named = {found[1] for text in literals for found in SETTING.finditer(text)}
    for language in LANGUAGES:
        named |= {
            found[1]
            for text in load_catalogue(language).values()
            for found in SETTING.finditer(text)
        }
    assert {"OLLAMA_URL", "COMFYUI_URL"} <= named
    assert not named - fields


def test_planted_address_is_found() -> None:
    text = 'raise kind("engine.server_down", engine=self.name, url=self._url)'
    hidden = 'raise EngineUnreachable("engine.job_lost", engine=self._service.url)'
    for planted in (text, hidden):
        assert address_breaches([Source("planted.py", planted)])
    assert text_breaches({"engine.x": "Nothing answers at http://127.0.0.1:8188."})
    assert text_breaches({"engine.x": "{engine} does not respond at {url}."})
