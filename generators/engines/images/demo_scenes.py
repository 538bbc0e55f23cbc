"""Drawn scenes that replace photographs in the demo. They are labelled as drawn, never as
photographs."""

from generators.contract.engines import (
    GeneratedPicture,
    ImageJob,
    OriginLabel,
    Progress,
    check_inputs_supported,
    ignore_progress,
)
from generators.drawing.scene import draw_scene
from generators.engines.images.placeholder import encode_jpeg

LANDSCAPE = (1600, 1200)
PORTRAIT = (1200, 1600)


class DemoSceneEngine:
    """Draws a scene without a visible mark. It is for the demo only, where every page is labelled
    as a demo."""

    name = "drawn"
    does = frozenset[str]()
    model = "scenes-1"

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Return the drawing with film grain. Raises exceptions of `progress`."""
        check_inputs_supported(self, job)
        progress(0, 1)
        image, setting = draw_scene(job.prompt, job.seed, job.width, job.height, grain=2.4)
        progress(1, 1)
        return GeneratedPicture(
            data=encode_jpeg(image, quality=91),
            mime="image/jpeg",
            width=job.width,
            height=job.height,
            engine=self.name,
            model=self.model,
            label=OriginLabel.DRAWN,
            seed=job.seed,
            prompt=job.prompt,
            parameters={
                "place": setting.place,
                "hour": setting.hour,
                "weather": setting.weather,
                "season": setting.season,
            },
        )
