"""TensorFlow's own hooks, a file each."""
