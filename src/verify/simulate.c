/* simulate: one partition, built with Verilator and run. Everything that comes to be lies in the work folder;
 * the hardware's folder is only read, but for being the current one, since memory images are named relative
 * to it. */
#include "verify/parts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct paths {
    char hw[4096], obj[4096], sim[4200], log[4096], result[4096], stimuli[4096], input[4200], tb[4200],
        include[4200];
} paths;

static void set_paths(const ss_simulation *s, const ss_hw_partition *p, paths *x) {
    snprintf(x->hw, sizeof x->hw, "%.3000s/%.200s", s->hw, p->top);
    snprintf(x->obj, sizeof x->obj, "%.3000s/%.200s.obj", s->work, p->top);
    snprintf(x->sim, sizeof x->sim, "%s/sim", x->obj);
    snprintf(x->log, sizeof x->log, "%.3000s/%.200s.log", s->work, p->top);
    snprintf(x->result, sizeof x->result, "%.3000s/%.200s.result.json", s->work, p->top);
    snprintf(x->stimuli, sizeof x->stimuli, "%.3000s/%.200s.stimuli", s->work, p->top);
    snprintf(x->input, sizeof x->input, "%s/input.bin", x->stimuli);
    snprintf(x->tb, sizeof x->tb, "%s/sim/tb.cpp", x->hw);
    snprintf(x->include, sizeof x->include, "-I%s/sim", x->hw);
}

static ss_status build(ss_ctx *ctx, const ss_hw_partition *p, const paths *x) {
    char jobs[16];
    int code;
    snprintf(jobs, sizeof jobs, "%d", ss_ctx_threads(ctx));
    const char *cache = ss_process_has("ccache") ? "OBJCACHE=ccache" : "OBJCACHE=";
    const char *argv[] = { "verilator",
                           "--cc",
                           "--exe",
                           "--build",
                           "-j",
                           jobs,
                           "-Wall",
                           "-Wno-DECLFILENAME",
                           "--assert",
                           "-DSS_TAPS",
                           "-O3",
                           "-CFLAGS",
                           x->include,
                           "-MAKEFLAGS",
                           "OPT_FAST=-O1",
                           "-MAKEFLAGS",
                           cache,
                           "--top-module",
                           p->top,
                           "--Mdir",
                           x->obj,
                           "-o",
                           "sim",
                           "-f",
                           "filelist.f",
                           x->tb,
                           NULL };
    if (ss_process_run(ctx, x->hw, argv, x->log, &code) != SS_OK) return SS_BAD;
    return code == 0 ? SS_OK : ss_process_failed(ctx, "verilator", code, x->log);
}

static ss_status run(ss_ctx *ctx, const ss_simulation *s, const ss_hw_partition *p, const paths *x) {
    char images[24], seed[24], watchdog[24];
    int code;
    snprintf(images, sizeof images, "%lld", (long long)s->stimulus->images);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)s->task->seed);
    snprintf(watchdog, sizeof watchdog, "%lld", (long long)s->watchdog);
    /* The last two only under back-pressure. */
    const char *argv[] = { x->sim,     "--in",
                           x->input,   "--expect",
                           x->stimuli, "--images",
                           images,     "--load",
                           "load.mem", "--watchdog",
                           watchdog,   "--result",
                           x->result,  s->task->backpressure ? "--backpressure" : NULL,
                           seed,       NULL };
    if (ss_process_run(ctx, x->hw, argv, x->log, &code) != SS_OK) return SS_BAD;
    return code <= 1 ? SS_OK : ss_process_failed(ctx, p->top, code, x->log);
}

ss_status ss_simulate(ss_ctx *ctx, const ss_simulation *s, const ss_hw_partition *p, double *build_seconds,
                      json_t **out) {
    paths x;
    set_paths(s, p, &x);
    if (ss_mkdirs(ctx, x.stimuli) != SS_OK) return SS_BAD;
    if (ss_stimulus_write(s->stimulus, p, x.stimuli) != SS_OK) return SS_BAD;
    const double began = ss_seconds();
    if (build(ctx, p, &x) != SS_OK) return SS_BAD;
    *build_seconds = ss_seconds() - began;
    unlink(x.result); /* of an earlier run in the same folder */
    if (run(ctx, s, p, &x) != SS_OK) return SS_BAD;
    return ss_json_load(ctx, x.result, "skipstream.simulation", 1, out);
}
