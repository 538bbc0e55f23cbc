"""Attribution: the share of each acquisition link in the sales of the fans it brought.

It is observed, not causal: a fan might have come without the link.
"""
