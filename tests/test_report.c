/* report: the page from artefacts, the building blocks, and every way an artefact can be unusable. */
#include "explore/explore.h"
#include "profile/profile.h"
#include "report/html.h"
#include "report/report.h"
#include "report/svg.h"
#include "threshold/threshold.h"
#include "util_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RESOURCES(k) "{\"lut\":" #k ",\"ff\":" #k ",\"dsp\":" #k ",\"bram18\":" #k ",\"uram\":0}"
#define NODE(name, inputs, engine, cycles)                                                                   \
    "{\"name\":\"" name "\",\"op\":\"conv\",\"inputs\":[" inputs "],\"engine\":\"" engine                    \
    "\",\"gr\":1,\"ci\":2,\"co\":4,\"m\":3,"                                                                 \
    "\"memory\":\"bram\",\"lanes_in\":1,\"lanes_out\":1,\"cycles\":" cycles                                  \
    ",\"resources\":" RESOURCES(7) "}"

#define ODD "<script>alert('x')</script>&\\\""

/* One partition whose second node is the slowest; the first has a name that must not reach the page as it is.
 */
static const char design[] =
    "{\"format\":\"skipstream.design\",\"version\":1,\"model\":{\"name\":\"net.onnx\",\"path\":\"\",\"hash\":"
    "\"00\"},"
    "\"bits\":16,\"batch\":256,\"device\":{\"name\":\"toy\",\"clock_hz\":2e8,\"total\":" RESOURCES(
        1000) ","
              "\"cap\":{\"lut\":0.5,\"ff\":1,\"dsp\":1,\"bram18\":1,\"uram\":1}},"
              "\"profile\":{\"name\":\"p.json\",\"assumed_zeros\":null},\"thresholds\":{},"
              "\"throughput\":12345.6,\"throughput_steady\":13000,\"bound\":12500,\"gap\":0.0125,\"latency_"
              "us\":123.4,"
              "\"partitions\":[{\"interval\":16000,\"bound\":15800,\"slowest\":\"b/"
              "conv\",\"latency\":24680,\"load_bits\":3000000,"
              "\"resources\":" RESOURCES(432) ",\"binding\":\"lut\",\"nodes\":[" NODE(
                  ODD, "", "none", "4000") "," NODE("b/conv", "\"" ODD "\"", "crossbar", "16000") "]}]}";

#define HW(gain) "{\"interval\":100,\"throughput\":1000,\"throughput_steady\":1000,\"gain\":" gain "}"
#define POINT(t, top1, loss, base, opt)                                                                      \
    "{\"t\":" t ",\"zeros\":0.5,\"top1\":" top1 ",\"loss\":" loss                                            \
    ",\"loss_interval\":[0,1],\"baseline\":" HW(base) ",\"optimised\":" HW(opt) "}"
#define LOSS(top1, loss) "{\"top1\":" top1 ",\"loss\":" loss ",\"loss_interval\":[0.1,0.9]}"
#define SPLIT "{\"hash\":\"00\",\"source\":\""
static const char study[] =
    "{\"format\":\"skipstream.study\",\"version\":1,\"model_name\":\"net.onnx\",\"policy\":\"uniform\",\"max_"
    "loss\":1.0,"
    "\"chosen\":{\"baseline\":1,\"optimised\":2},\"points\":[" POINT("0", "90.0", "0", "1", "1") "," POINT(
        "0.1", "89.8", "0.2", "1.16",
        "1.2") "," POINT("0.2", "89.1", "0.9", "1.1",
                         "1.29") "," POINT("0.3", "85.0", "5.0", "1.3",
                                           "1.4") "],"
                                                  "\"data\":{\"calibration\":{\"source\":\"c.bin\"},"
                                                  "\"search\":" SPLIT
                                                  "val.bin\",\"images\":3000},\"test\":" SPLIT
                                                  "test.bin\",\"images\":5000}},\"test\":{"
                                                  "\"reference\":" LOSS("91.0", "0") ",\"baseline\":" LOSS(
                                                      "90.7", "0.3") ",\"optimised\":" LOSS("90.25",
                                                                                            "0.75") "}}";

typedef struct fixture {
    ss_ctx *ctx;
    char dir[256], out[300], files[3][300];
} fixture;

static const char *put(fixture *f, int slot, const char *text) {
    snprintf(f->files[slot], sizeof f->files[slot], "%s/%d.json", f->dir, slot);
    assert_true(util_write_text(f->files[slot], text));
    return f->files[slot];
}

