"""What pages do with posts and what the API does, side by side: neither grows without the other being thought of."""

import ast

from tests.architecture.tree import ROOT
from tests.web.api.common.test_authentication import OPERATIONS
from tests.web.api.page_operations import ELSEWHERE, OVER_API, PERSON

PAGES = (
    "approvals",
    "calendar",
    "channels",
    "compose",
    "planning",
    "post_detail",
    "posts",
    "queue",
    "system.webhooks",
)
OF_SYSTEM = frozenset({"system.page._request_emergency_stop", "system.page._request_stop_change"})
"""Of the System page, the stops alone are about posts."""

FORM = ["Scope", "UUID"]
"""What a press hands to its act: the open scope, and the press by which it is done once."""

CHECKS = frozenset(
    {"_check_own_delivery", "apply_preview", "_run_with_channel_check", "run_and_forget"}
)
"""What acts ask first, whether it is theirs; and what is put around one that is listed itself."""


def acts() -> set[str]:
    """Every act of these pages: a function that is handed a scope and a press, and tells what was done."""
    found = set()
    pages = ROOT / "dashboard" / "pages"
    for path in sorted(pages.rglob("*.py")):
        module = ".".join(path.relative_to(pages).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and _is_act(node):
                found.add(f"{module}.{node.name}")
    return {one for one in found if one.startswith(PAGES)} | (found & OF_SYSTEM)


def _is_act(node: ast.FunctionDef) -> bool:
    handed = [
        ast.unparse(each.annotation) if each.annotation else "" for each in node.args.args[-2:]
    ]
    returned = ast.unparse(node.returns) if node.returns is not None else ""
    return (
        handed == FORM
        and returned in {"Message", "Message | None", "None", "bool"}
        and node.name not in CHECKS
    )


def test_each_act_of_the_pages_has_its_operation_or_a_reason() -> None:
    assert acts() == OVER_API.keys()


def test_each_operation_that_is_named_is_there_and_each_reason_says_something() -> None:
    known = {f"{one.method} {one.path}" for one in OPERATIONS}
    for act, said in OVER_API.items():
        reason = next((one for one in (PERSON, ELSEWHERE) if said.startswith(one)), "")
        assert said in known or len(said) > len(reason) > 0, act
    assert {one for one in known if "/stops" in one} == {"GET /stops", "POST /stops"}, (
        "a key ends none"
    )
