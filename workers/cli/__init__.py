"""The command line. Commands import their package when they run, so that it starts fast."""
