"""Publishing: claim a due delivery, send it through `channels`, settle the outcome."""
