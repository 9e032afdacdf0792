// The bench of a generated partition: streams images through it and compares every word of every node.
//
// Usage: sim --in FILE --expect DIR --images N --result FILE
//            [--load FILE] [--backpressure SEED] [--watchdog CYCLES] [--stop-at-first]
//
// FILE of --in: elements of 16 bits (low byte first), rows, columns, channels, image after image.
//
// DIR of --expect: tap_ID.bin for every node of config.h, and output.bin, in the same order and form.
//
// FILE of --load: the load stream, a 64-bit hexadecimal word a line; needed when SS_LOAD_WORDS is not 0.
//
// Result: JSON; exit 0 when everything agreed, 1 when not, 2 on bad use.
//
// config.h, written by the generator, includes the verilated top's header and defines SS_TOP, SS_IN_LANES,
// SS_IN_W, SS_IN_WORDS (words an image), SS_OUT_*, SS_LOAD_WORDS and the table ss_taps, in the order of the
// stall counters.
//
// Method: one clock a call of tick(): the inputs are set while the clock is low, handshakes are sampled
// before its rising edge and inputs stay as they are across it. Words inside come through the DPI function of
// ss_tap. Registers start with random contents. Images follow one another without a gap. All cycle numbers
// count from the first input word.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "verilated.h"

struct ss_tap_node {
    int id;               // of ss_tap: the node's place in the network
    const char *name;     // in the ONNX file
    const char *instance; // in the partition
    int lanes, w;         // elements a word, bits an element
    int c, h, w_map;      // shape of the tensor
};
#include "config.h"

namespace {

// ---- registers of ss_control ----

enum : uint32_t {
    REG_COUNT = 0x08,   // of nodes
    REG_CONTROL = 0x0c, // bit 0: start of the weight load
    REG_STATUS = 0x10,  // bit 0: loaded
    REG_IMAGES_IN = 0x14,
    REG_IMAGES_OUT = 0x18,
    REG_CYCLES_LOW = 0x1c,
    REG_CYCLES_HIGH = 0x20,
    REG_NODES = 0x40, // two words a node: starved, blocked
};

struct options {
    std::string in, expect, load, result;
    long images = 0;
    uint64_t seed = 0; // 0: no random stalls
    uint64_t watchdog = 1000000;
    bool stop_at_first = false;
};

[[noreturn]] void fail(const std::string &message) {
    fprintf(stderr, "sim: %s\n", message.c_str());
    exit(2);
}

// ---- expected tensors ----

struct mismatch {
    long image;
    int row, column, channel, expected, got;
};

// One stream that is compared: a node's tap, or the partition's output.
struct stream {
    std::string name;
    int lanes, w, channels, columns;
    uint64_t words_an_image, words = 0, wanted = 0; // seen, and seen when all is well
    uint64_t mismatches = 0, surplus = 0;
    mismatch first{};
    std::vector<int16_t> expected;
    std::vector<uint64_t> first_cycle, last_cycle; // per image
    std::vector<uint32_t> chunks;                  // the word that is being handed over

    bool complete() const { return words >= wanted; }
    bool good() const { return complete() && mismatches == 0 && surplus == 0; }
};

std::vector<int16_t> read_elements(const std::string &path, size_t count) {
    std::vector<int16_t> data(count);
    FILE *f = fopen(path.c_str(), "rb");
    if (!f) fail("cannot open " + path);
    if (fread(data.data(), sizeof(int16_t), count, f) != count) fail(path + " is too short");
    fclose(f);
    return data;
}

int element(const std::vector<uint32_t> &word, int lane, int w) {
    const unsigned at = unsigned(lane) * unsigned(w);
    uint64_t pair = word[at / 32];
    if (at / 32 + 1 < word.size()) pair |= uint64_t(word[at / 32 + 1]) << 32;
    const uint32_t bits = uint32_t(pair >> at % 32) & ((1u << w) - 1);
    return int(bits ^ (1u << (w - 1))) - int(1u << (w - 1)); // sign extension
}

// ---- the bench ----

struct bench {
    options opt;
    VerilatedContext context;
    std::unique_ptr<SS_TOP> top;
    std::vector<stream> taps;
    std::vector<stream *> by_id; // taps by the ID of ss_tap
    stream out;
    std::vector<int16_t> input;
    std::vector<uint64_t> in_first, in_last;
    uint64_t in_words = 0, cycle = 0, start = 0, last_move = 0;
    uint64_t random_state = 0;
    bool running = false, hang = false;
    std::vector<uint32_t> starved, blocked, starving, blocking;
    uint32_t images_in = 0, images_out = 0;
    uint64_t counted_cycles = 0;
    double seconds = 0;

