"""Parts that Facebook, Instagram and Threads share. Not a platform of its own."""
