"""The shipped data set is the published one, whole."""

import csv
import gzip
import hashlib
from collections import Counter
from importlib.resources import files

import pytest

DIGITS = files("kbplug") / "data" / "digits.csv.gz"


@pytest.fixture(scope="module")
def text():
    return gzip.decompress(DIGITS.read_bytes())


def test_the_file_is_the_one_its_readme_describes(text):
    readme = (files("kbplug") / "data" / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(text).hexdigest() in readme


def test_each_line_is_an_image_and_its_digit(text):
    rows = [[int(n) for n in row] for row in csv.reader(text.decode().splitlines())]
    assert {len(row) for row in rows} == {65}
    assert {pixel for row in rows for pixel in row[:64]} == set(range(17))
    # Images per digit, as published with the data set.
    assert Counter(row[64] for row in rows) == dict(enumerate([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]))
