/* Constant folding, part two: operators that compute on elements, with broadcasting. Integers wrap as they do
 * in the ONNX runtimes; floats are float, as the exporter would have computed them. */
#include "onnx/import.h"

#include <math.h>
#include <string.h>

/* ---- broadcasting ---- */

typedef struct broadcast {
    int rank;
    int64_t dims[SS_MAX_RANK];
} broadcast;

static bool join(ss_site *s, broadcast *b, const ss_tensor *t) {
    int rank = b->rank > t->rank ? b->rank : t->rank;
    int64_t dims[SS_MAX_RANK];
    for (int d = 0; d < rank; d++) {
        int p = d - (rank - b->rank), q = d - (rank - t->rank);
        int64_t x = p >= 0 ? b->dims[p] : 1, y = q >= 0 ? t->dims[q] : 1;
        if (x != y && x != 1 && y != 1)
            return ss_invalid(s, "dimensions %lld and %lld do not broadcast", (long long)x, (long long)y);
        dims[d] = x == 1 ? y : x;
    }
    b->rank = rank;
    memcpy(b->dims, dims, (size_t)rank * sizeof *dims);
    return true;
}

/* Where element k of the result stands in t. */
static int64_t source(const broadcast *b, const ss_tensor *t, int64_t k) {
    int64_t at = 0, pitch = 1;
    for (int d = b->rank - 1, q = t->rank - 1; q >= 0; d--, q--) {
        if (t->dims[q] != 1) at += (k % b->dims[d]) * pitch;
        pitch *= t->dims[q];
        k /= b->dims[d];
    }
    return at;
}

/* ---- two operands ---- */

typedef enum arith { ADD, SUB, MUL, DIV, EQUAL, LESS, GREATER, AND, OR, MAX, MIN, POW, MOD, N_ARITH } arith;

static arith arith_of(const char *op) {
    static const char *const names[] = { "Add", "Sub", "Mul", "Div", "Equal", "Less", "Greater",
                                         "And", "Or",  "Max", "Min", "Pow",   "Mod" };
    for (int k = 0; k < N_ARITH; k++)
        if (strcmp(op, names[k]) == 0) return (arith)k;
    return N_ARITH;
}

static double on_reals(arith op, double x, double y) {
    switch (op) {
    case ADD:
        return x + y;
    case SUB:
        return x - y;
    case MUL:
        return x * y;
    case DIV:
        return x / y;
    case MAX:
        return x > y ? x : y;
    case MIN:
        return x < y ? x : y;
    case POW:
        return pow(x, y);
    case MOD:
        return fmod(x, y);
    default:
        return 0;
    }
}

static int64_t power(int64_t x, int64_t y) {
    uint64_t r = 1, b = (uint64_t)x;
    for (; y > 0; y >>= 1, b *= b)
        if (y & 1) r *= b;
    return (int64_t)r;
}

/* y != 0 where op divides; x = INT64_MIN, y = -1 was excluded too. */
static int64_t on_integers(arith op, int64_t x, int64_t y) {
    switch (op) {
    case ADD:
        return (int64_t)((uint64_t)x + (uint64_t)y);
    case SUB:
        return (int64_t)((uint64_t)x - (uint64_t)y);
    case MUL:
        return (int64_t)((uint64_t)x * (uint64_t)y);
    case DIV:
        return x / y;
    case MAX:
        return x > y ? x : y;
    case MIN:
        return x < y ? x : y;
    case POW:
        return power(x, y);
    case MOD:
        return x % y != 0 && (x % y < 0) != (y < 0) ? x % y + y : x % y;
    default:
        return 0;
    }
}

static int64_t compare(arith op, double x, double y) {
    switch (op) {
    case EQUAL:
        return x == y;
    case LESS:
        return x < y;
    case GREATER:
        return x > y;
    case AND:
        return x != 0 && y != 0;
    default:
        return x != 0 || y != 0;
    }
}

static bool is_compare(arith op) {
    return op >= EQUAL && op <= OR;
}

