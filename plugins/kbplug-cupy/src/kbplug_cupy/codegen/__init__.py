"""Graphs to CUDA C++ and launch plans. Nothing below this package imports CuPy or NumPy, so it is tested everywhere."""
