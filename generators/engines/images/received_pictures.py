"""Pictures delivered by a paid service. Their type and size are read from the file, not taken from
the request."""

from collections.abc import Mapping

from foundation.errors import BadInput
from generators.contract.engines import GeneratedPicture, ImageJob, OriginLabel, PictureUndelivered
from generators.media import pictures


def read_delivered_picture(
    data: bytes, job: ImageJob, *, engine: str, model: str, given: Mapping[str, str | int | float]
) -> GeneratedPicture:
    """Return the picture with the `given` parameters except the prompt. Raises PictureUndelivered
    for a damaged or invalid file."""
    try:
        found = pictures.inspect_complete_picture(data, name=engine)
    except BadInput as error:
        raise PictureUndelivered("engine.answer_invalid", engine=engine) from error
    return GeneratedPicture(
        data=data,
        mime=f"image/{found.kind.lower()}",
        width=found.width,
        height=found.height,
        engine=engine,
        model=model,
        label=OriginLabel.NONE,
        seed=job.seed,
        prompt=job.prompt,
        parameters={name: value for name, value in given.items() if name != "prompt"},
    )
