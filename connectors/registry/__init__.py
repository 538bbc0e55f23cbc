"""The connectors of an installation: those shipped, and those of plugin packages."""
