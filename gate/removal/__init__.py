"""Removal requests from the public: rulings, receipts, recall and transparency figures."""
