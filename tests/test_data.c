/* data: datasets and normalisation, from good files, bad files and no files. */
#include "util_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const ss_shape small = { 3, 4, 5 };

typedef struct fixture {
    ss_ctx *ctx;
    char dir[256], path[512];
} fixture;

static fixture fix; /* one test at a time */

static int open_fixture(void **state) {
    fix.ctx = ss_ctx_new();
    *state = &fix;
    return fix.ctx && util_temp_dir(fix.dir) ? 0 : -1;
}

static int close_fixture(void **state) {
    fixture *f = *state;
    util_remove_dir(f->dir);
    ss_ctx_free(f->ctx);
    return 0;
}

static const char *in_dir(fixture *f, const char *name) {
    snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    return f->path;
}

static void write_random(fixture *f, const char *name, int64_t n, uint32_t seed) {
    ss_dataset *d = util_dataset(f->ctx, small, 10, n, seed);
    assert_non_null(d);
    assert_true(util_write_records(in_dir(f, name), d));
    ss_dataset_free(d);
}

static void expect_bad_data(fixture *f, const char *path, const char *message) {
    ss_dataset *d;
    ss_diag_clear(f->ctx);
    assert_int_equal(ss_dataset_load(f->ctx, path, small, 10, 0, &d), SS_BAD);
    assert_null(d);
    if (!util_has_error(f->ctx, message)) util_print_diags(f->ctx);
    assert_true(util_has_error(f->ctx, message));
}

static void file_reads_back(void **state) {
    fixture *f = *state;
    ss_dataset *want = util_dataset(f->ctx, small, 10, 17, 1), *got;
    assert_true(util_write_records(in_dir(f, "a.bin"), want));
    assert_int_equal(ss_dataset_load(f->ctx, f->path, small, 10, 0, &got), SS_OK);
    assert_int_equal(got->n, 17);
    assert_memory_equal(got->labels, want->labels, 17);
    assert_memory_equal(got->pixels, want->pixels, 17 * 60);
    assert_true(ss_dataset_hash(got) == ss_dataset_hash(want));
    ss_dataset_free(got);
    assert_int_equal(ss_dataset_load(f->ctx, f->path, small, 10, 5, &got), SS_OK);
    assert_int_equal(got->n, 5);
    assert_memory_equal(got->pixels, want->pixels, 5 * 60);
    assert_true(ss_dataset_hash(got) != ss_dataset_hash(want));
    ss_dataset_free(got);
    assert_int_equal(ss_dataset_load(f->ctx, f->path, small, 10, 1000, &got), SS_OK);
    assert_int_equal(got->n, 17);
    ss_dataset_free(got);
    ss_dataset_free(want);
}

static void folder_is_read_by_name(void **state) {
    fixture *f = *state;
    write_random(f, "b.bin", 3, 2);
    write_random(f, "a.bin", 4, 1);
    write_random(f, "c.bin.txt", 5, 3);
    write_random(f, ".hidden.bin", 5, 3);
    ss_dataset *all, *a, *b;
    assert_int_equal(ss_dataset_load(f->ctx, in_dir(f, "a.bin"), small, 10, 0, &a), SS_OK);
    assert_int_equal(ss_dataset_load(f->ctx, in_dir(f, "b.bin"), small, 10, 0, &b), SS_OK);
    assert_int_equal(ss_dataset_load(f->ctx, f->dir, small, 10, 0, &all), SS_OK);
    assert_int_equal(all->n, 7);
    assert_memory_equal(all->pixels, a->pixels, 4 * 60);
    assert_memory_equal(all->pixels + 4 * 60, b->pixels, 3 * 60);
    assert_memory_equal(all->labels + 4, b->labels, 3);
    ss_dataset_free(all);
    assert_int_equal(ss_dataset_load(f->ctx, f->dir, small, 10, 6, &all), SS_OK); /* the limit ends within b */
    assert_int_equal(all->n, 6);
    assert_memory_equal(all->pixels + 4 * 60, b->pixels, 2 * 60);
    ss_dataset_free(all);
    ss_dataset_free(a);
    ss_dataset_free(b);
}

