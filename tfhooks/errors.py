"""What can go wrong, each a subclass of what TensorFlow raises."""
