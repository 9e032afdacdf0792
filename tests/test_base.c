/* base: diagnostics, memory, arena, buffer, files and JSON artefacts, and what each does when memory or disk fail. */
#include "base/json.h"
#include "util_graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static ss_ctx *ctx;
static char dir[256], path[512];

static int open_test(void **state) {
    (void)state;
    ctx = ss_ctx_new();
    if (!ctx || !util_temp_dir(dir)) return -1;
    snprintf(path, sizeof path, "%s/file", dir);
    return 0;
}

static int close_test(void **state) {
    (void)state;
    util_remove_dir(dir);
    ss_ctx_free(ctx);
    return 0;
}

/* ---- diagnostics ---- */

static void diagnostics_are_kept(void **state) {
    (void)state;
    char where[] = "node1";
    assert_int_equal(ss_error(ctx, (ss_where){ where, "Conv", "1x2x3" }, "mend it", "%d is wrong", 7), SS_BAD);
    where[0] = 'X'; /* the strings are copies */
    ss_warn(ctx, SS_AT(NULL), NULL, "careful");
    ss_note(ctx, SS_AT("x\x1b[2J"), "r", "line\nbreak");
    assert_int_equal(ss_diag_count(ctx), 3);
    assert_int_equal(ss_diag_errors(ctx), 1);
    const ss_diag *d = ss_diag_at(ctx, 0);
    assert_int_equal(d->severity, SS_ERROR);
    assert_string_equal(d->where, "node1");
    assert_string_equal(d->op, "Conv");
    assert_string_equal(d->shape, "1x2x3");
    assert_string_equal(d->cause, "7 is wrong");
    assert_string_equal(d->remedy, "mend it");
    assert_string_equal(ss_diag_at(ctx, 1)->where, "");
    assert_string_equal(ss_diag_at(ctx, 1)->remedy, "");
    assert_string_equal(ss_diag_at(ctx, 2)->where, "x?[2J"); /* harmless on a terminal */
    assert_string_equal(ss_diag_at(ctx, 2)->cause, "line?break");
    assert_null(ss_diag_at(ctx, 3));
    ss_diag_clear(ctx);
    assert_int_equal(ss_diag_count(ctx), 0);
    assert_null(ss_diag_at(ctx, 0));
    for (int i = 0; i < 100; i++) ss_error(ctx, SS_AT("a"), "b", "%d", i);
    assert_string_equal(ss_diag_at(ctx, 99)->cause, "99");
}

