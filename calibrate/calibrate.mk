# Synthesis of the modules, the cost model's coefficients, the plot of docs/calibration.md. Hours from nothing, seconds
# when nothing in rtl/ has changed; Yosys and gnuplot are needed for this target alone.
calibrate: $(BUILD)/calibrate/fit
	scripts/install-deps.sh --calibrate
	calibrate/sweep.py
	$< calibrate/measurements.csv src/cost/fitted.h $(BUILD)/calibrate/curves >$(BUILD)/calibrate/errors.md
	calibrate/document.sh $(BUILD)/calibrate

# With the terms of the cost model, but without the table of coefficients that it makes.
$(BUILD)/calibrate/fit: calibrate/fit.c src/cost/modules.c src/cost/memory.c $(wildcard src/cost/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -DSS_UNFITTED $(CFLAGS_ALL) $(LDFLAGS) -o $@ $(filter %.c,$^) -lm

.PHONY: calibrate
