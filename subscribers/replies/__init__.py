"""Generated replies: personas, the prompt, the model's turn, checks of its output, and AI
disclosures.

Model engines are in `generators`; the resulting drafts are sent by `subscribers.delivery`.
"""