static int open_fixture(void **state) {
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f) return -1;
    f->ctx = ss_ctx_new();
    if (!f->ctx || !util_temp_dir(f->dir)) return -1;
    snprintf(f->out, sizeof f->out, "%s/report.html", f->dir);
    return 0;
}

static int close_fixture(void **state) {
    fixture *f = *state;
    util_remove_dir(f->dir);
    ss_ctx_free(f->ctx);
    free(f);
    return 0;
}

/* The page as text; free it with ss_free. */
static char *page_of(fixture *f, const char *const *files, int n) {
    uint8_t *data;
    size_t len;
    if (ss_report_write(f->ctx, files, n, f->out) != SS_OK) util_print_diags(f->ctx);
    assert_int_equal(ss_diag_errors(f->ctx), 0);
    assert_int_equal(ss_file_read(f->ctx, f->out, 1 << 24, &data, &len), SS_OK);
    assert_int_equal(strlen((char *)data), len);
    return (char *)data;
}

static int count(const char *page, const char *text) {
    int n = 0;
    for (const char *p = page; (p = strstr(p, text)) != NULL; p += strlen(text)) n++;
    return n;
}

static void expect(const char *page, const char *text) {
    if (!strstr(page, text)) print_error("the page lacks: %s\n", text);
    assert_non_null(strstr(page, text));
}

/* Every element that is opened is closed. */
static void expect_whole(const char *page) {
    static const char *const tags[] = { "html",   "head", "body",  "main",    "header",  "section",
                                        "footer", "div",  "table", "thead",   "tbody",   "tr",
                                        "td",     "h1",   "h2",    "h3",      "p",       "span",
                                        "i",      "b",    "u",     "details", "summary", "figure",
                                        "svg",    "text", "code",  "style",   "g",       "title" };
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        char plain[32], attributes[32], close[32];
        snprintf(plain, sizeof plain, "<%s>", tags[i]);
        snprintf(attributes, sizeof attributes, "<%s ", tags[i]);
        snprintf(close, sizeof close, "</%s>", tags[i]);
        int opened = count(page, plain) + count(page, attributes);
        if (opened != count(page, close)) print_error("<%s>: %d opened\n", tags[i], opened);
        assert_int_equal(opened, count(page, close));
    }
}

