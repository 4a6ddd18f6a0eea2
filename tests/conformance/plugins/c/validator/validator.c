/* The conformance suite's validator: an upper limit for a column, and a least number of rows. */
#include <wasmill.h>

typedef struct config {
    const char *column;
    double max;
    int64_t min_rows;
    int way;
} config;

static const char *const WAYS[] = {"columns", "rows", NULL};

static const wml_setting SETTINGS[] = {
    WML_TEXT(config, column, "The column to judge, a float64"),
    WML_NUMBER(config, max, "The largest value that is allowed", .preset = "100.0"),
    WML_INTEGER(config, min_rows, "How many rows the table must have", .preset = "1"),
    WML_CHOICE(config, way, WAYS, "By columns or by rows", .preset = "columns"),
    WML_END,
};

typedef struct plugin {
    const config *config;
    int column;
} plugin;

typedef struct state {
    uint64_t rows;
    double sum; /* of the values that are not null */
} state;

static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    plugin *self = self_;
    self->config = config_;
    if (self->config->way == 1) wml_by_rows(plan);
    return wml_read(plan, self->config->column, WML_FLOAT64, &self->column);
}

static void judge(const plugin *self, uint32_t row, double value, wml_out *out, state *state) {
    const config *config = self->config;
    state->sum += value;
    if (value > config->max) wml_reject(out, row, "max", config->column, "%g is above %g", value, config->max);
    if (value == config->max) wml_warn_of(out, row, "at-max", config->column, "%g is the largest that is allowed", value);
}

static wml_status check(void *self_, const wml_batch *batch, wml_out *out, void *state_) {
    const plugin *self = self_;
    state *state = state_;
    state->rows += batch->rows;
    if (self->config->way == 1) {
        for (uint32_t row = 0; row < batch->rows; row++) {
            double value;
            if (wml_row_get_double(wml_batch_row(batch, row), self->config->column, &value) == WML_FOUND) {
                judge(self, row, value, out, state);
            }
        }
        return WML_OK;
    }
    const wml_column *column = wml_input(batch, self->column);
    const double *values = wml_float64(column);
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (wml_is_valid(column, row)) judge(self, row, values[row], out, state);
    }
    return WML_OK;
}

static wml_status merge(void *self, void *state_, const void *other_) {
    (void)self;
    state *state = state_;
    const struct state *other = other_;
    state->rows += other->rows;
    state->sum += other->sum;
    return WML_OK;
}

static wml_status conclude(void *self_, const void *state_, wml_conclusion *conclusion) {
    const plugin *self = self_;
    const state *state = state_;
    int64_t least = self->config->min_rows;
    bool enough = least <= 0 || state->rows >= (uint64_t)least;
    wml_rule(conclusion, "min-rows", NULL, enough ? WML_PASS : WML_REFUSE, state->rows, 0, "%llu rows; at least %lld are expected",
             (unsigned long long)state->rows, (long long)least);
    wml_metric(conclusion, "rows", (double)state->rows);
    wml_metric(conclusion, "sum", state->sum);
    return WML_OK;
}

WML_VALIDATOR(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(plugin), .state_size = sizeof(state),
              .bind = bind, .check = check, .merge = merge, .conclude = conclude);