static void long_causes_are_cut(void **state) {
    (void)state;
    char text[5000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    ss_error(ctx, SS_AT(text), text, "%s", text);
    assert_int_equal(strlen(ss_diag_at(ctx, 0)->cause), 1023);
    assert_int_equal(strlen(ss_diag_at(ctx, 0)->where), 4999);
}

static void no_memory_is_still_reported(void **state) {
    (void)state;
    util_oom oom = { 0 };
    ss_ctx *c = ss_ctx_new_with(util_oom_alloc, &oom);
    assert_non_null(c);
    oom.fail_at = oom.count + 1; /* the next one: the list of diagnostics */
    ss_error(c, SS_AT("x"), "y", "z");
    assert_int_equal(ss_diag_count(c), 1);
    assert_int_equal(ss_diag_errors(c), 1);
    assert_string_equal(ss_diag_at(c, 0)->cause, "out of memory");
    ss_ctx_free(c);
    assert_int_equal(oom.live, 0);
}

static void threads_are_positive(void **state) {
    (void)state;
    assert_true(ss_ctx_threads(ctx) >= 1);
    ss_ctx_set_threads(ctx, 3);
    assert_int_equal(ss_ctx_threads(ctx), 3);
    ss_ctx_set_threads(ctx, -5);
    assert_true(ss_ctx_threads(ctx) >= 1);
}

static void count_progress(void *user, const char *what, uint64_t done, uint64_t total) {
    assert_string_equal(what, "images");
    *(uint64_t *)user += done + total;
}

static void progress_reaches_the_user(void **state) {
    (void)state;
    uint64_t sum = 0;
    ss_progress(ctx, "images", 1, 2); /* nobody listens */
    ss_ctx_set_progress(ctx, count_progress, &sum);
    ss_progress(ctx, "images", 3, 4);
    assert_int_equal(sum, 7);
}

/* ---- memory ---- */

static void allocation_is_checked(void **state) {
    (void)state;
    size_t product;
    assert_true(ss_mul_size(SIZE_MAX, 1, &product));
    assert_true(ss_mul_size(0, SIZE_MAX, &product));
    assert_false(ss_mul_size(SIZE_MAX / 2 + 1, 2, &product));
    assert_null(ss_alloc(ctx, SIZE_MAX / 2, 3));
    assert_null(ss_alloc_aligned(ctx, SIZE_MAX / 2, 3));
    assert_null(ss_alloc_aligned(ctx, SIZE_MAX - 8, 1));
    assert_int_equal(ss_diag_errors(ctx), 3);
    assert_true(util_has_error(ctx, "out of memory"));
    char *p = ss_alloc(ctx, 10, 10), *none = ss_alloc(ctx, 0, 8);
    assert_non_null(none);
    for (int i = 0; i < 100; i++) assert_int_equal(p[i], 0);
    p[99] = 7;
    p = ss_realloc(ctx, p, 1000, 1);
    assert_int_equal(p[99], 7);
    assert_null(ss_realloc(ctx, p, SIZE_MAX, 2));
    assert_int_equal(p[99], 7); /* kept on failure */
    ss_free(ctx, p);
    ss_free(ctx, none);
    ss_free(ctx, NULL);
    for (size_t n = 0; n < 200; n += 13) {
        unsigned char *a = ss_alloc_aligned(ctx, n, 1);
        assert_int_equal((uintptr_t)a % 64, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(a[i], 0);
        memset(a, 255, n);
        ss_free_aligned(ctx, a);
    }
    ss_free_aligned(ctx, NULL);
}

static void arena_gives_zeroed_distinct_blocks(void **state) {
    (void)state;
    ss_arena *a = ss_arena_new(ctx);
    util_rng r = { 1 };
    unsigned char *blocks[300];
    size_t sizes[300];
    for (int i = 0; i < 300; i++) {
        sizes[i] = (size_t)util_rng_int(&r, 0, i % 10 == 0 ? 200000 : 2000);
        blocks[i] = ss_arena_alloc(a, sizes[i], 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % (sizes[i] >= 64 ? 64 : 16), 0);
        for (size_t k = 0; k < sizes[i]; k++)
            if (blocks[i][k]) fail_msg("byte %zu of block %d is not zero", k, i);
        memset(blocks[i], i & 255, sizes[i]);
    }
    for (int i = 0; i < 300; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            if (blocks[i][k] != (i & 255)) fail_msg("block %d was overwritten", i);
    assert_string_equal(ss_arena_strdup(a, "abc"), "abc");
    assert_string_equal(ss_arena_printf(a, "%s-%d", "x", 42), "x-42");
    assert_null(ss_arena_alloc(a, SIZE_MAX, 2));
    assert_null(ss_arena_alloc(a, SIZE_MAX - 70000, 1));
    ss_arena_free(a);
    ss_arena_free(NULL);
}

static void buffer_grows(void **state) {
    (void)state;
    ss_buf b;
    ss_buf_init(&b, ctx);
    ss_buf_free(&b); /* empty is fine */
    ss_buf_add(&b, "", 0);
    assert_string_equal(b.data, "");
    for (int i = 0; i < 1000; i++) ss_buf_printf(&b, "%03d,", i);
    assert_int_equal(b.len, 4000);
    assert_memory_equal(b.data + 3996, "999,", 5);
    assert_false(b.failed);
    ss_buf_free(&b);
    util_oom oom = { .fail_at = 3 };
    ss_ctx *c = ss_ctx_new_with(util_oom_alloc, &oom);
    ss_buf_init(&b, c);
    for (int i = 0; i < 100; i++) ss_buf_add(&b, "0123456789", 10);
    assert_true(b.failed);
    assert_int_equal(ss_diag_errors(c), 1); /* said once, not a hundred times */
    ss_buf_free(&b);
    ss_ctx_free(c);
    assert_int_equal(oom.live, 0);
}

static void divisors_are_complete(void **state) {
    (void)state;
    int64_t out[64];
    for (int64_t n = 1; n <= 2000; n++) {
        int found = ss_divisors(n, out, 64), k = 0;
        for (int64_t d = 1; d <= n; d++)
            if (n % d == 0) assert_int_equal(out[k++], d);
        assert_int_equal(found, k);
    }
    assert_int_equal(ss_divisors(720720, out, 64), 64); /* it has 240 */
    assert_int_equal(ss_divisors(12, out, 4), 4);
    assert_int_equal(out[3], 4);
    assert_int_equal(ss_divisors((int64_t)1 << 40, out, 64), 41); /* and soon */
    assert_int_equal(ss_ceil_div(7, 2), 4);
    assert_int_equal(ss_ceil_div(8, 2), 4);
}

/* ---- files ---- */

static void files_read_back(void **state) {
    (void)state;
    uint8_t *data;
    size_t len;
    assert_int_equal(ss_file_write(ctx, path, "a\0b", 3), SS_OK);
    assert_int_equal(ss_file_write(ctx, path, "c\0de", 4), SS_OK); /* replaces */
    assert_int_equal(ss_file_read(ctx, path, 4, &data, &len), SS_OK);
    assert_int_equal(len, 4);
    assert_memory_equal(data, "c\0de", 5); /* with the NUL behind it */
    ss_free(ctx, data);
    assert_int_equal(ss_file_read(ctx, path, 3, &data, &len), SS_BAD);
    assert_null(data);
    assert_true(util_has_error(ctx, "4 bytes, more than the 3"));
    assert_true(ss_hash("abc", 3, 0) != ss_hash("abd", 3, 0) && ss_hash("abc", 3, 0) != ss_hash("abc", 3, 1));
}

static void file_failures_are_reported(void **state) {
    (void)state;
    uint8_t *data;
    size_t len;
    assert_int_equal(ss_file_read(ctx, path, 9, &data, &len), SS_BAD);
    assert_true(util_has_error(ctx, "cannot open"));
    assert_int_equal(ss_file_read(ctx, dir, 9, &data, &len), SS_BAD);
    assert_true(util_has_error(ctx, "is a folder"));
    assert_int_equal(mkfifo(path, 0600), 0);
    ss_diag_clear(ctx);
    assert_int_equal(ss_file_read(ctx, path, 9, &data, &len), SS_BAD); /* and does not wait for a writer */
    assert_true(util_has_error(ctx, "not a regular file"));
    ss_diag_clear(ctx);
    assert_int_equal(ss_file_write(ctx, "/no/such/folder/file", "x", 1), SS_BAD);
    assert_int_equal(ss_file_write(ctx, dir, "x", 1), SS_BAD);
    assert_int_equal(ss_diag_errors(ctx), 2);
    assert_true(util_has_error(ctx, "cannot write"));
    char left[600];
    snprintf(left, sizeof left, "%s.tmp%ld", dir, (long)getpid());
    assert_int_not_equal(access(left, F_OK), 0); /* nothing is left behind */
}

static void folders_are_made(void **state) {
    (void)state;
    char deep[600];
    snprintf(deep, sizeof deep, "%s/a/b//c", dir);
    assert_int_equal(ss_mkdirs(ctx, deep), SS_OK);
    assert_int_equal(ss_mkdirs(ctx, deep), SS_OK);
    struct stat st;
    assert_true(stat(deep, &st) == 0 && S_ISDIR(st.st_mode));
    assert_int_equal(ss_file_write(ctx, path, "x", 1), SS_OK);
    assert_int_equal(ss_mkdirs(ctx, path), SS_BAD);
    assert_true(util_has_error(ctx, "exists and is not a folder"));
    ss_diag_clear(ctx);
    snprintf(deep, sizeof deep, "%s/file/sub", dir);
    assert_int_equal(ss_mkdirs(ctx, deep), SS_BAD);
    assert_int_equal(ss_mkdirs(ctx, ""), SS_BAD);
    assert_int_equal(ss_diag_errors(ctx), 2);
    static const char *const made[] = { "a/b/c", "a/b", "a" };
    for (int i = 0; i < 3; i++) {
        snprintf(deep, sizeof deep, "%s/%s", dir, made[i]);
        assert_int_equal(rmdir(deep), 0);
    }
}

/* ---- JSON ---- */

/* A link inside is removed, what it points to is not. */
static void trees_are_removed(void **state) {
    (void)state;
    char tree[320], kept[320], name[340];
    snprintf(tree, sizeof tree, "%s/tree", dir);
    snprintf(kept, sizeof kept, "%s/kept", dir);
    snprintf(name, sizeof name, "%s/a/b", tree);
    assert_int_equal(ss_mkdirs(ctx, name), SS_OK);
    snprintf(name, sizeof name, "%s/a/b/file", tree);
    assert_true(util_write_text(name, "text"));
    assert_true(util_write_text(kept, "text"));
    snprintf(name, sizeof name, "%s/link", tree);
    assert_int_equal(symlink(kept, name), 0);
    assert_int_equal(ss_remove_tree(ctx, tree), SS_OK);
    assert_int_equal(access(tree, F_OK), -1);
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_equal(ss_remove_tree(ctx, tree), SS_BAD);
    assert_true(util_has_error(ctx, "cannot remove this"));
}

static void artefacts_read_back(void **state) {
    (void)state;
    static const double reals[] = { 0.1, 1, -2.5e-300, 1e22, 1.0 / 3, 123456789.25, 5e-324, 1.7976931348623157e308 };
    enum { N = sizeof reals / sizeof reals[0] };
    json_t *j = ss_json_new("skipstream.test", 3), *list = json_array(), *back;
    json_object_set_new(j, "text", json_string("a \"0.10000000000000001\" \\ e1.0 \xc3\xa4"));
    json_object_set_new(j, "int", json_integer(INT64_MAX));
    json_object_set_new(j, "flag", json_true());
    for (size_t i = 0; i < N; i++) json_array_append_new(list, json_real(reals[i]));
    json_object_set_new(j, "reals", list);
    assert_int_equal(ss_json_save(ctx, path, j), SS_OK);
    assert_int_equal(ss_json_load(ctx, path, "skipstream.test", 3, &back), SS_OK);
    assert_true(json_equal(j, back)); /* reals bit for bit, integers still integers */
    char *text;
    assert_int_equal(ss_json_text(ctx, back, &text), SS_OK);
    assert_non_null(strstr(text, "0.1,"));
    assert_non_null(strstr(text, "1.0,"));
    assert_non_null(strstr(text, "a \\\"0.10000000000000001\\\""));
    ss_free(ctx, text);
    json_decref(j);
    json_decref(back);
}

static void random_reals_read_back(void **state) {
    (void)state;
    util_rng r = { 9 };
    json_t *list = json_array();
    for (int i = 0; i < 5000; i++) {
        uint64_t bits = util_rng_next(&r);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (i % 2) v = (double)util_rng_int(&r, -100000, 100000) / 1000;
        if (isfinite(v)) json_array_append_new(list, json_real(v));
    }
    char *text;
    assert_int_equal(ss_json_text(ctx, list, &text), SS_OK);
    json_t *back = json_loads(text, 0, NULL);
    assert_true(json_equal(list, back));
    json_decref(back);
    json_decref(list);
    ss_free(ctx, text);
}

/* 17 digits and e-5, which printf writes e-05: one more, and nothing before it that was shortened. */
static void a_longer_exponent_overwrites_nothing(void **state) {
    (void)state;
    json_t *j = json_pack("[f,s]", 1.2888998753624037e-05, "behind");
    char *text;
    assert_int_equal(ss_json_text(ctx, j, &text), SS_OK);
    json_t *back = json_loads(text, 0, NULL);
    assert_true(back && json_equal(j, back));
    json_decref(back);
    json_decref(j);
    ss_free(ctx, text);
}

static void bad_artefacts_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", "not valid JSON" },
        { "{\"format\":\"skipstream.test\",\"version\":1", "may be truncated" },
        { "{\"format\":\"skipstream.test\",\"format\":\"skipstream.test\",\"version\":1}", "not valid JSON" },
        { "[]", "not a skipstream artefact" },
        { "{\"version\":1}", "not a skipstream artefact" },
        { "{\"format\":\"skipstream.test\"}", "not a skipstream artefact" },
        { "{\"format\":\"skipstream.test\",\"version\":\"1\"}", "not a skipstream artefact" },
        { "{\"format\":\"skipstream.other\",\"version\":1}", "not a \"skipstream.test\"" },
        { "{\"format\":\"skipstream.test\",\"version\":4}", "reads up to 3" },
        { "{\"format\":\"skipstream.test\",\"version\":0}", "version 0" },
    };
    json_t *j;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ss_diag_clear(ctx);
        assert_true(util_write_text(path, cases[i].text));
        assert_int_equal(ss_json_load(ctx, path, "skipstream.test", 3, &j), SS_BAD);
        assert_null(j);
        assert_true(util_has_error(ctx, cases[i].message));
    }
    ss_diag_clear(ctx);
    assert_int_equal(ss_json_save(ctx, path, NULL), SS_BAD);
    assert_int_equal(ss_diag_errors(ctx), 1);
}

