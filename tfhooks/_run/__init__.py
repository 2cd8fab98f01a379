"""One run: the hooks it calls, their merged request, and the results that each of them gets."""
