"""The OpenAPI document of the API. Components keep their published names if a class is renamed."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

COMPONENT_NAMES: Mapping[str, str] = {
    "AbTestStatus": "Standing",
    "BooleanParameter": "YesNo",
    "ChoiceParameter": "Choice",
    "DrawnMask": "Drawn",
    "LateLimit": "Late",
    "MovePreviewOut": "web__api_plan_models__PreviewOut",
    "NumberParameter": "Number",
    "PostFormat": "Form",
    "RectangleShape": "Rectangle",
    "RunPreviewOut": "web__api_making_models__PreviewOut",
    "RecurrenceUnit": "Every",
    "TextParameter": "Wording",
    "VerdictKind": "Kind",
}
"""Component names of /v1/openapi.json by class name. Generated clients use them as type names."""

_REFERENCE = "#/components/schemas/"


class ApiApp(FastAPI):
    """An application whose OpenAPI document uses `COMPONENT_NAMES`."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, built on the first call."""
        if not self.openapi_schema:
            self.openapi_schema = _rename_components(super().openapi())
        return self.openapi_schema


def _rename_components(document: dict[str, Any]) -> dict[str, Any]:
    found = document["components"]["schemas"]
    schemas = {name: schema for name, schema in found.items() if name not in COMPONENT_NAMES}
    for name, published in COMPONENT_NAMES.items():
        if name in found:
            schemas[published] = {**found[name], "title": published}
    renamed: dict[str, Any] = _rename_references(
        {**document, "components": {**document["components"], "schemas": schemas}}
    )
    return renamed


def _rename_references(value: Any) -> Any:
    match value:
        case dict():
            return {key: _rename_references(each) for key, each in value.items()}
        case list():
            return [_rename_references(each) for each in value]
        case str() if value.startswith(_REFERENCE):
            name = value.removeprefix(_REFERENCE)
            return _REFERENCE + COMPONENT_NAMES.get(name, name)
        case _:
            return value
