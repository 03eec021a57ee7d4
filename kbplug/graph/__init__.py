"""Graphs of array operations as data: specs, ops, nodes, tensors. This layer knows no array library and no op by name."""
