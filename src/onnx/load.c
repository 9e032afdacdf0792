/* Loading: from a file to a decoded model, and the public entry points.
 *
 * protobuf-c decodes nested messages by recursion and makes one allocation or more for each, whatever the
 * file says. So the bytes are walked once before that, against the same schema, and refused when they nest
 * deeper or hold more messages than any network does. */
#include "onnx/import.h"

#include <string.h>

#define MAX_DEPTH 32
#define MAX_MESSAGES (1u << 20)

/* ---- the walk before decoding ---- */

typedef struct cursor {
    const uint8_t *at, *end;
} cursor;

static bool varint(cursor *c, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t b = *c->at++;
        *out |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) return true;
    }
    return false;
}

static bool skip(cursor *c, uint64_t n) {
    if (n > (uint64_t)(c->end - c->at)) return false;
    c->at += n;
    return true;
}

static bool sane(const ProtobufCMessageDescriptor *d, cursor c, int depth, uint32_t *messages) {
    if (depth > MAX_DEPTH || ++*messages > MAX_MESSAGES) return false;
    while (c.at < c.end) {
        uint64_t tag, n;
        if (!varint(&c, &tag) || tag >> 3 > UINT32_MAX) return false;
        switch (tag & 7) {
        case 0:
            if (!varint(&c, &n)) return false;
            break;
        case 1:
            if (!skip(&c, 8)) return false;
            break;
        case 5:
            if (!skip(&c, 4)) return false;
            break;
        case 2: {
            if (!varint(&c, &n)) return false;
            const uint8_t *body = c.at;
            if (!skip(&c, n)) return false;
            const ProtobufCFieldDescriptor *f =
                protobuf_c_message_descriptor_get_field(d, (unsigned)(tag >> 3));
            if (f && f->type == PROTOBUF_C_TYPE_MESSAGE &&
                !sane(f->descriptor, (cursor){ body, c.at }, depth + 1, messages))
                return false;
            break;
        }
        default:
            return false;
        }
    }
    return true;
}

/* ---- decoding ---- */

static void *proto_alloc(void *ctx, size_t size) {
    return ss_alloc(ctx, size, 1);
}
static void proto_free(void *ctx, void *p) {
    ss_free(ctx, p);
}

Onnx__ModelProto *ss_onnx_decode(ss_ctx *ctx, const char *name, const uint8_t *data, size_t len) {
    static const char remedy[] = "the file is truncated or no ONNX model; export it again";
    ProtobufCAllocator a = { proto_alloc, proto_free, ctx };
    uint32_t messages = 0;
    Onnx__ModelProto *m = NULL;
    size_t before = ss_diag_errors(ctx);
    if (len == 0) {
        ss_error(ctx, SS_AT(name), remedy, "the file is empty");
        return NULL;
    }
    if (len <= SS_MODEL_BYTES &&
        sane(&onnx__model_proto__descriptor, (cursor){ data, data + len }, 0, &messages))
        m = onnx__model_proto__unpack(&a, len, data);
    if (!m && ss_diag_errors(ctx) == before) ss_error(ctx, SS_AT(name), remedy, "not a readable ONNX model");
    if (m && !m->graph) {
        ss_error(ctx, SS_AT(name), remedy, "holds no network");
        ss_onnx_decoded_free(ctx, m);
        m = NULL;
    }
    return m;
}

void ss_onnx_decoded_free(ss_ctx *ctx, Onnx__ModelProto *m) {
    ProtobufCAllocator a = { proto_alloc, proto_free, ctx };
    if (m) onnx__model_proto__free_unpacked(m, &a);
}

/* ---- entry points ---- */

static void fill_report(ss_importer *im, ss_onnx_report *r) {
    const Onnx__ModelProto *m = im->model;
    *r = (ss_onnx_report){
        .rows = im->rows, .n = m->graph->n_node, .opset = im->opset, .ir_version = m->ir_version
    };
    const char *version = m->producer_version ? m->producer_version : "";
    const char *text = ss_arena_printf(im->g->arena, "%s%s%s", m->producer_name ? m->producer_name : "",
                                       *version ? " " : "", version);
    r->producer = text ? ss_clean_text(im, text) : "";
}

static void close_importer(ss_importer *im) {
    ss_names_free(&im->value_of);
    ss_names_free(&im->node_names);
    ss_free(im->ctx, im->values);
    ss_free(im->ctx, im->order);
}

static ss_status import_model(ss_ctx *ctx, const char *name, const Onnx__ModelProto *m, const char *folder,
                              ss_graph **out, ss_onnx_report *report) {
    ss_importer im = { .ctx = ctx, .model = m, .folder = folder, .errors_before = ss_diag_errors(ctx) };
    im.value_of.ctx = im.node_names.ctx = ctx;
    im.g = ss_graph_new(ctx, name);
    if (!im.g) return SS_BAD;
    ss_status s = ss_import_model(&im);
    bool keep = s == SS_OK || (s == SS_NO && report);
    if (keep && report) fill_report(&im, report);
    if (keep) *out = im.g;
    else ss_graph_free(im.g);
    close_importer(&im);
    return s;
}

ss_status ss_onnx_import_bytes(ss_ctx *ctx, const char *name, const uint8_t *data, size_t len,
                               const char *folder, ss_graph **out, ss_onnx_report *report) {
    *out = NULL;
    if (report) *report = (ss_onnx_report){ 0 };
    Onnx__ModelProto *m = ss_onnx_decode(ctx, name, data, len);
    if (!m) return SS_BAD;
    ss_status s = import_model(ctx, name, m, folder, out, report);
    ss_onnx_decoded_free(ctx, m);
    return s;
}

/* The folder that path lies in. */
static char *folder_of(ss_ctx *ctx, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ss_strdup(ctx, ".");
    char *folder = ss_strdup(ctx, path);
    if (folder) folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

ss_status ss_onnx_import(ss_ctx *ctx, const char *path, ss_graph **out, ss_onnx_report *report) {
    uint8_t *data;
    size_t len;
    *out = NULL;
    if (report) *report = (ss_onnx_report){ 0 };
    char *folder = folder_of(ctx, path);
    if (!folder) return SS_BAD;
    ss_status s = ss_file_read(ctx, path, SS_MODEL_BYTES, &data, &len);
    if (s == SS_OK) s = ss_onnx_import_bytes(ctx, path, data, len, folder, out, report);
    ss_free(ctx, data);
    ss_free(ctx, folder);
    return s;
}

ss_status ss_model_load(ss_ctx *ctx, const char *path, ss_graph **out) {
    ss_status s = ss_onnx_import(ctx, path, out, NULL);
    if (s == SS_OK) s = ss_passes_run(*out, NULL, NULL);
    if (s == SS_OK) return SS_OK;
    ss_graph_free(*out);
    *out = NULL;
    return SS_BAD;
}
