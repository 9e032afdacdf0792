/* The public interface as a user meets it: nothing but skipstream.h, the example network, and images of noise. */
#include "skipstream.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define MODEL "examples/jets/jets.onnx"
#define RECORD (1 + 3 * 32 * 32)
#define IMAGES 40

typedef struct state {
    ss_ctx *ctx;
    ss_network *net;
    ss_dataset *images;
    char path[64];
} state;

static void write_records(char *path) {
    uint32_t x = 1;
    snprintf(path, 64, "/tmp/skipstream-api-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "wb");
    assert_non_null(f);
    for (int i = 0; i < IMAGES; i++)
        for (int b = 0; b < RECORD; b++) {
            x = x * 1664525u + 1013904223u;
            fputc(b == 0 ? i % 3 : x >> 30 ? 0 : (int)(x >> 8 & 255), f);
        }
    assert_int_equal(fclose(f), 0);
}

static int setup(void **p) {
    state *s = calloc(1, sizeof *s);
    assert_non_null(s);
    write_records(s->path);
    s->ctx = ss_ctx_new();
    assert_int_equal(ss_network_open(s->ctx, MODEL, &s->net), SS_OK);
    assert_int_equal(ss_images_open(s->ctx, s->net, s->path, 0, &s->images), SS_OK);
    *p = s;
    return 0;
}

static int teardown(void **p) {
    state *s = *p;
    unlink(s->path);
    ss_images_free(s->images);
    ss_network_free(s->net);
    ss_ctx_free(s->ctx);
    free(s);
    return 0;
}

static void describes_the_network(void **p) {
    state *s = *p;
    ss_network_info info;
    ss_network_get_info(s->net, &info);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.height, 32);
    assert_int_equal(info.classes, 3);
    assert_true(info.weights > 70000 && info.weights < 80000);
    assert_int_equal(ss_images_count(s->images), IMAGES);
    assert_int_equal(ss_images_label(s->images, 4), 1);
}

static void integers_follow_float(void **p) {
    state *s = *p;
    float real[IMAGES * 3], fixed[IMAGES * 3];
    assert_int_equal(ss_network_predict(s->ctx, s->net, s->images, real), SS_BAD);
    ss_diag_clear(s->ctx);
    assert_int_equal(ss_network_prepare(s->ctx, s->net, 0, NULL), SS_OK);
    assert_int_equal(ss_network_predict(s->ctx, s->net, s->images, real), SS_OK);
    assert_int_equal(ss_network_prepare(s->ctx, s->net, 16, s->images), SS_OK);
    assert_int_equal(ss_network_predict(s->ctx, s->net, s->images, fixed), SS_OK);
    for (int i = 0; i < IMAGES * 3; i++) assert_true(fabsf(real[i] - fixed[i]) < 0.02f * (1 + fabsf(real[i])));
}

static void thresholds_make_faster_hardware(void **p) {
    state *s = *p;
    ss_profile *before, *after;
    ss_design *reference, *baseline, *optimised;
    ss_design_info r, b, o;
    assert_int_equal(ss_network_prepare(s->ctx, s->net, 16, s->images), SS_OK);
    assert_int_equal(ss_network_profile(s->ctx, s->net, s->images, &before), SS_OK);
    assert_int_equal(ss_network_explore(s->ctx, s->net, before, "kv260", 256, &reference), SS_OK);
    assert_int_equal(ss_network_set_threshold(s->ctx, s->net, NULL, 0.5f), SS_OK);
    assert_int_equal(ss_network_profile(s->ctx, s->net, s->images, &after), SS_OK);
    assert_int_equal(ss_network_estimate(s->ctx, s->net, reference, after, &baseline), SS_OK);
    assert_int_equal(ss_network_explore(s->ctx, s->net, after, "kv260", 256, &optimised), SS_OK);
    ss_design_get_info(reference, &r);
    ss_design_get_info(baseline, &b);
    ss_design_get_info(optimised, &o);
    assert_true(b.throughput >= r.throughput);
    assert_true(o.throughput >= b.throughput * 0.98);
    assert_true(o.throughput > r.throughput); /* on a larger board pixels arrive no faster than engines work */
    assert_true(r.dsp > 0 && r.dsp <= 1248);
    assert_true(r.gap >= 0 && r.gap <= 0.02);
    ss_design_free(reference);
    ss_design_free(baseline);
    ss_design_free(optimised);
    ss_profile_free(before);
    ss_profile_free(after);
}

static void bad_use_is_said(void **p) {
    state *s = *p;
    ss_design *d = NULL;
    ss_profile *prof = NULL;
    const float mean[3] = { 0, 0, 0 }, std[3] = { 1, 0, 1 };
    assert_int_equal(ss_network_prepare(s->ctx, s->net, 12, s->images), SS_BAD);
    assert_int_equal(ss_network_prepare(s->ctx, s->net, 16, NULL), SS_BAD);
    assert_int_equal(ss_network_profile(s->ctx, s->net, s->images, &prof), SS_BAD);
    assert_int_equal(ss_network_set_threshold(s->ctx, s->net, "nobody", 0.1f), SS_BAD);
    assert_int_equal(ss_network_set_threshold(s->ctx, s->net, NULL, -1), SS_BAD);
    assert_int_equal(ss_network_set_norm(s->ctx, s->net, mean, std), SS_BAD);
    assert_int_equal(ss_diag_errors(s->ctx), 6);
    assert_int_equal(ss_network_assume(s->ctx, s->net, 0.5, 16, &prof), SS_OK);
    assert_int_equal(ss_network_explore(s->ctx, s->net, prof, "u250", 0, &d), SS_BAD);
    assert_int_equal(ss_network_explore(s->ctx, s->net, NULL, "u250", 1, &d), SS_BAD);
    assert_null(d);
    assert_int_equal(ss_diag_errors(s->ctx), 8);
    assert_int_equal(ss_network_explore(s->ctx, s->net, prof, "no-such-board", 1, &d), SS_BAD);
    for (size_t i = 0; i < ss_diag_count(s->ctx); i++) assert_string_not_equal(ss_diag_at(s->ctx, i)->remedy, "");
    ss_profile_free(prof);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(describes_the_network, setup, teardown),
        cmocka_unit_test_setup_teardown(integers_follow_float, setup, teardown),
        cmocka_unit_test_setup_teardown(thresholds_make_faster_hardware, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_use_is_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
