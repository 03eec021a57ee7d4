"""Running graphs: values and cells, emitted functions, one-shot demands, compiled functions. Holds no engine code."""