    explicit bench(const options &o);
    void reset();
    void load_weights();
    void run();
    void collect();
    bool good() const;
    void save() const;
    void word(stream &s);

  private:
    void tick();
    bool stalled();
    void offer(uint64_t word);
    uint32_t axi_read(uint32_t address);
    void axi_write(uint32_t address, uint32_t data);
    void images();
    bool finished() const;
};

bench *current; // for the DPI function, which has no argument of its own to carry it

stream make_stream(const std::string &name, int lanes, int w, int c, int h, int columns, long images) {
    stream s{};
    s.name = name;
    s.lanes = lanes;
    s.w = w;
    s.channels = c;
    s.columns = columns;
    s.words_an_image = uint64_t(c) * h * columns / lanes;
    s.wanted = s.words_an_image * images;
    s.chunks.resize((size_t(lanes) * w + 31) / 32);
    return s;
}

constexpr int taps_count = sizeof ss_taps / sizeof *ss_taps;

bench::bench(const options &o) : opt(o) {
    for (int i = 0; i < taps_count; i++) {
        const ss_tap_node &t = ss_taps[i];
        taps.push_back(make_stream(t.name, t.lanes, t.w, t.c, t.h, t.w_map, opt.images));
        stream &s = taps.back();
        s.expected = read_elements(opt.expect + "/tap_" + std::to_string(t.id) + ".bin", s.wanted * s.lanes);
    }
    for (int i = 0; i < taps_count; i++) {
        const size_t id = size_t(ss_taps[i].id);
        if (id >= by_id.size()) by_id.resize(id + 1);
        by_id[id] = &taps[size_t(i)];
    }
    const ss_tap_node &last = ss_taps[taps_count - 1]; // its tensor leaves the partition
    out = make_stream("output", SS_OUT_LANES, SS_OUT_W, last.c, last.h, last.w_map, opt.images);
    if (out.words_an_image != SS_OUT_WORDS) fail("config.h: SS_OUT_WORDS does not fit the last node's shape");
    out.expected = read_elements(opt.expect + "/output.bin", out.wanted * SS_OUT_LANES);
    input = read_elements(opt.in, size_t(SS_IN_WORDS) * SS_IN_LANES * opt.images);
    context.randReset(2);
    context.randSeed(int(opt.seed % 1000000) + 1);
    top.reset(new SS_TOP(&context));
    random_state = opt.seed * 0x9e3779b97f4a7c15u + 1;
}

// Compares the word in s.chunks, the next of its stream.
void bench::word(stream &s) {
    last_move = cycle;
    if (s.complete()) {
        s.surplus++;
        return;
    }
    const uint64_t image = s.words / s.words_an_image, place = s.words % s.words_an_image;
    for (int lane = 0; lane < s.lanes; lane++) {
        const int got = element(s.chunks, lane, s.w), expected = s.expected[s.words * s.lanes + lane];
        if (got == expected) continue;
        const uint64_t at = place * s.lanes + lane, pixel = at / s.channels;
        if (s.mismatches++ == 0)
            s.first = {
                long(image), int(pixel / s.columns), int(pixel % s.columns), int(at % s.channels), expected,
                got
            };
    }
    if (place == 0) s.first_cycle.push_back(cycle - start);
    if (place == s.words_an_image - 1) s.last_cycle.push_back(cycle - start);
    s.words++;
}

bool bench::stalled() {
    if (!opt.seed) return false;
    random_state ^= random_state << 13; // xorshift
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 40 & 255) < 96;
}

// ---- ports: up to 64 bits are integers, wider ones arrays of 32-bit words ----

template <size_t N> void set_bits(VlWide<N> &port, const uint32_t *from) {
    for (size_t i = 0; i < N; i++) port[i] = from[i];
}
void set_bits(QData &port, const uint32_t *from) {
    port = uint64_t(from[1]) << 32 | from[0];
}
template <typename T> void set_bits(T &port, const uint32_t *from) {
    port = T(from[0]);
}

