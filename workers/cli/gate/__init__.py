"""Commands of the gate: decisions, rules, releases, removal requests and exports."""
