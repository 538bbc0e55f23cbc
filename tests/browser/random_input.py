"""Random input on any page: buttons, checkboxes, choices and unexpected texts in any order."""

import random
from collections.abc import Mapping, Set
from datetime import date, timedelta

from streamlit.proto.WidgetStates_pb2 import WidgetState

from dashboard.shell.navigation import PAGES
from demo.agency.cast import LUMIERE
from foundation.db.database import OpenScope
from foundation.ops.clock import wall_now
from tests.dashboard.streamlit_client import FAILED, ONE, SEVERAL, TEXTS, Stream, Widget

PRESSES = 8
INSIDE = {
    "calendar": (
        *({"view": view} for view in ("day", "week", "month", "list", "queue", "quarter")),
        *(
            {part: "1"}
            for part in (
                "held",
                "missed",
                "new",
                "files",
                "week",
                "queue",
                "pool",
                "labels",
                "ahead",
            )
        ),
    ),
    "channels": ({"links": "1"},),
    "shop": ({"view": "books"}, {"view": "orders"}),
}
"""Query parameters of the views within a page."""

LEFT_OUT = {"tour", "start"}
"""Pages left out: one starts processes, the other opens agencies that are not removed here."""

TYPED = [
    "",
    "  ",
    "Bonjour",
    "é" * 3000,
    "<b>x</b>{who}",
    "https://example.test/a?b=1",
    "2026-12-24",
    "25:99",
    "10:30",
]
TYPED += ["-5", "0", "1e9", "\u202eabc", "mia", "«»", "a@b.c", "9" * 20]
DAYS = (0, 1, 2, 7, 30, 90)
FIELDS = {*TEXTS, *ONE, *SEVERAL, "checkbox", "date_input", "time_input", "number_input"}


def page_addresses(tenant: OpenScope) -> list[tuple[str, Mapping[str, str]]]:
    """Return every page with its views, and half as many posts."""
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        posts = list(
            scope.run(
                "SELECT id FROM posts WHERE tenant_id = :t ORDER BY id", t=LUMIERE.tenant_id
            ).scalars()
        )
    pages = [
        (row.name, one)
        for row in PAGES
        if row.name not in LEFT_OUT
        for one in ({}, *INSIDE.get(row.name, ()))
    ]
    return [
        *pages,
        *(
            ("calendar", {"post": str(one)})
            for one in random.Random(0).sample(posts, len(pages) // 2)
        ),
    ]


def describe_act(chance: random.Random, one: Widget) -> tuple[WidgetState, str]:
    """Return a random input for a widget and its description."""
    did, drawn = WidgetState(id=one.id), one.drawn
    if one.kind in TEXTS:
        did.string_value = chance.choice(TYPED)[: drawn.max_chars or None]
    elif one.kind in ONE and one.options:
        did.string_value = chance.choice(one.options)
    elif one.kind in SEVERAL:
        did.string_array_value.data.extend(
            chance.sample(one.options, min(len(one.options), chance.randint(0, 3)))
        )
    elif one.kind == "date_input":
        day: date = wall_now().date() + timedelta(days=chance.choice(DAYS))
        did.string_array_value.data.append(f"{day:%Y/%m/%d}")
    elif one.kind == "time_input":
        did.string_value = f"{chance.randrange(24):02d}:{chance.choice((0, 15, 30, 45)):02d}"
    elif one.kind == "number_input":
        did.double_value = chance.choice((drawn.min, drawn.max, 1.0, 3.0))
    elif one.kind == "checkbox":
        did.bool_value = chance.random() < 0.6
    elif one.kind == "button":
        did.trigger_value = True
    return did, f"{one.kind} {one.label!r}: {str(did).partition(chr(10))[2].strip()[:60]}"


def press_at_random(
    page: Stream, chance: random.Random, path: str, query: Mapping[str, str]
) -> list[str]:
    """Open a page, fill some fields and press a button, repeatedly. Return what was done, up to the
    first failure."""
    did, text = [f"{path} {dict(query)}"], page.open(f"/{path}", **query)
    for _ in range(chance.randint(1, PRESSES)):
        fields = is_usable(page, FIELDS)
        for one in chance.sample(fields, min(len(fields), chance.randint(0, 3))):
            if (
                one not in page.widgets or FAILED in text
            ):  # an earlier input redrew the page without this field
                continue
            state, said = describe_act(chance, one)
            did, text = [*did, said], page.fill(one, state)
        if FAILED in text or not (buttons := is_usable(page, {"button"})):
            break
        one = chance.choice(buttons)
        state, said = describe_act(chance, one)
        did, text = [*did, said], page.send(state, fragment_id=one.fragment)
    return did


def is_usable(page: Stream, kinds: Set[str]) -> list[Widget]:
    return [one for one in page.widgets if one.kind in kinds and not one.drawn.disabled]
