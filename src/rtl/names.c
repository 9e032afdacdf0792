/* Instance names: legal in every tool, unique, and recognisable. The prefix u_ keeps them off keywords and
 * digits. */
#include "rtl/gen.h"

#include <stdio.h>
#include <string.h>

#define LONGEST 96 /* characters of the ONNX name that are kept: images are named after instances */

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "/layer1/0/conv.1/Conv" becomes "u_layer1_0_conv_1_Conv". */
static void sanitise(const char *name, char out[LONGEST + 3]) {
    size_t n = 0;
    out[n++] = 'u';
    out[n++] = '_';
    for (const char *c = name; *c && n < LONGEST + 2; c++) {
        if (is_plain(*c)) out[n++] = *c;
        else if (out[n - 1] != '_') out[n++] = '_';
    }
    while (n > 2 && out[n - 1] == '_') n--;
    out[n] = '\0';
}

static bool is_taken(const char *const *names, int32_t n, const char *name) {
    for (int32_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

ss_status ss_rtl_names(ss_arena *a, const ss_graph *g, const char ***out) {
    const char **names = ss_arena_alloc(a, (size_t)g->n, sizeof *names);
    if (!names) return SS_BAD;
    for (int32_t i = 0; i < g->n; i++) {
        char plain[LONGEST + 3], name[LONGEST + 20];
        sanitise(g->nodes[i].name, plain);
        snprintf(name, sizeof name, "%s", plain);
        for (int k = 2; is_taken(names, i, name); k++) snprintf(name, sizeof name, "%s_%d", plain, k);
        if (!(names[i] = ss_arena_strdup(a, name))) return SS_BAD;
    }
    *out = names;
    return SS_OK;
}
