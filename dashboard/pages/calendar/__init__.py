"""The calendar: its views, lanes, filters and labels, and drag and drop."""
