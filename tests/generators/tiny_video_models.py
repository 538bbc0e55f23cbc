"""Random weights in the real layouts of diffusers' video models, one or two megabytes each. Needs
the extra `diffusion`."""

from pathlib import Path
from typing import Any

from generators.engines.text.langchain import load_attribute
from tests.generators import tiny_models as tiny
from tests.generators.tiny_models import WIDE


def svd(folder: Path) -> Path:
    """Write a model in the layout of Stable Video Diffusion: no text, the picture through CLIP and
    the VAE."""
    tiny.seeded()
    load_attribute("diffusers", "StableVideoDiffusionPipeline")(
        unet=load_attribute("diffusers", "UNetSpatioTemporalConditionModel")(
            block_out_channels=(32, 32),
            layers_per_block=1,
            sample_size=8,
            in_channels=8,
            out_channels=4,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
            cross_attention_dim=WIDE,
            num_attention_heads=2,
            projection_class_embeddings_input_dim=96,
            addition_time_embed_dim=32,
            num_frames=14,
        ),
        image_encoder=_eyes(),
        scheduler=load_attribute("diffusers", "EulerDiscreteScheduler")(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            use_karras_sigmas=True,
            timestep_type="continuous",
            sigma_min=0.002,
            sigma_max=700.0,
        ),
        vae=load_attribute("diffusers", "AutoencoderKLTemporalDecoder")(
            block_out_channels=(32, 32, 32, 32),
            down_block_types=("DownEncoderBlock2D",) * 4,
            latent_channels=4,
        ),
        feature_extractor=load_attribute("transformers", "CLIPImageProcessor")(
            crop_size=32, size=32
        ),
    ).save_pretrained(folder)
    return folder


def _eyes() -> Any:
    vision = load_attribute("transformers", "CLIPVisionConfig")(
        hidden_size=WIDE,
        projection_dim=WIDE,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=224,  # the pipeline resizes its pictures to this size
        patch_size=56,
    )
    return load_attribute("transformers", "CLIPVisionModelWithProjection")(vision)


def ltx(folder: Path) -> Path:
    """Write a model in the layout of LTX-Video: a transformer, flow matching, T5."""
    tiny.seeded()
    load_attribute("diffusers", "LTXPipeline")(
        transformer=load_attribute("diffusers", "LTXVideoTransformer3DModel")(
            in_channels=8,
            out_channels=8,
            patch_size=1,
            patch_size_t=1,
            num_attention_heads=4,
            attention_head_dim=8,
            cross_attention_dim=32,
            num_layers=1,
            caption_channels=WIDE,
        ),
        vae=load_attribute("diffusers", "AutoencoderKLLTXVideo")(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, True, False),
            decoder_spatio_temporal_scaling=(True, True, True, False),
            decoder_inject_noise=(False,) * 5,
            upsample_residual=(False,) * 4,
            upsample_factor=(1,) * 4,
            timestep_conditioning=False,
            patch_size=4,
            patch_size_t=1,
            encoder_causal=True,
            decoder_causal=False,
        ),
        scheduler=load_attribute("diffusers", "FlowMatchEulerDiscreteScheduler")(),
        text_encoder=tiny.t5(),
        tokenizer=tiny.tokenizer(),
    ).save_pretrained(folder)
    return folder


def wan(folder: Path) -> Path:
    """Write a model in the layout of Wan 2.1 for pictures: a transformer that also takes the
    picture through CLIP, flow matching, UMT5."""
    tiny.seeded()
    config = load_attribute("transformers", "UMT5Config")(
        vocab_size=60,
        d_model=WIDE,
        d_kv=8,
        d_ff=64,
        num_layers=1,
        num_heads=4,
        decoder_start_token_id=0,
    )
    vision = load_attribute("transformers", "CLIPVisionConfig")(
        hidden_size=4,
        projection_dim=4,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        intermediate_size=16,
        patch_size=8,
    )
    load_attribute("diffusers", "WanImageToVideoPipeline")(
        transformer=load_attribute("diffusers", "WanTransformer3DModel")(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=36,
            out_channels=16,
            text_dim=WIDE,
            freq_dim=256,
            ffn_dim=32,
            num_layers=2,
            cross_attn_norm=True,
            qk_norm="rms_norm_across_heads",
            rope_max_seq_len=32,
            image_dim=4,
        ),
        vae=load_attribute("diffusers", "AutoencoderKLWan")(
            base_dim=3,
            z_dim=16,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
        ),
        scheduler=load_attribute("diffusers", "FlowMatchEulerDiscreteScheduler")(shift=7.0),
        text_encoder=load_attribute("transformers", "UMT5EncoderModel")(config),
        tokenizer=tiny.tokenizer(),
        image_encoder=load_attribute("transformers", "CLIPVisionModel")(vision),
        image_processor=load_attribute("transformers", "CLIPImageProcessor")(crop_size=32, size=32),
    ).save_pretrained(folder)
    return folder


def _motion() -> Any:
    return load_attribute("diffusers", "MotionAdapter")(
        block_out_channels=(16, 32),
        motion_layers_per_block=1,
        motion_num_attention_heads=2,
        motion_norm_num_groups=8,
        motion_max_seq_length=24,
        use_motion_mid_block=True,
    )


def adapter(folder: Path) -> Path:
    """Write a motion adapter for `tiny_models.sd15`."""
    tiny.seeded(4)
    _motion().save_pretrained(folder)
    return folder


def animatediff(folder: Path) -> Path:
    """Write a model in the layout of AnimateDiff: Stable Diffusion 1.5 and its motion adapter in
    one folder."""
    tiny.seeded(4)
    load_attribute("diffusers", "AnimateDiffPipeline")(
        unet=tiny.unet(),
        vae=tiny.vae(),
        text_encoder=load_attribute("transformers", "CLIPTextModel")(tiny.clip()),
        tokenizer=tiny.tokenizer(),
        motion_adapter=_motion(),
        scheduler=tiny.ddim(),
    ).save_pretrained(folder)
    return folder
