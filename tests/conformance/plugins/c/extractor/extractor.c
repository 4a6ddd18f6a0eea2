/* The conformance suite's extractor: numbered rows, divided into splits. */
#include <stdlib.h>

#include <wasmill.h>

typedef struct config {
    int64_t rows, splits, bad_every;
    int way;
} config;

static const char *const WAYS[] = {"columns", "rows", NULL};

static const wml_setting SETTINGS[] = {
    WML_INTEGER(config, rows, "Rows of each split", .preset = "10", .minimum = "0"),
    WML_INTEGER(config, splits, "How many splits there are", .preset = "2", .minimum = "0"),
    WML_INTEGER(config, bad_every, "Ids that it divides are bad records; 0: none", .preset = "0", .minimum = "0"),
    WML_CHOICE(config, way, WAYS, "By columns or by rows", .preset = "columns"),
    WML_END,
};

typedef struct plugin {
    const config *config;
    int id, name;
    int64_t next, end; /* ids */
    int64_t cursor;
} plugin;

static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    plugin *self = self_;
    self->config = config_;
    if (self->config->way == 1) wml_by_rows(plan);
    wml_field id = wml_field_new("id", WML_INT64);
    id.nullable = false;
    self->id = wml_write_field(plan, &id);
    self->name = wml_write(plan, "name", WML_UTF8);
    return WML_OK;
}

static wml_status plan(void *self_, const wml_cursor *cursors, size_t count, wml_splits *splits) {
    const plugin *self = self_;
    int64_t start = 0;
    for (size_t at = 0; at < count; at++) {
        if (wml_str_is(cursors[at].split, "part-0")) start = strtoll(cursors[at].position.data, NULL, 10);
    }
    for (int64_t part = 0; part < self->config->splits; part++) {
        wml_split split = {.has_rows = true, .rows = (uint64_t)self->config->rows};
        split.id = wml_str_of(wml_printf("part-%lld", (long long)part));
        split.descriptor = wml_str_of(wml_printf("%lld %lld", (long long)start, (long long)part));
        wml_add_split(splits, split);
    }
    return WML_OK;
}

static wml_status open_split(void *self_, const wml_split *split) {
    plugin *self = self_;
    char *rest;
    int64_t start = strtoll(split->descriptor.data, &rest, 10), part = strtoll(rest, NULL, 10);
    self->next = start + part * self->config->rows;
    self->end = self->next + self->config->rows;
    self->cursor = start + self->config->splits * self->config->rows;
    return WML_OK;
}

static void put(const plugin *self, wml_out *out, int64_t id) {
    const char *name = id % 5 == 0 ? NULL : wml_printf("row %lld", (long long)id);
    if (self->config->way == 1) {
        wml_row *row = wml_row_new();
        wml_row_set_int64(row, "id", id);
        if (name != NULL) wml_row_set_string(row, "name", wml_str_of(name));
        wml_emit(out, row);
        return;
    }
    wml_append_int(wml_output(out, self->id), id);
    if (name != NULL) {
        wml_append_string(wml_output(out, self->name), wml_str_of(name));
    } else {
        wml_append_null(wml_output(out, self->name));
    }
}

static wml_status next(void *self_, uint32_t max_rows, wml_out *out, bool *more) {
    plugin *self = self_;
    *more = self->next < self->end;
    for (uint32_t row = 0; row < max_rows && self->next < self->end; row++) {
        int64_t id = self->next++;
        if (self->config->bad_every > 0 && id % self->config->bad_every == 0) {
            const char *text = wml_printf("%lld", (long long)id);
            wml_bad_record(out, wml_printf("id %s", text), wml_str_of(wml_printf("bad %s", text)), "bad", "%s is bad", text);
        } else {
            put(self, out, id);
        }
    }
    return WML_OK;
}

static wml_status cursor(void *self_, const char **position) {
    const plugin *self = self_;
    *position = wml_printf("%lld", (long long)self->cursor);
    return WML_OK;
}

WML_EXTRACTOR(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(plugin), .bind = bind, .plan = plan,
              .open = open_split, .next = next, .cursor = cursor);
