"""`greenroom run-day`: one day of a creator, from pictures to replies, as a timeline."""