template <size_t N> void get_bits(const VlWide<N> &port, uint32_t *to) {
    for (size_t i = 0; i < N; i++) to[i] = port[i];
}
void get_bits(const QData &port, uint32_t *to) {
    to[0] = uint32_t(port);
    to[1] = uint32_t(port >> 32);
}
template <typename T> void get_bits(const T &port, uint32_t *to) {
    to[0] = port;
}

// ---- one clock ----

void bench::tick() {
    top->clk = 0;
    top->eval();
    if (running && top->s_axis_tvalid && top->s_axis_tready) {
        if (in_words % SS_IN_WORDS == 0) {
            if (in_words == 0) start = cycle;
            in_first.push_back(cycle - start);
        }
        if (++in_words % SS_IN_WORDS == 0) in_last.push_back(cycle - start);
        last_move = cycle;
    }
    if (running && top->m_axis_tvalid && top->m_axis_tready) {
        get_bits(top->m_axis_tdata, out.chunks.data());
        const bool last = out.words % out.words_an_image == out.words_an_image - 1;
        if (bool(top->m_axis_tlast) != last)
            out.surplus++; // TLAST out of place: an image too long or too short
        word(out);
    }
    top->clk = 1;
    top->eval();
    cycle++;
}

void bench::reset() {
    top->rst = 1;
    top->s_axis_tvalid = 0;
    top->m_axis_tready = 0;
    top->s_axi_awvalid = 0;
    top->s_axi_wvalid = 0;
    top->s_axi_bready = 0;
    top->s_axi_arvalid = 0;
    top->s_axi_rready = 0;
#if SS_LOAD_WORDS > 0
    top->s_load_tvalid = 0;
#endif
    for (int i = 0; i < 8; i++) tick();
    top->rst = 0;
}

// ---- AXI4-Lite, one transfer at a time ----

constexpr int axi_patience = 1000;

uint32_t bench::axi_read(uint32_t address) {
    top->s_axi_araddr = address;
    top->s_axi_arvalid = 1;
    top->s_axi_rready = 1;
    for (int i = 0; i < axi_patience; i++) {
        top->clk = 0;
        top->eval();
        const bool taken = top->s_axi_arvalid && top->s_axi_arready, given = top->s_axi_rvalid;
        const uint32_t data = top->s_axi_rdata, response = top->s_axi_rresp;
        tick();
        if (taken) top->s_axi_arvalid = 0;
        if (!given) continue;
        if (response) fail("the control registers have nothing at " + std::to_string(address));
        top->s_axi_rready = 0;
        return data;
    }
    fail("the control registers do not answer a read");
}

void bench::axi_write(uint32_t address, uint32_t data) {
    top->s_axi_awaddr = address;
    top->s_axi_wdata = data;
    top->s_axi_wstrb = 15;
    top->s_axi_awvalid = top->s_axi_wvalid = top->s_axi_bready = 1;
    for (int i = 0; i < axi_patience; i++) {
        top->clk = 0;
        top->eval();
        const bool address_taken = top->s_axi_awvalid && top->s_axi_awready;
        const bool data_taken = top->s_axi_wvalid && top->s_axi_wready, answered = top->s_axi_bvalid;
        const uint32_t response = top->s_axi_bresp;
        tick();
        if (address_taken) top->s_axi_awvalid = 0;
        if (data_taken) top->s_axi_wvalid = 0;
        if (!answered) continue;
        if (response) fail("the control registers refuse a write at " + std::to_string(address));
        top->s_axi_bready = 0;
        return;
    }
    fail("the control registers do not answer a write");
}

// ---- weights ----

void bench::load_weights() {
#if SS_LOAD_WORDS > 0
    FILE *f = fopen(opt.load.c_str(), "r");
    if (!f) fail("cannot open the load stream \"" + opt.load + "\"");
    axi_write(REG_CONTROL, 1);
    uint64_t word;
    for (long words = 0; words < SS_LOAD_WORDS; words++) {
        if (fscanf(f, "%" SCNx64, &word) != 1) fail(opt.load + " is too short");
        top->s_load_tdata = word;
        top->s_load_tvalid = 1;
        for (uint64_t waited = 0;; waited++) {
            top->clk = 0;
            top->eval();
            const bool taken = top->s_load_tready;
            tick();
            if (taken) break;
            if (waited > opt.watchdog) fail("the load stream is not taken at word " + std::to_string(words));
        }
    }
    top->s_load_tvalid = 0;
    fclose(f);
    for (int i = 0; !(axi_read(REG_STATUS) & 1); i++)
        if (i == axi_patience) fail("the weights are not loaded at the end of the load stream");
#endif
}

