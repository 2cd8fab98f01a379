"""`python -m tfhooks.smoke`: checks in under a minute whether this machine trains with tfhooks."""
