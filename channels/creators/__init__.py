"""Profiles of creators: adding a creator with a public page, texts and pictures that pass the
safety check. States and fields themselves are in `tenants/agencies`."""
