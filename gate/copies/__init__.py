"""Published copies, as the gate records them."""
