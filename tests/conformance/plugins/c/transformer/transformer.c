/* The conformance suite's transformer: one case per function, chosen by the configuration. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <wasmill.h>

/* ---- configuration ---- */

#define CASES(X)                                                                                                               \
    X(copy) X(keep) X(rename) X(even) X(reverse) X(explode) X(running) X(count) X(hold) X(reject) X(unchanged) X(words) X(add)  \
    X(defaults) X(log) X(time) X(http) X(fail) X(exhaust)

#define CASE_ID(name) CASE_##name,
#define CASE_NAME(name) #name,

enum { CASES(CASE_ID) };
enum { BY_VALUES, BY_BUFFERS };
enum { AT_BIND, AT_OPEN, AT_PROCESS, AT_FINISH };
enum { KIND_RETRYABLE, KIND_RETRYABLE_AFTER, KIND_FATAL, KIND_BAD_CONFIG, KIND_BAD_SCHEMA, KIND_EXCEPTION };
enum { WHAT_FUEL, WHAT_MEMORY, WHAT_STACK };

static const char *const CASE_NAMES[] = {CASES(CASE_NAME) NULL};
static const char *const WAYS[] = {"columns", "rows", NULL};
static const char *const BYS[] = {"values", "buffers", NULL};
static const char *const PLACES[] = {"bind", "open", "process", "finish", NULL};
static const char *const KINDS[] = {"retryable", "retryable-after", "fatal", "bad-config", "bad-schema", "exception", NULL};
static const char *const WHATS[] = {"fuel", "memory", "stack", NULL};

typedef struct nested {
    int64_t depth;
} nested;

typedef struct options {
    const char *text;
    int64_t number;
    double ratio;
    bool flag;
    wml_list list; /* of int64_t */
    nested nested;
} options;

typedef struct config {
    int which, way, by, at, kind, what;
    const char *connection;
    options options;
} config;

static const wml_setting NESTED[] = {
    WML_INTEGER(nested, depth, "A number in a nested object", .preset = "1"),
    WML_END,
};

static const wml_setting OPTIONS[] = {
    WML_TEXT(options, text, "A text", .preset = "standard"),
    WML_INTEGER(options, number, "A whole number", .preset = "7"),
    WML_NUMBER(options, ratio, "A number", .preset = "0.5"),
    WML_BOOL(options, flag, "Yes or no", .preset = "true"),
    WML_LIST(options, list, WML_SETTING_INT64, "Whole numbers", .preset = "[1, 2]"),
    WML_OBJECT(options, nested, NESTED, "An object"),
    WML_END,
};

static const wml_setting SETTINGS[] = {
    WML_CHOICE(config, which, CASE_NAMES, "What to do", .name = "case"),
    WML_CHOICE(config, way, WAYS, "By columns or by rows", .preset = "columns"),
    WML_CHOICE(config, by, BYS, "How `copy` copies", .preset = "values"),
    WML_CHOICE(config, at, PLACES, "Where `fail` fails", .preset = "process"),
    WML_CHOICE(config, kind, KINDS, "How `fail` fails", .preset = "fatal"),
    WML_CHOICE(config, what, WHATS, "What `exhaust` uses up", .preset = "fuel"),
    WML_TEXT(config, connection, "The connection of `http`", .preset = "server"),
    WML_OBJECT(config, options, OPTIONS, "What `defaults` shows"),
    WML_END,
};

/* ---- state ---- */

/* How many rows of a key have come. */
typedef struct seen {
    char *key; /* NULL for null */
    size_t size;
    int64_t rows;
} seen;

typedef struct plugin {
    const config *config;
    uint32_t columns;    /* of the input */
    int input;           /* the column that the case reads */
    int first, second;   /* the columns that it writes */
    seen *keys;
    size_t key_count, key_capacity;
    int64_t rows;
    int64_t *ids;
    size_t id_count, id_capacity;
} plugin;

static bool by_rows(const plugin *self) {
    return self->config->way == 1;
}

