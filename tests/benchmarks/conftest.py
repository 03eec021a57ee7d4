"""Programs that measure are no tests, and what they import is not always installed."""


def pytest_ignore_collect(collection_path):
    """Leave out every module of this folder but the tests among them."""
    return True if collection_path.suffix == ".py" and not collection_path.name.startswith("test_") else None
