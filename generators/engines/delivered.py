"""A picture as a service handed it over, for money: what is in the file says what it is, not what was asked."""

from collections.abc import Mapping

from foundation.errors import BadInput
from generators import containers
from generators.contract import ImageJob, Label, Picture, Undelivered


def picture(data: bytes, job: ImageJob, *, engine: str, model: str, given: Mapping[str, str | int | float]) -> Picture:
    """The picture with what was `given` for it but its prompt. Raises Undelivered for what is none, or is damaged."""
    try:
        found = containers.inspect(data, name=engine)
    except BadInput as error:
        raise Undelivered("engine.answer_invalid", engine=engine) from error
    return Picture(
        data=data,
        mime=f"image/{found.kind.lower()}",
        width=found.width,
        height=found.height,
        engine=engine,
        model=model,
        label=Label.NONE,
        seed=job.seed,
        prompt=job.prompt,
        parameters={name: value for name, value in given.items() if name != "prompt"},
    )
