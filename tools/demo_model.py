"""Train the demonstration model, a small Stable Diffusion that draws the scenes of this project.

    pip install -e '.[diffusion]' && python tools/demo_model.py generators/local_models/demo_model

All training pictures are drawn by `generators/drawing` from text; they contain no third-party
material and no persons. Training is seeded and counts steps, not minutes, so the same build of
torch produces the same weights. It takes under an hour on two cores. The model exercises the full
path where no other model is available: loading, tokens, guidance, scheduler, seed and batch.
"""

import argparse
import json
import math
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads must not occupy the cores

import numpy as np
import torch
import torch.nn.functional as nn
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.training_utils import EMAModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generators.drawing.scene import draw_scene
from generators.drawing.scene_prompt import HOURS, PLACES, SEASONS, SYNONYMS, WEATHERS

SEED = 20_260
SHAPES = ((128, 96), (112, 112), (96, 128))
"""Width and height of the training pictures: landscape, square and portrait."""

SCENES, VAE_STEPS, UNET_STEPS = 2_700, 1_600, 2_800
BATCH, MAX_TOKENS, WIDE = 16, 32, 96
EMPTY = 0.1
"""Share of empty prompts, which classifier-free guidance needs."""

ACCENTED = {
    "cafe": "café",
    "foret": "forêt",
    "ile": "île",
    "interieur": "intérieur",
    "doree": "dorée",
    "crepuscule": "crépuscule",
    "etoiles": "étoiles",
    "ete": "été",
    "degage": "dégagé",
}
LINES = (
    "{place}, {hour}, {weather}, {season}",
    "a photo of a {place} at {hour}, {weather}, in {season}",
    "a {season} {hour} at the {place}, {weather}",
    "{weather} {place} in {season}, {hour} light",
    "une photo de {place}, {hour}, {weather}, {season}",
    "{place} au {hour}, {weather}, en {season}",
)


@dataclass(frozen=True)
class Scene:
    """A scene, described with the vocabulary of the drawing code."""

    place: str
    hour: str
    weather: str
    season: str

    def render(self, seed: int, width: int, height: int) -> np.ndarray:
        """Return the picture as an array of shape (height, width, 3) in [-1, 1]."""
        image, _ = draw_scene(
            f"{self.place} {self.hour} {self.weather} {self.season}", seed, width, height, grain=0.6
        )
        return np.asarray(image, dtype=np.float32) / 127.5 - 1.0

    def describe(self, chance: random.Random) -> str:
        """Return a random description of the scene, in which some words may be missing."""
        if chance.random() < EMPTY:
            return ""
        words = {
            name: self._word(getattr(self, name), chance)
            for name in ("place", "hour", "weather", "season")
        }
        for name in ("weather", "season", "hour"):
            if chance.random() < 0.15:
                words[name] = ""
        line = chance.choice(LINES).format(**words)
        return " ".join(line.replace(" ,", ",").split()).strip(" ,")

    def _word(self, meant: str, chance: random.Random) -> str:
        word = chance.choice((meant, *SYNONYMS[meant]))
        return ACCENTED.get(word, word) if chance.random() < 0.5 else word


def scenes(chance: random.Random) -> list[Scene]:
    """Return shuffled scenes: all places equally often, random hours, weathers and seasons."""
    picked = [
        Scene(place, chance.choice(HOURS), chance.choice(WEATHERS), chance.choice(SEASONS))
        for place, _ in zip(PLACES * (SCENES // len(PLACES) + 1), range(SCENES), strict=False)
    ]
    chance.shuffle(picked)
    return picked


@dataclass(frozen=True)
class RenderedScenes:
    """Scenes of one shape with their pictures, shape (count, 3, height, width)."""

    scenes: Sequence[Scene]
    pictures: torch.Tensor


def render_scenes(chance: random.Random) -> list[RenderedScenes]:
    """Return all training data, a third of it in each shape."""
    every = scenes(chance)
    found = []
    for at, (width, height) in enumerate(SHAPES):
        mine = every[at :: len(SHAPES)]
        stack = np.stack([one.render(chance.randrange(2**31), width, height) for one in mine])
        found.append(RenderedScenes(mine, torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous()))
    return found


def tokenizer(folder: Path, chance: random.Random) -> CLIPTokenizer:
    """Train a tokenizer on the captions, one token per word; unknown words become letter tokens."""
    corpus = [one.describe(chance) for one in scenes(chance) for _ in range(4)]
    # a token of text
    made = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))  # noqa: S106  see above
    made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(r" ", "removed"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=1600,
            min_frequency=1,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            end_of_word_suffix="</w>",
            special_tokens=["<|startoftext|>", "<|endoftext|>"],
            show_progress=False,
        ),
    )
    told = json.loads(made.to_str())["model"]
    vocab, merges = told["vocab"], [tuple(one) for one in told["merges"]]
    for letter in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocab.setdefault(letter, len(vocab))
        vocab.setdefault(f"{letter}</w>", len(vocab))
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=MAX_TOKENS)


def batches(
    every: Sequence[RenderedScenes], steps: int, chance: random.Random
) -> Iterator[tuple[RenderedScenes, list[int]]]:
    """Yield batches of random scenes of one shape."""
    for _ in range(steps):
        one = chance.choice(every)
        yield one, [chance.randrange(len(one.scenes)) for _ in range(BATCH)]


