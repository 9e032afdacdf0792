/* What tells programs (manifest.json) and people (README.md) what is in the folder. */
#include "rtl/gen.h"

#include <stdio.h>

/* ---- manifest ---- */

static json_t *shape_json(ss_shape s) {
    return json_pack("[i,i,i]", s.c, s.h, s.w);
}

/* An end of the partition: real value = element * 2^-frac. */
static json_t *end_json(const ss_rtl *r, const ss_rtl_part *p, int32_t tensor) {
    return json_pack("{s:s,s:i,s:i,s:I,s:o,s:i}", "node", r->g->nodes[tensor].name, "id", tensor, "lanes",
                     ss_rtl_lanes(r, p, tensor), "words", (json_int_t)ss_rtl_words(r, p, tensor), "shape",
                     shape_json(ss_rtl_shape(r, tensor)), "frac", r->q->nodes[tensor].frac);
}

static json_t *node_json(const ss_rtl *r, const ss_rtl_part *p, int32_t node) {
    const ss_node *n = &r->g->nodes[node];
    const ss_config *c = ss_rtl_config(r, node);
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:i,s:i,s:o,s:i}", "name", n->name, "op", ss_op_name(n->op), "instance",
                  n->op == SS_OP_INPUT ? "shell" : r->instance[node], "id", node, "lanes_out",
                  ss_rtl_lanes(r, p, node), "shape", shape_json(n->shape), "frac", r->q->nodes[node].frac);
    if (!j || n->op != SS_OP_CONV) return j;
    json_t *engine =
        json_pack("{s:s,s:i,s:i,s:i,s:i,s:s}", "engine", ss_engine_kind_names[c->engine], "gr", (int)c->gr,
                  "ci", (int)c->ci, "co", (int)c->co, "m", (int)c->m, "memory", ss_mem_names[c->memory]);
    if (engine && c->engine == SS_ENGINE_BROADCAST)
        json_object_update_new(engine, json_pack("{s:i,s:i,s:i,s:i,s:i}", "pixels", (int)ss_pixels(c), "sums", (int)c->sums, "queue", (int)c->queue,
                                                 "lists", (int)c->lists, "results", (int)c->results));
    json_object_update(j, engine);
    json_decref(engine);
    return j;
}

static json_t *part_json(const ss_rtl *r, const ss_rtl_part *p) {
    char top[32];
    json_t *nodes = json_array();
    snprintf(top, sizeof top, "partition_%d", p->number);
    for (int32_t i = p->first; i <= p->last; i++)
        if (!ss_rtl_is_wire(&r->g->nodes[i])) json_array_append_new(nodes, node_json(r, p, i));
    return json_pack("{s:s,s:b,s:o,s:o,s:I,s:o}", "top", top, "whole",
                     p->first == p->p->first && p->last == p->p->last, "input", end_json(r, p, p->input),
                     "output", end_json(r, p, p->output), "load_words", (json_int_t)p->load_words, "nodes",
                     nodes);
}

ss_status ss_rtl_manifest(const ss_rtl *r, const char *dir) {
    const ss_device *d = &r->d->device;
    char *path = ss_arena_printf(r->arena, "%s/manifest.json", dir);
    json_t *j = ss_json_new("skipstream.rtl", 1), *parts = json_array();
    for (int32_t i = 0; i < r->n_parts; i++) json_array_append_new(parts, part_json(r, &r->parts[i]));
    json_t *body =
        json_pack("{s:o,s:s,s:i,s:{s:s,s:s,s:s,s:f},s:o}", "model", ss_json_hash(r->d->model), "model_name",
                  ss_base_name(r->d->model_name), "bits", r->d->bits, "device", "name", d->name, "part",
                  ss_rtl_part_number(r), "family", d->family, "clock_hz", d->clock_hz, "partitions", parts);
    ss_status s = SS_BAD;
    if (path && j && body && json_object_update(j, body) == 0) s = ss_json_save(r->ctx, path, j);
    else ss_error(r->ctx, SS_AT(dir), "free some memory", "out of memory while writing the manifest");
    json_decref(body);
    json_decref(j);
    return s;
}

/* ---- README ---- */

