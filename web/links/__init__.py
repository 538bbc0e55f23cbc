"""Pages behind links: calendar subscriptions, client links, media URLs and short links."""
