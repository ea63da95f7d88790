"""The checks, by what they look at; each takes a bench, raises what does not hold, and returns what it learned."""
