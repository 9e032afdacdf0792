/* check: what the importer makes of a model. One row a node of the file with its fate, totals, and
 * all that is not supported at once, each with the remedy. Exit 1 when something is not supported. */
#include "cli/commands.h"
#include "onnx/onnx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const ss_opt opts[] = {
    { "dump", "PASS", "print the network after this pass instead (\"import\": before the first)", false },
    { 0 },
};

/* What a row shows, taken from the graph as imported: the passes rewrite it. */
typedef struct figures {
    char shape[40];
    int64_t macs, weights;
} figures;

typedef struct check {
    ss_cli *cli;
    ss_graph *g;
    ss_onnx_report report;
    figures *rows; /* one per report row */
    figures total;
    char in[40], out[40];
    size_t problems;
} check;

/* ---- --dump ---- */

typedef struct dump {
    const char *pass;
    ss_buf text;
    ss_status status;
} dump;

static void dump_after(void *user, const char *pass, const ss_graph *g) {
    dump *d = user;
    if (strcmp(pass, d->pass) == 0 && ss_graph_dump(g, false, &d->text) != SS_OK) d->status = SS_BAD;
}

static bool pass_known(const char *pass) {
    bool known = strcmp(pass, "import") == 0;
    for (int k = 0; ss_pass_names[k]; k++) known |= strcmp(pass, ss_pass_names[k]) == 0;
    return known;
}

static ss_status unknown_pass(check *c, const char *pass) {
    ss_buf names;
    ss_buf_init(&names, c->g->ctx);
    ss_buf_printf(&names, "passes are import");
    for (int k = 0; ss_pass_names[k]; k++) ss_buf_printf(&names, ", %s", ss_pass_names[k]);
    ss_error(c->g->ctx, (ss_where){ "dump", NULL, pass }, names.failed ? "" : names.data, "no such pass");
    ss_buf_free(&names);
    return SS_BAD;
}

static ss_status print_dump(check *c, const char *pass) {
    dump d = { .pass = pass, .status = SS_OK };
    if (!pass_known(pass)) return unknown_pass(c, pass);
    ss_buf_init(&d.text, c->g->ctx);
    if (strcmp(pass, "import") == 0) dump_after(&d, pass, c->g);
    else d.status = ss_passes_run(c->g, dump_after, &d) == SS_OK ? d.status : SS_BAD;
    if (d.text.failed || !d.text.data) d.status = SS_BAD;
    if (d.status == SS_OK) ss_say(c->cli, "%s", d.text.data);
    if (d.status == SS_OK) ss_cli_result(c->cli, json_pack("{s:s,s:s}", "pass", pass, "dump", d.text.data));
    ss_buf_free(&d.text);
    return d.status;
}

/* ---- figures ---- */

static bool is(const ss_onnx_row *r, const char *status) {
    return strcmp(r->status, status) == 0;
}

static ss_status take_figures(check *c) {
    const ss_graph *g = c->g;
    c->rows = ss_alloc(g->ctx, c->report.n, sizeof *c->rows);
    if (!c->rows) return SS_BAD;
    for (size_t k = 0; k < c->report.n; k++) {
        int32_t at = c->report.rows[k].node;
        if (at < 0) continue;
        ss_shape_text(g->nodes[at].shape, c->rows[k].shape);
        c->rows[k].macs = ss_node_macs(g, &g->nodes[at]);
        c->rows[k].weights = ss_node_weight_count(g, &g->nodes[at]);
        c->total.macs += c->rows[k].macs;
        c->total.weights += c->rows[k].weights;
    }
    ss_shape_text(g->nodes[0].shape, c->in);
    if (g->output >= 0) ss_shape_text(g->nodes[g->output].shape, c->out);
    return SS_OK;
}

/* Nodes that the passes took away say where they went. */
static void mark_fused(check *c) {
    const ss_graph *g = c->g;
    for (size_t k = 0; k < c->report.n; k++) {
        ss_onnx_row *r = &c->report.rows[k];
        if (!is(r, "ok") || r->node < 0 || ss_graph_find(g, r->name) >= 0) continue;
        int32_t into = ss_graph_find_act(g, r->name);
        const char *note = into < 0 ? NULL : ss_arena_printf(g->arena, "into %s", g->nodes[into].name);
        r->status = "fused";
        r->note = note ? note : "into its neighbour";
    }
}

/* ---- as text ---- */

static void print_rows(const check *c) {
    int wide = 8;
    for (size_t k = 0; k < c->report.n; k++) {
        size_t n = strlen(c->report.rows[k].name);
        if (n > (size_t)wide) wide = n > 48 ? 48 : (int)n;
    }
    ss_say(c->cli, "%-*s  %-18s %-12s %13s %10s  %s\n", wide, "node", "operator", "output", "MACs", "weights",
           "status");
    for (size_t k = 0; k < c->report.n; k++) {
        const ss_onnx_row *r = &c->report.rows[k];
        char macs[24] = "", weights[24] = "";
        if (c->rows[k].macs) snprintf(macs, sizeof macs, "%" PRId64, c->rows[k].macs);
        if (c->rows[k].macs) snprintf(weights, sizeof weights, "%" PRId64, c->rows[k].weights);
        ss_say(c->cli, "%-*s  %-18s %-12s %13s %10s  %s%s%s\n", wide, r->name, r->op, c->rows[k].shape, macs,
               weights, r->status, *r->note ? ": " : "", r->note);
    }
}

