"""Discord's own description of its API, as far as it judges what we send: paths, queries and JSON
bodies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fakes.openapi import Description, find_description


def load_description() -> Path | None:
    """Discord's description, where reference data is at hand."""
    return find_description("discord-openapi.json")


class Spec(Description):
    """What it says of our requests and of the fake's answers."""

    def judge(self, method: str, path: str, query: Mapping[str, str], body: Any) -> str:
        """What is wrong with a request by the document; "" when it is as described."""
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
        """What is wrong with an answer of the fake, by a schema of the document."""
        return self.errors(f"answer {name}", {"$ref": f"#/components/schemas/{name}"}, value)


def _typed(kind: object, value: str) -> Any:
    """A value of a query as it is described; unchanged, and so refused, where it is none."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return int(value) if kind == "integer" else value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
