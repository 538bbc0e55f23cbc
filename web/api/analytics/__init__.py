"""Routes of Analytics: metrics, series, sales, cohorts and costs."""