static wml_status fail(const plugin *self, int place) {
    if (self->config->which != CASE_fail || self->config->at != place) return WML_OK;
    switch (self->config->kind) {
    case KIND_RETRYABLE: return wml_retryable("try later");
    case KIND_RETRYABLE_AFTER: return wml_retryable_after(1500, "try later");
    case KIND_FATAL: return wml_fatal("no way");
    case KIND_BAD_CONFIG: return wml_bad_config("/kind", "not this one");
    case KIND_BAD_SCHEMA: return wml_bad_schema("id", "not this one");
    default: assert(!"unexpected"); return WML_OK;
    }
}

/* ---- bind ---- */

static wml_status bind(void *self_, const void *config_, wml_plan *plan) {
    plugin *self = self_;
    const config *config = self->config = config_;
    const wml_schema *schema = wml_plan_schema(plan);
    self->columns = schema->count;
    if (by_rows(self)) wml_by_rows(plan);
    WML_TRY(fail(self, AT_BIND));
    switch (config->which) {
    case CASE_copy:
        wml_read_all(plan);
        for (uint32_t column = 0; column < schema->count; column++) wml_write_field(plan, &schema->fields[column]);
        return WML_OK;
    case CASE_rename:
        if (schema->count == 0) return wml_bad_schema(NULL, "there is no column");
        if (schema->count > 1) WML_TRY(wml_drop(plan, schema->fields[schema->count - 1].name.data));
        return wml_rename(plan, schema->fields[0].name.data, "renamed");
    case CASE_even:
    case CASE_reject: return wml_read(plan, "id", WML_INT64, &self->input);
    case CASE_reverse:
        WML_TRY(wml_read(plan, "id", WML_INT64, &self->input));
        if (by_rows(self)) {
            wml_drop_all(plan);
            self->second = wml_write(plan, "id", WML_INT64);
        }
        self->first = wml_write(plan, "position", WML_INT64);
        return WML_OK;
    case CASE_explode:
        WML_TRY(wml_read(plan, "id", WML_INT64, &self->input));
        wml_drop_all(plan);
        self->first = wml_write(plan, "id", WML_INT64);
        self->second = wml_write(plan, "part", WML_INT64);
        return WML_OK;
    case CASE_running: {
        WML_TRY(wml_read(plan, "key", WML_UTF8, &self->input));
        const char *keys[] = {"key"};
        WML_TRY(wml_keyed_by(plan, keys, 1));
        self->first = wml_write(plan, "seen", WML_INT64);
        return WML_OK;
    }
    case CASE_count:
        wml_single_instance(plan);
        wml_drop_all(plan);
        self->first = wml_write(plan, "rows", WML_INT64);
        return WML_OK;
    case CASE_hold:
        WML_TRY(wml_read(plan, "id", WML_INT64, &self->input));
        wml_single_instance(plan);
        wml_drop_all(plan);
        self->first = wml_write(plan, "id", WML_INT64);
        return WML_OK;
    case CASE_unchanged:
        WML_TRY(wml_read(plan, "text", WML_UTF8, &self->input));
        self->first = wml_write(plan, "text", WML_UTF8);
        return WML_OK;
    case CASE_words:
        WML_TRY(wml_read(plan, "text", WML_UTF8, &self->input));
        self->first = wml_write(plan, "length", WML_INT64);
        self->second = wml_write(plan, "shout", WML_UTF8);
        return WML_OK;
    case CASE_add:
        WML_TRY(wml_read(plan, "x", WML_FLOAT64, &self->input));
        self->first = wml_write(plan, "y", WML_FLOAT64);
        return WML_OK;
    case CASE_defaults: self->first = wml_write(plan, "options", WML_UTF8); return WML_OK;
    case CASE_time:
        self->first = wml_write(plan, "now", WML_INT64);
        self->second = wml_write(plan, "random", WML_INT64);
        return WML_OK;
    case CASE_http:
        self->first = wml_write(plan, "status", WML_INT64);
        self->second = wml_write(plan, "body", WML_UTF8);
        return WML_OK;
    default: return WML_OK;
    }
}

static wml_status open_(void *self) {
    return fail(self, AT_OPEN);
}

/* ---- cases by columns ---- */

static wml_status copy(const plugin *self, const wml_batch *batch, wml_out *out) {
    for (uint32_t column = 0; column < self->columns; column++) {
        const wml_column *values = wml_input(batch, (int)column);
        if (self->config->by == BY_BUFFERS) {
            wml_set_column(out, (int)column, values);
            continue;
        }
        wml_builder *builder = wml_output(out, (int)column);
        for (uint32_t row = 0; row < batch->rows; row++) wml_append_value(builder, wml_value_at(values, row));
    }
    return WML_OK;
}

