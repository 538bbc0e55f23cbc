"""Image engines, local and hosted, and the preparation of their input pictures.

Local model files and pipelines are in `generators.local_models`; drawn scenes are in
`generators.drawing`.
"""
