"""State and effects: each value as it is."""

REFERENCES = {
    "read": lambda cell: cell.get(),
    "stop_gradient": lambda x: x,
    "print": lambda x, message="": x,
}