// ---- images ----

void bench::offer(uint64_t word) {
    uint32_t bits[(SS_IN_LANES * SS_IN_W + 31) / 32 + 1] = { 0 };
    for (int lane = 0; lane < SS_IN_LANES; lane++) {
        const uint32_t value = uint32_t(input[word * SS_IN_LANES + lane]) & ((1u << SS_IN_W) - 1);
        const int at = lane * SS_IN_W;
        bits[at / 32] |= value << at % 32;
        if (at % 32 + SS_IN_W > 32) bits[at / 32 + 1] |= value >> (32 - at % 32);
    }
    set_bits(top->s_axis_tdata, bits);
    top->s_axis_tlast = word % SS_IN_WORDS == SS_IN_WORDS - 1;
}

bool bench::finished() const {
    bool complete = out.complete(), differs = out.mismatches != 0;
    for (const stream &t : taps) {
        complete = complete && t.complete();
        differs = differs || t.mismatches != 0;
    }
    return complete || (differs && opt.stop_at_first);
}

void bench::images() {
    const uint64_t words = uint64_t(SS_IN_WORDS) * opt.images;
    uint64_t offered = ~uint64_t(0);
    last_move = cycle;
    while (!finished()) {
        if (in_words == words) top->s_axis_tvalid = 0;
        else if (offered != in_words) { // the next word; once offered it stays
            top->s_axis_tvalid = !stalled();
            if (top->s_axis_tvalid) offer(offered = in_words);
        }
        top->m_axis_tready = !stalled();
        tick();
        if (cycle - last_move > opt.watchdog) {
            hang = true;
            return;
        }
    }
    top->s_axis_tvalid = 0;
    top->m_axis_tready = 1;
    for (int i = 0; i < 64; i++) tick(); // a surplus word would show up now
}

void bench::run() {
    const auto began = std::chrono::steady_clock::now();
    running = true;
    images();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// Counters at the end; after a hang, also which of them still rise.
void bench::collect() {
    auto read = [this](std::vector<uint32_t> &s, std::vector<uint32_t> &b) {
        for (uint32_t i = 0; i < taps_count; i++) {
            s.push_back(axi_read(REG_NODES + 8 * i));
            b.push_back(axi_read(REG_NODES + 8 * i + 4));
        }
    };
    if (axi_read(REG_COUNT) != taps_count) fail("the control registers count other nodes than config.h");
    images_in = axi_read(REG_IMAGES_IN);
    images_out = axi_read(REG_IMAGES_OUT);
    counted_cycles = axi_read(REG_CYCLES_LOW);
    counted_cycles |= uint64_t(axi_read(REG_CYCLES_HIGH)) << 32;
    read(starved, blocked);
    if (hang) read(starving, blocking);
}

bool bench::good() const {
    bool ok = !hang && out.good();
    for (const stream &t : taps) ok = ok && t.good();
    return ok;
}

// ---- result ----

void quote(FILE *f, const char *text) {
    fputc('"', f);
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\') fputc('\\', f);
        if (static_cast<unsigned char>(*p) < 32) fprintf(f, "\\u%04x", unsigned(*p));
        else fputc(*p, f);
    }
    fputc('"', f);
}

void save_list(FILE *f, const char *key, const std::vector<uint64_t> &list) {
    fprintf(f, ", \"%s\": [", key);
    for (size_t i = 0; i < list.size(); i++) fprintf(f, "%s%" PRIu64, i ? ", " : "", list[i]);
    fputc(']', f);
}

