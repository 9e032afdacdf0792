/* fit: coefficients of the cost model from measurements of synthesis.
 *
 *   fit MEASUREMENTS.csv FITTED.h [CURVES]     writes the table, prints the errors (Markdown); the crossbar's
 * curves
 *
 * For every module of src/cost/modules.c: least squares over the rows that are not held out, coefficients not
 * negative, each row weighted by the inverse of what was measured (no less than 20), so that relative errors count;
 * by coordinate descent on the normal equations, which is deterministic and has one solution where the terms are
 * independent. DSPs, memory blocks and LUT RAM come from rules and are not fitted. Every row that breaks its rule
 * or has no model is named, and the exit status is 1. Errors above 10 % are listed on stderr. */
#include "cost/modules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 2000
#define MAX_LINE 1000
#define SWEEPS 200000
#define SMALL 20 /* LUTs or registers below which errors count as absolute ones */

typedef struct row {
    ss_module module;
    char text[MAX_LINE];
    int64_t p[SS_PARAMS];
    bool held;
    int64_t lut, lutram, ff, dsp, bram18, uram;
} row;

typedef enum target { LUT, FF, TARGETS } target;
static const char *const target_names[TARGETS] = { "LUT", "FF" };

/* ---- measurements ---- */

/* " A=1 B=2 " holds "A=": where its value begins, or NULL. */
static const char *find_parameter(const char *parameters, const char *name) {
    size_t len = strlen(name);
    for (const char *at = parameters; (at = strstr(at, name)) != NULL; at++)
        if ((at == parameters || at[-1] == ' ') && at[len] == '=') return at + len + 1;
    return NULL;
}

static bool of_form(const char *parameters, const char *form) {
    if (!form) return true;
    size_t len = strlen(form);
    for (const char *at = parameters; (at = strstr(at, form)) != NULL; at++)
        if ((at == parameters || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) return true;
    return false;
}

static bool read_parameters(const char *parameters, const ss_module_spec *spec, int64_t *p) {
    for (int i = 0; i < SS_PARAMS && spec->params[i]; i++) {
        const char *at = find_parameter(parameters, spec->params[i]);
        if (!at) return false;
        p[i] = strtoll(at, NULL, 10);
        for (int style = 0; style < SS_STYLES; style++)
            if (strncmp(at, ss_style_names[style], strlen(ss_style_names[style])) == 0) p[i] = style;
    }
    return true;
}

static bool parse_row(char *line, row *r) {
    char *cell[11];
    int n = 0;
    for (char *c = strtok(line, ",\n"); c && n < 11; c = strtok(NULL, ",\n")) cell[n++] = c;
    if (n != 11) return false;
    *r = (row){ .held = strcmp(cell[2], "held") == 0 };
    snprintf(r->text, sizeof r->text, "%s %s", cell[0], cell[1]);
    int64_t *const into[] = { &r->lut, &r->lutram, NULL, &r->ff, &r->dsp, &r->bram18, &r->uram };
    for (int i = 0; i < 7; i++)
        if (into[i]) *into[i] = strtoll(cell[4 + i], NULL, 10);
    for (int m = 0; m < SS_MODULES; m++) {
        const ss_module_spec *spec = &ss_module_specs[m];
        r->module = (ss_module)m;
        if (strcmp(spec->name, cell[0]) == 0 && of_form(cell[1], spec->form) &&
            read_parameters(cell[1], spec, r->p) && (!spec->is || spec->is(r->p)))
            return true;
    }
    return false;
}

/* Rows without a model are named and counted in *unknown. Whole convolutions are for tests/test_cost.c. */
static int load(const char *path, row *rows, int *unknown) {
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "fit: cannot read %s\n", path);
        exit(2);
    }
    char line[MAX_LINE], copy[MAX_LINE];
    int n = 0;
    for (bool header = true; n < MAX_ROWS && fgets(line, sizeof line, f); header = false) {
        memcpy(copy, line, sizeof copy);
        if (header || strstr(line, ",whole,")) continue;
        if (parse_row(line, &rows[n])) n++;
        else {
            fprintf(stderr, "fit: no model of %s", copy);
            ++*unknown;
        }
    }
    fclose(f);
    return n;
}

