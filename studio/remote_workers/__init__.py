"""Remote workers of an agency: leases of run images, and the results that the workers submit.

Registration and API keys of the workers are in `tenants/api_keys`; runs are routed in `runs`.
"""
