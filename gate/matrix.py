"""The matrix of places as it is written: rows, defaults, countries; read and checked at load."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from gate.reasons import Reason
from gate.units import Rating, Verdict

Place = Literal["post", "text", "chat", "profile"]
People = Literal["real", "synthetic"]
VIEWERS = ("none", "platform", "both", "door", "product")
"""`door`: we let readers in one by one, and decide again for each (`minting.readable`)."""


class Probe(BaseModel):
    """Something that must be seen at the platform before anything above a rating goes to a place."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    see: str
    otherwise: Reason = Reason.PLATFORM_FORBIDS
    """What is wrong where somebody looked, and it was not so."""
    above: Rating = Rating.G
    assures: bool = False
    """It proves that everybody who reads there is of age."""

    def __str__(self) -> str:
        more = [str(self.otherwise)] if self.otherwise is not Reason.PLATFORM_FORBIDS else []
        more += [f"above {self.above}"] if self.above is not Rating.G else []
        return "; ".join([self.see, *more, *(["assures"] if self.assures else [])])


def _probe(written: object) -> object:
    return {"see": written} if isinstance(written, str) else written


class Ai(BaseModel):
    """How a place is told that a machine made something."""

    model_config = ConfigDict(extra="allow")
    flag: str
    text: str = "required"


class _Verified(BaseModel):
    model_config = ConfigDict(extra="forbid")
    verdicts: str
    flags: str
    ai: str


Verdicts = dict[Rating, Verdict]


class RowFile(BaseModel):
    """A row as it is written; one that borrows (`same_as`) states the rest nowhere."""

    model_config = ConfigDict(extra="allow")
    id: str
    platform: str
    surface: str
    place: Place = "post"
    people: People | None = None
    same_as: list[str] = []
    verdicts: Verdicts = {}
    flags: dict[Rating, list[str]] | None = None
    ai: Ai | None = None
    viewer: str = ""
    adult_link: Verdict | None = None
    probe: list[Annotated[Probe, BeforeValidator(_probe)]] | None = None
    ages: bool = True
    review_by: date | None = None
    verified: _Verified | None = None
    test_network: bool = False
    source_url: list[str] = []
    checked_on: date | None = None
    rule: str = ""
    """The row that a borrowed one is written in."""

    def digest(self) -> str:
        """Of the rule as it is written."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class _Jurisdiction(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: str
    level: Literal["L1", "L2", "L3", "L4"]
    review_by: date | None = None


class _Production(BaseModel):
    """Where an agency produces. Nobody's own yes stands for a second look: rules that say otherwise are refused, until
    counsel opens it and the release is built."""

    model_config = ConfigDict(extra="allow")
    id: str
    own_likeness: Literal[False]
    before_production: bool = True


class Defaults(BaseModel):
    """What holds where no row does."""

    model_config = ConfigDict(extra="allow")
    unknown_platform: Verdicts
    unknown_surface: Verdicts
    unverified_cap: Verdicts
    link_unregistered: Verdict


class Matrix(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")
    schema_version: int
    bundle_version: str
    checked_on: date
    review_by: date
    defaults: Defaults
    rows: list[RowFile]
    jurisdictions: list[_Jurisdiction]
    production: list[_Production]
    duties: list[dict[str, Any]]


_RULE = ("verdicts", "flags", "ai", "viewer", "adult_link", "review_by", "verified", "place", "people")
_LENT = (*_RULE, "source_url", "checked_on")


def merged(own: RowFile, lender: RowFile) -> RowFile:
    """A row that borrows: the lender's fields, but for those it states itself."""
    lent = {name: getattr(lender, name) for name in _LENT if name not in own.model_fields_set}
    return own.model_copy(update={**lent, "rule": lender.id})


def check(listed: Iterable[RowFile], rows: Mapping[str, RowFile]) -> None:
    """Raise ValueError for a row that is not whole, points nowhere, or allows more of what is rated higher."""
    whole = {Rating.G, Rating.S, Rating.N, Rating.E}
    for row in listed:
        if row.same_as:
            missing = [name for name in row.same_as if name not in rows or rows[name].same_as]
            if missing:
                raise ValueError(f"{row.id} borrows from {missing}, which are no rows of their own")
        elif row.verdicts.keys() != whole or row.viewer not in VIEWERS:
            raise ValueError(f"{row.id} does not say what it allows, or who looks after its viewers")
        elif any(row.verdicts[low].rank > row.verdicts[high].rank for low, high in pairwise(Rating) if high in whole):
            raise ValueError(f"{row.id} allows more of what is rated higher")
        if row.ages and not row.same_as and row.review_by is None:
            raise ValueError(f"{row.id} ages and has no day by which it is read again")
