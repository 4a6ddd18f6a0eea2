/* Adds the price with tax. */
#include <wasmill.h>

typedef struct config {
    double rate;
    const char *net;
} config;

/* The parser and the JSON Schema that `wasmill inspect` shows; the host refuses what does not fit. */
static const wml_setting SETTINGS[] = {
    WML_NUMBER(config, rate, "The tax rate, such as 0.19", .minimum = "0"),
    WML_TEXT(config, net, "The column with the price before tax", .preset = "net"),
    WML_END,
};

typedef struct plugin {
    const config *config; /* lives as long as the plugin */
    int net, gross;
} plugin;

/*
 * Called to check a pipeline, and again for each instance: it must have no effects. All columns of the input are kept; only those
 * that are read enter the sandbox.
 */
static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    plugin *self = self_;
    self->config = config_;
    WML_TRY(wml_read(plan, self->config->net, WML_FLOAT64, &self->net));
    self->gross = wml_write(plan, "gross", WML_FLOAT64);
    return WML_OK;
}

static wml_status process(void *self_, const wml_batch *batch, wml_out *out) {
    const plugin *self = self_;
    const wml_column *column = wml_input(batch, self->net);
    const double *net = wml_float64(column);
    wml_builder *builder = wml_output(out, self->gross);
    double *gross = wml_fill(builder, batch->rows);
    /* Nulls too: what is made of them does not matter, and the loop without a branch becomes vector instructions. */
    for (uint32_t row = 0; row < batch->rows; row++) gross[row] = net[row] * (1 + self->config->rate);
    wml_copy_nulls(builder, column);

    uint32_t negative = 0;
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (wml_is_null(column, row) || !(net[row] < 0)) continue;
        /* A bad row is no failure: it goes to the quarantine, and the others go on. */
        wml_reject(out, row, "negative-price", self->config->net, "the price is below 0");
        negative++;
    }
    if (negative > 0) wml_info("%u of %u prices are negative", (unsigned)negative, (unsigned)batch->rows);
    return WML_OK;
}

WML_TRANSFORMER(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(plugin), .bind = bind, .process = process);
