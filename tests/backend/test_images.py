"""Padding against PyTorch; resizing against PyTorch and Pillow."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError, ShapeError

torch = pytest.importorskip("torch")
functional = torch.nn.functional

PADDINGS = {1: (1, 2), 2: ((1, 2), (0, 3)), 3: ((1, 2), (0, 3), (2, 0))}


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("spatial", [2, 3])
def test_padding(spatial, layout, agree, normal):
    last = layout == "channels_last"
    pad = getattr(K, f"spatial_{spatial}d_padding")
    widths = [n for pair in reversed(PADDINGS[spatial]) for n in pair]

    def theirs(x):
        return functional.pad(x, ([0, 0] if last else []) + widths)

    places = (3, 2, 4)[:spatial]
    shape = (2, *places, 3) if last else (2, 3, *places)
    agree(lambda x: pad(x, PADDINGS[spatial], layout), theirs, normal(*shape))


def test_padding_of_sequences(agree, normal):
    K.set_image_data_format("channels_first")  # sequences have no layout
    agree(lambda x: K.temporal_padding(x, (1, 2)), lambda x: functional.pad(x, (0, 0, 1, 2)), normal(2, 3, 4))


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("factors", [(2, 3), (1, 4)])
def test_resizing_is_pytorchs(factors, mode, layout, agree, normal):
    options = {"align_corners": False} if mode == "bilinear" else {}

    def theirs(x):
        x = x.movedim(-1, 1) if layout == "channels_last" else x
        y = functional.interpolate(x, scale_factor=factors, mode=mode, **options)
        return y.movedim(1, -1) if layout == "channels_last" else y

    shape = (2, 3, 4, 5) if layout == "channels_last" else (2, 5, 3, 4)
    agree(lambda x: K.resize_images(x, *factors, layout, mode), theirs, normal(*shape), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("bilinear", "BILINEAR"), ("bicubic", "BICUBIC"), ("lanczos3", "LANCZOS")]
)
def test_resizing_is_pillows(ours, theirs, normal):
    pillow = pytest.importorskip("PIL.Image")
    image = normal(7, 9).astype("float32")
    wanted = pillow.fromarray(image).resize((27, 14), getattr(pillow.Resampling, theirs))
    found = K.eval(K.resize_images(image[None, :, :, None], 2, 3, "channels_last", ours))[0, :, :, 0]
    np.testing.assert_allclose(found, np.asarray(wanted), atol=2e-5)


@pytest.mark.parametrize("mode", ["bicubic", "mitchellcubic", "gaussian", "lanczos3", "lanczos5", "area"])
def test_a_constant_image_stays_constant(mode):
    found = K.eval(K.resize_images(K.ones((1, 3, 4, 1)), 2, 3, "channels_last", mode))
    np.testing.assert_allclose(found, np.ones((1, 6, 12, 1)), rtol=1e-6)


def test_weights_of_mitchells_filter():
    """The filter of B = C = 1/3, written out."""
    row = K.constant(np.eye(9)[4].reshape(1, 1, 9, 1))
    found = K.eval(K.resize_images(row, 1, 3, "channels_last", "mitchellcubic")).ravel()

    def mitchell(d):
        d = abs(d)
        if d < 1:
            return (7 * d**3 - 12 * d**2 + 16 / 3) / 6
        return (-7 / 3 * d**3 + 12 * d**2 - 20 * d + 32 / 3) / 6 if d < 2 else 0.0

    wanted = [mitchell((i + 0.5) / 3 - 0.5 - 4) for i in range(27)]
    np.testing.assert_allclose(found[6:21], wanted[6:21], atol=1e-6)


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_volumes(layout, agree, normal):
    axes = (1, 2, 3) if layout == "channels_last" else (2, 3, 4)

    def theirs(x):
        for axis, factor in zip(axes, (2, 1, 3), strict=True):
            x = x.repeat_interleave(factor, axis)
        return x

    agree(lambda x: K.resize_volumes(x, 2, 1, 3, layout), theirs, normal(2, 2, 3, 2, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: K.resize_images(x, 2, 2, None, "bilinaer"), ArgumentError, "Did you mean 'bilinear'"),
        (lambda x: K.resize_images(x, 0, 2, None), ArgumentError, "must be a positive integer"),
        (lambda x: K.resize_images(x, 2, 1.5, None), ArgumentError, "must be a positive integer"),
        (lambda x: K.resize_volumes(x, 2, 2, 2, None), ShapeError, "needs 5 dimensions"),
        (lambda x: K.spatial_2d_padding(x, ((1.5, 1), (1, 1))), ArgumentError, "A width of padding must be a whole"),
        (lambda x: K.resize_images(x, 2, 2, None, (1, 2)), ArgumentError, r"interpolation .*\(1, 2\)"),
        (K.spatial_3d_padding, ShapeError, "needs 5 in all"),
    ],
)
def test_what_cannot_be_meant(call, error, message):
    with pytest.raises(error, match=message):
        call(K.zeros((1, 2, 2, 1)))
