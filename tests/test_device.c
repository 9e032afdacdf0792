/* Device files: those that ship load; a bad one reports everything that is wrong with it. */
#include "device/device.h"
#include "util_graph.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char good[] =
    "{\"format\":\"skipstream.device\",\"version\":1,\"name\":\"x\",\"part\":\"p\",\"family\":\"7series\","
    "\"resources\":{\"lut\":1000,\"ff\":2000,\"dsp\":30,\"bram18\":40,\"uram\":0},\"slrs\":1,\"clock_mhz\":150,"
    "\"bandwidth_gbps\":100,\"reconfiguration_ms\":30,\"dsp58\":false,\"uram_init\":false}";

/* Loads `good` with the first `from` replaced by `to`. */
static ss_status load_with(ss_ctx *ctx, const char *from, const char *to, ss_device *d) {
    char dir[256], path[300], text[1024];
    assert_true(util_temp_dir(dir));
    const char *at = strstr(good, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    snprintf(path, sizeof path, "%s/board.json", dir);
    assert_true(util_write_text(path, text));
    ss_status s = ss_device_load(ctx, path, d);
    util_remove_dir(dir);
    return s;
}

static void reads_every_field(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_device d;
    assert_int_equal(load_with(ctx, "30,", "31,", &d), SS_OK);
    assert_string_equal(d.name, "x");
    assert_string_equal(d.part, "p");
    assert_string_equal(d.family, "7series");
    static const int64_t want[SS_RES_COUNT] = { 1000, 2000, 31, 40, 0 };
    for (int r = 0; r < SS_RES_COUNT; r++) {
        assert_int_equal(d.total.r[r], want[r]);
        assert_true(d.cap[r] == 1.0);
        assert_int_equal(ss_device_budget(&d, (ss_res)r), want[r]);
    }
    assert_true(d.clock_hz == 150e6 && d.bandwidth_bits == 100e9 && fabs(d.reconfiguration_s - 0.03) < 1e-12);
    assert_true(d.slrs == 1 && !d.dsp58 && !d.uram_init);
    assert_int_equal(ss_diag_count(ctx), 0);
    ss_ctx_free(ctx);
}

static void shipped_devices_load(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    DIR *dir = opendir(SS_DEVICE_DIR);
    assert_non_null(dir);
    int found = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char name[256];
        if (sscanf(e->d_name, "%250[^.].json", name) != 1) continue;
        ss_device d;
        if (ss_device_load(ctx, name, &d) != SS_OK) util_print_diags(ctx);
        assert_int_equal(ss_diag_errors(ctx), 0);
        assert_string_equal(d.name, name);
        assert_int_equal(d.total.r[SS_FF], strcmp(name, "u50") == 0 ? 1743000 : 2 * d.total.r[SS_LUT]);
        found++;
    }
    closedir(dir);
    assert_true(found >= 5);
    ss_device d;
    assert_int_equal(ss_device_load(ctx, "u250", &d), SS_OK);
    static const int64_t u250[SS_RES_COUNT] = { 1728000, 3456000, 12288, 5376, 1280 };
    assert_memory_equal(d.total.r, u250, sizeof u250);
    assert_true(d.clock_hz == 250e6 && fabs(d.reconfiguration_s - 0.08255) < 1e-9 && d.slrs == 4);
    ss_ctx_free(ctx);
}