/* The text with the first occurrence of `from` replaced; free it. */
static char *edit(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    assert_non_null(at);
    size_t n = strlen(text) + strlen(to) + 1;
    char *out = malloc(n);
    assert_non_null(out);
    snprintf(out, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static void design_page(void **state) {
    fixture *f = *state;
    char *page = page_of(f, (const char *[]){ put(f, 0, design) }, 1);
    expect_whole(page);
    expect(page, "<h1>net.onnx</h1>");
    expect(page, "12,346");               /* throughput */
    expect(page, "123\xc2\xa0\xc2\xb5s"); /* latency, also 24680 cycles at 200 MHz */
    expect(page, "<td class=\"n\">16,000</td><td class=\"n\">15,800</td><td class=\"n\">12,500</td>");
    expect(page,
           "<i class=\"hot\" style=\"width:100.00%\"></i></span><span>16,000</span>"); /* the slowest node */
    expect(page, "<i style=\"width:25.00%\"></i></span><span>4,000</span>");
    expect(page,
           "<i class=\"hot\" style=\"width:43.20%\"></i><u style=\"left:50.00%\"></u></span>"); /* LUT, its
                                                                                                   cap */
    expect(page, "432 of 1,000 (43.2\xc2\xa0%)");
    expect(page, "crossbar");
    expect(page, "for the zeros of p.json;");
    ss_free(f->ctx, page);
}

static void text_is_escaped_and_nothing_is_fetched(void **state) {
    fixture *f = *state;
    char *page = page_of(f, (const char *[]){ put(f, 0, design) }, 1);
    expect(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/");
    assert_null(strstr(page, "<script"));
    static const char *const fetches[] = { "http:", "https:", "src=", "href=", "@import", "url(", "<link" };
    for (size_t i = 0; i < sizeof fetches / sizeof fetches[0]; i++) assert_null(strstr(page, fetches[i]));
    ss_free(f->ctx, page);
}

static void study_page(void **state) {
    fixture *f = *state;
    char *page = page_of(f, (const char *[]){ put(f, 0, study), put(f, 1, design) }, 2);
    expect_whole(page);
    expect(page, "<b>+29.0\xc2\xa0%</b>"); /* the better of the two chosen points leads the page */
    expect(page, "<b>90.25\xc2\xa0%</b>");
    expect(page, "1,000 images/s on optimised hardware");
    expect(page, "3,000 images of <code>val.bin</code>");
    expect(page, "5,000 images of <code>test.bin</code>");
    expect(page, "0.75 points lost to thresholds");
    expect(page, "0.30 (0.10 to 0.90)");
    expect(page, "1 point below threshold 0");
    assert_int_equal(count(page, "<polyline"), 2);
    assert_int_equal(count(page, "<circle class=\"s0\""), 4);
    assert_int_equal(count(page, "<circle class=\"ring\""), 2);
    assert_int_equal(count(page, "<section>"), 2);
    assert_true(strstr(page, "<h2>Thresholds") <
                strstr(page, "<h2>Sparse design")); /* in the order of the files */
    ss_free(f->ctx, page);
}

static void profile_page(void **state) {
    fixture *f = *state;
    ss_graph *g = util_small_resnet(f->ctx, 1);
    assert_non_null(g);
    ss_profile *p;
    assert_int_equal(ss_profile_assume(f->ctx, g, 0.5, 16, &p), SS_OK);
    snprintf(f->files[0], sizeof f->files[0], "%s/profile.json", f->dir);
    assert_int_equal(ss_profile_save(p, f->files[0]), SS_OK);
    char *page = page_of(f, (const char *[]){ f->files[0] }, 1);
    expect_whole(page);
    expect(page, "zero with probability 50.0\xc2\xa0%");
    assert_int_equal(count(page, "class=\"strip\""), p->n_layers);
    int cells = 0;
    for (int32_t i = 0; i < p->n_layers; i++) cells += p->layers[i].k + 1;
    assert_int_equal(count(page, "<i style=\"--p:"), cells);
    assert_int_equal(count(page, "class=\"bar\""), p->n_layers + p->n_relus);
    ss_free(f->ctx, page);
    ss_profile_free(p);
    ss_graph_free(g);
}

static void designs_compared(void **state) {
    fixture *f = *state;
    char *page, *raised = edit(design, "\"thresholds\":{}", "\"thresholds\":{\"relu\":0.125}");
    char *faster = edit(raised, "12345.6", "24691.2");
    page = page_of(f, (const char *[]){ put(f, 0, design), put(f, 1, faster) }, 2);
    expect_whole(page);
    expect(page,
           "<span>Sparse design, 0.json</span><span class=\"bar\"><i style=\"width:50.00%\"></i></span>");
    expect(page, "<span>Design for raised thresholds, 1.json</span><span class=\"bar\"><i "
                 "style=\"width:100.00%\"></i>");
    expect(page, "<b>12,346</b>"); /* the first file leads */
    assert_int_equal(count(page, "<details open>"), 2); /* of the first design */
    ss_free(f->ctx, page);
    free(faster);
    free(raised);
}

static void run_pages(void **state) {
    static const char eval[] = "{\"format\":\"skipstream.eval\",\"version\":1,\"model\":\"net.onnx\","
                               "\"bits\":8,\"data\":{\"source\":\"d.bin\","
                               "\"images\":5000},\"float\":{\"top1\":91.5,\"top1_interval\":[91.1,91.9],"
                               "\"top5\":100,\"images_per_second\":900},"
                               "\"integer\":{\"top1\":91.25,\"top1_interval\":[90.8,91.6],\"top5\":99.5,"
                               "\"images_per_second\":1800}}";
    static const char record[] =
        "{\"format\":\"skipstream.run\",\"version\":1,\"stages\":[{\"name\":\"explore\",\"key\":\"0\","
        "\"seconds\":1.5,"
        "\"files\":[{\"name\":\"a.json\",\"hash\":\"0\"},{\"name\":\"b.json\",\"hash\":\"1\"}]}]}";
    fixture *f = *state;
    char *page = page_of(f, (const char *[]){ put(f, 0, eval), put(f, 1, record) }, 2);
    expect_whole(page);
    expect(page, "<h1>net.onnx</h1>");
    expect(page, "<b>91.25\xc2\xa0%</b>");
    expect(page, "<td>8-bit integers</td><td class=\"n\">91.25</td><td class=\"n\">90.80 to 91.60</td>");
    expect(page, "<td>explore</td><td class=\"n\">1.50\xc2\xa0s</td><td>a.json, b.json</td>");
    ss_free(f->ctx, page);
}

static const char activity[] =
    "{\"format\":\"skipstream.activity\",\"version\":1,\"first_cycle\":0,\"end_cycle\":250,\"step\":100,\"slices\":3,\"partitions\":["
    "{\"partition\":1,\"last_cycle\":[120,400],\"nodes\":[{\"name\":\"a<b\",\"op\":\"add\",\"busy\":[100,50,0],"
    "\"starved\":[0,25,0],\"blocked\":[0,25,0],\"fifos\":[{\"input\":1,\"from\":\"c\",\"depth\":8,\"most\":[2,2,4]}]}]}]}";

/* A strip is 16 tall from y = 40, a slice 240 wide from x = 250; the FIFO's is 26 tall from y = 60. */
static void activity_page(void **state) {
    fixture *f = *state;
    char *page = page_of(f, (const char *[]){ put(f, 0, activity) }, 1);
    expect_whole(page);
    expect(page, "<title>a&lt;b</title>");
    expect(page, "<path class=\"busy\" d=\"M250 56.0V40.0h240V48.0h240V56.0h240V56.0z\"/>");
    expect(page, "<path class=\"blocked\" d=\"M250 56.0V40.0h240V44.0h240V56.0h240V56.0z\"/>");
    expect(page, "<path class=\"starved\" d=\"M250 56.0V40.0h480V56.0h240V56.0z\"/>");
    expect(page, "<path class=\"level\" d=\"M250 86.0V79.5h480V73.0h240V86.0z\"/>");
    expect(page, "busy 60.0\xc2\xa0%");
    expect(page, "4 of 8 words");
    expect(page, "image 1</text>");
    assert_null(strstr(page, "image 2"));
    ss_free(f->ctx, page);
}

/* The design that `explore` writes, of a network on a real device. */
static void explored_design_page(void **state) {
    fixture *f = *state;
    ss_graph *g = util_small_resnet(f->ctx, 1);
    ss_device dev;
    ss_cost *c;
    ss_design *d;
    assert_non_null(g);
    assert_int_equal(ss_device_load(f->ctx, "zc706", &dev), SS_OK);
    ss_cost_opts cost = { .bits = 16, .engines = 1u << SS_ENGINE_DENSE };
    ss_explore_opts opts = { .batch = 256, .target_gap = 0.02, .bits = 16 };
    assert_int_equal(ss_cost_new(f->ctx, g, NULL, &dev, cost, &c), SS_OK);
    assert_int_equal(ss_explore(f->ctx, c, g, NULL, &dev, opts, &d), SS_OK);
    snprintf(f->files[0], sizeof f->files[0], "%s/design.json", f->dir);
    assert_int_equal(ss_design_save(d, g, f->files[0]), SS_OK);
    char *page = page_of(f, (const char *[]){ f->files[0] }, 1);
    expect_whole(page);
    expect(page, "<h2>Dense design");
    expect(page, "no zeros skipped");
    expect(page, html_count(d->partitions[0].interval).text);
    assert_int_equal(count(page, "<td>dense</td>"), 7); /* six convolutions and "fc" */
    assert_int_equal(count(page, "class=\"bar\""), g->n + SS_RES_COUNT * d->n_partitions);
    ss_free(f->ctx, page);
    ss_design_free(d);
    ss_cost_free(c);
    ss_graph_free(g);
}

/* A study as the threshold stage saves it: two settings, one kind of hardware, no test split. */
static void saved_study_page(void **state) {
    fixture *f = *state;
    const float t[] = { 0, 0.125F };
    const int32_t q[] = { 0, 32 };
    const double zeros[] = { 0.5, 0.75 };
    const char *relus[] = { "relu" };
    ss_study_point points[2];
    for (int i = 0; i < 2; i++)
        points[i] = (ss_study_point){ .t = (double)t[i],
                                      .thresholds = &t[i],
                                      .integers = &q[i],
                                      .zero_ratio = &zeros[i],
                                      .zeros = zeros[i],
                                      .top1 = 90 - i,
                                      .top5 = 100,
                                      .loss = i,
                                      .hw[SS_HW_OPTIMISED] = { .interval = 1000 - 200 * i,
                                                               .throughput = 8000 + 2000 * i,
                                                               .gain = 1 + 0.25 * i,
                                                               .partitions = 1 } };
    ss_study study_of = {
        .ctx = f->ctx,
        .model_name = "toy.onnx",
        .bits = 16,
        .device = { .name = "toy" },
        .opts = { .hardware = 1u << SS_HW_OPTIMISED, .max_loss = 1.5, .step = 0.125, .t_max = 1 },
        .calib_source = "calib.bin",
        .dealing = "none",
        .search_data = { "val.bin", 2, 200 },
        .relus = relus,
        .n_relus = 1,
        .points = points,
        .n_points = 2,
        .chosen = { -1, 1 }
    };
    snprintf(f->files[0], sizeof f->files[0], "%s/study.json", f->dir);
    assert_int_equal(ss_study_save(&study_of, f->files[0]), SS_OK);
    char *page = page_of(f, (const char *[]){ f->files[0] }, 1);
    expect_whole(page);
    expect(page, "<h1>toy.onnx</h1>");
    expect(page, "200 images of <code>val.bin</code>");
    expect(page, "No test split was given");
    expect(page, "<b>+25.0\xc2\xa0%</b>");
    assert_int_equal(count(page, "<polyline"), 1);
    ss_free(f->ctx, page);
}

static void same_files_same_page(void **state) {
    fixture *f = *state;
    const char *files[] = { put(f, 0, study), put(f, 1, design) };
    char *once = page_of(f, files, 2), *again = page_of(f, files, 2);
    assert_string_equal(once, again);
    ss_free(f->ctx, once);
    ss_free(f->ctx, again);
}

/* ---- refusals ---- */

static void expect_refusal(fixture *f, const char *text, const char *message) {
    ss_diag_clear(f->ctx);
    assert_int_equal(ss_report_write(f->ctx, (const char *[]){ put(f, 0, text) }, 1, f->out), SS_BAD);
    if (!util_has_error(f->ctx, message)) util_print_diags(f->ctx);
    assert_true(util_has_error(f->ctx, message));
    FILE *page = fopen(f->out, "rb");
    assert_null(page);
}

static void expect_refused_edit(fixture *f, const char *text, const char *from, const char *to,
                                const char *message) {
    char *edited = edit(text, from, to);
    expect_refusal(f, edited, message);
    free(edited);
}

static void unusable_artefacts(void **state) {
    fixture *f = *state;
    expect_refusal(f, "", "not valid JSON");
    expect_refusal(f, "{}", "not a skipstream artefact");
    expect_refusal(f, "{\"format\":\"skipstream.calib\",\"version\":1}",
                   "no section for a \"skipstream.calib\"");
    expect_refused_edit(f, design, "\"version\":1", "\"version\":3", "version 3");
    expect_refused_edit(f, design, "]}]}", "", "not valid JSON");
    expect_refused_edit(f, design, "\"latency_us\":123.4,", "", "\"latency_us\" is missing");
    expect_refused_edit(f, design, "\"cycles\":4000", "\"cycles\":\"4000\"", "\"cycles\" is not a number");
    expect_refused_edit(f, design, "\"load_bits\":3000000", "\"load_bits\":-1", "\"load_bits\" is -1");
    expect_refused_edit(f, design, "{\"name\":\"toy\"", "7,\"x\":{\"name\":\"toy\"",
                        "\"device\" is not an object");
    expect_refused_edit(f, study, "\"gain\":1.4", "\"gin\":1.4", "\"gain\" is missing");
    expect_refused_edit(f, study, "\"points\":[", "\"points\":[],\"old\":[", "\"points\" is empty");
    expect_refused_edit(f, activity, "\"busy\":[100,50,0]", "\"busy\":[100,50]", "\"busy\" has 2 slices, not 3");
    expect_refused_edit(f, activity, "\"step\":100", "\"step\":0", "holds no span of cycles");
    expect_refused_edit(f, activity, "\"depth\":8,", "", "\"depth\" is missing");
    expect_refusal(
        f,
        "{\"format\":\"skipstream.profile\",\"version\":1,\"bits\":16,\"images\":1,\"relus\":[],\"layers\":[{"
        "\"name\":\"a\",\"channels\":1,\"k\":3,\"zero_ratio\":0,\"hist\":[[1,2,3]]}]}",
        "not channels x (k+1) counts");
}

static void all_bad_files_are_named(void **state) {
    fixture *f = *state;
    char missing[300];
    snprintf(missing, sizeof missing, "%s/missing.json", f->dir);
    const char *files[] = { missing, put(f, 0, "{\"format\":\"other\",\"version\":1}"), put(f, 1, design) };
    assert_int_equal(ss_report_write(f->ctx, files, 3, f->out), SS_BAD);
    assert_true(util_has_error(f->ctx, "missing.json"));
    assert_true(util_has_error(f->ctx, "\"other\""));
    assert_int_equal(ss_diag_errors(f->ctx), 2);
}

static void unwritable_page(void **state) {
    fixture *f = *state;
    char out[300];
    snprintf(out, sizeof out, "%s/none/report.html", f->dir);
    assert_int_equal(ss_report_write(f->ctx, (const char *[]){ put(f, 0, design) }, 1, out), SS_BAD);
    assert_true(util_has_error(f->ctx, "cannot write"));
}

static bool report_in_new_folder(ss_ctx *ctx) {
    char dir[256], files[2][300], out[300];
    if (!util_temp_dir(dir)) return false;
    for (int i = 0; i < 2; i++) {
        snprintf(files[i], sizeof files[i], "%s/%d.json", dir, i);
        if (!util_write_text(files[i], i ? design : study)) return false;
    }
    snprintf(out, sizeof out, "%s/report.html", dir);
    bool ok = ss_report_write(ctx, (const char *[]){ files[0], files[1] }, 2, out) == SS_OK;
    util_remove_dir(dir);
    return ok;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    assert_true(util_oom_sweep(report_in_new_folder));
}

/* ---- building blocks ---- */

static void figures_as_people_write_them(void **state) {
    (void)state;
    assert_string_equal(html_count(0).text, "0");
    assert_string_equal(html_count(999.4).text, "999");
    assert_string_equal(html_count(1000).text, "1,000");
    assert_string_equal(html_count(12345678).text, "12,345,678");
    assert_string_equal(html_count(-1234).text, "-1,234");
    assert_string_equal(html_count(-0.4).text, "0");
    assert_string_equal(html_count(1e300).text, "1e+300");
    assert_string_equal(html_figure(0.01234).text, "0.0123");
    assert_string_equal(html_figure(1.234).text, "1.23");
    assert_string_equal(html_figure(12.34).text, "12.3");
    assert_string_equal(html_figure(12345.6).text, "12,346");
    assert_string_equal(html_setting(0.1375).text, "0.1375");
    assert_string_equal(html_percent(0.1234).text, "12.3\xc2\xa0%");
    assert_string_equal(html_signed_percent(0.29).text, "+29.0\xc2\xa0%");
    assert_string_equal(html_signed_percent(-0.05).text, "-5.0\xc2\xa0%");
    assert_string_equal(html_points(91.7).text, "91.70");
    assert_string_equal(html_seconds(43.2e-6).text, "43.2\xc2\xa0\xc2\xb5s");
    assert_string_equal(html_seconds(0.08255).text, "82.5\xc2\xa0ms");
    assert_string_equal(html_seconds(2).text, "2.00\xc2\xa0s");
}

/* Axes end on round figures; a single point and a chart without points do no harm. */
static void charts(void **state) {
    fixture *f = *state;
    double x[] = { 1.0, 1.23 }, y[] = { 90.2, 89.0 };
    svg_chart c = {
        .x_label = "x", .y_label = "y", .n_series = 1, .has_limit = true, .limit = 88.7, .limit_label = "<l>"
    };
    c.series[0] = (svg_series){ "s", x, y, 2, 1 };
    ss_buf b;
    ss_buf_init(&b, f->ctx);
    svg_chart_write(&b, &c);
    expect_whole(b.data);
    expect(b.data, ">1.00</text>");
    expect(b.data, ">1.25</text>");
    expect(b.data, ">88.6</text>");
    expect(b.data, ">90.2</text>");
    expect(b.data, "&lt;l&gt;");
    ss_buf_free(&b);
    c.series[0].n = 1;
    c.has_limit = false;
    svg_chart_write(&b, &c);
    expect_whole(b.data);
    assert_null(strstr(b.data, "nan"));
    ss_buf_free(&b);
    c.series[0].n = 0;
    svg_chart_write(&b, &c);
    assert_int_equal(b.len, 0);
}

int main(void) {
#define PAGE(t) cmocka_unit_test_setup_teardown(t, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        PAGE(design_page),
        PAGE(text_is_escaped_and_nothing_is_fetched),
        PAGE(study_page),
        PAGE(profile_page),
        PAGE(designs_compared),
        PAGE(run_pages),
        PAGE(activity_page),
        PAGE(explored_design_page),
        PAGE(saved_study_page),
        PAGE(same_files_same_page),
        PAGE(unusable_artefacts),
        PAGE(all_bad_files_are_named),
        PAGE(unwritable_page),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(figures_as_people_write_them),
        PAGE(charts),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
