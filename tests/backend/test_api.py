"""The names of K, written down: those of Keras 2.3.1, of tf.keras 2.15, and of the backends below the former."""

import inspect

import pytest

from kbplug import backend as K

KERAS_2_3_1 = """
abs all any arange argmax argmin backend batch_dot batch_flatten batch_get_value batch_normalization batch_set_value
bias_add binary_crossentropy cast cast_to_floatx categorical_crossentropy clip concatenate constant control_dependencies
conv1d conv2d conv2d_transpose conv3d conv3d_transpose cos count_params ctc_batch_cost ctc_decode
ctc_label_dense_to_sparse cumprod cumsum depthwise_conv2d dot dropout dtype eager elu epsilon equal eval exp expand_dims
eye flatten floatx foldl foldr function gather get_uid get_value gradients greater greater_equal hard_sigmoid identity
image_data_format in_test_phase in_top_k in_train_phase int_shape is_keras_tensor is_placeholder is_sparse is_tensor
is_variable l2_normalize learning_phase less less_equal local_conv1d local_conv2d log logsumexp map_fn max maximum mean
min minimum moving_average_update name_scope ndim normalize_batch_in_training normalize_data_format not_equal one_hot
ones ones_like permute_dimensions placeholder pool2d pool3d pow print_tensor prod random_binomial random_normal
random_normal_variable random_uniform random_uniform_variable relu repeat repeat_elements reset_uids reshape
resize_images resize_volumes reverse rnn round separable_conv1d separable_conv2d set_epsilon set_floatx
set_image_data_format set_learning_phase set_value shape sigmoid sign sin size slice softmax softplus softsign
sparse_categorical_crossentropy spatial_2d_padding spatial_3d_padding sqrt square squeeze stack std stop_gradient sum
switch symbolic tanh temporal_padding tile to_dense transpose truncated_normal update update_add update_sub var variable
zeros zeros_like
""".split()

BELOW_KERAS = """
clear_session get_session get_variable_shape image_dim_ordering is_symbolic manual_variable_initialization
pattern_broadcast set_image_dim_ordering set_session
""".split()

TF_KERAS_2_15 = """
binary_focal_crossentropy categorical_focal_crossentropy learning_phase_scope random_bernoulli
""".split()

# Parameters by name and in order, where programs give them so; from the Keras and tf.keras documentation.
SIGNATURES = {
    "batch_normalization": "x mean var beta gamma axis epsilon",
    "binary_crossentropy": "target output from_logits",
    "binary_focal_crossentropy": "target output apply_class_balancing alpha gamma from_logits",
    "categorical_crossentropy": "target output from_logits axis",
    "categorical_focal_crossentropy": "target output alpha gamma from_logits axis",
    "conv1d": "x kernel strides padding data_format dilation_rate",
    "conv2d": "x kernel strides padding data_format dilation_rate",
    "conv2d_transpose": "x kernel output_shape strides padding data_format dilation_rate",
    "conv3d_transpose": "x kernel output_shape strides padding data_format",
    "ctc_decode": "y_pred input_length greedy beam_width top_paths merge_repeated",
    "dropout": "x level noise_shape seed",
    "foldl": "fn elems initializer name",
    "local_conv2d": "inputs kernel kernel_size strides output_shape data_format",
    "map_fn": "fn elems name dtype",
    "moving_average_update": "x value momentum",
    "normalize_batch_in_training": "x gamma beta reduction_axes epsilon",
    "placeholder": "shape ndim dtype sparse name",
    "pool2d": "x pool_size strides padding data_format pool_mode",
    "print_tensor": "x message",
    "random_normal": "shape mean stddev dtype seed",
    "random_uniform": "shape minval maxval dtype seed",
    "random_uniform_variable": "shape low high dtype name seed",
    "relu": "x alpha max_value threshold",
    "resize_images": "x height_factor width_factor data_format interpolation",
    "rnn": (
        "step_function inputs initial_states go_backwards mask constants unroll input_length time_major "
        "zero_output_for_mask return_all_outputs"
    ),
    "separable_conv2d": "x depthwise_kernel pointwise_kernel strides padding data_format dilation_rate",
    "sparse_categorical_crossentropy": "target output from_logits axis ignore_class",
    "switch": "condition then_expression else_expression",
    "truncated_normal": "shape mean stddev dtype seed",
    "variable": "value dtype name constraint",
}


def test_keras_imports_154_names():
    assert len(set(KERAS_2_3_1)) == 154


@pytest.mark.parametrize("name", [*KERAS_2_3_1, *BELOW_KERAS, *TF_KERAS_2_15])
def test_every_name_is_an_attribute_that_keras_can_copy(name):
    assert callable(vars(K)[name])
    assert name in K.__all__


def test_nothing_else_is_public():
    assert sorted(K.__all__) == sorted({*KERAS_2_3_1, *BELOW_KERAS, *TF_KERAS_2_15})


@pytest.mark.parametrize("name", SIGNATURES)
def test_parameters_are_those_of_keras(name):
    assert list(inspect.signature(getattr(K, name)).parameters) == SIGNATURES[name].split()


@pytest.mark.parametrize("name", sorted(K.__all__))
def test_every_function_has_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(K, name))
