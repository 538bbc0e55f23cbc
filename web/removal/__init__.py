"""Pages for the public: removal requests, receipts, reports and the subject portal."""
