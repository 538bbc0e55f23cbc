"""Remote workers of an agency: leases of run images, and the results that the workers submit.

The registration and API keys of workers are not here; runs are routed in `runs/remote_routing`.
"""
