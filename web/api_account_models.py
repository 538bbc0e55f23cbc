"""Accounts at the edge: how far apart posts are kept, whether that binds, and whether what was said already is held."""

from typing import Annotated

from pydantic import Field

from channels.connecting import MOST_APART
from web.api_inputs import In
from web.api_plan_inputs import example


class PaceIn(In):
    """How an account posts; what is left out stays. `apart_minutes`: at least so many between two posts; with
    `holds_distance` one that comes nearer waits until they have passed, else people are told. `holds_repeats`: what the
    account said already waits until somebody says that it is meant so."""

    model_config = example({"apart_minutes": 30, "holds_distance": True, "holds_repeats": True})

    apart_minutes: Annotated[int | None, Field(ge=0, le=MOST_APART)] = None
    holds_distance: bool | None = None
    holds_repeats: bool | None = None
