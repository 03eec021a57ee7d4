"""Windows over known and unknown sizes."""

from __future__ import annotations

import pytest

from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.window import Window, channel_axis, spatial_axes, windows


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("window", range(1, 5))
@pytest.mark.parametrize("stride", range(1, 4))
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same", "causal", ((1, 2),)])
def test_count_is_the_number_of_places_where_the_window_fits(size, window, stride, dilation, padding):
    span = dilation * (window - 1) + 1
    if padding in ("valid", ((1, 2),)) and span > size + (3 if padding == ((1, 2),) else 0):
        with pytest.raises(ShapeError, match=f"spans {span}, which does not fit into a dimension of size {size}"):
            windows("conv", (size,), (window,), strides=stride, padding=padding, dilation=dilation)
        return
    (found,) = windows("conv", (size,), (window,), strides=stride, padding=padding, dilation=dilation)
    starts = range(-found.before, size + found.after - span + 1, stride)
    assert found.count == len(starts)
    assert found.span == span
    if padding == "same":
        assert found.count == -(-size // stride)
        assert 0 <= found.after - found.before <= 1


def test_same_padding_waits_for_the_size_only_if_it_must():
    assert windows("conv", (None,), (3,), padding="same") == (Window(3, 1, 1, 1, 1, None),)
    assert windows("conv", (None,), (3,), strides=2, padding="same") == (Window(3, 2, 1),)
    assert windows("conv", (8,), (None,), strides=2, padding="same") == (Window(None, 2, 1, None, None, 4),)
    assert windows("conv", (None,), (3,), strides=2, padding="causal", dilation=2) == (Window(3, 2, 2, 4, 0, None),)


def test_layouts():
    assert (channel_axis(4, "channels_last"), spatial_axes(4, "channels_last")) == (3, (1, 2))
    assert (channel_axis(4, "channels_first"), spatial_axes(4, "channels_first")) == (1, (2, 3))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: windows("conv", (5,), (3, 3)), r"conv slides over 1 dimensions, but its window \(3, 3\) has 2"),
        (lambda: windows("conv", (5,), (2.5,)), r"has the window \(2.5,\); each size must be a whole number"),
        (
            lambda: windows("conv", (5,), (0,)),
            r"window \(0,\); each size must be a whole number of 1 or more",
        ),
        (
            lambda: windows("conv", (5,), (3,), strides=0),
            "conv has strides 0; it takes a positive integer, or 1 of them",
        ),
        (lambda: windows("conv", (5,), (3,), strides=(1, 2)), r"conv has strides \(1, 2\)"),
        (lambda: windows("conv", (5,), (3,), dilation=-1), "conv has dilation -1"),
        (
            lambda: windows("conv", (5,), (3,), padding="full"),
            "conv has the padding 'full'; use valid, same, causal or pairs",
        ),
        (
            lambda: windows("conv", (5,), (3,), padding=((1, -1),)),
            r"1 pairs \(before, after\) of non-negative integers",
        ),
        (lambda: channel_axis(4, "NHWC"), "The data format 'NHWC' is none of 'channels_last' and 'channels_first'"),
    ],
)
def test_bad_arguments(call, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        call()
