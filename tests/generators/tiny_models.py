"""Random weights in the real layouts of diffusers, one or two megabytes each, so that the real code
runs on noise. Needs the extra `diffusion`."""

from pathlib import Path
from typing import Any

from generators.engines.text.langchain import load_attribute

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NAMES = ["<|startoftext|>", "<|endoftext|>", *(f"{letter}</w>" for letter in LETTERS), *LETTERS]
WIDE = 32


def seeded(seed: int = 0) -> None:
    load_attribute("torch", "set_num_threads")(
        1
    )  # more threads cost more than they save on models this small
    load_attribute("torch", "manual_seed")(seed)


def tokenizer() -> Any:
    return load_attribute("transformers", "CLIPTokenizer")(
        vocab={name: at for at, name in enumerate(NAMES)}, merges=[], model_max_length=32
    )


def clip(**changes: Any) -> Any:
    """Return the configuration of a text encoder."""
    given = {
        "vocab_size": 60,
        "hidden_size": WIDE,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 32,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    return load_attribute("transformers", "CLIPTextConfig")(**{**given, **changes})


def t5(wide: int = WIDE) -> Any:
    config = load_attribute("transformers", "T5Config")(
        vocab_size=60,
        d_model=wide,
        d_kv=8,
        d_ff=64,
        num_layers=1,
        num_heads=4,
        decoder_start_token_id=0,
    )
    return load_attribute("transformers", "T5EncoderModel")(config)


def vae(latents: int = 4, **changes: Any) -> Any:
    return load_attribute("diffusers", "AutoencoderKL")(
        block_out_channels=(16, 32, 32, 32),
        norm_num_groups=8,
        latent_channels=latents,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        **changes,
    )


def unet(context: int = WIDE, **changes: Any) -> Any:
    return load_attribute("diffusers", "UNet2DConditionModel")(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(16, 32),
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=context,
        attention_head_dim=8,
        **changes,
    )


def ddim() -> Any:
    return load_attribute("diffusers", "DDIMScheduler")(steps_offset=1, clip_sample=False)


def sd15(folder: Path, seed: int = 0) -> Path:
    """Write a model in the layout of Stable Diffusion 1.5."""
    seeded(seed)
    load_attribute("diffusers", "StableDiffusionPipeline")(
        unet=unet(),
        vae=vae(),
        text_encoder=load_attribute("transformers", "CLIPTextModel")(clip()),
        tokenizer=tokenizer(),
        scheduler=ddim(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def sdxl(folder: Path, second: int = WIDE) -> Path:
    """Write a model in the layout of Stable Diffusion XL: two text encoders, the second `second`
    wide, and sizes among the conditions."""
    seeded()
    load_attribute("diffusers", "StableDiffusionXLPipeline")(
        unet=unet(
            WIDE + second,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=second + 6 * 8,
        ),
        vae=vae(),
        text_encoder=load_attribute("transformers", "CLIPTextModel")(clip()),
        text_encoder_2=load_attribute("transformers", "CLIPTextModelWithProjection")(
            clip(hidden_size=second, projection_dim=second)
        ),
        tokenizer=tokenizer(),
        tokenizer_2=tokenizer(),
        scheduler=ddim(),
    ).save_pretrained(folder)
    return folder


def flux(folder: Path) -> Path:
    """Write a model in the layout of Flux: a transformer, flow matching, CLIP and T5."""
    seeded()
    load_attribute("diffusers", "FluxPipeline")(
        scheduler=load_attribute("diffusers", "FlowMatchEulerDiscreteScheduler")(),
        vae=vae(
            1, shift_factor=0.0, scaling_factor=1.0, use_quant_conv=False, use_post_quant_conv=False
        ),
        text_encoder=load_attribute("transformers", "CLIPTextModel")(clip(projection_dim=WIDE)),
        tokenizer=tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=tokenizer(),
        transformer=load_attribute("diffusers", "FluxTransformer2DModel")(
            patch_size=1,
            in_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDE,
            pooled_projection_dim=WIDE,
            axes_dims_rope=(4, 4, 8),
        ),
    ).save_pretrained(folder)
    return folder


def sd3(folder: Path) -> Path:
    """Write a model in the layout of Stable Diffusion 3: a transformer, flow matching, two CLIP
    encoders and T5."""
    seeded()
    load_attribute("diffusers", "StableDiffusion3Pipeline")(
        transformer=load_attribute("diffusers", "SD3Transformer2DModel")(
            sample_size=8,
            patch_size=1,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            caption_projection_dim=WIDE,
            joint_attention_dim=2 * WIDE,
            pooled_projection_dim=2 * WIDE,
            out_channels=4,
        ),
        scheduler=load_attribute("diffusers", "FlowMatchEulerDiscreteScheduler")(),
        vae=vae(
            shift_factor=0.0, scaling_factor=1.0, use_quant_conv=False, use_post_quant_conv=False
        ),
        text_encoder=load_attribute("transformers", "CLIPTextModelWithProjection")(
            clip(projection_dim=WIDE)
        ),
        tokenizer=tokenizer(),
        text_encoder_2=load_attribute("transformers", "CLIPTextModelWithProjection")(
            clip(projection_dim=WIDE)
        ),
        tokenizer_2=tokenizer(),
        text_encoder_3=t5(2 * WIDE),
        tokenizer_3=tokenizer(),
    ).save_pretrained(folder)
    return folder


def lora(file: Path, model: Path, seed: int = 1) -> Path:
    """Write a LoRA with non-zero weights for the attention of a model's network."""
    torch = load_attribute("torch", "nn")
    network = load_attribute("diffusers", "UNet2DConditionModel").from_pretrained(model / "unet")
    seeded(seed)
    network.add_adapter(
        load_attribute("peft", "LoraConfig")(
            r=2, lora_alpha=4, target_modules=["to_q", "to_k", "to_v"]
        )
    )
    for name, weight in network.named_parameters():
        if "lora_B" in name:
            torch.init.normal_(weight, std=0.5)
    state = load_attribute("peft.utils", "get_peft_model_state_dict")(network)
    convert = load_attribute("diffusers.utils", "convert_state_dict_to_diffusers")
    load_attribute("diffusers", "StableDiffusionPipeline").save_lora_weights(
        file.parent, unet_lora_layers=convert(state), weight_name=file.name
    )
    return file


def references(folder: Path, model: Path) -> Path:
    """Write an IP-Adapter for a model: the picture encoder and one file of weights in the original
    layout."""
    seeded(2)
    vision = load_attribute("transformers", "CLIPVisionConfig")(
        hidden_size=WIDE,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
        projection_dim=WIDE,
    )
    load_attribute("transformers", "CLIPVisionModelWithProjection")(vision).save_pretrained(
        folder / "image_encoder"
    )
    torch_randn = load_attribute("torch", "randn")
    network = load_attribute("diffusers", "UNet2DConditionModel").from_pretrained(model / "unet")
    names = [name for name in network.attn_processors if name.endswith("attn2.processor")]
    state = {
        "image_proj.proj.weight": torch_randn(4 * WIDE, WIDE),
        "image_proj.proj.bias": torch_randn(4 * WIDE),
        "image_proj.norm.weight": torch_randn(WIDE),
        "image_proj.norm.bias": torch_randn(WIDE),
    }
    for at, name in enumerate(names):
        channels = network.get_submodule(name.removesuffix(".processor")).to_q.out_features
        state[f"ip_adapter.{2 * at + 1}.to_k_ip.weight"] = torch_randn(channels, WIDE)
        state[f"ip_adapter.{2 * at + 1}.to_v_ip.weight"] = torch_randn(channels, WIDE)
    load_attribute("safetensors.torch", "save_file")(state, folder / "ip-adapter.safetensors")
    return folder


def poses(folder: Path, model: Path) -> Path:
    """Write a ControlNet for a model."""
    seeded(3)
    network = load_attribute("diffusers", "UNet2DConditionModel").from_pretrained(model / "unet")
    net = load_attribute("diffusers", "ControlNetModel").from_unet(
        network, conditioning_channels=3, conditioning_embedding_out_channels=(8, 8, 16, 16)
    )
    for block in net.controlnet_down_blocks:
        load_attribute("torch.nn.init", "normal_")(block.weight, std=0.5)
    # it is zero before training, and the pose would change nothing
    load_attribute("torch.nn.init", "normal_")(
        net.controlnet_cond_embedding.conv_out.weight, std=0.5
    )
    net.save_pretrained(folder)
    return folder
