"""A believable clinic for `manage.py demo`: its people, its weeks, and some days really lived."""