static void even(const plugin *self, const wml_batch *batch, wml_out *out) {
    const int64_t *ids = wml_int64(wml_input(batch, self->input));
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (ids[row] % 2 != 0) wml_drop_row(out, row);
    }
}

static void reverse(const plugin *self, const wml_batch *batch, wml_out *out) {
    if (batch->rows == 0) return;
    uint32_t count = batch->rows + 1;
    uint32_t *rows = wml_alloc(count * sizeof *rows);
    int64_t *positions = wml_fill(wml_output(out, self->first), count);
    for (uint32_t at = 0; at < count; at++) {
        rows[at] = at < batch->rows ? batch->rows - 1 - at : 0;
        positions[at] = at;
    }
    wml_take(out, rows, count);
}

static void explode(const plugin *self, const wml_batch *batch, wml_out *out) {
    const int64_t *ids = wml_int64(wml_input(batch, self->input));
    wml_builder *id = wml_output(out, self->first), *part = wml_output(out, self->second);
    uint32_t *rows = wml_alloc((batch->rows * 3 + 1) * sizeof *rows);
    size_t count = 0;
    for (uint32_t row = 0; row < batch->rows; row++) {
        for (int64_t at = 0; at < ids[row] % 4; at++) {
            wml_append_int(id, ids[row]);
            wml_append_int(part, at);
            rows[count++] = row;
        }
    }
    wml_take(out, rows, count);
}

static void *grown(void *old, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return old;
    *capacity = *capacity ? *capacity * 2 : 64;
    void *made = realloc(old, *capacity * size);
    assert(made != NULL);
    return made;
}

static int64_t next_of_key(plugin *self, bool is_null, wml_str key) {
    for (size_t at = 0; at < self->key_count; at++) {
        seen *each = &self->keys[at];
        if (is_null ? each->key == NULL : each->key != NULL && wml_str_equal((wml_str){each->key, each->size}, key)) {
            return ++each->rows;
        }
    }
    self->keys = grown(self->keys, self->key_count, &self->key_capacity, sizeof *self->keys);
    seen *made = &self->keys[self->key_count++];
    made->key = is_null ? NULL : wml_arena_text(wml_plugin_arena(), key);
    made->size = is_null ? 0 : key.size;
    return made->rows = 1;
}

static void running(plugin *self, const wml_batch *batch, wml_out *out) {
    const wml_column *keys = wml_input(batch, self->input);
    int64_t *rows = wml_fill(wml_output(out, self->first), batch->rows);
    for (uint32_t row = 0; row < batch->rows; row++) {
        bool is_null = wml_is_null(keys, row);
        rows[row] = next_of_key(self, is_null, is_null ? (wml_str){NULL, 0} : wml_string_at(keys, row));
    }
}

static void hold(plugin *self, int64_t id) {
    self->ids = grown(self->ids, self->id_count, &self->id_capacity, sizeof *self->ids);
    self->ids[self->id_count++] = id;
}

static void reject(const plugin *self, const wml_batch *batch, wml_out *out) {
    const int64_t *ids = wml_int64(wml_input(batch, self->input));
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (ids[row] % 3 == 0) wml_reject(out, row, "third", "id", "%lld is divisible by 3", (long long)ids[row]);
    }
}

static int64_t code_points(wml_str text) {
    int64_t points = 0;
    for (size_t at = 0; at < text.size; at++) points += ((uint8_t)text.data[at] & 0xc0) != 0x80;
    return points;
}

static const wml_str ENDING = {"!é🦀", 7};

static void words(const plugin *self, const wml_batch *batch, wml_out *out) {
    const wml_column *texts = wml_input(batch, self->input);
    wml_builder *length = wml_output(out, self->first), *shout = wml_output(out, self->second);
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (wml_is_null(texts, row)) {
            wml_append_null(length);
            wml_append_null(shout);
            continue;
        }
        wml_str text = wml_string_at(texts, row);
        wml_append_int(length, code_points(text));
        char *place = wml_begin_string(shout, text.size + ENDING.size);
        if (text.size != 0) memcpy(place, text.data, text.size);
        memcpy(place + text.size, ENDING.data, ENDING.size);
        wml_end_string(shout, text.size + ENDING.size);
    }
}

