/* device: FPGA boards as data (devices/NAME.json, or any path). */
#ifndef SS_DEVICE_H
#define SS_DEVICE_H

#include "base/base.h"

typedef enum ss_res { SS_LUT, SS_FF, SS_DSP, SS_BRAM18, SS_URAM, SS_RES_COUNT } ss_res;
typedef struct ss_resources {
    int64_t r[SS_RES_COUNT];
} ss_resources;
extern const char *const ss_res_names[SS_RES_COUNT]; /* "lut","ff","dsp","bram18","uram" */

typedef struct ss_device {
    char name[64], part[64], family[32];
    ss_resources total;
    double cap[SS_RES_COUNT];   /* usable fraction, 0..1; 1 unless --cap or the file says so */
    int32_t slrs;
    double clock_hz;
    double bandwidth_bits;      /* off-chip memory, bits/s */
    double reconfiguration_s;   /* full bitstream */
    bool dsp58, uram_init;      /* DSP48E2 = false; memories with initial contents in URAM = false on UltraScale+ */
} ss_device;

/* spec: a name ("u250", looked up in devices/ beside the program's data, else built-in search path) or a path to a .json. */
ss_status ss_device_load(ss_ctx *ctx, const char *spec, ss_device *out);
/* "LUT=0.8,dsp=0.95"; fractions in (0,1]. */
ss_status ss_device_set_caps(ss_ctx *ctx, ss_device *d, const char *text);
int64_t ss_device_budget(const ss_device *d, ss_res r); /* floor(total * cap) */

#endif
