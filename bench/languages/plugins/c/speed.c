/*
 * The work of the benchmark suite, as bench/guests/wasmill and bench/guests/records do it in Rust: `wide` filters and computes over
 * numbers, `strings` takes texts apart, `records` cleans customers' records.
 */
#include <wasmill.h>

enum { WORK_WIDE, WORK_STRINGS, WORK_RECORDS };

static const char *const WORKS[] = {"wide", "strings", "records", NULL};
static const char *const WAYS[] = {"columns", "rows", NULL};

typedef struct config {
    int work, way;
} config;

static const wml_setting SETTINGS[] = {
    WML_CHOICE(config, work, WORKS, "What to do"),
    WML_CHOICE(config, way, WAYS, "By columns or by rows", .preset = "columns"),
    WML_END,
};

typedef struct speed {
    const config *config;
    int a, b, d, c;                          /* wide */
    int text, field;                         /* strings */
    int name, amount, email, upper, gross;   /* records */
} speed;

static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    speed *self = self_;
    self->config = config_;
    if (self->config->way == 1) wml_by_rows(plan);
    switch (self->config->work) {
    case WORK_WIDE:
        WML_TRY(wml_read(plan, "a", WML_INT32, &self->a));
        WML_TRY(wml_read(plan, "b", WML_FLOAT64, &self->b));
        WML_TRY(wml_read(plan, "d", WML_FLOAT64, &self->d));
        self->c = wml_write(plan, "c", WML_FLOAT64);
        return WML_OK;
    case WORK_STRINGS:
        WML_TRY(wml_read(plan, "text", WML_UTF8, &self->text));
        wml_drop_all(plan);
        self->field = wml_write(plan, "field", WML_UTF8);
        return WML_OK;
    default:
        WML_TRY(wml_read(plan, "name", WML_UTF8, &self->name));
        WML_TRY(wml_read(plan, "amount", WML_FLOAT64, &self->amount));
        WML_TRY(wml_read(plan, "email", WML_UTF8, &self->email));
        self->upper = wml_write(plan, "name", WML_UTF8);
        self->gross = wml_write(plan, "gross", WML_FLOAT64);
        return WML_OK;
    }
}

/* The second of the parts that dots divide a text into; data is NULL where there is none. */
static wml_str second_part(wml_str text) {
    const char *dot = wml_find_byte(text, '.');
    if (dot == NULL) return (wml_str){NULL, 0};
    wml_str rest = {dot + 1, text.size - (size_t)(dot + 1 - text.data)};
    const char *end = wml_find_byte(rest, '.');
    if (end != NULL) rest.size = (size_t)(end - rest.data);
    return rest;
}

/* Exactly one `@`, something before it, and a domain with a dot inside. */
static bool is_address(wml_str text) {
    const char *at = wml_find_byte(text, '@');
    if (at == NULL || at == text.data) return false;
    wml_str domain = {at + 1, text.size - (size_t)(at + 1 - text.data)};
    if (wml_find_byte(domain, '@') != NULL) return false;
    return domain.size > 2 && wml_find_byte((wml_str){domain.data + 1, domain.size - 2}, '.') != NULL;
}

/* ---- by columns ---- */

static void wide(const speed *self, const wml_batch *batch, wml_out *out) {
    const wml_column *b_column = wml_input(batch, self->b), *d_column = wml_input(batch, self->d);
    const int32_t *a = wml_int32(wml_input(batch, self->a));
    const double *b = wml_float64(b_column), *d = wml_float64(d_column);
    wml_filter_where(out, row, a[row] >= 9000 && a[row] < 9500);
    wml_builder *builder = wml_output(out, self->c);
    double *c = wml_fill(builder, batch->rows);
    for (uint32_t row = 0; row < batch->rows; row++) c[row] = b[row] * (1.0 - d[row]);
    wml_copy_nulls(builder, b_column);
    wml_copy_nulls(builder, d_column);
}

