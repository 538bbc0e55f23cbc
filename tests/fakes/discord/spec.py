"""Discord's official API description, used to validate paths, queries and JSON bodies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fakes.openapi import Description, find_description


def load_description() -> Path | None:
    """Return the path of Discord's description if the reference data is available."""
    return find_description("discord-openapi.json")


class Spec(Description):
    """The description, applied to our requests and to the fake's responses."""

    def judge(self, method: str, path: str, query: Mapping[str, str], body: Any) -> str:
        """Return the first violation in a request, or ""."""
        if self.path is None:
            return ""
        return self.noted(method, path, self._trouble(method.lower(), path, query, body))

    def _trouble(self, method: str, path: str, query: Mapping[str, str], body: Any) -> str:
        name = self.named(path, method)
        if name is None:
            return "no such path"
        described = self.document["paths"][name]
        known = {
            one["name"]: one
            for one in described[method].get("parameters", ())
            if one["in"] == "query"
        }
        for key, value in query.items():
            if key not in known:
                return f"unknown parameter {key}"
            typed = _typed(known[key]["schema"].get("type"), value)
            if errors := self.errors(
                f"/paths/{_escaped(name)}/{method}/{key}", known[key]["schema"], typed
            ):
                return f"{key}: {errors}"
        schema = (
            described[method]
            .get("requestBody", {})
            .get("content", {})
            .get("application/json", {})
            .get("schema")
        )
        if schema is None:
            return "a body where none is taken" if body is not None else ""
        return self.errors(f"{name} {method}", schema, body)

    def answers(self, name: str, value: Any) -> str:
        """Return the first violation in a response of the fake, checked against a schema of the
        description."""
        return self.errors(f"answer {name}", {"$ref": f"#/components/schemas/{name}"}, value)


def _typed(kind: object, value: str) -> Any:
    """Convert a query value to the described type. Return it unchanged, to be rejected later, if it
    does not have this type."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return int(value) if kind == "integer" else value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
