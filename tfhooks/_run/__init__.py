"""One run: whose requests become one, what it calls, and who gets which results."""
