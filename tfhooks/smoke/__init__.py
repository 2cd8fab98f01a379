"""`python -m tfhooks.smoke`: whether this machine trains with tfhooks, in well under a minute."""
