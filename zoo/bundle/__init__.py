"""What a serving environment needs of a bundle: manifest, integrity, loading and verification. No TensorFlow."""