void save_stream(FILE *f, const stream &s) {
    fprintf(f,
            "\"words\": %" PRIu64 ", \"wanted\": %" PRIu64 ", \"surplus\": %" PRIu64
            ", \"mismatches\": %" PRIu64,
            s.words, s.wanted, s.surplus, s.mismatches);
    save_list(f, "first_cycle", s.first_cycle);
    save_list(f, "last_cycle", s.last_cycle);
    if (s.mismatches)
        fprintf(f,
                ", \"first\": {\"image\": %ld, \"row\": %d, \"column\": %d, \"channel\": %d, \"expected\": "
                "%d, \"got\": %d}",
                s.first.image, s.first.row, s.first.column, s.first.channel, s.first.expected, s.first.got);
}

void bench::save() const {
    FILE *f = fopen(opt.result.c_str(), "w");
    if (!f) fail("cannot write " + opt.result);
    fprintf(f, "{\n \"format\": \"skipstream.simulation\", \"version\": 1,\n");
    fprintf(f, " \"good\": %s, \"hang\": %s, \"images\": %ld, \"cycles\": %" PRIu64 ", \"seconds\": %.6f,\n",
            good() ? "true" : "false", hang ? "true" : "false", opt.images,
            out.complete() ? out.last_cycle.back() + 1 : cycle - start, seconds);
    fprintf(f, " \"counters\": {\"images_in\": %u, \"images_out\": %u, \"cycles\": %" PRIu64 "},\n",
            images_in, images_out, counted_cycles);
    fprintf(f, " \"input\": {\"words\": %" PRIu64 ", \"wanted\": %" PRIu64 ", \"valid\": %d, \"ready\": %d",
            in_words, uint64_t(SS_IN_WORDS) * opt.images, int(top->s_axis_tvalid), int(top->s_axis_tready));
    save_list(f, "first_cycle", in_first);
    save_list(f, "last_cycle", in_last);
    fprintf(f, "},\n \"output\": {\"valid\": %d, \"ready\": %d, ", int(top->m_axis_tvalid),
            int(top->m_axis_tready));
    save_stream(f, out);
    fprintf(f, "},\n \"nodes\": [");
    for (int i = 0; i < taps_count; i++) {
        fprintf(f, "%s\n  {\"id\": %d, \"name\": ", i ? "," : "", ss_taps[i].id);
        quote(f, ss_taps[i].name);
        fprintf(f, ", \"instance\": ");
        quote(f, ss_taps[i].instance);
        fprintf(f, ", \"starved\": %u, \"blocked\": %u, ", starved[i], blocked[i]);
        if (hang)
            fprintf(f, "\"state\": \"%s\", ",
                    taps[i].complete()          ? "done"
                    : starving[i] != starved[i] ? "starved"
                    : blocking[i] != blocked[i] ? "blocked"
                                                : "silent");
        save_stream(f, taps[i]);
        fprintf(f, "}");
    }
    fprintf(f, "\n ]\n}\n");
    if (fclose(f) != 0) fail("cannot write " + opt.result);
}

options parse(int argc, char **argv) {
    options o;
    for (int i = 1; i < argc; i++) {
        const std::string name = argv[i];
        if (name == "--stop-at-first") {
            o.stop_at_first = true;
            continue;
        }
        if (i + 1 == argc) fail(name + " needs a value");
        const char *value = argv[++i];
        if (name == "--in") o.in = value;
        else if (name == "--expect") o.expect = value;
        else if (name == "--load") o.load = value;
        else if (name == "--result") o.result = value;
        else if (name == "--images") o.images = strtol(value, nullptr, 10);
        else if (name == "--backpressure")
            o.seed = strtoull(value, nullptr, 10) + 1; // any seed stalls, 0 as well
        else if (name == "--watchdog") o.watchdog = strtoull(value, nullptr, 10);
        else fail(name + ": no such option");
    }
    if (o.in.empty() || o.expect.empty() || o.result.empty() || o.images < 1)
        fail("--in, --expect, --result and --images (at least 1) are needed");
    return o;
}

} // namespace

extern "C" void ss_tap_word(int id, int chunk, int bits) {
    stream &s = *current->by_id.at(size_t(id));
    s.chunks[size_t(chunk)] = uint32_t(bits);
    if (size_t(chunk) + 1 == s.chunks.size()) current->word(s);
}

int main(int argc, char **argv) {
    bench b(parse(argc, argv));
    current = &b;
    b.reset();
    b.load_weights();
    b.run();
    b.collect();
    b.save();
    return b.good() ? 0 : 1;
}