static void bad_files_are_refused(void **state) {
    fixture *f = *state;
    expect_bad_data(f, in_dir(f, "missing.bin"), "cannot open");
    expect_bad_data(f, f->dir, "no *.bin file");
    assert_true(util_write_text(in_dir(f, "short.bin"), "0123456789"));
    expect_bad_data(f, f->path, "10 bytes are not a multiple of 61");
    assert_true(util_has_error(f->ctx, "3x4x5"));
    assert_true(util_write_text(in_dir(f, "empty.bin"), ""));
    expect_bad_data(f, f->path, "no records");
    write_random(f, "good.bin", 2, 1);
    expect_bad_data(f, f->dir, "no records"); /* every bad file of a folder is named */
    assert_true(util_has_error(f->ctx, "not a multiple"));
    assert_int_equal(ss_diag_errors(f->ctx), 2);
    assert_int_equal(mkdir(in_dir(f, "folder.bin"), 0700), 0);
    expect_bad_data(f, f->dir, "not a regular file");
}

static void labels_are_checked(void **state) {
    fixture *f = *state;
    ss_dataset *d = util_dataset(f->ctx, small, 10, 9, 1);
    uint8_t *label, *pixels;
    ss_dataset_record(d, 4, &label, &pixels);
    *label = 10;
    ss_dataset_record(d, 7, &label, &pixels);
    *label = 255;
    assert_true(util_write_records(in_dir(f, "a.bin"), d));
    ss_dataset_free(d);
    expect_bad_data(f, f->path, "2 of 9 labels are outside the network's 10 classes; the first is 10 in record 4");
    assert_int_equal(ss_dataset_load(f->ctx, f->path, small, 10, 4, &d), SS_OK); /* the limit stops before them */
    ss_dataset_free(d);
    assert_int_equal(ss_dataset_load(f->ctx, f->path, small, 1000, 0, &d), SS_OK);
    ss_dataset_free(d);
}

static void overlap_is_found(void **state) {
    fixture *f = *state;
    ss_dataset *a = util_dataset(f->ctx, small, 10, 50, 1), *b = util_dataset(f->ctx, small, 10, 40, 2);
    assert_false(ss_dataset_overlaps(a, b));
    assert_true(ss_dataset_overlaps(a, a));
    uint8_t *label, *from, *to;
    ss_dataset_record(a, 49, &label, &from);
    ss_dataset_record(b, 20, &label, &to);
    memcpy(to, from, 60);
    assert_true(ss_dataset_overlaps(a, b));
    assert_true(ss_dataset_overlaps(b, a));
    to[59] ^= 1;
    assert_false(ss_dataset_overlaps(a, b));
    ss_dataset_free(a);
    ss_dataset_free(b);
}

/* ---- normalisation ---- */

static void expect_bad_norm(fixture *f, const char *model, const char *mean, const char *std, const char *message) {
    ss_norm n;
    ss_diag_clear(f->ctx);
    assert_int_equal(ss_norm_load(f->ctx, model, mean, std, 3, &n), SS_BAD);
    if (!util_has_error(f->ctx, message)) util_print_diags(f->ctx);
    assert_true(util_has_error(f->ctx, message));
}

static void norm_from_options(void **state) {
    fixture *f = *state;
    ss_norm n;
    assert_int_equal(ss_norm_load(f->ctx, "m.onnx", "0.5,-1e-1,0", "1,.25,2", 3, &n), SS_OK);
    assert_int_equal(n.channels, 3);
    assert_true(n.mean[0] == 0.5f && n.mean[1] == -0.1f && n.mean[2] == 0);
    assert_true(n.std[0] == 1 && n.std[1] == 0.25f && n.std[2] == 2);
    expect_bad_norm(f, "m.onnx", "0,0,0", NULL, "--std is missing");
    expect_bad_norm(f, "m.onnx", NULL, "1,1,1", "--mean is missing");
    expect_bad_norm(f, "m.onnx", "0,0", "1,1,1", "mean has 2 values, but the network's input has 3");
    expect_bad_norm(f, "m.onnx", "0,0,0", "1,1,1,1", "std has 4 values");
    expect_bad_norm(f, "m.onnx", "0,x,0", "1,1,1", "value 2 is not a number");
    expect_bad_norm(f, "m.onnx", "0,0,", "1,1,1", "value 3 is not a number");
    expect_bad_norm(f, "m.onnx", "0,0 0,0", "1,1,1", "value 2 is not a number");
    expect_bad_norm(f, "m.onnx", "0,nan,0", "1,1,1", "the mean of channel 1 is nan");
    expect_bad_norm(f, "m.onnx", "0,0,0", "1,1,0", "the std of channel 2 is 0");
    expect_bad_norm(f, "m.onnx", "0,0,0", "-1,1,1", "the std of channel 0 is -1");
    expect_bad_norm(f, "m.onnx", "0,0,0", "1e-60,1,1", "must be a number above 0"); /* 0 as a float */
    ss_diag_clear(f->ctx);
    assert_int_equal(ss_norm_load(f->ctx, "m.onnx", "0,0,0,0,0", "1,1,1,1,1", 5, &n), SS_BAD);
    assert_true(util_has_error(f->ctx, "has 5 channels"));
}

