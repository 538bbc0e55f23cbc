"""Build the documentation site: hooks of MkDocs (`mkdocs.yml`, `make docs`).

The hooks add the pages that are not in docs/: README.md, CHANGELOG.md, CONTRIBUTING.md and
SECURITY.md of the repository, and the operations of the HTTP API, which are rendered from the
OpenAPI document. Links between files of the repository become links between pages.
"""

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
ROOT_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Files of the repository's root, and the pages they become."""
API_PAGE = "http-api.md"
METHODS = ("get", "post", "put", "patch", "delete")
_LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)\s#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text("utf-8")))
    files.append(File.generated(config, API_PAGE, content=render_api_page(openapi_document())))
    for file in files.documentation_pages():
        file.edit_uri = None
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    return rewrite_links(markdown, page.file.src_uri)


def rewrite_links(markdown: str, page: str) -> str:
    """Return the text of a page with links that lead to other pages of the site."""
    origins = {target: name for name, target in ROOT_PAGES.items()}
    origin = PurePosixPath(origins.get(page, f"docs/{page}"))

    def rewrite(match: re.Match[str]) -> str:
        target = os.path.normpath(origin.parent / match[1])
        if target in ROOT_PAGES:
            return os.path.relpath(ROOT_PAGES[target], PurePosixPath(page).parent)
        if target.startswith("docs/"):
            inside = target.removeprefix("docs/")
            return os.path.relpath(inside, PurePosixPath(page).parent)
        return match[1]

    return _LINK.sub(rewrite, markdown)


def openapi_document() -> Mapping[str, Any]:
    """Return the OpenAPI document of the HTTP API, as `/v1/openapi.json` serves it. Opens no
    database."""
    # Only a build needs the application, and loading it takes seconds.
    from starlette.testclient import TestClient  # noqa: PLC0415  see above

    from foundation.storage.object_store import FileStore  # noqa: PLC0415  see above
    from web.api.app import create_api  # noqa: PLC0415  see above
    from web.api.common.rate_limits import ApiRateLimits  # noqa: PLC0415  see above

    api = create_api(_no_database, limits=ApiRateLimits(), library=FileStore(ROOT / "build"))
    document: Mapping[str, Any] = TestClient(api).get("/openapi.json").json()
    return document


def _no_database(*_: object, **__: object) -> contextlib.AbstractContextManager[Any]:
    raise RuntimeError("the document is built without a database")


def render_api_page(document: Mapping[str, Any]) -> str:
    """Return the reference page: one section for each tag, one entry for each operation."""
    by_tag: dict[str, list[str]] = defaultdict(list)
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                tag = (operations[method].get("tags") or ["other"])[0]
                by_tag[tag].append("\n".join(_operation_lines(method, path, operations[method])))
    lines = [
        "# API operations",
        "",
        "Every operation of `/v1`, generated from the OpenAPI document that an installation serves"
        " at `/v1/openapi.json`. Keys, idempotency and errors: [API and webhooks](api.md).",
    ]
    for tag in sorted(by_tag):
        lines += ["", f"## {tag.replace('_', ' ').capitalize()}", "", *by_tag[tag]]
    return "\n".join([*lines, ""])


def _operation_lines(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`"
    yield ""
    if description := operation.get("description"):
        yield from (description.strip(), "")
    rows = [
        f"| `{one['name']}` | {one['in']} | {_type_name(one.get('schema', {}))} "
        f"| {'yes' if one.get('required') else 'no'} |"
        for one in operation.get("parameters", ())
        if one["in"] != "header"
    ]
    if rows:
        yield from ("| parameter | in | type | required |", "|---|---|---|---|", *rows, "")
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        yield f"Body: {_content_names(body)}."
    answers = [
        f"{status}: {_content_names(answer['content'])}"
        for status, answer in sorted(operation.get("responses", {}).items())
        if status.startswith("2") and answer.get("content")
    ]
    if answers:
        yield f"Response: {'; '.join(answers)}."
    yield ""


def _content_names(content: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{_type_name(one.get('schema', {}))} (`{kind}`)" for kind, one in content.items()
    )


def _type_name(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rsplit('/', 1)[-1]}`"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type_name(one) for one in schema[key]))
    if schema.get("type") == "array":
        return f"list of {_type_name(schema.get('items', {}))}"
    if "enum" in schema:
        return " or ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    return str(schema.get("format") or schema.get("type") or "any")
