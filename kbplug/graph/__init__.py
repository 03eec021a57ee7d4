"""Graphs of array operations as data: specs, ops, nodes, tensors. Knows no array library and no op by name."""
