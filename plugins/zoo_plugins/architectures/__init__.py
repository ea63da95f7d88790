"""The built-in architectures, a file each."""
