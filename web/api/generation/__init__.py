"""API routes of recipes, runs, wildcards, costs and suggestions."""
