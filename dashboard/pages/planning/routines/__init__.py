"""The routine of a creator: the plan of its days, and the steps of today."""
