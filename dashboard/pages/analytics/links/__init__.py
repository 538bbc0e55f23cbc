"""The view Links of Analytics: acquisition links with their results, forms and QR codes."""