static void getters_check_types(void **state) {
    (void)state;
    json_t *o = json_pack("{s:i,s:f,s:s,s:[],s:{}}", "i", 7, "r", 0.5, "s", "text", "a", "o"), *v;
    int64_t i;
    double r;
    const char *s;
    assert_int_equal(ss_json_get_int(ctx, "f", o, "i", 0, 7, &i), SS_OK);
    assert_int_equal(i, 7);
    assert_int_equal(ss_json_get_real(ctx, "f", o, "i", &r), SS_OK);
    assert_true(r == 7);
    assert_int_equal(ss_json_get_str(ctx, "f", o, "s", &s), SS_OK);
    assert_int_equal(ss_json_get_array(ctx, "f", o, "a", &v), SS_OK);
    assert_int_equal(ss_json_get_object(ctx, "f", o, "o", &v), SS_OK);
    assert_int_equal(ss_diag_count(ctx), 0);
    assert_int_equal(ss_json_get_int(ctx, "f", o, "i", 0, 6, &i), SS_BAD);
    assert_true(util_has_error(ctx, "\"i\" is 7, outside 0..6"));
    assert_int_equal(ss_json_get_int(ctx, "f", o, "r", 0, 6, &i), SS_BAD);
    assert_true(util_has_error(ctx, "\"r\" is not an integer"));
    assert_int_equal(ss_json_get_real(ctx, "f", o, "s", &r), SS_BAD);
    assert_int_equal(ss_json_get_str(ctx, "f", o, "i", &s), SS_BAD);
    assert_int_equal(ss_json_get_array(ctx, "f", o, "o", &v), SS_BAD);
    assert_int_equal(ss_json_get_object(ctx, "f", o, "nothing", &v), SS_BAD);
    assert_true(util_has_error(ctx, "\"nothing\" is missing; it should be an object"));
    assert_int_equal(ss_diag_errors(ctx), 6);
    json_decref(o);
}

