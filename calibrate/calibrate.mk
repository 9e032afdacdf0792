# Synthesis of the modules, the cost model's coefficients, the plot of docs/calibration.md. Hours from nothing, seconds
# when nothing in rtl/ has changed; Yosys and gnuplot are needed for this target alone.
calibrate: $(BUILD)/calibrate/fit
	scripts/install-deps.sh --calibrate
	calibrate/sweep.py
	$< calibrate/measurements.csv src/cost/fitted.h >calibrate/errors.md
	calibrate/plot.sh

# The terms of the cost model, without a table of coefficients to begin with.
$(BUILD)/calibrate/fit: calibrate/fit.c $(BUILD)/libskipstream.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

.PHONY: calibrate