static void add(const plugin *self, const wml_batch *batch, wml_out *out) {
    const wml_column *column = wml_input(batch, self->input);
    const double *x = wml_float64(column);
    wml_builder *builder = wml_output(out, self->first);
    double *y = wml_fill(builder, batch->rows);
    for (uint32_t row = 0; row < batch->rows; row++) y[row] = x[row] + 1;
    wml_copy_nulls(builder, column);
}

static void defaults(const plugin *self, const wml_batch *batch, wml_out *out) {
    const options *options = &self->config->options;
    wml_buffer json = wml_buffer_new();
    wml_buffer_printf(&json, "{\"text\":");
    wml_json_write_string(&json, wml_str_of(options->text));
    wml_buffer_printf(&json, ",\"number\":%lld,\"ratio\":", (long long)options->number);
    wml_json_write_double(&json, options->ratio);
    wml_buffer_printf(&json, ",\"flag\":%s,\"list\":[", options->flag ? "true" : "false");
    const int64_t *items = options->list.items;
    for (size_t at = 0; at < options->list.count; at++) wml_buffer_printf(&json, "%s%lld", at ? "," : "", (long long)items[at]);
    wml_buffer_printf(&json, "],\"nested\":{\"depth\":%lld}}", (long long)options->nested.depth);
    wml_builder *builder = wml_output(out, self->first);
    for (uint32_t row = 0; row < batch->rows; row++) wml_append_string(builder, wml_buffer_str(&json));
}

static void say(void) {
    wml_debug("said at debug");
    wml_info("said at info");
    wml_warn("said at warn");
    wml_error("said at error");
    printf("printed\n");
}