static void put_parts(const ss_rtl *r, ss_buf *b) {
    ss_buf_printf(
        b, "| top | nodes | in: lanes x bits, words an image | out | load words |\n|---|---|---|---|---|\n");
    for (int32_t i = 0; i < r->n_parts; i++) {
        const ss_rtl_part *p = &r->parts[i];
        ss_buf_printf(b, "| `partition_%d` | %d | %d x %d, %lld | %d x %d, %lld | %lld |\n", p->number,
                      p->last - p->first + 1, ss_rtl_lanes(r, p, p->input), r->q->bits,
                      (long long)ss_rtl_words(r, p, p->input), ss_rtl_lanes(r, p, p->output), r->q->bits,
                      (long long)ss_rtl_words(r, p, p->output), (long long)p->load_words);
    }
}

static const char *const how =
    "\nEverything below runs in the folder of a partition, `partition_N`, since memory images are named "
    "relative to it.\n"
    "`filelist.f` names all its sources, `weights/` holds the memory images, `manifest.json` says which "
    "instance is\n"
    "which node of the network.\n"
    "\n## Streams\n\n"
    "Input and output are AXI4-Stream. A tensor travels row by row, pixel by pixel, channels ascending "
    "within a pixel; a word\n"
    "has as many elements as there are lanes, the first in the low bits; each element is a signed integer, "
    "and its real\n"
    "value is element x 2^-frac (`frac` in `manifest.json`). TLAST goes with the last word of an image. "
    "Images may follow\n"
    "one another without a gap.\n"
    "\n## Simulate\n\n"
    "    make -C sim verilator    # builds sim/obj_dir/sim; the head of sim/tb.cpp says what it takes\n"
    "    make -C sim icarus       # builds sim/sim.vvp; the head of sim/tb_icarus.sv says what it takes\n\n"
    "`skipstream verify DESIGN --data IMAGES --hw FOLDER --keep WORK` makes stimuli and expected words, runs "
    "the first and\n"
    "compares every word of every node with the integer reference. What it made serves the second, too:\n\n"
    "    vvp -n sim/sim.vvp +in=WORK/partition_N.stimuli/input.bin "
    "+expect=WORK/partition_N.stimuli/output.bin\n\n"
    "with `+load=load.mem` where weights lie in UltraRAM, and `+images=2` for as many images. Icarus takes "
    "hours for what\n"
    "takes Verilator a minute, but knows unknown values. In another simulator: compile what `filelist.f` "
    "names; "
    "the top has no\n"
    "other parts.\n";

static const char *const load = "\n## Weights in UltraRAM\n\n"
                                "UltraRAM has no initial contents: after a reset write 1 to CONTROL (0x0c) "
                                "and send the words of `load.mem`, a 64-bit\n"
                                "hexadecimal word a line, over `s_load`. Bit 0 of STATUS (0x10) rises when "
                                "all weights are there; only then are images\n"
                                "taken.\n";

static const char *const registers = "\n## Registers\n\n"
                                     "AXI4-Lite, 32 bits: identity, status, images in and out, cycles, and "
                                     "for every node the cycles that it waited for input or\n"
                                     "for its reader. The map is in skipstream's docs/hardware.md, \"Shell "
                                     "and control\"; node n of it is the n-th of the\n"
                                     "partition's nodes in `manifest.json`.\n";

static const char *const vivado =
    "\n## Synthesise\n\n"
    "    vivado -mode batch -source vivado/synth.tcl        # out of context: utilisation and timing\n"
    "    vivado -mode batch -source vivado/package_ip.tcl   # an IP core with AXI interfaces\n\n"
    "The scripts have not been run by skipstream's own tests, which have no Vivado.\n";

ss_status ss_rtl_readme(const ss_rtl *r, const char *dir) {
    const ss_device *d = &r->d->device;
    char *path = ss_arena_printf(r->arena, "%s/README.md", dir);
    bool loads = false;
    for (int32_t i = 0; i < r->n_parts; i++) loads = loads || r->parts[i].load_words > 0;
    ss_buf b;
    ss_buf_init(&b, r->ctx);
    ss_buf_printf(&b, "# %s on %s\n\n", ss_base_name(r->d->model_name), d->name);
    ss_buf_printf(
        &b, "A streaming accelerator, %d bits, for %s at %g MHz, written by `skipstream generate`.\n\n",
        r->d->bits, *ss_rtl_part_number(r) ? ss_rtl_part_number(r) : "a device without a part number",
        d->clock_hz / 1e6);
    put_parts(r, &b);
    ss_buf_printf(&b, "%s%s%s%s", how, loads ? load : "", registers, r->opts.no_vivado ? "" : vivado);
    ss_status s = path && !b.failed ? ss_file_write(r->ctx, path, b.data, b.len) : SS_BAD;
    ss_buf_free(&b);
    return s;
}
