"""A random Stable Diffusion folder of two megabytes: the real pipeline on noise. Needs torch and diffusers."""

from pathlib import Path

from generators.engines.langchain import load


def tiny_model(folder: Path) -> Path:
    """Write the folder in diffusers' layout and return it."""
    load("torch", "manual_seed")(0)
    unet = load("diffusers", "UNet2DConditionModel")(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(16, 32),
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=8,
    )
    vae = load("diffusers", "AutoencoderKL")(
        block_out_channels=(16, 32, 32, 32),
        norm_num_groups=8,
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    )
    config = load("transformers", "CLIPTextConfig")(
        vocab_size=40, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4
    )
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = ["<|startoftext|>", "<|endoftext|>", *(f"{letter}</w>" for letter in letters)]
    tokenizer = load("transformers", "CLIPTokenizer")(
        vocab={n: i for i, n in enumerate(names)}, merges=[], model_max_length=32
    )
    load("diffusers", "StableDiffusionPipeline")(
        unet=unet,
        vae=vae,
        text_encoder=load("transformers", "CLIPTextModel")(config),
        tokenizer=tokenizer,
        scheduler=load("diffusers", "DDIMScheduler")(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder
