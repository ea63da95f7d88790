"""The built-in architectures, one file each; they use only what an outsider's plugin can use."""
