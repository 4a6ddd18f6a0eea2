/* Judges amounts, row by row and as a table. */
#include <wasmill.h>

typedef struct config {
    const char *column;
    int64_t min_rows;
} config;

static const wml_setting SETTINGS[] = {
    WML_TEXT(config, column, "The column with the amounts", .preset = "amount"),
    WML_INTEGER(config, min_rows, "A table with fewer rows is refused", .preset = "1", .minimum = "0"),
    WML_END,
};

typedef struct plugin {
    const config *config;
    int amount;
} plugin;

/* What the judgement of the table needs. Nothing else is kept from batch to batch: they are judged on several instances. */
typedef struct state {
    uint64_t rows;
} state;

static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    plugin *self = self_;
    self->config = config_;
    return wml_read(plan, self->config->column, WML_FLOAT64, &self->amount);
}

static wml_status check(void *self_, const wml_batch *batch, wml_out *out, void *state_) {
    const plugin *self = self_;
    state *state = state_;
    const char *name = self->config->column;
    const wml_column *column = wml_input(batch, self->amount);
    const double *amounts = wml_float64(column);
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (wml_is_null(column, row)) {
            /* A warning is counted; the row goes on. */
            wml_warn_of(out, row, "missing", name, "there is no amount");
        } else if (amounts[row] < 0) {
            /* What becomes of the row, the pipeline says: `on_violation`. */
            wml_reject(out, row, "negative", name, "the amount is below 0");
        }
    }
    state->rows += batch->rows; /* 0 at the start of each batch */
    return WML_OK;
}

static wml_status merge(void *self, void *state_, const void *other_) {
    (void)self;
    state *state = state_;
    const struct state *other = other_;
    state->rows += other->rows;
    return WML_OK;
}

static wml_status conclude(void *self_, const void *state_, wml_conclusion *conclusion) {
    const plugin *self = self_;
    const state *state = state_;
    uint64_t least = (uint64_t)self->config->min_rows;
    wml_debug("%llu rows in all", (unsigned long long)state->rows);
    wml_rule(conclusion, "min-rows", NULL, state->rows < least ? WML_REFUSE : WML_PASS, state->rows, 0,
             "%llu rows; at least %llu are expected", (unsigned long long)state->rows, (unsigned long long)least);
    wml_metric(conclusion, "rows", (double)state->rows);
    return WML_OK;
}

WML_VALIDATOR(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(plugin), .state_size = sizeof(state),
              .bind = bind, .check = check, .merge = merge, .conclude = conclude);
