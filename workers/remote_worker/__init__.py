"""`greenroom worker`: an agency's own machine that draws pictures for an installation."""
