"""Import and export of character cards (V2 and V3): JSON, PNG and CHARX files. Pure.

A card is a stranger's file. Nothing in it runs: assets are not loaded, lorebook patterns and
decorators are switched off, extensions of other programs are dropped, and its system prompt is a
suggestion below our rules. Sources: https://github.com/malfoyslastname/character-card-spec-v2 and
https://github.com/kwaroran/character-card-spec-v3.
"""

import base64
import binascii
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, Message
from subscribers.replies.content_checks import (
    MAX_EXAMPLE_LENGTH,
    MAX_EXAMPLES,
    MAX_KEY_LENGTH,
    MAX_LENGTHS,
    MAX_LORE_ENTRIES,
    MAX_LORE_KEYS,
    MAX_LORE_LENGTH,
    MAX_RULE_LENGTH,
    MAX_RULES,
)
from subscribers.replies.opening_hours import parse_opening_hours
from subscribers.replies.persona import (
    LorebookEntry,
    PersonaExample,
    PersonaVersion,
    parse_sales_style,
)
from subscribers.replies.prompt import strip_invisible

MAX_FILE = 10 * 2**20
MAX_CARD = 2 * 2**20
"""Maximum sizes in bytes of a file and of the card in it."""

MAX_CHUNKS = 4096
MAX_ZIP_ENTRIES = 2000
MAX_DEPTH = 32
"""Maximum depth of nested lists and objects of a card."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"
CARD_CHUNKS = (b"ccv3", b"chara")
"""Keywords of PNG text chunks with a card, the preferred one first."""

EXTENSION = "greenroom"
"""The extension of exported cards with the fields that the specification does not have."""

PICTURE_SIZE = (400, 600)
PICTURE_COLOUR = (58, 52, 66)


class _Lenient(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _LoreIn(_Lenient):
    keys: list[str] = Field(default_factory=list)
    content: str = ""
    enabled: bool = True
    use_regex: bool = False
    selective: bool | None = None
    constant: bool | None = None


class _BookIn(_Lenient):
    entries: list[_LoreIn] = Field(default_factory=list, max_length=MAX_LORE_ENTRIES)


class _DataIn(_Lenient):
    name: str = Field(min_length=1)
    description: str = ""
    personality: str = ""
    scenario: str = ""
    first_mes: str = ""
    mes_example: str = ""
    creator_notes: str = ""
    system_prompt: str = ""
    post_history_instructions: str = ""
    alternate_greetings: list[str] = Field(default_factory=list)
    group_only_greetings: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    nickname: str | None = None
    character_book: _BookIn | None = None
    assets: list[Any] | None = None
    extensions: dict[str, Any] = Field(default_factory=dict)


class _ExtensionIn(_Lenient):
    """The fields of `EXTENSION`, as this program exports them."""

    languages: list[str] = Field(default_factory=list, max_length=len(LANGUAGES))
    rules: list[str] = Field(default_factory=list, max_length=MAX_RULES)
    forbidden: list[str] = Field(default_factory=list, max_length=MAX_RULES)
    sales_style: str = "on_request"
    opening_hours: list[dict[str, Any]] = Field(default_factory=list, max_length=50)


@dataclass(frozen=True)
class ImportedCard:
    """A card as a persona that a person must still accept.

    `texts` are all texts of the card, used or not, for the safety check. `notes` state what was
    changed or left out.
    """

    persona: PersonaVersion
    texts: tuple[str, ...]
    notes: tuple[Message, ...]


def read_card(data: bytes, *, base: PersonaVersion) -> ImportedCard:
    """Return the card of a JSON, PNG or CHARX file. Fields that cards do not have come from `base`.

    Raises BadInput for a file that is too large, damaged or no card.
    """
    if len(data) > MAX_FILE:
        raise BadInput("card.file_too_large", most=MAX_FILE // 2**20)
    if data.startswith(PNG_SIGNATURE):
        found = _read_png(data)
    elif data.startswith(ZIP_SIGNATURE):
        found = _read_charx(data)
    else:
        found = data
    return _import_card(_parse_json(found), base)


def _read_png(data: bytes) -> bytes:
    """Return the card of a PNG file: the chunk `ccv3`, else `chara`."""
    cards = dict(_card_chunks(data))
    for keyword in CARD_CHUNKS:
        if keyword in cards:
            encoded = cards[keyword]
            if len(encoded) > MAX_CARD * 4 // 3 + 4:
                raise BadInput("card.too_large", most=MAX_CARD // 2**20)
            try:
                return base64.b64decode(encoded, validate=True)
            except binascii.Error as error:
                raise BadInput("card.damaged") from error
    raise BadInput("card.not_in_picture")


def _card_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keyword and text of each `tEXt` chunk that may contain a card, the first of a keyword
    last, so that it wins in a mapping."""
    found = list[tuple[bytes, bytes]]()
    at = len(PNG_SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise BadInput("card.damaged")
        (length,) = struct.unpack_from(">I", data, at)
        if length > len(data) - at - 12:
            raise BadInput("card.damaged")
        kind = data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(kind + body) != checksum:
            raise BadInput("card.damaged")
        if kind == b"IEND":
            yield from reversed(found)
            return
        if kind == b"tEXt":
            keyword, _, text = body.partition(b"\0")
            if keyword in CARD_CHUNKS:
                found.append((keyword, text))
        at += 12 + length
    raise BadInput("card.damaged")


def _read_charx(data: bytes) -> bytes:
    """Return `card.json` of a CHARX file. Nothing else of the archive is decompressed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            cards = [one for one in entries if one.filename == "card.json"]
            if len(entries) > MAX_ZIP_ENTRIES or len(cards) != 1 or cards[0].flag_bits & 1:
                raise BadInput("card.damaged")
            # The other methods decompress a whole block, however little is read.
            if cards[0].compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise BadInput("card.damaged")
            # The declared size may be false, so no more than the limit is decompressed.
            with archive.open(cards[0]) as opened:
                found = opened.read(MAX_CARD + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        raise BadInput("card.damaged") from error
    except (ValueError, struct.error, RuntimeError, UnicodeError) as error:
        raise BadInput("card.damaged") from error
    return found


def _parse_json(data: bytes) -> Any:
    if len(data) > MAX_CARD:
        raise BadInput("card.too_large", most=MAX_CARD // 2**20)
    try:
        text = data.decode("utf-8-sig")
        if _depth_exceeds(text, MAX_DEPTH):
            raise BadInput("card.damaged")
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput("card.no_card") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def _depth_exceeds(text: str, most: int) -> bool:
    """Return True if lists and objects are nested deeper than `most`, outside strings."""
    depth = 0
    for sign in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if sign in "[{" else -1
        if depth > most:
            return True
    return False


def _import_card(found: Any, base: PersonaVersion) -> ImportedCard:
    known = {"chara_card_v2", "chara_card_v3"}
    if not isinstance(found, dict) or found.get("spec") not in known:
        raise BadInput("card.no_card")
    try:
        data = _DataIn.model_validate(found.get("data"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if "character_book" in first["loc"] and first["type"] == "too_long":
            raise BadInput("persona.too_many_entries", most=MAX_LORE_ENTRIES) from error
        raise BadInput("card.no_card") from error
    extension = _parse_extension(data.extensions.get(EXTENSION))
    notes: list[Message] = []
    persona = replace(
        base,
        name=_shorten(_clean_line(data.nickname or data.name), MAX_LENGTHS["name"], notes),
        card=_shorten(_join(data.description, data.scenario), MAX_LENGTHS["card"], notes),
        voice=_shorten(_clean(data.personality), MAX_LENGTHS["voice"], notes),
        greeting=_shorten(_clean(data.first_mes), MAX_LENGTHS["greeting"], notes),
        examples=_parse_examples(_clean(data.mes_example), notes),
        suggestions=_shorten(
            _join(data.system_prompt, data.post_history_instructions),
            MAX_LENGTHS["suggestions"],
            notes,
        ),
        lorebook=_import_lorebook(data.character_book, notes),
    )
    if extension is not None:
        persona = _apply_extension(persona, extension)
    notes += _list_omissions(data)
    once = {note.code: note for note in notes}
    return ImportedCard(persona, _all_texts(data), tuple(once.values()))


def _list_omissions(data: _DataIn) -> Iterator[Message]:
    if data.assets:
        yield Message("card.note_assets")
    if set(data.extensions) - {EXTENSION}:
        yield Message("card.note_extensions")
    if data.alternate_greetings or data.group_only_greetings:
        yield Message("card.note_greetings")
    if data.system_prompt.strip() or data.post_history_instructions.strip():
        yield Message("card.note_suggestions")


def _parse_extension(found: object) -> _ExtensionIn | None:
    try:
        return _ExtensionIn.model_validate(found) if found is not None else None
    except ValidationError:
        return None


def _apply_extension(persona: PersonaVersion, found: _ExtensionIn) -> PersonaVersion:
    try:
        hours = parse_opening_hours(found.opening_hours)
    except (BadInput, KeyError, TypeError):
        hours = persona.opening_hours
    languages = tuple(dict.fromkeys(one for one in found.languages if one in LANGUAGES))
    return replace(
        persona,
        languages=languages or persona.languages,
        rules=_clean_lines(found.rules),
        forbidden=_clean_lines(found.forbidden),
        sales_style=parse_sales_style(found.sales_style),
        opening_hours=hours,
    )


def _clean_lines(texts: list[str]) -> tuple[str, ...]:
    cleaned = (_clean_line(text)[:MAX_RULE_LENGTH] for text in texts)
    return tuple(text for text in cleaned if text)


def _import_lorebook(book: _BookIn | None, notes: list[Message]) -> tuple[LorebookEntry, ...]:
    """Return the entries of a lorebook; those with patterns, and those without keys, are off."""
    found = []
    for entry in book.entries if book is not None else ():
        keys = tuple(_clean_line(key)[:MAX_KEY_LENGTH] for key in entry.keys[:MAX_LORE_KEYS])
        patterns = entry.use_regex or any(_is_pattern(key) for key in keys)
        if patterns:
            notes.append(Message("card.note_patterns"))
        content = _shorten(_clean(entry.content), MAX_LORE_LENGTH, notes)
        enabled = entry.enabled and not patterns
        found.append(LorebookEntry(tuple(key for key in keys if key), content, enabled))
    return tuple(one for one in found if one.content)


def _is_pattern(key: str) -> bool:
    """Return True for a key that other programs read as a regular expression: `/…/flags`."""
    return bool(re.fullmatch(r"/.+/[a-z]*", key))


def _parse_examples(text: str, notes: list[Message]) -> tuple[PersonaExample, ...]:
    """Return the pairs of lines `{{user}}: …` and `{{char}}: …`. Lines of one speaker in a row are
    joined."""
    spoken: list[tuple[str, list[str]]] = []
    for line in re.split(r"\n|<START>", text, flags=re.IGNORECASE):
        found = re.match(r"\s*\{\{(user|char)\}\}:\s*(.*)", line, re.IGNORECASE)
        if found:
            spoken.append((found[1].lower(), [found[2].strip()]))
        elif spoken and line.strip():
            spoken[-1][1].append(line.strip())
    turns = [(who, "\n".join(lines).strip()) for who, lines in spoken]
    pairs = [
        PersonaExample(
            _shorten(one[1], MAX_EXAMPLE_LENGTH, notes), _shorten(two[1], MAX_EXAMPLE_LENGTH, notes)
        )
        for one, two in pairwise(turns)
        if (one[0], two[0]) == ("user", "char") and one[1] and two[1]
    ]
    if len(pairs) > MAX_EXAMPLES:
        notes.append(Message("card.note_examples", {"most": MAX_EXAMPLES}))
    return tuple(pairs[:MAX_EXAMPLES])


def _all_texts(data: _DataIn) -> tuple[str, ...]:
    """Return every text of a card, also those that are not used."""
    book = data.character_book.entries if data.character_book is not None else []
    texts = [
        *(data.name, data.nickname or "", data.description, data.personality, data.scenario),
        *(data.first_mes, data.mes_example, data.creator_notes, data.system_prompt),
        data.post_history_instructions,
        *data.alternate_greetings,
        *data.group_only_greetings,
        *data.tags,
        *(text for entry in book for text in (*entry.keys, entry.content)),
    ]
    return tuple(_clean(text) for text in texts if text.strip())


def _clean(text: str) -> str:
    """Return a text without NUL, lone surrogates and invisible characters."""
    plain = text.replace("\r\n", "\n").encode("utf-8", "ignore").decode("utf-8")
    return strip_invisible(plain.replace("\0", "")).strip()


def _clean_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _join(*texts: str) -> str:
    return "\n\n".join(cleaned for text in texts if (cleaned := _clean(text)))


def _shorten(text: str, most: int, notes: list[Message]) -> str:
    if len(text) <= most:
        return text
    notes.append(Message("card.note_shortened"))
    return text[:most].rstrip()


def card_json(persona: PersonaVersion) -> dict[str, Any]:
    """Return a persona as a V3 card."""
    examples = "\n".join(
        f"<START>\n{{{{user}}}}: {one.fan}\n{{{{char}}}}: {one.answer}" for one in persona.examples
    )
    content = persona.content()
    return {
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        "data": {
            "name": persona.name,
            "description": persona.card,
            "personality": persona.voice,
            "scenario": "",
            "first_mes": persona.greeting,
            "mes_example": examples,
            "creator_notes": "",
            "system_prompt": persona.suggestions,
            "post_history_instructions": "",
            "alternate_greetings": [],
            "group_only_greetings": [],
            "tags": [],
            "creator": "",
            "character_version": "",
            "character_book": {
                "extensions": {},
                "entries": [
                    {
                        "keys": list(entry.keys),
                        "content": entry.content,
                        "extensions": {},
                        "enabled": entry.enabled,
                        "insertion_order": number,
                        "use_regex": False,
                    }
                    for number, entry in enumerate(persona.lorebook)
                ],
            },
            "extensions": {
                EXTENSION: {
                    name: content[name]
                    for name in (
                        "languages",
                        "rules",
                        "forbidden",
                        "sales_style",
                        "opening_hours",
                    )
                }
            },
        },
    }


def export_json(persona: PersonaVersion) -> bytes:
    """Return a persona as the JSON file of a V3 card."""
    return json.dumps(card_json(persona), ensure_ascii=False, indent=2).encode()


def export_png(persona: PersonaVersion) -> bytes:
    """Return a persona as a plain picture with a V3 card in its chunk `ccv3`."""
    drawn = io.BytesIO()
    Image.new("RGB", PICTURE_SIZE, PICTURE_COLOUR).save(drawn, "PNG")
    picture = drawn.getvalue()
    end = picture.rindex(b"IEND") - 4
    card = base64.b64encode(json.dumps(card_json(persona)).encode())
    return picture[:end] + _text_chunk(b"ccv3", card) + picture[end:]


def _text_chunk(keyword: bytes, text: bytes) -> bytes:
    body = keyword + b"\0" + text
    checksum = zlib.crc32(b"tEXt" + body)
    return struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", checksum)
