"""No op without samples, and none without a reference that is not ours."""

import pytest

from kbplug.ops import REGISTRY
from kbplug.testing.samples import samples
from references import INVARIANTS, REFERENCES
from registry.cases import LEAVES

# Ops that no sample can feed, or no other library can answer for, and why.
NOT_APPLIED = {
    **dict.fromkeys(LEAVES, "a leaf has no operands"),
    "item": "takes one of several results, as every sample of an op with several does",
}
WORDS = "tests/ops/test_random.py compares with published words and distributions"
DRAWS = ("advance", "bits", "integers", "normal", "truncated_normal", "uniform")
NO_REFERENCE = dict.fromkeys((f"random.{name}" for name in DRAWS), WORDS)


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - set(NOT_APPLIED)))
def test_every_op_has_samples(name):
    present = bool(samples().get(name))
    assert present, f"{name} has no sample in kbplug/testing/samples; no suite can check it"


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - set(NOT_APPLIED) - set(NO_REFERENCE)))
def test_every_op_has_a_reference(name):
    present = name in REFERENCES
    assert present, f"{name} has no reference in tests/references; its values are checked by nothing"


@pytest.mark.parametrize("listed", [NOT_APPLIED, NO_REFERENCE, REFERENCES, INVARIANTS, samples()])
def test_nothing_is_listed_that_is_no_op(listed):
    assert set(listed) <= set(REGISTRY)


def test_what_is_excepted_is_not_also_given():
    assert not set(NOT_APPLIED) & set(samples())
    assert not set(NO_REFERENCE) & set(REFERENCES)
