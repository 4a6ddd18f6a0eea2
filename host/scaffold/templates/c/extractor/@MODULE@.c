/*
 * Reads orders that are newer than those of the last run, from an API with pages:
 *
 *     GET /orders/last                        {"id": 3}
 *     GET /orders?after=0&until=3&limit=100   [{"id": 1, "amount": 9.5}, ...] by id
 */
#include <stdlib.h>

#include <wasmill.h>

typedef struct config {
    const char *connection;
    int64_t page_rows;
} config;

static const wml_setting SETTINGS[] = {
    WML_TEXT(config, connection, "The connection to the API. The pipeline file says where it leads, and grants it"),
    WML_INTEGER(config, page_rows, "How many orders a page has at most", .preset = "100", .minimum = "1"),
    WML_END,
};

typedef struct plugin {
    const config *config;
    int id, amount;
    int64_t after, until; /* the split in hand: orders behind the one, up to the other */
} plugin;

static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    plugin *self = self_;
    self->config = config_;
    wml_field id = wml_field_new("id", WML_INT64);
    id.nullable = false;
    self->id = wml_write_field(plan, &id);
    self->amount = wml_write(plan, "amount", WML_FLOAT64);
    return WML_OK;
}

/* What the API answers, until the end of the call. */
static wml_status get(const config *config, const char *path, wml_json *answer) {
    wml_request request = {.path = path};
    wml_response response;
    WML_TRY(wml_send(config->connection, &request, &response));
    /* Makes failures of statuses: 429 and 5xx are tried again, as the pipeline's retry policy says. */
    WML_TRY(wml_successful(&response));
    return wml_json_parse(wml_call_arena(), response.body, answer);
}

/* Whether a record has an id. */
static bool id_of(const wml_json *record, int64_t *id) {
    const wml_json *value = wml_json_get(record, "id");
    return value != NULL && wml_json_int64(value, id);
}

/* Called once in a run. A split may be read again after a failure, and must then have the same rows: so it says where it ends. */
static wml_status plan(void *self_, const wml_cursor *cursors, size_t count, wml_splits *splits) {
    const plugin *self = self_;
    const char *after = count == 0 ? "0" : wml_arena_text(wml_call_arena(), cursors[0].position);
    wml_json last;
    WML_TRY(get(self->config, "/orders/last", &last));
    int64_t until;
    if (!id_of(&last, &until)) return wml_fatal("the last order has no id");
    wml_info("reading orders from %s to %lld", after, (long long)until);
    wml_add_split(splits, (wml_split){
        .id = wml_str_of("orders"),
        .descriptor = wml_str_of(wml_printf("%s %lld", after, (long long)until)),
    });
    return WML_OK;
}

static wml_status open_split(void *self_, const wml_split *split) {
    plugin *self = self_;
    char *rest;
    self->after = strtoll(split->descriptor.data, &rest, 10);
    self->until = strtoll(rest, NULL, 10);
    return WML_OK;
}

/* Puts a record out as a row; false where it is none. */
static bool put(const plugin *self, const wml_json *record, wml_out *out) {
    int64_t id;
    double amount = 0;
    const wml_json *value = wml_json_get(record, "amount");
    bool has_amount = value != NULL && value->kind != WML_JSON_NULL;
    if (!id_of(record, &id) || (has_amount && !wml_json_double(value, &amount))) return false;
    wml_append_int(wml_output(out, self->id), id);
    if (has_amount) {
        wml_append_double(wml_output(out, self->amount), amount);
    } else {
        wml_append_null(wml_output(out, self->amount));
    }
    return true;
}

static wml_status next(void *self_, uint32_t max_rows, wml_out *out, bool *more) {
    plugin *self = self_;
    if (self->after >= self->until) return WML_OK;
    int64_t limit = self->config->page_rows < max_rows ? self->config->page_rows : max_rows;
    const char *path = wml_printf("/orders?after=%lld&until=%lld&limit=%lld", (long long)self->after, (long long)self->until,
                                  (long long)limit);
    wml_json page;
    WML_TRY(get(self->config, path, &page));
    if (page.kind != WML_JSON_ARRAY) return wml_fatal("a page is an array");
    if (page.count == 0) return WML_OK;
    for (uint32_t at = 0; at < page.count; at++) {
        if (put(self, &page.items[at], out)) continue;
        /* A record that is no row goes to the quarantine as it came, with the place where it was found. */
        wml_buffer raw = wml_buffer_new();
        wml_json_write(&raw, &page.items[at]);
        wml_bad_record(out, path, wml_buffer_str(&raw), "no-order", "an order has an `id` and an `amount`, a number or null");
    }
    /* Where a page ends is in its last record, so that one must at least have an id. */
    if (!id_of(&page.items[page.count - 1], &self->after)) return wml_fatal("the page's last order has no id");
    *more = true;
    return WML_OK;
}

/* Stored once the run has succeeded, and given to the next one. */
static wml_status cursor(void *self_, const char **position) {
    const plugin *self = self_;
    *position = wml_printf("%lld", (long long)self->until);
    return WML_OK;
}

WML_EXTRACTOR(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(plugin), .bind = bind, .plan = plan,
              .open = open_split, .next = next, .cursor = cursor);