bool ss_fold_binary(ss_site *s) {
    const ss_tensor *a = ss_site_const(s, 0), *b = ss_site_const(s, 1);
    broadcast to = { 0 };
    float *f = NULL;
    int64_t *i = NULL;
    int64_t c_remainder = 0;
    arith op = arith_of(s->row->op);
    if (op == MOD && !ss_attr_int(s, "fmod", 0, &c_remainder)) return false;
    if (c_remainder && !a->is_float) return ss_refuse(s, "export with constant sizes", "fmod of integers");
    if (a->is_float != b->is_float && op != POW) return ss_invalid(s, "a float and an integer operand");
    if (!join(s, &to, a) || !join(s, &to, b)) return false;
    bool real = a->is_float && !is_compare(op);
    if (!ss_site_constant(s, real, to.rank, to.dims, &f, &i)) return false;
    for (int64_t k = 0; k < s->out.t.n; k++) {
        int64_t p = source(&to, a, k), q = source(&to, b, k);
        double x = ss_tensor_at(a, p), y = ss_tensor_at(b, q);
        if (is_compare(op)) i[k] = compare(op, x, y);
        else if (real) f[k] = (float)on_reals(op, x, y);
        else if (b->is_float) return ss_refuse(s, "export with constant sizes", "an integer to a real power");
        else if ((op == DIV || op == MOD) && (b->i[q] == 0 || (b->i[q] == -1 && a->i[p] == INT64_MIN)))
            return ss_invalid(s, "a division by zero");
        else i[k] = on_integers(op, a->i[p], b->i[q]);
    }
    return true;
}

bool ss_fold_where(ss_site *s) {
    const ss_tensor *c = ss_site_const(s, 0), *x = ss_site_const(s, 1), *y = ss_site_const(s, 2);
    broadcast to = { 0 };
    float *f = NULL;
    int64_t *i = NULL;
    if (c->is_float || x->is_float != y->is_float) return ss_invalid(s, "operands of the wrong types");
    if (!join(s, &to, c) || !join(s, &to, x) || !join(s, &to, y)) return false;
    if (!ss_site_constant(s, x->is_float, to.rank, to.dims, &f, &i)) return false;
    for (int64_t k = 0; k < s->out.t.n; k++) {
        const ss_tensor *from = c->i[source(&to, c, k)] ? x : y;
        int64_t at = source(&to, from, k);
        if (from->is_float) f[k] = from->f[at];
        else i[k] = from->i[at];
    }
    return true;
}

/* ---- one operand ---- */

static double unary(const char *op, double x) {
    if (strcmp(op, "Neg") == 0) return -x;
    if (strcmp(op, "Sqrt") == 0) return sqrt(x);
    if (strcmp(op, "Floor") == 0) return floor(x);
    if (strcmp(op, "Ceil") == 0) return ceil(x);
    if (strcmp(op, "Abs") == 0) return fabs(x);
    return 1 / x; /* Reciprocal */
}

bool ss_fold_unary(ss_site *s) {
    const ss_tensor *t = ss_site_const(s, 0);
    float *f = NULL;
    int64_t *i = NULL;
    if (!ss_site_constant(s, t->is_float, t->rank, t->dims, &f, &i)) return false;
    bool negate = strcmp(s->row->op, "Neg") == 0, absolute = strcmp(s->row->op, "Abs") == 0;
    if (!t->is_float && !negate && !absolute) return ss_invalid(s, "its operand is not float");
    for (int64_t k = 0; k < t->n; k++) {
        if (t->is_float) f[k] = (float)unary(s->row->op, (double)t->f[k]);
        else i[k] = negate || t->i[k] < 0 ? on_integers(SUB, 0, t->i[k]) : t->i[k];
    }
    return true;
}

static int64_t to_integer(double x) {
    const double limit = 9223372036854774784.0; /* largest double below 2^63 */
    return isnan(x) ? 0 : x > limit ? INT64_MAX : x < -limit ? INT64_MIN : (int64_t)x;
}

bool ss_fold_cast(ss_site *s) {
    const ss_tensor *t = ss_site_const(s, 0);
    int64_t type, *i = NULL;
    float *f = NULL;
    if (!ss_attr_int(s, "to", 0, &type)) return false;
    bool to_bool = type == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL;
    bool real = type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT || type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    bool whole = type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 || type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
    if (!to_bool && !real && !whole)
        return ss_refuse(s, "export the network in 32-bit float", "a cast to ONNX type %lld",
                         (long long)type);
    if (!ss_site_constant(s, real, t->rank, t->dims, &f, &i)) return false;
    for (int64_t k = 0; k < t->n; k++) {
        if (real) f[k] = (float)ss_tensor_at(t, k);
        else if (to_bool) i[k] = ss_tensor_at(t, k) != 0;
        else i[k] = t->is_float ? to_integer((double)t->f[k]) : t->i[k];
    }
    return true;
}
