"""What every op gives: what it inferred, and what a library that shares no code with it gives."""

from kbplug.testing.application import narrows
from kbplug.testing.checks import check_inference, check_precision, check_unknown_sizes, check_value
from references import INVARIANTS, REFERENCES
from registry.cases import cases, on_engines

OF_ITS_DTYPE = {"nextafter": "what the next number is depends on the dtype"}


def referenced(op, sample):
    return op.name in REFERENCES


def in_double(op, sample):
    return narrows(sample)


def hideable(op, sample):
    return sample.unknown


@on_engines
@cases(referenced)
def test_the_value_is_the_references(op, sample, engine):
    check_value(op, sample, engine, REFERENCES[op.name], invariant=INVARIANTS.get(op.name))


@on_engines
@cases(referenced, in_double)
def test_the_value_is_the_references_in_single_precision(op, sample, engine):
    widen = op.name not in OF_ITS_DTYPE
    check_value(op, sample, engine, REFERENCES[op.name], narrow=True, widen=widen, invariant=INVARIANTS.get(op.name))


@on_engines
@cases()
def test_the_result_is_what_was_inferred(op, sample, engine):
    check_inference(op, sample, engine)


@on_engines
@cases(hideable)
def test_unknown_sizes_change_nothing(op, sample, engine):
    check_inference(op, sample, engine, hidden=True)
    check_unknown_sizes(op, sample, engine)


@cases(in_double)
def test_single_precision_stays_single(op, sample):
    check_precision(op, sample)