/* ---- least squares ---- */

static ss_resources exact_of(const row *r) {
    const ss_module_spec *spec = &ss_module_specs[r->module];
    return spec->exact ? spec->exact(r->p) : (ss_resources){ { 0 } };
}

/* What the fitted part of a row must give. */
static double wanted(const row *r, target t) {
    return (double)(t == LUT ? r->lut - exact_of(r).r[SS_LUT] : r->ff - exact_of(r).r[SS_FF]);
}

static double measured(const row *r, target t) { return (double)(t == LUT ? r->lut : r->ff); }

static void solve(const row *rows, int n, ss_module m, target t, double x[SS_TERMS]) {
    double a[SS_TERMS][SS_TERMS] = { { 0 } }, b[SS_TERMS] = { 0 };
    for (int i = 0; i < n; i++) {
        if (rows[i].module != m || rows[i].held) continue;
        ss_terms terms = ss_module_specs[m].terms(rows[i].p);
        const double *f = t == LUT ? terms.lut : terms.ff;
        double weight = 1 / fmax(measured(&rows[i], t), SMALL);
        weight *= weight;
        for (int j = 0; j < SS_TERMS; j++) {
            for (int k = 0; k < SS_TERMS; k++) a[j][k] += weight * f[j] * f[k];
            b[j] += weight * f[j] * wanted(&rows[i], t);
        }
    }
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int j = 0; j < SS_TERMS; j++) {
            if (!(a[j][j] > 0)) continue;
            double rest = b[j];
            for (int k = 0; k < SS_TERMS; k++) rest -= k == j ? 0 : a[j][k] * x[k];
            x[j] = fmax(0, rest / a[j][j]);
        }
}

static double rounded(double x) { return round(x * 1000) / 1000; } /* as it stands in the table */

static void write_table(FILE *f, double x[SS_MODULES][TARGETS][SS_TERMS]) {
    fprintf(
        f,
        "/* Coefficients of the terms in modules.c, {LUT, FF} for every module. Written by calibrate/fit.c from\n"
        " * calibrate/measurements.csv (`make calibrate`): do not edit. */\n"
        "static const double fitted[SS_MODULES][2][SS_TERMS] = {\n");
    for (int m = 0; m < SS_MODULES; m++) {
        const ss_module_spec *s = &ss_module_specs[m];
        fprintf(f, "    {   /* %s */\n", s->title);
        for (int t = 0; t < TARGETS; t++) {
            fprintf(f, "        {");
            for (int j = 0; j < SS_TERMS; j++) fprintf(f, "%s %.3f", j ? "," : "", x[m][t][j]);
            fprintf(f, " },\n");
        }
        fprintf(f, "    },\n");
    }
    fprintf(f, "};\n");
}

/* ---- errors ---- */

static double predict(const row *r, target t, const double *x) {
    ss_terms terms = ss_module_specs[r->module].terms(r->p);
    const double *f = t == LUT ? terms.lut : terms.ff;
    double sum = 0;
    for (int j = 0; j < SS_TERMS; j++) sum += x[j] * f[j];
    return (double)exact_of(r).r[t == LUT ? SS_LUT : SS_FF] + sum;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_errors(const row *rows, int n, ss_module m, bool held, double x[TARGETS][SS_TERMS]) {
    static double errors[MAX_ROWS];
    for (target t = LUT; t < TARGETS; t++) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (rows[i].module != m || rows[i].held != held) continue;
            double is = measured(&rows[i], t), error = 100 * (predict(&rows[i], t, x[t]) - is) / fmax(is, SMALL);
            if (fabs(error) > 10)
                fprintf(stderr, "%+6.1f %% %s %s of %s (%.0f)\n", error, held ? "held" : "fit", target_names[t],
                        rows[i].text, is);
            errors[count++] = fabs(error);
        }
        qsort(errors, (size_t)count, sizeof *errors, by_value);
        if (count == 0) printf(" - |");
        else printf(" %.1f / %.1f |", errors[count / 2], errors[count - 1]);
    }
}

