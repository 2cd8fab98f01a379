"""Small TensorFlow 1 programs, by topic. A program is a function of `(tf, trace, workdir)`."""
