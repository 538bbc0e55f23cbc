"""The pages of the dashboard, one sub-package for each address. `posts` contains the parts that
several pages share. Navigation, sign-in and layout are in `dashboard.shell`."""