static void print_table(const row *rows, int n, double x[SS_MODULES][TARGETS][SS_TERMS]) {
    printf("| module | points | held out | LUT, fit | FF, fit | LUT, held out | FF, held out "
           "|\n|---|---|---|---|---|---|---|\n");
    for (int m = 0; m < SS_MODULES; m++) {
        const ss_module_spec *s = &ss_module_specs[m];
        int fit = 0, held = 0;
        for (int i = 0; i < n; i++) {
            fit += (int)rows[i].module == m && !rows[i].held;
            held += (int)rows[i].module == m && rows[i].held;
        }
        printf("| %s | %d | %d |", s->title, fit, held);
        print_errors(rows, n, (ss_module)m, false, x[m]);
        print_errors(rows, n, (ss_module)m, true, x[m]);
        printf("\n");
    }
}

static int count_broken_rules(const row *rows, int n) {
    int broken = 0;
    for (int i = 0; i < n; i++) {
        ss_resources e = exact_of(&rows[i]);
        const struct {
            const char *what;
            int64_t is, rule;
        } rules[] = { { "LUT RAM", rows[i].lutram, e.r[SS_LUT] },
                      { "DSP", rows[i].dsp, e.r[SS_DSP] },
                      { "RAMB18", rows[i].bram18, e.r[SS_BRAM18] },
                      { "URAM", rows[i].uram, e.r[SS_URAM] } };
        for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++) {
            if (rules[k].is == rules[k].rule) continue;
            broken++;
            fprintf(stderr, "fit: %s: %lld %s, by rule %lld\n", rows[i].text, (long long)rules[k].is, rules[k].what,
                    (long long)rules[k].rule);
        }
    }
    return broken;
}

/* LUTs of ss_crossbar over m, a block of lines for each K and width: what calibrate/plot.sh draws. */
static void write_curves(FILE *f, const double *x) {
    static const int64_t kernels[] = { 4, 9, 25, 49 };
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++)
        for (int64_t width = 8; width <= 16; width += 8) {
            for (int64_t m = 1; m < kernels[k]; m++) {
                row r = { .module = SS_MOD_CROSSBAR, .p = { kernels[k], m, width } };
                fprintf(f, "%lld %lld %lld %.1f\n", (long long)kernels[k], (long long)width, (long long)m,
                        predict(&r, LUT, x));
            }
            fprintf(f, "\n\n");
        }
}

static FILE *open_or_exit(const char *path) {
    FILE *f = fopen(path, "w");
    if (f) return f;
    fprintf(stderr, "fit: cannot write %s\n", path);
    exit(2);
}

int main(int argc, char **argv) {
    static row rows[MAX_ROWS];
    static double x[SS_MODULES][TARGETS][SS_TERMS];
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: fit MEASUREMENTS.csv FITTED.h [CURVES]\n");
        return 2;
    }
    int unknown = 0, n = load(argv[1], rows, &unknown);
    for (int m = 0; m < SS_MODULES; m++)
        for (target t = LUT; t < TARGETS; t++) {
            solve(rows, n, (ss_module)m, t, x[m][t]);
            for (int j = 0; j < SS_TERMS; j++) x[m][t][j] = rounded(x[m][t][j]);
        }
    FILE *f = open_or_exit(argv[2]);
    write_table(f, x);
    if (fclose(f) != 0) return 2;
    if (argc == 4) {
        f = open_or_exit(argv[3]);
        write_curves(f, x[SS_MOD_CROSSBAR][LUT]);
        if (fclose(f) != 0) return 2;
    }
    print_table(rows, n, x);
    return count_broken_rules(rows, n) + unknown > 0;
}
