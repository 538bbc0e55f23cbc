"""Removal requests from the public: intake, rulings, receipts, recalls and transparency figures.

Appeals against rulings are in `gate/reviews`; copies are removed from platforms in `channels`.
"""