static void norm_from_file(void **state) {
    fixture *f = *state;
    ss_norm n;
    char model[512];
    snprintf(model, sizeof model, "%s/net.onnx", f->dir);
    expect_bad_norm(f, model, NULL, NULL, "no --mean and --std, and no such file");
    assert_true(util_has_error(f->ctx, "net.input.json"));
    const char *side = in_dir(f, "net.input.json");
    assert_true(util_write_text(side, "{\"format\":\"cifar10\",\"mean\":[0.5,0,1],\"std\":[1,2,0.25]}"));
    assert_int_equal(ss_norm_load(f->ctx, model, NULL, NULL, 3, &n), SS_OK);
    assert_true(n.mean[0] == 0.5f && n.mean[2] == 1 && n.std[2] == 0.25f);
    assert_int_equal(ss_norm_load(f->ctx, model, "0,0,0", "1,1,1", 3, &n), SS_OK); /* options win */
    assert_true(n.mean[0] == 0);
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "{\"format\":\"cifar10\",\"mean\":[0.5", "not valid JSON" },
        { "[]", "\"format\"" },
        { "{\"format\":\"png\",\"mean\":[0,0,0],\"std\":[1,1,1]}", "\"png\" is not known" },
        { "{\"format\":\"cifar10\",\"std\":[1,1,1]}", "\"mean\" is missing" },
        { "{\"format\":\"cifar10\",\"mean\":[0,0],\"std\":[1,1,1]}", "mean has 2 values" },
        { "{\"format\":\"cifar10\",\"mean\":[0,\"0\",0],\"std\":[1,1,1]}", "the mean of channel 1 is nan" },
        { "{\"format\":\"cifar10\",\"mean\":[0,0,0],\"std\":[1,0,1]}", "the std of channel 1 is 0" },
        { "{\"format\":\"cifar10\",\"mean\":[0,0,0],\"std\":7}", "\"std\" is not an array" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(util_write_text(side, cases[i].text));
        expect_bad_norm(f, model, NULL, NULL, cases[i].message);
    }
}

static void norm_beside_other_names(void **state) {
    fixture *f = *state;
    ss_norm n;
    char model[512];
    snprintf(model, sizeof model, "%s/net.v2", f->dir);
    assert_true(util_write_text(in_dir(f, "net.v2.input.json"), "{\"format\":\"cifar10\",\"mean\":[0],\"std\":[1]}"));
    assert_int_equal(ss_norm_load(f->ctx, model, NULL, NULL, 1, &n), SS_OK);
}

/* ---- out of memory: each allocation fails in its turn ---- */

static bool load_and_compare(ss_ctx *ctx) {
    ss_dataset *d = NULL;
    ss_norm norm;
    bool done = ss_dataset_load(ctx, fix.dir, small, 10, 0, &d) == SS_OK && ss_dataset_overlaps(d, d) &&
                ss_norm_load(ctx, fix.path, NULL, NULL, 1, &norm) == SS_OK;
    ss_dataset_free(d);
    return done;
}

static void dataset_survives_lack_of_memory(void **state) {
    fixture *f = *state;
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "%02d.bin", i);
        write_random(f, name, 2, (uint32_t)i);
    }
    assert_true(util_write_text(in_dir(f, "m.input.json"), "{\"format\":\"cifar10\",\"mean\":[0],\"std\":[1]}"));
    in_dir(f, "m.onnx");
    assert_true(util_oom_sweep(load_and_compare));
}

#define DATA_TEST(f) cmocka_unit_test_setup_teardown(f, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        DATA_TEST(file_reads_back),
        DATA_TEST(folder_is_read_by_name),
        DATA_TEST(bad_files_are_refused),
        DATA_TEST(labels_are_checked),
        DATA_TEST(overlap_is_found),
        DATA_TEST(norm_from_options),
        DATA_TEST(norm_from_file),
        DATA_TEST(norm_beside_other_names),
        DATA_TEST(dataset_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
