# The jet images of examples/jets: `make jets-data` makes the three splits in $(BUILD)/jets, which is a few
# seconds' work; $(BUILD)/jets-train/train.bin is what train.py wants. Every file has its own seed.
JETS_DATA := $(addprefix $(BUILD)/jets/,calib_batch.bin val_batch.bin test_batch.bin)

$(BUILD)/examples/jets: examples/jets/jets.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< -lm

$(BUILD)/jets-train/train.bin: JETS_ARGS = 1 20000
$(BUILD)/jets/calib_batch.bin: JETS_ARGS = 2 2000
$(BUILD)/jets/val_batch.bin:   JETS_ARGS = 3 3000
$(BUILD)/jets/test_batch.bin:  JETS_ARGS = 4 5000

$(JETS_DATA) $(BUILD)/jets-train/train.bin: $(BUILD)/examples/jets
	@mkdir -p $(@D)
	$< $(JETS_ARGS) $@.tmp && mv $@.tmp $@

jets-data: $(JETS_DATA)

.PHONY: jets-data
