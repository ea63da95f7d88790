"""A bundle's answers to a folder of files: each in a worker process, each with a result of its own."""
