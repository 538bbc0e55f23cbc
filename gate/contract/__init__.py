"""The types that the other packages exchange with the gate: units, facts, permits, reasons."""