static bool write_and_read(ss_ctx *c) {
    json_t *j = ss_json_new("skipstream.test", 1), *back = NULL;
    bool done = ss_mkdirs(c, dir) == SS_OK && ss_json_save(c, path, j) == SS_OK &&
                ss_json_load(c, path, "skipstream.test", 1, &back) == SS_OK;
    json_decref(back);
    json_decref(j);
    return done;
}

static void files_survive_lack_of_memory(void **state) {
    (void)state;
    assert_int_equal(ss_file_write(ctx, path, "old", 3), SS_OK);
    assert_true(util_oom_sweep(write_and_read));
}

#define BASE_TEST(f) cmocka_unit_test_setup_teardown(f, open_test, close_test)

int main(void) {
    const struct CMUnitTest tests[] = {
        BASE_TEST(diagnostics_are_kept),
        BASE_TEST(long_causes_are_cut),
        BASE_TEST(no_memory_is_still_reported),
        BASE_TEST(threads_are_positive),
        BASE_TEST(progress_reaches_the_user),
        BASE_TEST(allocation_is_checked),
        BASE_TEST(arena_gives_zeroed_distinct_blocks),
        BASE_TEST(buffer_grows),
        BASE_TEST(divisors_are_complete),
        BASE_TEST(files_read_back),
        BASE_TEST(file_failures_are_reported),
        BASE_TEST(folders_are_made),
        BASE_TEST(trees_are_removed),
        BASE_TEST(artefacts_read_back),
        BASE_TEST(random_reals_read_back),
        BASE_TEST(a_longer_exponent_overwrites_nothing),
        BASE_TEST(bad_artefacts_are_refused),
        BASE_TEST(getters_check_types),
        BASE_TEST(files_survive_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
