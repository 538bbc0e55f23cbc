"""Values for a JSON schema: valid, nearly valid and invalid ones."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.web.example_agency import ExampleAgency

TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(
        [
            "",
            "\x00",
            "2031-02-29",
            "2031-03-06",
            "9999-12-31",
            "0001-01-01",
            "Europe/Paris",
            "UTC",
            "../x",
        ]
    ),
    st.sampled_from(
        ["24:00", "02:30", "2031-03-30T02:30", "2031-10-26T02:30:00+02:00", "1970-01-01T00:00:00Z"]
    ),
    st.sampled_from(
        [
            "never",
            "daily",
            "weekly",
            "monthly",
            "'; DROP TABLE posts; --",
            "https://example.com/x",
            "a" * 300,
        ]
    ),
)
NUMBERS = st.one_of(
    st.integers(-3, 40), st.sampled_from([2**31 - 1, 2**31, 2**63, -(2**63), 10**30])
)
JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), NUMBERS, st.floats(allow_nan=False, allow_infinity=False), TEXTS
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


NAMED = {
    "channels": "channel_id",
    "channel": "channel_id",
    "creator": "creator_id",
    "posts": "post_id",
} | {name: name for name in ("creator_id", "channel_id", "delivery_id", "post_id")}
"""Resource of the example agency that a field name refers to."""

NEAR = {
    "zone": ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "UTC"],
    "wall_time": ["2031-03-30T02:30", "2031-10-26T02:30", "2031-03-03T18:30", "2031-08-03T00:00"],
}
ODD = 50
"""One value in this many is arbitrary."""


def generate_value(
    schema: Mapping[str, Any], document: Mapping[str, Any], world: ExampleAgency, name: str = ""
) -> st.SearchStrategy[Any]:
    """Return mostly valid values with meaningful IDs, and an arbitrary value now and then."""
    fits = _fits(schema, document, world, name)
    return st.integers(0, ODD).flatmap(lambda odd: JUNK if odd == 1 else fits)


def _fits(
    schema: Mapping[str, Any], document: Mapping[str, Any], world: ExampleAgency, name: str
) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _fits(
            document["components"]["schemas"][schema["$ref"].split("/")[-1]], document, world, name
        )
    if "anyOf" in schema:
        return st.one_of([_fits(one, document, world, name) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    match schema.get("type"):
        case "object":
            return _object(schema, document, world)
        case "array":
            items = generate_value(schema.get("items", {}), document, world, name)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=4)
        case "integer":
            low, high = schema.get("minimum", -3), schema.get("maximum", 500)
            return st.integers(low, max(low, high))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string":
            return _text(schema, world, name)
    return JUNK


def _object(
    schema: Mapping[str, Any], document: Mapping[str, Any], world: ExampleAgency
) -> st.SearchStrategy[Any]:
    known = {
        name: generate_value(one, document, world, name)
        for name, one in schema.get("properties", {}).items()
    }
    if not known:
        keys = st.one_of(st.sampled_from(sorted(world.ids.values())), TEXTS)
        values = schema.get("additionalProperties")
        return st.dictionaries(
            keys,
            generate_value(values if isinstance(values, dict) else {}, document, world),
            max_size=3,
        )
    needed = {name: one for name, one in known.items() if name in schema.get("required", ())}
    return st.fixed_dictionaries(
        needed, optional={name: one for name, one in known.items() if name not in needed}
    )


def _text(schema: Mapping[str, Any], world: ExampleAgency, name: str) -> st.SearchStrategy[str]:
    match schema.get("format"):
        case "uuid":
            meant = [world.ids[NAMED[name]]] * 40 if name in NAMED else []
            return st.sampled_from(
                [*meant, *sorted(world.ids.values()), "0198c0de-0000-7000-8000-000000000009"]
            )
        case "date":
            return st.dates(date(2026, 1, 1), date(2032, 1, 1)).map(str)
        case "date-time":
            soon = st.dates(date(2026, 1, 1), date(2032, 1, 1)).map(
                lambda day: f"{day}T12:00:00+01:00"
            )
            return st.one_of(
                soon, st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat())
            )
    known = st.sampled_from(NEAR.get(name) or [str(one) for one in schema.get("examples", ["x"])])
    return st.one_of(known, known, known, TEXTS)