static wml_status tell_time(const plugin *self, const wml_batch *batch, wml_out *out) {
    struct timespec now;
    uint32_t random;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return wml_fatal("there is no clock");
    if (getentropy(&random, sizeof random) != 0) return wml_fatal("there is no randomness");
    wml_builder *first = wml_output(out, self->first), *second = wml_output(out, self->second);
    for (uint32_t row = 0; row < batch->rows; row++) {
        wml_append_int(first, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
        wml_append_int(second, random & 0x7fffffff);
    }
    return WML_OK;
}

static wml_status ask(const plugin *self, const wml_batch *batch, wml_out *out) {
    wml_pair headers[] = {{WML_LITERAL("x-asked"), WML_LITERAL("yes")}};
    wml_request request = {.path = "/conformance?q=1", .headers = headers, .header_count = 1};
    wml_response response;
    WML_TRY(wml_send(self->config->connection, &request, &response));
    wml_builder *status = wml_output(out, self->first), *body = wml_output(out, self->second);
    for (uint32_t row = 0; row < batch->rows; row++) {
        wml_append_int(status, response.status);
        wml_append_string(body, response.body);
    }
    return WML_OK;
}

static int dig(volatile int *above) {
    volatile int here[64] = {*above};
    return *above == INT_MAX ? 0 : dig(here) + here[0];
}

static void exhaust(const plugin *self) {
    volatile uint64_t turns = 0;
    switch (self->config->what) {
    case WHAT_FUEL:
        for (;;) turns++;
    case WHAT_MEMORY:
        for (;;) memset(wml_alloc(1 << 20), (int)turns++, 1 << 20);
    default: {
        volatile int start = 0;
        printf("%d\n", dig(&start));
    }
    }
}

/* ---- cases by rows ---- */

static wml_status id_of(const wml_row *row, int64_t *id) {
    if (wml_row_get_int64(row, "id", id) != WML_FOUND) return wml_fatal("a row has no id");
    return WML_OK;
}

static wml_status process_rows(plugin *self, const wml_batch *batch, wml_out *out) {
    for (uint32_t at = 0; at < batch->rows; at++) {
        /* In reverse, the first row comes once more, below. */
        wml_row *row = wml_batch_row(batch, self->config->which == CASE_reverse ? batch->rows - 1 - at : at);
        int64_t id;
        double x;
        wml_str text;
        switch (self->config->which) {
        case CASE_even:
            WML_TRY(id_of(row, &id));
            if (id % 2 == 0) wml_emit(out, row);
            break;
        case CASE_reverse:
            wml_row_set_int64(row, "position", at);
            wml_emit(out, row);
            break;
        case CASE_explode:
            WML_TRY(id_of(row, &id));
            for (int64_t part = 0; part < id % 4; part++) {
                wml_row_set_int64(row, "part", part);
                wml_emit(out, row);
            }
            break;
        case CASE_hold:
            WML_TRY(id_of(row, &id));
            hold(self, id);
            break;
        case CASE_reject:
            WML_TRY(id_of(row, &id));
            if (id % 3 == 0) {
                wml_reject(out, at, "third", "id", "%lld is divisible by 3", (long long)id);
            } else {
                wml_emit(out, row);
            }
            break;
        case CASE_words:
            if (wml_row_get_string(row, "text", &text) == WML_FOUND) {
                wml_row_set_int64(row, "length", code_points(text));
                wml_buffer shout = wml_buffer_new();
                wml_buffer_add_str(&shout, text);
                wml_buffer_add_str(&shout, ENDING);
                wml_row_set_string(row, "shout", wml_buffer_str(&shout));
            }
            wml_emit(out, row);
            break;
        case CASE_add:
            if (wml_row_get_double(row, "x", &x) == WML_FOUND) wml_row_set_double(row, "y", x + 1);
            wml_emit(out, row);
            break;
        default: wml_emit(out, row);
        }
    }
    if (self->config->which == CASE_reverse && batch->rows != 0) {
        wml_row *first = wml_batch_row(batch, 0);
        wml_row_set_int64(first, "position", batch->rows);
        wml_emit(out, first);
    }
    return WML_OK;
}

/* ---- process, finish ---- */

static wml_status process(void *self_, const wml_batch *batch, wml_out *out) {
    plugin *self = self_;
    WML_TRY(fail(self, AT_PROCESS));
    if (by_rows(self)) return process_rows(self, batch, out);
    switch (self->config->which) {
    case CASE_copy: return copy(self, batch, out);
    case CASE_even: even(self, batch, out); break;
    case CASE_reverse: reverse(self, batch, out); break;
    case CASE_explode: explode(self, batch, out); break;
    case CASE_running: running(self, batch, out); break;
    case CASE_count:
        self->rows += batch->rows;
        wml_take(out, NULL, 0);
        break;
    case CASE_hold:
        for (uint32_t row = 0; row < batch->rows; row++) hold(self, wml_int64(wml_input(batch, self->input))[row]);
        wml_take(out, NULL, 0);
        break;
    case CASE_reject: reject(self, batch, out); break;
    case CASE_unchanged: wml_set_unchanged(out, self->first, self->input); break;
    case CASE_words: words(self, batch, out); break;
    case CASE_add: add(self, batch, out); break;
    case CASE_defaults: defaults(self, batch, out); break;
    case CASE_log: say(); break;
    case CASE_time: return tell_time(self, batch, out);
    case CASE_http: return ask(self, batch, out);
    case CASE_exhaust: exhaust(self); break;
    }
    return WML_OK;
}

static int descending(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? 1 : left > right ? -1 : 0;
}

static wml_status finish(void *self_, wml_out *out) {
    plugin *self = self_;
    WML_TRY(fail(self, AT_FINISH));
    if (self->config->which == CASE_count) wml_append_int(wml_output(out, self->first), self->rows);
    if (self->config->which != CASE_hold) return WML_OK;
    qsort(self->ids, self->id_count, sizeof *self->ids, descending);
    for (size_t at = 0; at < self->id_count; at++) {
        if (by_rows(self)) {
            wml_row *row = wml_row_new();
            wml_row_set_int64(row, "id", self->ids[at]);
            wml_emit(out, row);
        } else {
            wml_append_int(wml_output(out, self->first), self->ids[at]);
        }
    }
    return WML_OK;
}

WML_TRANSFORMER(.settings = SETTINGS, .config_size = sizeof(config), .self_size = sizeof(plugin), .bind = bind, .open = open_,
                .process = process, .finish = finish);
