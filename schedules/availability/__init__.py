"""Free times: slots, quiet periods, holidays, minimum intervals and usual hours."""
