"""A believable clinic for `manage.py demo`: its people, its weeks, and one week really lived."""