static void strings(const speed *self, const wml_batch *batch, wml_out *out) {
    const wml_column *texts = wml_input(batch, self->text);
    wml_builder *field = wml_output(out, self->field);
    wml_builder_reserve(field, batch->rows, texts->values_size / 2);
    for (uint32_t row = 0; row < batch->rows; row++) {
        wml_str part = {NULL, 0};
        if (wml_is_valid(texts, row)) part = second_part(wml_string_at(texts, row));
        if (part.data == NULL) {
            wml_append_null(field);
        } else {
            wml_append_string(field, part);
        }
    }
}

static void records(const speed *self, const wml_batch *batch, wml_out *out) {
    const wml_column *amounts = wml_input(batch, self->amount), *emails = wml_input(batch, self->email);
    const double *amount = wml_float64(amounts);
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (wml_is_null(amounts, row) || !(amount[row] > 0)) {
            wml_drop_row(out, row);
        } else if (wml_is_null(emails, row) || !is_address(wml_string_at(emails, row))) {
            wml_reject(out, row, "bad-email", "email", "this is no e-mail address");
        }
    }

    wml_builder *builder = wml_output(out, self->gross);
    double *gross = wml_fill(builder, batch->rows);
    for (uint32_t row = 0; row < batch->rows; row++) gross[row] = amount[row] * 1.2;
    wml_copy_nulls(builder, amounts);

    const wml_column *names = wml_input(batch, self->name);
    wml_builder *upper = wml_output(out, self->upper);
    wml_builder_reserve(upper, batch->rows, names->values_size + names->values_size / 8);
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (wml_is_null(names, row)) {
            wml_append_null(upper);
        } else {
            wml_append_upper(upper, wml_string_at(names, row));
        }
    }
}

/* ---- by rows ---- */

static void wide_row(wml_row *row, wml_out *out) {
    int64_t a;
    double b, d;
    if (wml_row_get_int64(row, "a", &a) != WML_FOUND || a < 9000 || a >= 9500) return;
    if (wml_row_get_double(row, "b", &b) == WML_FOUND && wml_row_get_double(row, "d", &d) == WML_FOUND) {
        wml_row_set_double(row, "c", b * (1.0 - d));
    }
    wml_emit(out, row);
}

static void strings_row(wml_row *row, wml_out *out) {
    wml_str text;
    if (wml_row_get_string(row, "text", &text) == WML_FOUND) {
        wml_str part = second_part(text);
        if (part.data != NULL) wml_row_set_string(row, "field", part);
    }
    wml_emit(out, row);
}

static void records_row(wml_row *row, uint32_t at, wml_out *out) {
    double amount;
    wml_str email, name;
    if (wml_row_get_double(row, "amount", &amount) != WML_FOUND || !(amount > 0)) return;
    if (wml_row_get_string(row, "email", &email) != WML_FOUND || !is_address(email)) {
        wml_reject(out, at, "bad-email", "email", "this is no e-mail address");
        return;
    }
    wml_row_set_double(row, "gross", amount * 1.2);
    if (wml_row_get_string(row, "name", &name) == WML_FOUND) wml_row_set_string(row, "name", wml_upper(name));
    wml_emit(out, row);
}

static wml_status process(void *self_, const wml_batch *batch, wml_out *out) {
    const speed *self = self_;
    int work = self->config->work;
    if (self->config->way == 1) {
        for (uint32_t at = 0; at < batch->rows; at++) {
            wml_row *row = wml_batch_row(batch, at);
            if (work == WORK_WIDE) wide_row(row, out);
            if (work == WORK_STRINGS) strings_row(row, out);
            if (work == WORK_RECORDS) records_row(row, at, out);
        }
        return WML_OK;
    }
    if (work == WORK_WIDE) wide(self, batch, out);
    if (work == WORK_STRINGS) strings(self, batch, out);
    if (work == WORK_RECORDS) records(self, batch, out);
    return WML_OK;
}

WML_TRANSFORMER(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(speed), .bind = bind, .process = process);
