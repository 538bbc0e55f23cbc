"""Validation of requests and records against the official lexicons of the AT Protocol, as its
servers do it."""

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import regex

DID = re.compile(r"did:[a-z]+:[\w.:%-]*[\w.-]")
HANDLE = re.compile(
    r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
FORMATS: Mapping[str, re.Pattern[str]] = {
    "did": DID,
    "handle": HANDLE,
    "at-identifier": re.compile(f"{DID.pattern}|{HANDLE.pattern}", re.IGNORECASE),
    "at-uri": re.compile(r"at://[\w.:%-]+(/[\w.-]+(/[\w.~:-]+)?)?"),
    "nsid": re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+\.[a-zA-Z][a-zA-Z0-9]*"),
    "cid": re.compile(r"b[a-z2-7]{20,}"),
    "uri": re.compile(r"[a-zA-Z][\w+.-]*:\S+"),
    "language": re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]+)*"),
    "record-key": re.compile(r"[\w.~:-]{1,512}"),
    "tid": TID,
}


class LexiconViolation(Exception):
    """A violation of a lexicon, with its location."""


class Lexicons:
    """The lexicons of a folder by ID."""

    def __init__(self, folder: Path) -> None:
        found = (json.loads(path.read_text("utf-8")) for path in sorted(folder.rglob("*.json")))
        self._documents: dict[str, Mapping[str, Any]] = {
            document["id"]: document for document in found
        }

    def knows(self, nsid: str) -> bool:
        """Return True if the lexicon exists."""
        return nsid in self._documents

    def check_query(self, nsid: str, query: Mapping[str, list[str]]) -> None:
        """Check the parameters of a request. Raise LexiconViolation."""
        wanted = self._main(nsid).get("parameters", {"properties": {}})
        told: dict[str, Any] = {}
        for name, schema in wanted["properties"].items():
            if name in query:
                told[name] = (
                    query[name]
                    if schema["type"] == "array"
                    else _typed(schema["type"], query[name][0])
                )
        self._object(wanted, told, nsid, "query")

    def check_input(self, nsid: str, body: Any) -> None:
        """Check the JSON body of a request. Raise LexiconViolation."""
        asked = self._main(nsid).get("input", {})
        if "schema" in asked:
            self._check(asked["schema"], body, nsid, "body")

    def check_output(self, nsid: str, body: Any) -> None:
        """Check the JSON body of a response, so that tests never rely on an invalid response of the
        fake. Raise LexiconViolation."""
        told = self._main(nsid).get("output", {})
        if "schema" in told:
            self._check(told["schema"], body, nsid, "answer")

    def check_record(self, collection: str, record: Any) -> None:
        """Check a record. Raise LexiconViolation."""
        if not isinstance(record, dict) or record.get("$type") != collection:
            raise LexiconViolation(f"record: its $type is not {collection}")
        self._check(self._main(collection)["record"], record, collection, "record")

    def _main(self, nsid: str) -> Mapping[str, Any]:
        main: Mapping[str, Any] = self._documents[nsid]["defs"]["main"]
        return main

    def _resolve(self, ref: str, home: str) -> tuple[Mapping[str, Any] | None, str]:
        nsid, _, name = ref.partition("#")
        document = self._documents.get(nsid or home)
        return (document["defs"][name or "main"] if document else None), nsid or home

    def _check(self, schema: Mapping[str, Any], value: Any, home: str, at: str) -> None:
        match schema["type"]:
            case "object":
                self._object(schema, value, home, at)
            case "array":
                self._array(schema, value, home, at)
            case "string":
                _string(schema, value, at)
            case "integer":
                _integer(schema, value, at)
            case "boolean":
                _must(isinstance(value, bool), at, "no boolean")
            case "blob":
                _blob(schema, value, at)
            case "ref":
                found, nsid = self._resolve(schema["ref"], home)
                if found is not None:
                    self._check(found, value, nsid, at)
            case "union":
                self._union(schema, value, home, at)
            case "unknown":
                _must(isinstance(value, dict), at, "no object")

    def _object(self, schema: Mapping[str, Any], value: Any, home: str, at: str) -> None:
        _must(isinstance(value, dict), at, "no object")
        missing = [name for name in schema.get("required", []) if name not in value]
        _must(not missing, at, f"{missing} missing")
        for name, part in schema["properties"].items():
            nullable = value.get(name) is None and name in schema.get("nullable", [])
            if name in value and not nullable:
                self._check(part, value[name], home, f"{at}.{name}")

    def _array(self, schema: Mapping[str, Any], value: Any, home: str, at: str) -> None:
        _must(isinstance(value, list), at, "no array")
        _must(len(value) <= schema.get("maxLength", len(value)), at, "too many")
        for place, item in enumerate(value):
            self._check(schema["items"], item, home, f"{at}[{place}]")

    def _union(self, schema: Mapping[str, Any], value: Any, home: str, at: str) -> None:
        _must(
            isinstance(value, dict) and isinstance(value.get("$type"), str),
            at,
            "a union without $type",
        )
        full = {ref if not ref.startswith("#") else home + ref for ref in schema["refs"]}
        wanted = value["$type"]
        _must(wanted in full or not schema.get("closed"), at, f"{wanted} is none of {sorted(full)}")
        if wanted in full:
            found, nsid = self._resolve(wanted, home)
            if found is not None:
                self._check(found, value, nsid, at)


