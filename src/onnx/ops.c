/* The operator table: everything that the importer knows about an operator by name. To support another one,
 * write its lower (on activations) or fold (on constants) function and give it a row here. */
#include "onnx/import.h"

#include <limits.h>
#include <string.h>

#define PAD SS_TAKES_PAD
#define ANY (SS_TAKES_PAD | SS_TAKES_SOFTMAX)

static const char use_relu[] = "use ReLU, ReLU6 or ThresholdedReLU, which make the zeros that can be skipped";
static const char fold_it[] = "only constants can be computed with it; export a plain convolutional network";
static const char float_first[] = "export the float network; skipstream quantises it itself";
static const char cut_it[] = "end the network at its class scores";

static const ss_op_info table[] = {
    /* name, inputs at least and at most, on constants, on activations, takes up, unsupported: same shape,
       remedy */
    { "Conv", 2, 3, NULL, ss_lower_conv, PAD, false, "" },
    { "Gemm", 2, 3, NULL, ss_lower_gemm, 0, false, "" },
    { "MatMul", 2, 2, NULL, ss_lower_matmul, 0, false, "" },
    { "BatchNormalization", 5, 5, NULL, ss_lower_batchnorm, 0, false, "" },
    { "Relu", 1, 1, NULL, ss_lower_relu, 0, false, "" },
    { "ThresholdedRelu", 1, 1, NULL, ss_lower_relu, 0, false, "" },
    { "Clip", 1, 3, NULL, ss_lower_clip, 0, true, "" },
    { "MaxPool", 1, 1, NULL, ss_lower_maxpool, PAD, false, "" },
    { "AveragePool", 1, 1, NULL, ss_lower_avgpool, PAD, false, "" },
    { "GlobalAveragePool", 1, 1, NULL, ss_lower_globalpool, 0, false, "" },
    { "GlobalMaxPool", 1, 1, NULL, ss_lower_globalpool, 0, false, "" },
    { "ReduceMean", 1, 2, NULL, ss_lower_reduce_mean, 0, false, "" },
    { "Add", 2, 2, ss_fold_binary, ss_lower_arith, 0, true, "" },
    { "Sub", 2, 2, ss_fold_binary, ss_lower_arith, 0, true, "" },
    { "Mul", 2, 2, ss_fold_binary, ss_lower_arith, 0, true, "" },
    { "Div", 2, 2, ss_fold_binary, ss_lower_arith, 0, true, "" },
    { "Sum", 1, INT_MAX, NULL, ss_lower_sum, 0, true, "" },
    { "Concat", 1, INT_MAX, ss_fold_concat, ss_lower_concat, 0, false, "" },
    { "Slice", 1, 5, ss_fold_slice, ss_lower_slice, 0, false, "" },
    { "Pad", 1, 4, NULL, ss_lower_pad, PAD, false, "" },
    { "Flatten", 1, 1, ss_fold_flatten, ss_lower_flatten, 0, false, "" },
    { "Reshape", 2, 2, ss_fold_reshape, ss_lower_reshape, 0, false, "" },
    { "Squeeze", 1, 2, ss_fold_squeeze, ss_lower_squeeze, 0, false, "" },
    { "Unsqueeze", 1, 2, ss_fold_unsqueeze, ss_lower_unsqueeze, 0, false, "" },
    { "Transpose", 1, 1, ss_fold_transpose, ss_lower_transpose, 0, false, "" },
    { "Identity", 1, 1, ss_lower_identity, ss_lower_identity, ANY, true, "" },
    { "Dropout", 1, 3, ss_lower_dropout, ss_lower_dropout, ANY, true, "" },
    { "Softmax", 1, 1, NULL, ss_lower_softmax, 0, true, "" },
    { "LogSoftmax", 1, 1, NULL, ss_lower_softmax, 0, true, "" },
    { "Sigmoid", 1, 1, NULL, ss_lower_softmax, 0, true, "" },

    { "Constant", 0, 0, ss_fold_constant, NULL, 0, false, "" },
    { "ConstantOfShape", 1, 1, ss_fold_constant_of_shape, NULL, 0, false, fold_it },
    { "Shape", 1, 1, ss_fold_shape, ss_fold_shape, ANY, false, "" },
    { "Size", 1, 1, ss_fold_size, ss_fold_size, ANY, false, "" },
    { "Range", 3, 3, ss_fold_range, NULL, 0, false, fold_it },
    { "Gather", 2, 2, ss_fold_gather, NULL, 0, false, fold_it },
    { "Cast", 1, 1, ss_fold_cast, NULL, 0, true, fold_it },
    { "Expand", 2, 2, ss_fold_expand, NULL, 0, false, fold_it },
    { "Where", 3, 3, ss_fold_where, NULL, 0, true, fold_it },
    { "Equal", 2, 2, ss_fold_binary, NULL, 0, true, fold_it },
    { "Less", 2, 2, ss_fold_binary, NULL, 0, true, fold_it },
    { "Greater", 2, 2, ss_fold_binary, NULL, 0, true, fold_it },
    { "And", 2, 2, ss_fold_binary, NULL, 0, true, fold_it },
    { "Or", 2, 2, ss_fold_binary, NULL, 0, true, fold_it },
    { "Max", 2, 2, ss_fold_binary, NULL, 0, true, use_relu },
    { "Min", 2, 2, ss_fold_binary, NULL, 0, true, use_relu },
    { "Pow", 2, 2, ss_fold_binary, NULL, 0, true, fold_it },
    { "Mod", 2, 2, ss_fold_binary, NULL, 0, true, fold_it },
    { "Neg", 1, 1, ss_fold_unary, NULL, 0, true, fold_it },
    { "Abs", 1, 1, ss_fold_unary, NULL, 0, true, fold_it },
    { "Sqrt", 1, 1, ss_fold_unary, NULL, 0, true, fold_it },
    { "Floor", 1, 1, ss_fold_unary, NULL, 0, true, fold_it },
    { "Ceil", 1, 1, ss_fold_unary, NULL, 0, true, fold_it },
    { "Reciprocal", 1, 1, ss_fold_unary, NULL, 0, true, fold_it },

    /* known, not supported: a remedy that fits, and the shape behind it */
    { "LeakyRelu", 1, 1, NULL, NULL, 0, true, use_relu },
    { "PRelu", 2, 2, NULL, NULL, 0, true, use_relu },
    { "Elu", 1, 1, NULL, NULL, 0, true, use_relu },
    { "Selu", 1, 1, NULL, NULL, 0, true, use_relu },
    { "Celu", 1, 1, NULL, NULL, 0, true, use_relu },
    { "Tanh", 1, 1, NULL, NULL, 0, true, use_relu },
    { "Erf", 1, 1, NULL, NULL, 0, true, use_relu },
    { "Softplus", 1, 1, NULL, NULL, 0, true, use_relu },
    { "Softsign", 1, 1, NULL, NULL, 0, true, use_relu },
    { "HardSigmoid", 1, 1, NULL, NULL, 0, true, use_relu },
    { "HardSwish", 1, 1, NULL, NULL, 0, true, use_relu },
    { "Mish", 1, 1, NULL, NULL, 0, true, use_relu },
    { "LRN", 1, 1, NULL, NULL, 0, true, "use BatchNorm" },
    { "InstanceNormalization", 3, 3, NULL, NULL, 0, true, "use BatchNorm" },
    { "GroupNormalization", 3, 3, NULL, NULL, 0, true, "use BatchNorm" },
    { "LayerNormalization", 2, 3, NULL, NULL, 0, true, "use BatchNorm" },
    { "ArgMax", 1, 1, NULL, NULL, 0, false, cut_it },
    { "TopK", 1, 2, NULL, NULL, 0, false, cut_it },
    { "ConvTranspose", 2, 3, NULL, NULL, 0, false, "use Conv" },
    { "QuantizeLinear", 2, 3, NULL, NULL, 0, true, float_first },
    { "DequantizeLinear", 2, 3, NULL, NULL, 0, true, float_first },
    { "QLinearConv", 8, 9, NULL, NULL, 0, false, float_first },
    { "ConvInteger", 2, 4, NULL, NULL, 0, false, float_first },
    { "MatMulInteger", 2, 4, NULL, NULL, 0, false, float_first },
};

const ss_op_info *ss_op_find(const char *name) {
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++)
        if (strcmp(table[k].name, name) == 0) return &table[k];
    return NULL;
}
