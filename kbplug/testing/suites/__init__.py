"""The suites an engine is put through: cases by tier, gathered by version. A version, once released, never changes."""