def _typed(kind: str, value: str) -> Any:
    """Convert a query value to the type of its lexicon. Return it unchanged, to be rejected later,
    if it does not have this type."""
    if kind == "integer" and value.isdecimal():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if kind == "boolean" else value


def _must(holds: bool, at: str, why: str) -> None:
    if not holds:
        raise LexiconViolation(f"{at}: {why}")


def _string(schema: Mapping[str, Any], value: Any, at: str) -> None:
    _must(isinstance(value, str), at, "no string")
    _must(len(value.encode()) <= schema.get("maxLength", 10**9), at, "too many bytes")
    if "maxGraphemes" in schema:
        _must(len(regex.findall(r"\X", value)) <= schema["maxGraphemes"], at, "too many graphemes")
    kind = schema.get("format")
    if kind == "datetime":
        _must(_is_instant(value), at, "no datetime")
    elif kind in FORMATS:
        _must(FORMATS[kind].fullmatch(value) is not None, at, f"no {kind}")


def _is_instant(text: str) -> bool:
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _integer(schema: Mapping[str, Any], value: Any, at: str) -> None:
    _must(isinstance(value, int) and not isinstance(value, bool), at, "no integer")
    _must(value >= schema.get("minimum", value), at, "too small")
    _must(value <= schema.get("maximum", value), at, "too large")


def _blob(schema: Mapping[str, Any], value: Any, at: str) -> None:
    whole = (
        isinstance(value, dict)
        and value.get("$type") == "blob"
        and isinstance(value.get("ref"), dict)
    )
    _must(
        whole and FORMATS["cid"].fullmatch(str(value["ref"].get("$link"))) is not None,
        at,
        "no blob",
    )
    _must(
        isinstance(value.get("mimeType"), str) and isinstance(value.get("size"), int), at, "no blob"
    )
    accepted: list[str] = schema.get("accept", ["*/*"])
    _must(
        any(fnmatch(value["mimeType"], kind) for kind in accepted),
        at,
        f"{value['mimeType']} is not accepted",
    )
    _must(value["size"] <= schema.get("maxSize", value["size"]), at, "too large")


def load_lexicons() -> Lexicons | None:
    """Load the lexicons from the reference data next to the checkout or in `GREENROOM_SHARED`.
    Return None if they are missing."""
    shared = Path(os.environ.get("GREENROOM_SHARED", Path(__file__).parents[4] / "shared"))
    folder = shared / "platforms" / "specs" / "bluesky"
    return Lexicons(folder) if folder.is_dir() else None