def learning_rate(step: int, steps: int, top: float) -> float:
    """Return the learning rate: linear warm-up over the first fiftieth, then a cosine decay to a
    twentieth."""
    warm = max(steps // 50, 1)
    return (
        top * (step + 1) / warm
        if step < warm
        else top * (0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2)
    )


def edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the differences between neighbouring pixels; small ones look blurred."""
    return picture[..., 1:, :] - picture[..., :-1, :], picture[..., 1:] - picture[..., :-1]


def train_vae(every: Sequence[RenderedScenes], chance: random.Random) -> AutoencoderKL:
    """Train the autoencoder, whose latents have a quarter of the side length of the picture."""
    vae = AutoencoderKL(
        block_out_channels=(16, 32, 64),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=128,
    ).to(memory_format=torch.channels_last)
    learner = torch.optim.AdamW(vae.parameters(), lr=1.0, weight_decay=0.0)
    for step, (one, chosen) in enumerate(batches(every, VAE_STEPS, chance)):
        learner.param_groups[0]["lr"] = learning_rate(step, VAE_STEPS, 2e-3)
        real = one.pictures[chosen].to(memory_format=torch.channels_last)
        posterior = vae.encode(real).latent_dist
        made = vae.decode(posterior.sample()).sample
        loss = nn.l1_loss(made, real) + sum(
            nn.l1_loss(ours, theirs) for ours, theirs in zip(edges(made), edges(real), strict=True)
        )
        training_step(learner, loss + 1e-6 * posterior.kl().mean(), vae)
        print_progress("vae", step, VAE_STEPS, loss)
    latents = encode_pictures(vae, every, limit=64)
    vae.register_to_config(
        scaling_factor=round(1.0 / float(torch.cat([one.flatten() for one in latents]).std()), 5)
    )
    return vae.eval()


@torch.no_grad()
def encode_pictures(
    vae: AutoencoderKL, every: Sequence[RenderedScenes], *, limit: int = 0
) -> list[torch.Tensor]:
    """Return the unscaled latents of all pictures, or of the first `limit` of each shape."""
    found = []
    for one in every:
        pictures = one.pictures[: limit or None]
        found.append(torch.cat([vae.encode(part).latent_dist.mean for part in pictures.split(32)]))
    return found


def train_unet(
    every: Sequence[RenderedScenes], vae: AutoencoderKL, words: CLIPTokenizer, chance: random.Random
) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    """Train the UNet (velocity prediction) together with the text encoder."""
    unet, text = build_networks(words)
    noise = torch.Generator().manual_seed(SEED)
    schedule = scheduler()
    latents = dict(zip((id(one) for one in every), encode_pictures(vae, every), strict=True))
    both = [*unet.parameters(), *text.parameters()]
    learner = torch.optim.AdamW(both, lr=1.0, weight_decay=0.01)
    average = EMAModel(both, decay=0.998, use_ema_warmup=True, power=0.8)
    for step, (one, chosen) in enumerate(batches(every, UNET_STEPS, chance)):
        learner.param_groups[0]["lr"] = learning_rate(step, UNET_STEPS, 1.2e-3)
        real = latents[id(one)][chosen] * vae.config.scaling_factor
        told = [one.scenes[at].describe(chance) for at in chosen]
        at = torch.randint(0, schedule.config.num_train_timesteps, (len(chosen),), generator=noise)
        added = torch.randn(real.shape, generator=noise)
        noisy, wanted = schedule.add_noise(real, added, at), schedule.get_velocity(real, added, at)
        context = text(tokens(words, told))[0]
        made = unet(noisy.to(memory_format=torch.channels_last), at, context).sample
        loss = nn.mse_loss(made, wanted)
        training_step(learner, loss, unet)
        average.step(both)
        print_progress("unet", step, UNET_STEPS, loss)
    average.copy_to(both)
    return unet.eval(), text.eval()


def build_networks(words: CLIPTokenizer) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    """Return the untrained UNet (three million parameters) and text encoder (about 200,000)."""
    unet = UNet2DConditionModel(
        sample_size=(24, 32),
        in_channels=4,
        out_channels=4,
        block_out_channels=(40, 72, 96),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=WIDE,
        attention_head_dim=8,
        norm_num_groups=8,
    ).to(memory_format=torch.channels_last)
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=WIDE,
            intermediate_size=2 * WIDE,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )
    return unet, text


def scheduler() -> DDIMScheduler:
    """Return a scheduler like that of Stable Diffusion, but with velocity prediction and starting
    from pure noise."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def tokens(words: CLIPTokenizer, told: Sequence[str]) -> torch.Tensor:
    """Return token IDs of shape (count, 32), as the pipeline computes them."""
    made = words(
        list(told),
        padding="max_length",
        max_length=MAX_TOKENS,
        truncation=True,
        return_tensors="pt",
    )
    return made.input_ids


def training_step(
    learner: torch.optim.Optimizer, loss: torch.Tensor, network: torch.nn.Module
) -> None:
    """Run one optimizer step."""
    learner.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    learner.step()


def print_progress(what: str, step: int, steps: int, loss: torch.Tensor) -> None:
    """Print the loss every hundred steps."""
    if step % 100 == 0 or step == steps - 1:
        print(f"{what} {step + 1}/{steps} loss {float(loss):.4f}", flush=True)


def main() -> None:
    """Train the model and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    torch.manual_seed(SEED)
    chance = random.Random(SEED)  # noqa: S311 - variety, not secrecy
    every = render_scenes(chance)
    print("drawn", flush=True)
    words = tokenizer(folder, chance)
    print(f"{len(words)} tokens", flush=True)
    vae = train_vae(every, chance)
    unet, text = train_unet(every, vae, words, chance)
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=words,
        unet=unet,
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(torch.float16)
    shutil.rmtree(folder, ignore_errors=True)
    pipeline.save_pretrained(folder)
    (folder / "greenroom.json").write_text('{"label": "demo"}\n', "utf-8")


if __name__ == "__main__":
    main()
