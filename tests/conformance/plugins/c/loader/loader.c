/* The conformance suite's loader: puts batches to a server, and tells it when they count. */
#include <wasmill.h>

typedef struct config {
    const char *connection;
    int way;
} config;

static const char *const WAYS[] = {"columns", "rows", NULL};

static const wml_setting SETTINGS[] = {
    WML_TEXT(config, connection, "The connection to the server", .preset = "server"),
    WML_CHOICE(config, way, WAYS, "By columns or by rows", .preset = "columns"),
    WML_END,
};

typedef struct plugin {
    const config *config;
    int id, name;
    const wml_attempt *attempt;
    uint64_t batches, rows;
} plugin;

static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    plugin *self = self_;
    self->config = config_;
    if (self->config->way == 1) wml_by_rows(plan);
    WML_TRY(wml_read(plan, "id", WML_INT64, &self->id));
    return wml_read(plan, "name", WML_UTF8, &self->name);
}

static wml_status open_attempt(void *self_, const wml_attempt *attempt) {
    plugin *self = self_;
    self->attempt = attempt;
    return WML_OK;
}

/* What the server does not answer with 2xx may work later. */
static wml_status ask(const config *config, const char *method, const char *path, wml_str body) {
    wml_request request = {.method = method, .path = path, .body = body};
    wml_response response;
    WML_TRY(wml_send(config->connection, &request, &response));
    if (response.status >= 200 && response.status <= 299) return WML_OK;
    return wml_retryable("the server answered %u", response.status);
}

static void add(plugin *self, wml_buffer *lines, int64_t id, bool has_name, wml_str name) {
    wml_buffer_printf(lines, "%lld ", (long long)id);
    wml_buffer_add_str(lines, has_name ? name : WML_LITERAL("-"));
    wml_buffer_add_str(lines, WML_LITERAL("\n"));
    self->rows++;
}

static void refuse(wml_out *out, uint32_t row) {
    wml_reject(out, row, "null-id", "id", "an id is needed");
}

static wml_status write(void *self_, const wml_batch *batch, wml_out *out) {
    plugin *self = self_;
    wml_buffer lines = wml_buffer_new();
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (self->config->way == 1) {
            const wml_row *values = wml_batch_row(batch, row);
            int64_t id;
            wml_str name = {NULL, 0};
            wml_found found = wml_row_get_int64(values, "id", &id);
            bool has_name = wml_row_get_string(values, "name", &name) == WML_FOUND;
            if (found == WML_FOUND) {
                add(self, &lines, id, has_name, name);
            } else {
                refuse(out, row);
            }
            continue;
        }
        const wml_column *ids = wml_input(batch, self->id), *names = wml_input(batch, self->name);
        if (wml_is_null(ids, row)) {
            refuse(out, row);
            continue;
        }
        bool has_name = wml_is_valid(names, row);
        add(self, &lines, wml_int64(ids)[row], has_name, has_name ? wml_string_at(names, row) : (wml_str){NULL, 0});
    }
    const char *path = wml_printf("/staged/%s/%llu", self->attempt->attempt.data, (unsigned long long)self->batches++);
    return ask(self->config, "PUT", path, wml_buffer_str(&lines));
}

static wml_status finish(void *self_, wml_receipt *receipt) {
    const plugin *self = self_;
    receipt->rows = self->rows;
    receipt->reference = wml_str_of(wml_printf("/staged/%s", self->attempt->attempt.data));
    return WML_OK;
}

static wml_status commit(const void *config, wml_str run, const wml_receipt *receipts, size_t count) {
    wml_buffer lines = wml_buffer_new();
    for (size_t at = 0; at < count; at++) {
        wml_buffer_printf(&lines, "%s %llu\n", receipts[at].reference.data, (unsigned long long)receipts[at].rows);
    }
    return ask(config, "PUT", wml_printf("/committed/%s", run.data), wml_buffer_str(&lines));
}

static wml_status abort_(const void *config, wml_str run, const wml_receipt *receipts, size_t count) {
    (void)run;
    for (size_t at = 0; at < count; at++) WML_TRY(ask(config, "DELETE", receipts[at].reference.data, (wml_str){NULL, 0}));
    return WML_OK;
}

WML_LOADER(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(plugin), .bind = bind, .open = open_attempt,
           .write = write, .finish = finish, .commit = commit, .abort = abort_);
