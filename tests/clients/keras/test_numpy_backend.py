"""K against Keras's own NumPy backend, over the whole list of what that has."""

import warnings

import numpy as np
import pytest
from keras.backend import numpy_backend as reference

from kbplug import backend as K

generator = np.random.RandomState(0)
X2, X3, X4, X5 = (generator.normal(size=s) for s in [(3, 4), (2, 3, 4), (2, 5, 6, 3), (2, 4, 5, 4, 2)])
POSITIVE = np.abs(X2) + 0.1
ROWS = POSITIVE / POSITIVE.sum(-1, keepdims=True)
CHANCES = 1 / (1 + np.exp(-X2))
TARGETS = np.eye(4)[[1, 0, 3]]
VECTOR = [generator.uniform(0.5, 2, 4) for _ in range(4)]
INTEGERS = np.array([[0, 2], [1, 1]])
LAYOUTS = ("channels_last", "channels_first")


def kernel(*shape):
    return generator.normal(size=shape)


def reduced():
    return [((X3,), {"axis": a, "keepdims": k}) for a in (None, 0, -1, (0, 2)) for k in (False, True)]


def along(*axes):
    return [((X3,), {"axis": a}) for a in axes]


def truths():
    return [((X3 > 0,), {"axis": a, "keepdims": k}) for a in (None, 0, -1) for k in (False, True)]


def windows(channels, *shape):
    """Return images of a number of dimensions in both layouts, with the options of a convolution."""
    images = {"channels_last": kernel(2, *shape, channels), "channels_first": kernel(2, channels, *shape)}
    return [(x, {"padding": p, "data_format": layout}) for layout, x in images.items() for p in ("valid", "same")]


def convolutions(*kernels):
    rank = kernels[0].ndim - 2
    shape, channels = (6, 5, 4)[:rank], kernels[0].shape[rank]
    return [((x, *kernels), options) for x, options in windows(channels, *shape)]


def transposed(k):
    rank = k.ndim - 2
    found = [(x, o) for x, o in windows(k.shape[-1], *(6, 5, 4)[:rank]) if o["padding"] == "same"]
    return [((x, k, shape_of_output(x, k, o)), o) for x, o in found]


def shape_of_output(x, k, options):
    places = x.shape[2:] if options["data_format"] == "channels_first" else x.shape[1:-1]
    return (2, k.shape[-2], *places) if options["data_format"] == "channels_first" else (2, *places, k.shape[-2])


def pools(rank):
    made = windows(3, *(6, 5, 4)[:rank])
    steps = [(s,) * rank for s in (1, 2)]
    return [
        ((x,), {**o, "pool_size": (3,) * rank, "strides": s, "pool_mode": m})
        for x, o in made
        for s in steps
        for m in ("max", "avg")
        if o["padding"] == "valid" or s == (1,) * rank  # it pads otherwise than Keras where steps are longer
    ]


def plain(*several):
    return [(arguments, {}) for arguments in several]


UNARY = plain((X2,), (X3,))
PAIRS = plain((X2, X2.round()), (X2.round(), 0.0))

