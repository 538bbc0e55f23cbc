"""Local diffusion models: weight files, folders, checkpoints, pipelines, devices, and the sharing
of one GPU.

The engines that use them are in `generators.engines.images` and `generators.engines.video`.
"""
