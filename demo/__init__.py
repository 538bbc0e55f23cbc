"""The demo agency, its scripted days and the guided tour. No other package imports it."""
