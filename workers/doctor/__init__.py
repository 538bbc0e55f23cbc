"""`greenroom doctor`: check every part of an installation, and advise on what is wrong."""
