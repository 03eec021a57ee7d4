"""The main job as a program that only uses K: a tour of the backend, then a network trained on real digits."""
