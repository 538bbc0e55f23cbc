"""Payment rails: what each platform can charge and refund."""
