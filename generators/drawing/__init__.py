"""The drawing of demo pictures: scenes drawn from a prompt without a model."""
