"""The page Reports: scheduled reports with their recipients, stored reports, and a report of any
period as a file."""
