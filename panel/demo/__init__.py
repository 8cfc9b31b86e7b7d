"""A believable clinic for `manage.py demo`: its people, its weeks, and ten days really lived."""