static void each_problem_is_reported(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        { "\"name\":\"x\",", "", "\"name\" is missing" },
        { "\"part\":\"p\"", "\"part\":\"\"", "\"part\" has 0 characters" },
        { "7series", "spartan2", "unknown family \"spartan2\"" },
        { "\"lut\":1000", "\"lut\":0", "\"lut\" is 0" },
        { "\"dsp\":30", "\"dsp\":-1", "\"dsp\" is -1" },
        { "\"dsp\":30", "\"dsp\":1.5", "\"dsp\" is not an integer" },
        { "\"uram\":0", "\"uram\":0,\"laces\":3", "unknown key \"laces\" in \"resources\"" },
        { "\"slrs\":1", "\"slrs\":0", "\"slrs\" is 0" },
        { "\"clock_mhz\":150", "\"clock_mhz\":0", "\"clock_mhz\" is 0" },
        { "\"bandwidth_gbps\":100", "\"bandwidth_gbps\":\"fast\"", "\"bandwidth_gbps\" is not a number" },
        { "\"reconfiguration_ms\":30", "\"reconfiguration_ms\":-1", "\"reconfiguration_ms\" is -1" },
        { "\"dsp58\":false", "\"dsp58\":0", "\"dsp58\" is neither true nor false" },
        { "\"uram_init\":false", "\"uram_inti\":false", "\"uram_init\" is missing" },
        { "\"uram_init\":false", "\"uram_init\":false,\"cap\":{\"lut\":1.5}", "\"lut\" is 1.5" },
        { "\"uram_init\":false", "\"uram_init\":false,\"speed\":2", "unknown key \"speed\"" },
        { "skipstream.device", "skipstream.design", "holds a \"skipstream.design\"" },
        { "\"version\":1", "\"version\":2", "version 2" },
        { "\"uram_init\":false}", "", "not valid JSON" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ss_ctx *ctx = ss_ctx_new();
        ss_device d;
        assert_int_equal(load_with(ctx, cases[i][0], cases[i][1], &d), SS_BAD);
        if (!util_has_error(ctx, cases[i][2])) fail_msg("no error says: %s", cases[i][2]);
        ss_ctx_free(ctx);
    }
}

static void all_problems_at_once(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_device d;
    assert_int_equal(load_with(ctx, "\"slrs\":1,\"clock_mhz\":150", "\"slrs\":99,\"clock_mhz\":-4,\"slr\":1", &d), SS_BAD);
    assert_int_equal(ss_diag_errors(ctx), 3);
    ss_ctx_free(ctx);
}

static void unknown_names_list_the_known(void **state) {
    (void)state;
    static const char *const specs[] = { "u999", "", "../devices" };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        ss_ctx *ctx = ss_ctx_new();
        ss_device d;
        assert_int_equal(ss_device_load(ctx, specs[i], &d), SS_BAD);
        assert_int_equal(ss_diag_errors(ctx), 1);
        if (i < 2) assert_true(util_has_error(ctx, "known: kv260, u250, u50, zc706, zcu104"));
        ss_ctx_free(ctx);
    }
}

static void caps(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_device d;
    assert_int_equal(ss_device_load(ctx, "u250", &d), SS_OK);
    assert_int_equal(ss_device_set_caps(ctx, &d, "LUT=0.8,dsp=0.95"), SS_OK);
    assert_int_equal(ss_device_budget(&d, SS_LUT), 1382400);
    assert_int_equal(ss_device_budget(&d, SS_DSP), 11673);
    assert_int_equal(ss_device_budget(&d, SS_FF), 3456000);
    d.total.r[SS_DSP] = 100; /* not exact in binary, yet 29 */
    assert_int_equal(ss_device_set_caps(ctx, &d, "dsp=0.29"), SS_OK);
    assert_int_equal(ss_device_budget(&d, SS_DSP), 29);
    assert_int_equal(ss_device_set_caps(ctx, &d, "lut=0,gates=1,ff=1.1,dsp,uram=,bram18=0.5x,,ff=nan"), SS_BAD);
    assert_int_equal(ss_diag_errors(ctx), 8);
    assert_int_equal(ss_device_budget(&d, SS_LUT), 1382400);
    assert_int_equal(ss_device_set_caps(ctx, &d, ""), SS_BAD);
    ss_ctx_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),        cmocka_unit_test(shipped_devices_load),
        cmocka_unit_test(each_problem_is_reported), cmocka_unit_test(all_problems_at_once),
        cmocka_unit_test(unknown_names_list_the_known), cmocka_unit_test(caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
