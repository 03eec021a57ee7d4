"""The conformance kit: samples for every op, and suites that any engine can be put through. Shipped in the wheel."""
