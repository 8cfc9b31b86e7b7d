"""`manage.py demo`: everything on one machine, with a sandbox where the gateway would be."""
