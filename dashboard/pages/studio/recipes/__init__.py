"""The prompt templates of the studio: their form, versions, wildcards, costs and engines."""
