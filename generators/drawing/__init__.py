"""Drawing of demo pictures: scenes drawn with Pillow and numpy from a prompt, without a model.

The engines that use them are `placeholder` and `demo_scenes` in `generators.engines.images`.
"""
