/*
 * Stores orders in an API that keeps batches aside until they are committed:
 *
 *     POST /staged    [{"id": 1, "amount": 9.5}, ...]    201 {"id": 7}
 *     POST /commits   {"staged": [7, 8]}                 once for each idempotency key
 *     DELETE /staged/7
 */
#include <wasmill.h>

typedef struct config {
    const char *connection;
} config;

static const wml_setting SETTINGS[] = {
    WML_TEXT(config, connection, "The connection to the API. The pipeline file says where it leads, and grants it"),
    WML_END,
};

typedef struct plugin {
    const config *config;
    int id, amount;
    const char *staged; /* the batches so far: "7,8" */
    uint64_t rows;
} plugin;

static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    plugin *self = self_;
    self->config = config_;
    WML_TRY(wml_read(plan, "id", WML_INT64, &self->id));
    return wml_read(plan, "amount", WML_FLOAT64, &self->amount);
}

static wml_status open_attempt(void *self_, const wml_attempt *attempt) {
    plugin *self = self_;
    self->staged = "";
    wml_debug("attempt %s at split %s", attempt->attempt.data, attempt->split.data);
    return WML_OK;
}

/* Posts JSON; `key` makes sure that a repeated request changes nothing. */
static wml_status post(const config *config, const char *path, wml_str body, wml_str key, wml_response *response) {
    wml_pair headers[] = {
        {WML_LITERAL("content-type"), WML_LITERAL("application/json")},
        {WML_LITERAL("idempotency-key"), key},
    };
    size_t header_count = key.size == 0 ? 1 : 2;
    wml_request request = {.method = "POST", .path = path, .headers = headers, .header_count = header_count, .body = body};
    WML_TRY(wml_send(config->connection, &request, response));
    return wml_successful(response);
}

/* What is written must stay invisible until `commit`: this attempt may yet fail, and another one be made. */
static wml_status write(void *self_, const wml_batch *batch, wml_out *out) {
    plugin *self = self_;
    const wml_column *ids = wml_input(batch, self->id), *amounts = wml_input(batch, self->amount);
    wml_buffer body = wml_buffer_new();
    uint64_t count = 0;
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (wml_is_null(ids, row)) {
            wml_reject(out, row, "no-id", "id", "the API needs an id");
            continue;
        }
        wml_buffer_printf(&body, "%s{\"id\":%lld,\"amount\":", count == 0 ? "[" : ",", (long long)wml_int64(ids)[row]);
        if (wml_is_null(amounts, row)) {
            wml_buffer_add_str(&body, WML_LITERAL("null"));
        } else {
            wml_json_write_double(&body, wml_float64(amounts)[row]);
        }
        wml_buffer_add_str(&body, WML_LITERAL("}"));
        count++;
    }
    if (count == 0) return WML_OK;
    wml_buffer_add_str(&body, WML_LITERAL("]"));

    wml_response response;
    WML_TRY(post(self->config, "/staged", wml_buffer_str(&body), (wml_str){NULL, 0}, &response));
    wml_json answer;
    WML_TRY(wml_json_parse(wml_call_arena(), response.body, &answer));
    const wml_json *id = wml_json_get(&answer, "id");
    uint64_t number;
    if (id == NULL || !wml_json_uint64(id, &number)) return wml_fatal("the API did not say where it staged the batch");
    /* What is kept from call to call lies in the plugin's arena. */
    const char *comma = self->staged[0] == '\0' ? "" : ",";
    self->staged = wml_arena_printf(wml_plugin_arena(), "%s%s%llu", self->staged, comma, (unsigned long long)number);
    self->rows += count;
    return WML_OK;
}

/* The receipt is all that `commit` will know of this attempt. */
static wml_status finish(void *self_, wml_receipt *receipt) {
    const plugin *self = self_;
    receipt->rows = self->rows;
    receipt->reference = wml_str_of(self->staged);
    return WML_OK;
}

/* On a fresh instance, and perhaps twice after a crash: the key makes sure that the second time changes nothing. */
static wml_status commit(const void *config, wml_str run, const wml_receipt *receipts, size_t count) {
    wml_buffer body = wml_buffer_new();
    wml_buffer_add_str(&body, WML_LITERAL("{\"staged\":["));
    bool is_first = true;
    for (size_t at = 0; at < count; at++) {
        if (receipts[at].reference.size == 0) continue;
        if (!is_first) wml_buffer_add_str(&body, WML_LITERAL(","));
        wml_buffer_add_str(&body, receipts[at].reference);
        is_first = false;
    }
    wml_buffer_add_str(&body, WML_LITERAL("]}"));
    wml_response response;
    return post(config, "/commits", wml_buffer_str(&body), run, &response);
}

/* After a run that failed. What is not there any more is no error. */
static wml_status abort_(const void *config_, wml_str run, const wml_receipt *receipts, size_t count) {
    (void)run;
    const config *config = config_;
    for (size_t at = 0; at < count; at++) {
        wml_str ids = receipts[at].reference;
        while (ids.size > 0) {
            const char *comma = wml_find_byte(ids, ',');
            size_t size = comma == NULL ? ids.size : (size_t)(comma - ids.data);
            wml_request request = {.method = "DELETE", .path = wml_printf("/staged/%.*s", (int)size, ids.data)};
            wml_response response;
            WML_TRY(wml_send(config->connection, &request, &response));
            if (response.status != 404) WML_TRY(wml_successful(&response));
            size += comma != NULL;
            ids = (wml_str){ids.data + size, ids.size - size};
        }
    }
    return WML_OK;
}

WML_LOADER(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(plugin), .bind = bind, .open = open_attempt,
           .write = write, .finish = finish, .commit = commit, .abort = abort_);
