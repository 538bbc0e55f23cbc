"""The guided tour of a demo agency: seven steps that perform real actions. The workers' part of the
steps is in `demo.tour`."""
