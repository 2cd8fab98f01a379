"""TensorFlow 1's names and files, as data and as they are loaded."""
