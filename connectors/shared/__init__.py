"""Parts that several platforms share: options, prices, text counting, rate limits, previews."""
