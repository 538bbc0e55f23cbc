"""Manual tasks: posts that members publish or remove manually, with a paired phone.

The pages of the phone are in `dashboard/phone`.
"""