static void print_problems(const check *c) {
    const ss_ctx *ctx = c->g->ctx;
    ss_say(c->cli, "\nnot supported:\n");
    for (size_t k = 0; k < ss_diag_count(ctx); k++) {
        const ss_diag *d = ss_diag_at(ctx, k);
        if (d->severity == SS_ERROR)
            ss_say(c->cli, "  %s [%s %s]: %s\n    remedy: %s\n", d->where, d->op, d->shape, d->cause,
                   d->remedy);
    }
}

static void print_totals(const check *c) {
    ss_say(c->cli, "\ninput %s, output %s, opset %" PRId64 "%s%s\n", c->in, *c->out ? c->out : "unknown",
           c->report.opset, *c->report.producer ? ", from " : "", c->report.producer);
    ss_say(c->cli, "%zu nodes, %.2f M MACs an image, %.3f M weights: %s\n", c->report.n,
           1e-6 * (double)c->total.macs, 1e-6 * (double)c->total.weights,
           c->problems ? "not supported as it is" : "all supported");
}

/* ---- as JSON ---- */

static json_t *rows_json(const check *c) {
    json_t *rows = json_array();
    for (size_t k = 0; k < c->report.n; k++) {
        const ss_onnx_row *r = &c->report.rows[k];
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:s}", "name", r->name, "op", r->op,
                                              "shape", c->rows[k].shape, "macs", (json_int_t)c->rows[k].macs,
                                              "weights", (json_int_t)c->rows[k].weights, "status", r->status,
                                              "note", r->note));
    }
    return rows;
}

static json_t *problems_json(const check *c) {
    json_t *list = json_array();
    for (size_t k = 0; k < ss_diag_count(c->g->ctx); k++) {
        const ss_diag *d = ss_diag_at(c->g->ctx, k);
        if (d->severity == SS_ERROR)
            json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", d->where, "op", d->op,
                                                  "shape", d->shape, "cause", d->cause, "remedy", d->remedy));
    }
    return list;
}

static ss_status give_json(const check *c) {
    json_t *nodes = rows_json(c), *problems = problems_json(c);
    bool whole = json_array_size(nodes) == c->report.n && json_array_size(problems) == c->problems;
    json_t *j =
        json_pack("{s:s,s:b,s:s,s:s,s:I,s:s,s:I,s:I,s:o,s:o}", "model", ss_operand(c->cli, 0), "supported",
                  c->problems == 0, "input", c->in, "output", c->out, "opset", (json_int_t)c->report.opset,
                  "producer", c->report.producer, "macs", (json_int_t)c->total.macs, "weights",
                  (json_int_t)c->total.weights, "unsupported", problems, "nodes", nodes);
    if (j && whole) {
        ss_cli_result(c->cli, j);
        return SS_OK;
    }
    json_decref(j);
    return ss_error(c->g->ctx, SS_AT("json"), "free some memory", "out of memory while writing JSON");
}

/* ---- the command ---- */

static ss_status report(check *c, ss_status imported) {
    ss_ctx *ctx = c->g->ctx;
    c->problems = imported == SS_NO ? ss_diag_errors(ctx) : 0;
    if (take_figures(c) != SS_OK) return SS_BAD;
    if (imported == SS_OK && ss_passes_run(c->g, NULL, NULL) != SS_OK) return SS_BAD;
    if (imported == SS_OK) mark_fused(c);
    print_rows(c);
    if (c->problems) print_problems(c);
    print_totals(c);
    if (give_json(c) != SS_OK) return SS_BAD;
    if (imported == SS_NO) ss_diag_clear(ctx); /* all printed; the answer is no, not an error */
    return imported;
}

static ss_status run(ss_cli *cli) {
    check c = { .cli = cli };
    const char *pass = ss_arg(cli, "dump");
    ss_status s = ss_onnx_import(ss_cli_ctx(cli), ss_operand(cli, 0), &c.g, &c.report);
    if (s == SS_OK && pass) s = print_dump(&c, pass);
    else if (s != SS_BAD) s = report(&c, s);
    ss_free(ss_cli_ctx(cli), c.rows);
    ss_graph_free(c.g);
    return s;
}

const ss_command ss_cmd_check = {
    .name = "check",
    .operands = "MODEL",
    .summary = "list the nodes of a network: shapes, MACs, weights, and what is not supported",
    .details = "Reads an ONNX file (opset 9 to 18) and shows what becomes of each node. What is not supported is\n"
               "listed all at once, with what to do about it; the exit status is then 1.",
    .opts = opts,
    .run = run,
};