CASES = {
    **dict.fromkeys(["max", "min", "mean", "var", "std", "sum", "prod", "logsumexp"], reduced()),
    **dict.fromkeys(["any", "all"], truths()),
    **dict.fromkeys(["cumsum", "cumprod", "argmax", "argmin"], along(0, 1, -1)),
    **dict.fromkeys(["square", "abs", "exp", "round", "sign", "cos", "sin", "tanh"], UNARY),
    **dict.fromkeys(["sigmoid", "hard_sigmoid", "softplus", "softsign"], UNARY),
    **dict.fromkeys(["sqrt", "log"], plain((POSITIVE,))),
    **dict.fromkeys(["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"], PAIRS),
    **dict.fromkeys(["maximum", "minimum"], PAIRS),
    **dict.fromkeys(["flatten", "batch_flatten", "transpose"], UNARY),
    **dict.fromkeys(["eval", "get_value", "variable", "constant"], plain((X2,))),
    **dict.fromkeys(["int_shape", "get_variable_shape", "count_params", "ndim", "dtype"], UNARY),
    **dict.fromkeys(["zeros_like", "ones_like"], plain((np.float32(X2),))),
    **dict.fromkeys(["zeros", "ones"], plain(((2, 3),))),
    "eye": plain((3,), ((2, 3),)),
    "relu": [
        ((X2,), {"alpha": a, "max_value": m, "threshold": t}) for a in (0.0, 0.2) for m in (None, 0.8) for t in (0, 0.3)
    ],
    "elu": plain((X2,), (X2, 0.3)),
    **dict.fromkeys(["softmax", "l2_normalize"], along(-1, 1)),
    "pow": plain((X2, 2), (POSITIVE, 0.5)),
    "clip": plain((X2, -0.5, 0.5)),
    "binary_crossentropy": [((TARGETS, CHANCES), {}), ((TARGETS, X2), {"from_logits": True})],
    "categorical_crossentropy": [((TARGETS, ROWS), {}), ((TARGETS, X2), {"from_logits": True})],
    "in_top_k": plain(*((np.float32(X2), np.array([1, 0, 3]), k) for k in (1, 2, 3))),
    "bias_add": [
        ((np.moveaxis(X4, -1, 1 if f == "channels_first" else -1), VECTOR[0][:3]), {"data_format": f}) for f in LAYOUTS
    ],
    "conv1d": convolutions(kernel(3, 2, 4)),
    "conv2d": convolutions(kernel(3, 3, 2, 4)),
    "conv3d": convolutions(kernel(3, 3, 3, 2, 4)),
    "depthwise_conv2d": convolutions(kernel(3, 3, 2, 3)),
    "separable_conv1d": convolutions(kernel(3, 2, 3), kernel(1, 6, 4)),
    "separable_conv2d": convolutions(kernel(3, 3, 2, 3), kernel(1, 1, 6, 4)),
    "conv2d_transpose": transposed(kernel(3, 3, 4, 2)),
    "conv3d_transpose": transposed(kernel(3, 3, 3, 4, 2)),
    "pool2d": pools(2),
    "pool3d": pools(3),
    "concatenate": [(([X3, X3 + 1],), {"axis": a}) for a in (0, 1, -1)],
    "stack": [(([X3, X3 + 1],), {"axis": a}) for a in (0, 1, 3)],
    "permute_dimensions": plain((X3, (2, 0, 1)), (X4, [0, 3, 1, 2])),
    "reshape": plain((X3, (4, 6)), (X3, (-1, 2))),
    "repeat_elements": plain((X3, 2, 1), (X3, 3, -1)),
    "repeat": plain((X2, 3)),
    "tile": plain((X2, [2, 3])),
    "reverse": plain((X3, 1), (X3, (0, 2))),
    "slice": plain((X3, [0, 1, 1], [2, 2, 3])),
    "gather": plain((X2, INTEGERS)),
    "one_hot": plain((INTEGERS, 4)),
    "arange": plain((5,), (2, 9, 3)),
    "expand_dims": plain((X2, 1), (X2, -1)),
    "squeeze": plain((X3[:, :1], 1)),
    "temporal_padding": plain((X3,), (X3, (2, 1))),
    "spatial_2d_padding": [((X4, ((1, 2), (0, 1))), {"data_format": f}) for f in LAYOUTS],
    "spatial_3d_padding": [((X5, ((1, 2), (0, 1), (2, 0))), {"data_format": f}) for f in LAYOUTS],
    "resize_images": [((X4, 2, 3), {"data_format": f}) for f in LAYOUTS],
    "resize_volumes": [((X5, 2, 3, 1), {"data_format": f}) for f in LAYOUTS],
    "batch_normalization": plain((X2, *VECTOR)),
    "dot": plain((X2, X2.T), (X3, X2.T)),
    "batch_dot": plain((X3, X3.swapaxes(1, 2), (2, 1)), (X3, X3, (2, 2)), (X2, X2, 1)),
    "switch": plain((np.bool_(True), X2, X2 + 1), (X2 > 0, X2, X2 + 1)),
    "in_train_phase": plain((X2, X2 + 1, 1), (X2, X2 + 1, 0)),
    "in_test_phase": plain((X2, X2 + 1, 1), (X2, X2 + 1, 0)),
}

# Drawn at random, or of the session: what they share is their arguments, and `test_random.py` has their moments.
OTHERS = "dropout learning_phase print_tensor random_normal_variable random_uniform_variable set_learning_phase".split()
ELSEWHERE = ["ctc_decode", "rnn"]  # below, as they return several things
INNER = ["conv", "conv_transpose", "depthwise_conv", "normalize_conv", "pool", "py_slice", "separable_conv"]
BORROWED = (
    "cast_to_floatx epsilon expit floatx image_data_format normalize_data_format to_categorical transpose_shape".split()
)


def listed():
    """Return the names of the functions that Keras's NumPy backend has."""
    own = {n for n, f in vars(reference).items() if callable(f) and not n.startswith("_")}
    return own - set(INNER) - set(BORROWED)


def test_the_whole_list_is_compared():
    assert listed() == {*CASES, *OTHERS, *ELSEWHERE}


def given(argument):
    """Return an argument as K takes it: arrays as constants of their dtype."""
    if isinstance(argument, list) and isinstance(argument[0], np.ndarray):
        return [given(a) for a in argument]
    return K.constant(argument, dtype=argument.dtype.name) if isinstance(argument, np.ndarray | np.bool_) else argument


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [pytest.param(name, *case, id=f"{name}-{i}") for name, cases in CASES.items() for i, case in enumerate(cases)],
)
def test_values(name, arguments, options):
    take = K.variable if name in ("get_value", "get_variable_shape") else given
    found = getattr(K, name)(*map(take, arguments), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = getattr(reference, name)(*arguments, **options)
    found = K.eval(found) if K.is_tensor(found) else found
    if isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_rnn(backwards, masked):
    x, h, w = kernel(3, 4, 2), kernel(3, 5), kernel(2, 5)
    mask = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1]], dtype=bool) if masked else None
    options = {"go_backwards": backwards, "mask": mask}
    ours = K.rnn(
        lambda e, s: ((new := K.dot(e, s[1]) + 0.5 * s[0]), [new]),
        given(x),
        [given(h)],
        constants=[given(w)],
        **options,
    )
    theirs = reference.rnn(lambda e, s: ((new := e @ s[1] + 0.5 * s[0]), [new]), x, [h], constants=[w], **options)
    for a, b in zip([*ours[:2], *ours[2]], [*theirs[:2], *theirs[2]], strict=True):
        np.testing.assert_allclose(K.eval(a), b, rtol=1e-12)


def test_ctc_decode():
    outputs = np.exp(kernel(3, 6, 4))
    outputs /= outputs.sum(-1, keepdims=True)
    lengths = np.array([6, 4, 5])
    (ours,), scores = K.ctc_decode(given(outputs), given(lengths), greedy=True)
    theirs, expected = reference.ctc_decode(outputs, lengths, greedy=True)
    np.testing.assert_array_equal(K.eval(ours), theirs)
    np.testing.assert_allclose(K.eval(scores), expected, rtol=1e-6)
