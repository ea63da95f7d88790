"""What the zoo puts around an architecture's network."""
